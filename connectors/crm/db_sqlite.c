/* SQLite behind db.h. Every job runs whole on one helper thread, on a connection of its own that is kept for
 * the next job.
 *
 * Surprising: there is no sqlite3_interrupt(). A cancelled call and a deadline are both seen by the progress
 * handler (every 1000 steps of a statement) and by the busy handler (while another writer has the file), so
 * no thread touches another one's connection. Transactions are BEGIN IMMEDIATE: a read that turns into a
 * write could not wait for its turn. */
#include "db_driver.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "clock.h"
#include "mem.h"

#define MAX_IDLE 16
#define BUSY_STEP_US 5000
#define STEPS_BETWEEN_CHECKS 1000

typedef struct {
    char *path;
    loop_t *loop;
    pool_t *pool;
    pthread_mutex_t lock;
    pthread_cond_t idle_again;
    sqlite3 *idle[MAX_IDLE];
    size_t idle_count, working; /* both under the lock */
} sqlite_t;

/* What the handlers of a connection look at while a statement runs. */
typedef struct {
    int64_t deadline_ms;
    const atomic_bool *cancelled;
} watch_t;

static bool must_stop(const watch_t *watch)
{
    return clock_ms() >= watch->deadline_ms || (watch->cancelled && atomic_load(watch->cancelled));
}

static int on_progress(void *watch)
{
    return must_stop(watch);
}

static int on_busy(void *watch, int times)
{
    (void)times;
    if (must_stop(watch)) {
        return 0;
    }
    usleep(BUSY_STEP_US);
    return 1;
}

static int fail(sqlite3 *connection, int code, err_t *err)
{
    char number[16];

    if ((code & 0xff) != SQLITE_INTERRUPT) { /* we did that ourselves */
        snprintf(number, sizeof(number), "%d", connection ? sqlite3_extended_errcode(connection) : code);
        db_log("SQLite refused a statement", number,
               connection ? sqlite3_errmsg(connection) : sqlite3_errstr(code));
    }
    switch (code & 0xff) {
    case SQLITE_FULL:
        return err_set(err, ERR_UPSTREAM,
                       "The disk of the CRM database is full. Nothing was written; somebody must make room "
                       "before this can work.");
    case SQLITE_IOERR:
        return err_set(err, ERR_UPSTREAM,
                       "The disk of the CRM database fails or is full. Nothing was written.");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_UPSTREAM,
                       "The CRM database is busy with another writer. Nothing was written; try again in a "
                       "moment.");
    case SQLITE_INTERRUPT:
        return err_set(err, ERR_TIMEOUT,
                       "The CRM database took too long and was stopped; nothing was written. Try again, or "
                       "ask for less, for example a shorter period.");
    case SQLITE_READONLY:
        return err_set(err, ERR_UPSTREAM, "The CRM database may only be read here. Nothing was written.");
    case SQLITE_CANTOPEN:
        return err_set(err, ERR_UPSTREAM, "The CRM database file cannot be opened.");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return err_set(err, ERR_UPSTREAM, "The CRM database file is damaged or is no SQLite database.");
    case SQLITE_ERROR:
        return err_set(err, ERR_UPSTREAM,
                       "The CRM database lacks a table or a column this needs: its operator should run "
                       "mcp-crm --migrate.");
    default:
        return err_set(err, ERR_UPSTREAM, "The CRM database refused this. Nothing was written.");
    }
}

static locale_t utf8_locale;

