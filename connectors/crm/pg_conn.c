/* See pg_conn.h. A job's statements go one after the other, a transaction between BEGIN and COMMIT.
 *
 * Surprising: a connection is watched while it is idle too, so that one the server has closed is noticed
 * before it is used; and what a lost connection means depends on how far the job was (on_lost). PQcancel()
 * blocks, so it runs on a helper; until its effect is seen the connection stays busy. */
#include "pg_conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "loop.h"
#include "mem.h"

#define GRACE_MS 5000 /* how long after the server should have given up we give up on the server */
#define MAX_PARAMS 256

typedef enum { PHASE_IDLE, PHASE_BEGIN, PHASE_STATEMENT, PHASE_COMMIT, PHASE_ROLLBACK } phase_t;

struct pg_conn {
    PGconn *pgconn;
    pool_t *pool;
    loop_t *loop;
    pg_owner_t owner;
    void *self;
    struct event *readable, *writable, *patience;
    db_job_t *job;
    phase_t phase;
    size_t step;     /* the statement that runs */
    bool hit;        /* it returned or changed a row */
    bool unreadable; /* SQLSTATE 22P02: an id that names nothing */
    bool going_down; /* the server said that it ends this connection */
    bool broken;     /* a statement could not even be sent */
};

static void on_readable(evutil_socket_t fd, short what, void *self);
static void on_writable(evutil_socket_t fd, short what, void *self);
static void on_patience(evutil_socket_t fd, short what, void *self);
static void on_lost(pg_conn_t *conn);

pg_conn_t *pg_conn_new(PGconn *pgconn, loop_t *loop, pool_t *pool, const pg_owner_t *owner, void *self)
{
    pg_conn_t *conn = NEW(pg_conn_t);
    struct event_base *base = loop_base(loop);

    conn->pgconn = pgconn;
    conn->loop = loop;
    conn->pool = pool;
    conn->owner = *owner;
    conn->self = self;
    PQsetnonblocking(pgconn, 1);
    conn->readable = event_new(base, PQsocket(pgconn), EV_READ | EV_PERSIST, on_readable, conn);
    conn->writable = event_new(base, PQsocket(pgconn), EV_WRITE, on_writable, conn);
    conn->patience = evtimer_new(base, on_patience, conn);
    event_add(conn->readable, NULL);
    return conn;
}

static void free_conn(pg_conn_t *conn)
{
    event_free(conn->readable);
    event_free(conn->writable);
    event_free(conn->patience);
    PQfinish(conn->pgconn);
    free(conn);
}

void pg_conn_free(pg_conn_t *conn)
{
    db_job_t *job = conn->job;

    free_conn(conn);
    if (job) {
        db_job_fail(job, ERR_UPSTREAM, "The connector is stopping.");
        db_job_end(job);
    }
}

bool pg_conn_is_idle(const pg_conn_t *conn)
{
    return conn->phase == PHASE_IDLE;
}

static void wait_for(pg_conn_t *conn, int64_t ms)
{
    loop_arm(conn->patience, ms);
}

static void flush(pg_conn_t *conn)
{
    int left = PQflush(conn->pgconn);

    if (left > 0) {
        event_add(conn->writable, NULL);
    }
    /* A failed flush shows as a lost connection at the next read. */
}

static int send_statement(PGconn *pgconn, const db_statement_t *statement)
{
    const char *texts[MAX_PARAMS];
    char scratch[MAX_PARAMS][DB_VALUE_SIZE];

    assert(statement->count <= MAX_PARAMS);
    for (size_t i = 0; i < statement->count; i++) {
        texts[i] = db_value_text(&statement->values[i], scratch[i]);
    }
    return PQsendQueryParams(pgconn, statement->sql, (int)statement->count, NULL, texts, NULL, NULL, 0);
}

