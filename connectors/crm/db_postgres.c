/* PostgreSQL behind db.h: a pool of connections on the loop, and the jobs that wait for one.
 *
 * Connecting is done whole on a helper thread (PQconnectdbParams blocks: name resolution, TLS, and the
 * password hashing of SCRAM would all hold up the loop); queries then run on the loop. Connections are opened
 * when jobs wait, one after the other, at most DB_CONNECTIONS. After a failure the next attempt waits, twice
 * as long each time; jobs that come meanwhile, and find no connection at all, are told at once. */
#include "db_driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "pg_conn.h"

#define MAX_WAITING 256
#define FIRST_BACKOFF_MS 250
#define MAX_BACKOFF_MS 10000
#define CONNECT_TIMEOUT_S "5"
/* Bytes that nobody confirms for so long end a connection; PQcancel() knows no other limit, and a helper
 * thread waits in it. */
#define TCP_TIMEOUT_MS "10000"

typedef struct pg pg_t;

/* One connection being made. It outlives the pool when that is closed meanwhile. */
typedef struct {
    pg_t *pg; /* NULL: closed */
    char *url;
    int64_t statement_timeout_ms;
    PGconn *pgconn; /* NULL: failed */
    err_t err;
} attempt_t;

struct pg {
    loop_t *loop;
    pool_t *pool;
    char *url;
    int64_t statement_timeout_ms;
    pg_conn_t **conns;
    size_t conn_count, max_conns;
    db_job_t *waiting, **last_waiting;
    size_t waiting_count;
    attempt_t *attempt; /* one at a time */
    int64_t backoff_ms, retry_at_ms;
    err_t last_error;
    bool closing;
};

static void pump(pg_t *pg);
static void on_idle(void *self, pg_conn_t *conn);
static void on_dead(void *self, pg_conn_t *conn, db_job_t *retry);

static const pg_owner_t owner = { on_idle, on_dead };

static int check_url(const char *url, err_t *err)
{
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &text);

    PQfreemem(text); /* may repeat the password */
    if (!options) {
        return err_set(err, ERR_CALLER,
                       "DATABASE_URL is no PostgreSQL URL: postgresql://USER:PASSWORD@HOST:PORT/NAME, with "
                       "special characters as %%XX.");
    }
    PQconninfoFree(options);
    return 0;
}

static void ignore_notice(void *self, const char *message)
{
    (void)self;
    (void)message; /* libpq would write it to stderr, between our log lines */
}

/* The same for every session, whatever the server's defaults: times in UTC and ISO, statements that end. */
static int set_up(PGconn *pgconn, int64_t statement_timeout_ms, err_t *err)
{
    char sql[256];

    PQsetNoticeProcessor(pgconn, ignore_notice, NULL);
    snprintf(sql, sizeof(sql),
             "SET statement_timeout = %" PRId64 "; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET "
             "client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET "
             "idle_in_transaction_session_timeout = '60s'",
             statement_timeout_ms);
    PGresult *result = PQexec(pgconn, sql);
    int failed = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : pg_error(result, err);
    PQclear(result);
    return failed;
}

static PGconn *connect_blocking(const char *url, int64_t statement_timeout_ms, err_t *err)
{
    /* What stands before dbname are defaults that the URL may override. */
    const char *const keys[] = { "connect_timeout", "tcp_user_timeout", "fallback_application_name", "dbname",
                                 NULL };
    const char *const values[] = { CONNECT_TIMEOUT_S, TCP_TIMEOUT_MS, "mcp-crm", url, NULL };
    PGconn *pgconn = PQconnectdbParams(keys, values, 1);

    if (PQstatus(pgconn) != CONNECTION_OK) {
        db_log("PostgreSQL cannot be reached or refuses us", "", PQerrorMessage(pgconn));
        err_set(err, ERR_UPSTREAM,
                PQconnectionNeedsPassword(pgconn) || PQconnectionUsedPassword(pgconn)
                    ? "The CRM database refuses the connector's login or cannot be reached. Its operator "
                      "should look at the connector's log."
                    : "The CRM database cannot be reached. Nothing was written; try again in a moment.");
        PQfinish(pgconn);
        return NULL;
    }
    if (set_up(pgconn, statement_timeout_ms, err)) {
        PQfinish(pgconn);
        return NULL;
    }
    return pgconn;
}

static void add_waiting(pg_t *pg, db_job_t *job, bool first)
{
    job->next = first ? pg->waiting : NULL;
    if (first) {
        pg->waiting = job;
        pg->last_waiting = job->next ? pg->last_waiting : &job->next;
    } else {
        *pg->last_waiting = job;
        pg->last_waiting = &job->next;
    }
    pg->waiting_count++;
}

static db_job_t *take_waiting(pg_t *pg)
{
    db_job_t *job = pg->waiting;

    if (job) {
        pg->waiting = job->next;
        pg->last_waiting = pg->waiting ? pg->last_waiting : &pg->waiting;
        pg->waiting_count--;
    }
    return job;
}

static void remove_waiting(pg_t *pg, db_job_t *job)
{
    db_job_t **at = &pg->waiting;

    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    pg->last_waiting = job->next ? pg->last_waiting : at;
    pg->waiting_count--;
}

static void fail_waiting(pg_t *pg, const err_t *err)
{
    db_job_t *job;

    while ((job = take_waiting(pg))) {
        job->failed = true;
        job->err = *err;
        db_job_end_later(job);
    }
}

static void work_connect(void *self)
{
    attempt_t *attempt = self;

    attempt->pgconn = connect_blocking(attempt->url, attempt->statement_timeout_ms, &attempt->err);
}