static void load_locale(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* SQLite's own lower() knows ASCII only; PostgreSQL's finds João for JOÃO. */
static void lower_text(sqlite3_context *context, int count, sqlite3_value **values)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *text = (const char *)sqlite3_value_text(values[0]);
    wchar_t wide[512];
    char narrow[sizeof(wide)];

    (void)count;
    if (!text) {
        return;
    }
    pthread_once(&once, load_locale);
    locale_t before = uselocale(utf8_locale ? utf8_locale : LC_GLOBAL_LOCALE);
    size_t length = mbstowcs(wide, text, COUNT_OF(wide) - 1);
    for (size_t i = 0; length != (size_t)-1 && i < length; i++) {
        wide[i] = (wchar_t)towlower((wint_t)wide[i]);
    }
    if (length != (size_t)-1 && length < COUNT_OF(wide) - 1) {
        wide[length] = L'\0';
        length = wcstombs(narrow, wide, sizeof(narrow));
    }
    uselocale(before);
    if (length == (size_t)-1 || length >= COUNT_OF(wide) - 1) {
        sqlite3_result_value(context, values[0]);
        return;
    }
    sqlite3_result_text(context, narrow, (int)length, SQLITE_TRANSIENT);
}

/* The collation PostgreSQL calls "C": by bytes. */
static int compare_bytes(void *unused, int a_length, const void *a, int b_length, const void *b)
{
    (void)unused;
    int order = memcmp(a, b, (size_t)(a_length < b_length ? a_length : b_length));
    return order != 0 ? order : a_length - b_length;
}