static void send_next(pg_conn_t *conn, phase_t phase)
{
    static const char *const words[] = {
        [PHASE_BEGIN] = "BEGIN", [PHASE_COMMIT] = "COMMIT", [PHASE_ROLLBACK] = "ROLLBACK"
    };
    db_job_t *job = conn->job;

    conn->phase = phase;
    conn->hit = false;
    int sent;
    if (phase == PHASE_STATEMENT) {
        db_rows_free(TAKE(job->rows));
        sent = send_statement(conn->pgconn, &job->statements[conn->step]);
    } else {
        sent = PQsendQuery(conn->pgconn, words[phase]);
    }
    if (!sent) { /* not lost at once: the starter of the job has not returned yet */
        conn->broken = true;
        event_active(conn->readable, EV_READ, 0);
    }
    wait_for(conn, job->timeout_ms + GRACE_MS);
    flush(conn);
}

void pg_conn_run(pg_conn_t *conn, db_job_t *job)
{
    conn->job = job;
    job->place = conn;
    conn->step = 0;
    conn->unreadable = false;
    send_next(conn, job->transaction ? PHASE_BEGIN : PHASE_STATEMENT);
}

static db_rows_t *rows_of(const PGresult *result)
{
    int columns = PQnfields(result);
    db_rows_t *rows = db_rows_new(columns);

    for (int i = 0; i < PQntuples(result); i++) {
        for (int column = 0; column < columns; column++) {
            bool is_null = PQgetisnull(result, i, column);
            db_rows_add(rows, is_null ? NULL : PQgetvalue(result, i, column),
                        (size_t)PQgetlength(result, i, column));
        }
    }
    return rows;
}

static bool is_state(const PGresult *result, const char *sqlstate)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state && strncmp(state, sqlstate, strlen(sqlstate)) == 0;
}

static void take_result(pg_conn_t *conn, const PGresult *result)
{
    db_job_t *job = conn->job;

    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        db_rows_free(job->rows);
        job->rows = rows_of(result);
        conn->hit = PQntuples(result) > 0;
        return;
    case PGRES_COMMAND_OK:
        conn->hit = atoi(PQcmdTuples((PGresult *)result)) > 0;
        return;
    default:
        break;
    }
    if (is_state(result, "22P02") && conn->phase == PHASE_STATEMENT) {
        conn->unreadable = true;
    } else if (is_state(result, "57P")) {
        conn->going_down = true; /* the end of the connection follows: on_lost() decides */
    } else if (!job->failed) {
        job->failed = true;
        pg_error(result, &job->err);
    }
}

/* A connection on which something was cancelled is not used again: the cancel may come late and hit the next
 * job. */
static void end_job(pg_conn_t *conn)
{
    db_job_t *job = TAKE(conn->job);

    conn->phase = PHASE_IDLE;
    evtimer_del(conn->patience);
    job->place = NULL;
    if (atomic_load(&job->cancelled)) {
        conn->owner.on_dead(conn->self, conn, NULL);
        free_conn(conn);
    } else {
        conn->owner.on_idle(conn->self, conn);
    }
    db_job_end(job);
}

static void after_statement(pg_conn_t *conn)
{
    db_job_t *job = conn->job;
    const db_statement_t *statement = &job->statements[conn->step];

    if (!job->transaction) {
        end_job(conn);
        return;
    }
    if (!job->failed && (conn->unreadable || (statement->must_hit && !conn->hit))) {
        job->missed = (int)conn->step;
    }
    if (job->failed || job->missed >= 0 || atomic_load(&job->cancelled)) {
        send_next(conn, PHASE_ROLLBACK);
    } else if (++conn->step < job->count) {
        send_next(conn, PHASE_STATEMENT);
    } else {
        send_next(conn, PHASE_COMMIT);
    }
}