static void on_connected(pg_t *pg, PGconn *pgconn)
{
    pg->backoff_ms = 0;
    pg->conns[pg->conn_count++] = pg_conn_new(pgconn, pg->loop, pg->pool, &owner, pg);
}

static void on_refused(pg_t *pg, const err_t *err)
{
    pg->backoff_ms = pg->backoff_ms > 0 ? pg->backoff_ms * 2 : FIRST_BACKOFF_MS;
    pg->backoff_ms = pg->backoff_ms < MAX_BACKOFF_MS ? pg->backoff_ms : MAX_BACKOFF_MS;
    pg->retry_at_ms = clock_ms() + pg->backoff_ms;
    pg->last_error = *err;
    if (pg->conn_count == 0) {
        fail_waiting(pg, err);
    }
}

static void done_connect(void *self)
{
    attempt_t *attempt = self;
    pg_t *pg = attempt->pg;

    if (!pg) {
        PQfinish(attempt->pgconn);
    } else {
        pg->attempt = NULL;
        if (attempt->pgconn) {
            on_connected(pg, attempt->pgconn);
        } else {
            on_refused(pg, &attempt->err);
        }
    }
    free(attempt->url);
    free(attempt);
    if (pg) {
        pump(pg);
    }
}

static void start_attempt(pg_t *pg)
{
    attempt_t *attempt = NEW(attempt_t);

    attempt->pg = pg;
    attempt->url = mem_strdup(pg->url);
    attempt->statement_timeout_ms = pg->statement_timeout_ms;
    pg->attempt = attempt;
    if (!pool_run(pg->pool, pg->loop, loop_post, work_connect, done_connect, attempt)) {
        pg->attempt = NULL;
        free(attempt->url);
        free(attempt);
        if (pg->conn_count == 0) {
            err_t err;
            err_set(&err, ERR_UPSTREAM, "Too many calls wait for the CRM database; try again in a moment.");
            fail_waiting(pg, &err);
        }
    }
}

/* Gives waiting jobs to idle connections, and has another made when that was not enough. */
static void pump(pg_t *pg)
{
    for (size_t i = 0; i < pg->conn_count && pg->waiting; i++) {
        if (pg_conn_is_idle(pg->conns[i])) {
            pg_conn_run(pg->conns[i], take_waiting(pg));
        }
    }
    if (!pg->waiting || pg->attempt || pg->conn_count == pg->max_conns || pg->closing) {
        return;
    }
    if (clock_ms() >= pg->retry_at_ms) {
        start_attempt(pg);
    } else if (pg->conn_count == 0) {
        fail_waiting(pg, &pg->last_error);
    }
}

static void on_idle(void *self, pg_conn_t *conn)
{
    (void)conn;
    pump(self);
}

static void on_dead(void *self, pg_conn_t *conn, db_job_t *retry)
{
    pg_t *pg = self;
    size_t i = 0;

    while (pg->conns[i] != conn) {
        i++;
    }
    pg->conns[i] = pg->conns[--pg->conn_count];
    if (retry) {
        add_waiting(pg, retry, true);
    }
    pump(pg);
}

static void on_cancel(void *self)
{
    db_job_t *job = self;
    pg_t *pg = job->owner;

    atomic_store(&job->cancelled, true);
    if (job->place) {
        pg_conn_cancel(job->place);
    } else {
        remove_waiting(pg, job);
        db_job_end_later(job);
    }
}

static void pg_start(void *driver, db_job_t *job)
{
    pg_t *pg = driver;

    job->owner = pg;
    if (pg->waiting_count >= MAX_WAITING) {
        db_job_fail(job, ERR_UPSTREAM, "Too many calls wait for the CRM database; try again in a moment.");
        db_job_end_later(job);
        return;
    }
    if (job->call) {
        call_on_cancel(job->call, on_cancel, job);
    }
    add_waiting(pg, job, false);
    pump(pg);
}

static void *pg_open(const db_options_t *options, loop_t *loop, pool_t *pool, err_t *err)
{
    if (check_url(options->url, err)) {
        return NULL;
    }
    pg_t *pg = NEW(pg_t);
    pg->loop = loop;
    pg->pool = pool;
    pg->url = mem_strdup(options->url);
    pg->statement_timeout_ms = options->statement_timeout_ms;
    pg->max_conns = (size_t)options->connections;
    pg->conns = NEW_ARRAY(pg_conn_t *, pg->max_conns);
    pg->last_waiting = &pg->waiting;
    return pg;
}

static void pg_close(void *driver)
{
    pg_t *pg = driver;
    err_t err;

    pg->closing = true;
    if (pg->attempt) {
        pg->attempt->pg = NULL;
    }
    err_set(&err, ERR_UPSTREAM, "The connector is stopping.");
    fail_waiting(pg, &err);
    for (size_t i = 0; i < pg->conn_count; i++) {
        pg_conn_free(pg->conns[i]);
    }
    mem_wipe(pg->url, strlen(pg->url));
    free(pg->url);
    free(pg->conns);
    free(pg);
}

static void *admin_open(const db_options_t *options, err_t *err)
{
    return check_url(options->url, err) ? NULL
                                        : connect_blocking(options->url, options->statement_timeout_ms, err);
}

static int admin_run(void *admin, const db_statement_t *statement, db_rows_t **ret, err_t *err)
{
    return pg_run_blocking(admin, statement, ret, err);
}

static void admin_close(void *admin)
{
    PQfinish(admin);
}

const db_driver_t db_postgres = {
    .about = "PostgreSQL",
    .column_type_sql =
        "SELECT data_type FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false)) "
        "AND table_name = $1 AND column_name = $2",
    .open = pg_open,
    .close = pg_close,
    .start = pg_start,
    .admin_open = admin_open,
    .admin_run = admin_run,
    .admin_close = admin_close,
};