static sqlite3 *connect_file(const char *path, int flags, err_t *err)
{
    sqlite3 *connection = NULL;
    int code = sqlite3_open_v2(path, &connection, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

    if (code != SQLITE_OK) {
        fail(connection, code, err);
        sqlite3_close_v2(connection);
        return NULL;
    }
    sqlite3_create_function_v2(connection, "lower", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, lower_text,
                               NULL, NULL, NULL);
    sqlite3_create_collation_v2(connection, "C", SQLITE_UTF8, NULL, compare_bytes, NULL);
    return connection;
}

static void bind_value(sqlite3_stmt *statement, int at, const db_value_t *value)
{
    char scratch[DB_VALUE_SIZE];
    const char *text;

    switch (value->type) {
    case DB_INT:
    case DB_BOOL:
        sqlite3_bind_int64(statement, at, value->type == DB_BOOL ? value->integer != 0 : value->integer);
        return;
    case DB_REAL:
        if (!isnan(value->real)) {
            sqlite3_bind_double(statement, at, value->real);
        }
        return;
    default:
        text = db_value_text(value, scratch);
        if (text) {
            sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
        }
        return;
    }
}

/* SQLite numbers $2 by where it first occurs, not by its name. */
static void bind_values(sqlite3_stmt *statement, const db_statement_t *source)
{
    for (size_t i = 0; i < source->count; i++) {
        char name[24];

        snprintf(name, sizeof(name), "$%zu", i + 1);
        int at = sqlite3_bind_parameter_index(statement, name);
        if (at > 0) {
            bind_value(statement, at, &source->values[i]);
        }
    }
}

static void add_row(db_rows_t *rows, sqlite3_stmt *statement, int columns)
{
    for (int i = 0; i < columns; i++) {
        const char *text = (const char *)sqlite3_column_text(statement, i);
        db_rows_add(rows, text, text ? (size_t)sqlite3_column_bytes(statement, i) : 0);
    }
}

/* Runs one statement; *ret_hit: it returned or changed a row. */
static int run_statement(sqlite3 *connection, const db_statement_t *source, db_rows_t **ret, bool *ret_hit,
                         err_t *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(connection, source->sql, -1, &statement, NULL);

    if (code != SQLITE_OK) {
        return fail(connection, code, err);
    }
    bind_values(statement, source);
    int columns = sqlite3_column_count(statement);
    db_rows_t *rows = db_rows_new(columns);
    bool too_large = false;
    while (!too_large && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        add_row(rows, statement, columns);
        too_large = db_rows_bytes(rows) > DB_MAX_RESULT_BYTES;
    }
    *ret_hit = columns > 0 ? db_count(rows) > 0 : sqlite3_changes(connection) > 0;
    *ret = rows;
    int failed = 0;
    if (too_large) {
        failed = err_set(err, ERR_UPSTREAM, "The CRM database holds too much for one answer; ask for less.");
    } else if (code != SQLITE_DONE) {
        failed = fail(connection, code, err);
    }
    sqlite3_finalize(statement);
    return failed;
}

static int run_plain(sqlite3 *connection, const char *sql, err_t *err)
{
    int code = sqlite3_exec(connection, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : fail(connection, code, err);
}

static int run_statements(sqlite3 *connection, db_job_t *job)
{
    for (size_t i = 0; i < job->count; i++) {
        bool hit = false;

        db_rows_free(job->rows);
        job->rows = NULL;
        if (run_statement(connection, &job->statements[i], &job->rows, &hit, &job->err)) {
            return -1;
        }
        if (job->statements[i].must_hit && !hit) {
            job->missed = (int)i;
            return 0;
        }
    }
    return 0;
}

/* Once all statements ran, the COMMIT is not interrupted: what is half done is better done. */
static int run_transaction(sqlite3 *connection, db_job_t *job)
{
    if (run_plain(connection, "BEGIN IMMEDIATE", &job->err)) {
        return -1;
    }
    int failed = run_statements(connection, job);
    sqlite3_progress_handler(connection, 0, NULL, NULL);
    if (!failed && job->missed < 0 && !atomic_load(&job->cancelled)) {
        failed = run_plain(connection, "COMMIT", &job->err);
    }
    if (!sqlite3_get_autocommit(connection)) {
        sqlite3_exec(connection, "ROLLBACK", NULL, NULL, NULL);
    }
    return failed;
}

static sqlite3 *take_connection(sqlite_t *sqlite, err_t *err)
{
    sqlite3 *connection = NULL;

    pthread_mutex_lock(&sqlite->lock);
    if (sqlite->idle_count > 0) {
        connection = sqlite->idle[--sqlite->idle_count];
    }
    pthread_mutex_unlock(&sqlite->lock);
    return connection ? connection : connect_file(sqlite->path, SQLITE_OPEN_READWRITE, err);
}

/* A connection that failed is not used again: the next one finds out by itself whether the file is well. */
static void give_back(sqlite_t *sqlite, sqlite3 *connection, bool failed)
{
    sqlite3_progress_handler(connection, 0, NULL, NULL);
    sqlite3_busy_handler(connection, NULL, NULL);
    pthread_mutex_lock(&sqlite->lock);
    if (!failed && sqlite->idle_count < MAX_IDLE) {
        sqlite->idle[sqlite->idle_count++] = TAKE(connection);
    }
    pthread_mutex_unlock(&sqlite->lock);
    sqlite3_close_v2(connection);
}

static void work(void *self)
{
    db_job_t *job = self;
    sqlite_t *sqlite = job->owner;
    watch_t watch = { clock_ms() + job->timeout_ms, &job->cancelled };
    sqlite3 *connection = take_connection(sqlite, &job->err);

    job->failed = !connection;
    if (connection) {
        sqlite3_progress_handler(connection, STEPS_BETWEEN_CHECKS, on_progress, &watch);
        sqlite3_busy_handler(connection, on_busy, &watch);
        job->failed = (job->transaction ? run_transaction : run_statements)(connection, job) != 0;
        give_back(sqlite, connection, job->failed);
    }
    pthread_mutex_lock(&sqlite->lock);
    sqlite->working--;
    pthread_cond_signal(&sqlite->idle_again);
    pthread_mutex_unlock(&sqlite->lock);
}

static void done(void *job)
{
    db_job_end(job);
}

static void cancel(void *self)
{
    db_job_t *job = self;

    atomic_store(&job->cancelled, true);
}

static void sqlite_start(void *driver, db_job_t *job)
{
    sqlite_t *sqlite = driver;

    job->owner = sqlite;
    pthread_mutex_lock(&sqlite->lock);
    sqlite->working++;
    pthread_mutex_unlock(&sqlite->lock);
    if (job->call) {
        call_on_cancel(job->call, cancel, job);
    }
    if (!pool_run(sqlite->pool, sqlite->loop, loop_post, work, done, job)) {
        pthread_mutex_lock(&sqlite->lock);
        sqlite->working--;
        pthread_mutex_unlock(&sqlite->lock);
        db_job_fail(job, ERR_UPSTREAM, "Too many calls wait for the CRM database; try again in a moment.");
        db_job_end_later(job);
    }
}

static const char *path_of(const db_options_t *options, err_t *err)
{
    const char *path = options->url + strlen("sqlite:");

    if (strncmp(path, "//", 2) == 0) {
        path += 2; /* sqlite:///var/lib/crm.db, as other programs write it */
    }
    if (*path == '\0' || strcmp(path, ":memory:") == 0 || strncmp(path, "file:", 5) == 0) {
        err_set(err, ERR_CALLER, "DATABASE_URL=sqlite:PATH needs the path of a file.");
        return NULL;
    }
    return path;
}

static void *sqlite_open(const db_options_t *options, loop_t *loop, pool_t *pool, err_t *err)
{
    const char *path = path_of(options, err);

    if (!path) {
        return NULL;
    }
    if (access(path, R_OK) != 0) {
        err_set(err, ERR_CALLER,
                "There is no SQLite database %s: mcp-crm --migrate creates it, mcp-crm --demo-data fills it "
                "with demo data.",
                path);
        return NULL;
    }
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is then a full disk, and not our end */
    sqlite_t *sqlite = NEW(sqlite_t);
    sqlite->path = mem_strdup(path);
    sqlite->loop = loop;
    sqlite->pool = pool;
    pthread_mutex_init(&sqlite->lock, NULL);
    pthread_cond_init(&sqlite->idle_again, NULL);
    return sqlite;
}

/* Calls are over by now; a statement of a call that was given up may still be stopping. */
static void sqlite_close(void *driver)
{
    sqlite_t *sqlite = driver;

    pthread_mutex_lock(&sqlite->lock);
    while (sqlite->working > 0) {
        pthread_cond_wait(&sqlite->idle_again, &sqlite->lock);
    }
    pthread_mutex_unlock(&sqlite->lock);
    for (size_t i = 0; i < sqlite->idle_count; i++) {
        sqlite3_close_v2(sqlite->idle[i]);
    }
    pthread_cond_destroy(&sqlite->idle_again);
    pthread_mutex_destroy(&sqlite->lock);
    free(sqlite->path);
    free(sqlite);
}

/* The switch takes the file for itself, and for that SQLite does not wait on its own: two --migrate of a new
 * file may meet here. */
static int use_wal(sqlite3 *connection, int64_t timeout_ms, err_t *err)
{
    int64_t deadline_ms = clock_ms() + timeout_ms;
    int code = sqlite3_exec(connection, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);

    while ((code & 0xff) == SQLITE_BUSY && clock_ms() < deadline_ms) {
        usleep(BUSY_STEP_US);
        code = sqlite3_exec(connection, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? 0 : fail(connection, code, err);
}

/* A file of our own gets WAL, which stays with it: readers then never wait for a writer. Anybody else's file
 * keeps its mode. */
static void *admin_open(const db_options_t *options, err_t *err)
{
    const char *path = path_of(options, err);
    bool is_new = path && access(path, F_OK) != 0;
    sqlite3 *connection = path ? connect_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err) : NULL;

    if (!connection) {
        return NULL;
    }
    sqlite3_busy_timeout(connection, (int)options->statement_timeout_ms);
    if (is_new && use_wal(connection, options->statement_timeout_ms, err)) {
        sqlite3_close_v2(connection);
        return NULL;
    }
    return connection;
}

static int admin_run(void *admin, const db_statement_t *statement, db_rows_t **ret, err_t *err)
{
    bool hit;

    return run_statement(admin, statement, ret, &hit, err);
}

static void admin_close(void *admin)
{
    sqlite3_close_v2(admin);
}

const db_driver_t db_sqlite = {
    .about = "SQLite",
    .column_type_sql = "SELECT type FROM pragma_table_info($1) WHERE name = $2",
    .open = sqlite_open,
    .close = sqlite_close,
    .start = sqlite_start,
    .admin_open = admin_open,
    .admin_run = admin_run,
    .admin_close = admin_close,
};