static void after_results(pg_conn_t *conn)
{
    switch (conn->phase) {
    case PHASE_BEGIN:
        if (conn->job->failed) {
            end_job(conn);
        } else {
            send_next(conn, PHASE_STATEMENT);
        }
        return;
    case PHASE_STATEMENT:
        after_statement(conn);
        return;
    case PHASE_COMMIT:
    case PHASE_ROLLBACK:
        end_job(conn);
        return;
    case PHASE_IDLE:
        return;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *self)
{
    pg_conn_t *conn = self;

    (void)fd;
    (void)what;
    if (conn->broken || !PQconsumeInput(conn->pgconn)) {
        on_lost(conn);
        return;
    }
    flush(conn);
    if (conn->phase == PHASE_IDLE) {
        if (PQstatus(conn->pgconn) == CONNECTION_BAD) {
            on_lost(conn);
        }
        return;
    }
    while (!PQisBusy(conn->pgconn)) {
        PGresult *result = PQgetResult(conn->pgconn);
        if (!result) {
            if (PQstatus(conn->pgconn) == CONNECTION_BAD) {
                on_lost(conn);
            } else if (!conn->going_down) { /* else wait for the end of the connection */
                after_results(conn);
            }
            return;
        }
        if (PQstatus(conn->pgconn) != CONNECTION_BAD || PQresultStatus(result) != PGRES_FATAL_ERROR) {
            take_result(conn, result);
        }
        PQclear(result);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    flush(self);
}

static void on_patience(evutil_socket_t fd, short what, void *self)
{
    pg_conn_t *conn = self;

    (void)fd;
    (void)what;
    db_log("PostgreSQL does not answer", "", "the connection is dropped");
    on_lost(conn);
}

/* May the job be tried again on another connection? Only when it cannot have changed anything, and once. */
static bool may_retry(const pg_conn_t *conn)
{
    const db_job_t *job = conn->job;

    if (job->retried || atomic_load(&job->cancelled)) {
        return false;
    }
    return conn->phase == PHASE_BEGIN || (!job->transaction && db_is_read(job->statements[0].sql));
}

static void fail_lost(const pg_conn_t *conn)
{
    db_job_t *job = conn->job;
    bool is_write = !job->transaction && !db_is_read(job->statements[0].sql);

    if (conn->phase == PHASE_ROLLBACK) {
        return; /* what it ended for stands already; nothing was written either way */
    }
    if (conn->phase == PHASE_COMMIT || is_write) {
        db_job_fail(job, ERR_UPSTREAM,
                    "The connection to the CRM database was lost while it wrote; the outcome is unknown. "
                    "Check whether the change is there before repeating it.");
    } else {
        db_job_fail(job, ERR_UPSTREAM,
                    "The connection to the CRM database was lost. Nothing was written; try again.");
    }
}

static void on_lost(pg_conn_t *conn)
{
    db_job_t *job = conn->job;
    db_job_t *retry = NULL;

    if (job) {
        job->place = NULL;
        if (may_retry(conn)) {
            job->retried = true;
            job->failed = false;
            db_rows_free(TAKE(job->rows));
            retry = TAKE(job);
        } else {
            fail_lost(conn);
        }
    }
    conn->job = NULL;
    conn->owner.on_dead(conn->self, conn, retry);
    free_conn(conn);
    if (job) {
        db_job_end(job);
    }
}

static void run_cancel(void *cancel)
{
    char text[256];

    PQcancel(cancel, text, sizeof(text));
}

static void free_cancel(void *cancel)
{
    PQfreeCancel(cancel);
}

void pg_conn_cancel(pg_conn_t *conn)
{
    PGcancel *cancel = PQgetCancel(conn->pgconn);

    wait_for(conn, GRACE_MS);
    if (cancel && !pool_run(conn->pool, conn->loop, loop_post, run_cancel, free_cancel, cancel)) {
        PQfreeCancel(cancel); /* statement_timeout ends it then */
    }
}

int pg_run_blocking(PGconn *pgconn, const db_statement_t *statement, db_rows_t **ret, err_t *err)
{
    int failed = 0;
    PGresult *result;

    if (!send_statement(pgconn, statement)) {
        return err_set(err, ERR_UPSTREAM, "The connection to the CRM database was lost.");
    }
    while ((result = PQgetResult(pgconn))) {
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && !failed) {
            failed = pg_error(result, err);
        } else if (!failed) {
            db_rows_free(*ret);
            *ret = rows_of(result);
        }
        PQclear(result);
    }
    return failed;
}
