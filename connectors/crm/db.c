/* The common half of db.h: which driver a URL means, the life of a job, rows and values as text.
 *
 * A job holds its call until the driver is done with it, because a cancelled statement still reads the call's
 * memory until it has really stopped. Results are kept as text in one block: both databases hand out text,
 * and few cells are read twice. */
#include "db.h"
#include "db_driver.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "buf.h"
#include "log.h"
#include "mem.h"

struct db {
    const db_driver_t *driver;
    void *state;
    loop_t *loop;
    int64_t statement_timeout_ms;
    bool closed;
    size_t references; /* the owner's and one per job: a probe may outlive db_close() */
};

struct db_admin {
    const db_driver_t *driver;
    void *state;
};

struct db_rows {
    int columns;
    size_t cells, size;
    size_t *offsets; /* of each cell in text; SIZE_MAX: null */
    buf_t text;
};

static const db_driver_t *driver_of(const char *url, err_t *err)
{
    if (strncmp(url, "sqlite:", 7) == 0) {
        return &db_sqlite;
    }
    if (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0) {
        return &db_postgres;
    }
    err_set(err, ERR_CALLER, "DATABASE_URL must be postgresql://USER:PASSWORD@HOST/NAME or sqlite:PATH.");
    return NULL;
}

db_t *db_open(const db_options_t *options, loop_t *loop, pool_t *pool, err_t *err)
{
    const db_driver_t *driver = driver_of(options->url, err);
    void *state = driver ? driver->open(options, loop, pool, err) : NULL;

    if (!state) {
        return NULL;
    }
    db_t *db = NEW(db_t);
    db->driver = driver;
    db->state = state;
    db->loop = loop;
    db->statement_timeout_ms = options->statement_timeout_ms;
    db->references = 1;
    return db;
}

static void unref(db_t *db)
{
    if (--db->references == 0) {
        free(db);
    }
}

void db_close(db_t *db)
{
    if (db) {
        db->closed = true;
        db->driver->close(db->state);
        unref(db);
    }
}

const char *db_about(const db_t *db)
{
    return db->driver->about;
}

static db_job_t *job_new(db_t *db, call_t *call, void *self)
{
    db_job_t *job = NEW(db_job_t);

    job->db = db;
    db->references++;
    job->call = call;
    job->loop = db->loop;
    job->self = self;
    job->missed = -1;
    job->timeout_ms = db->statement_timeout_ms;
    if (call) {
        int64_t left_ms = call_left_ms(call);
        job->timeout_ms = left_ms < job->timeout_ms ? left_ms : job->timeout_ms;
        call_hold(call);
    }
    return job;
}

static void job_set_single(db_job_t *job, const char *sql, const db_value_t *values, size_t count)
{
    job->values = NEW_ARRAY(db_value_t, count);
    if (count > 0) {
        memcpy(job->values, values, count * sizeof(*values));
    }
    job->single = (db_statement_t){ .sql = sql, .values = job->values, .count = count };
    job->statements = &job->single;
    job->count = 1;
}

void db_query(call_t *call, db_t *db, const char *sql, const db_value_t *values, size_t count, db_f cb,
              void *self)
{
    db_job_t *job = job_new(db, call, self);

    job_set_single(job, sql, values, count);
    job->on_query = cb;
    db->driver->start(db->state, job);
}

void db_run(call_t *call, db_t *db, const db_statement_t *statements, size_t count, db_run_f cb, void *self)
{
    db_job_t *job = job_new(db, call, self);

    job->statements = statements;
    job->count = count;
    job->transaction = true;
    job->on_run = cb;
    db->driver->start(db->state, job);
}

void db_probe(db_t *db, const char *sql, db_f cb, void *self)
{
    db_job_t *job = job_new(db, NULL, self);

    job_set_single(job, sql, NULL, 0);
    job->on_query = cb;
    db->driver->start(db->state, job);
}

int db_job_fail(db_job_t *job, err_kind_t kind, const char *text)
{
    job->failed = true;
    return err_set(&job->err, kind, "%s", text);
}

static void free_rows(void *rows)
{
    db_rows_free(rows);
}

static void call_back(db_job_t *job)
{
    const err_t *err = job->failed ? &job->err : NULL;
    const db_rows_t *rows = NULL;

    if (!err && !job->rows) {
        job->rows = db_rows_new(0);
    }
    if (!err) {
        rows = job->rows;
        if (job->call) {
            call_own(job->call, TAKE(job->rows), free_rows);
        }
    }
    if (job->on_run) {
        job->on_run(job->self, job->missed, rows, err);
    } else {
        job->on_query(job->self, rows, err);
    }
}

void db_job_end(db_job_t *job)
{
    call_t *call = job->call;

    if (call && !call_ended(call)) {
        call_on_cancel(call, NULL, NULL);
        call_back(job);
    } else if (!call && !job->db->closed) {
        call_back(job);
    }
    unref(job->db);
    db_rows_free(job->rows);
    free(job->values);
    free(job);
    if (call) {
        call_release(call);
    }
}

static void end_now(void *job)
{
    db_job_end(job);
}

void db_job_end_later(db_job_t *job)
{
    if (job->call && !call_ended(job->call)) {
        call_on_cancel(job->call, NULL, NULL);
    }
    loop_defer(job->loop, end_now, job);
}

db_rows_t *db_rows_new(int columns)
{
    db_rows_t *rows = NEW(db_rows_t);

    rows->columns = columns;
    return rows;
}

void db_rows_add(db_rows_t *rows, const char *text, size_t length)
{
    if (rows->cells == rows->size) {
        rows->size = rows->size > 0 ? rows->size * 2 : 32;
        rows->offsets = mem_resize(rows->offsets, rows->size * sizeof(*rows->offsets));
    }
    rows->offsets[rows->cells++] = text ? rows->text.length : SIZE_MAX;
    if (text) {
        buf_add(&rows->text, text, length);
        buf_add_char(&rows->text, '\0');
    }
}

size_t db_rows_bytes(const db_rows_t *rows)
{
    return rows->text.length + rows->cells * sizeof(*rows->offsets);
}

void db_rows_free(db_rows_t *rows)
{
    if (rows) {
        free(rows->offsets);
        buf_free(&rows->text);
        free(rows);
    }
}

size_t db_count(const db_rows_t *rows)
{
    return rows && rows->columns > 0 ? rows->cells / (size_t)rows->columns : 0;
}

const char *db_text(const db_rows_t *rows, size_t row, int column)
{
    size_t offset = rows->offsets[row * (size_t)rows->columns + (size_t)column];

    return offset == SIZE_MAX ? NULL : rows->text.data + offset;
}

bool db_is_null(const db_rows_t *rows, size_t row, int column)
{
    return !db_text(rows, row, column);
}

int64_t db_int(const db_rows_t *rows, size_t row, int column)
{
    const char *text = db_text(rows, row, column);

    return text ? strtoll(text, NULL, 10) : 0;
}

double db_real(const db_rows_t *rows, size_t row, int column)
{
    const char *text = db_text(rows, row, column);

    return text ? strtod(text, NULL) : 0;
}

bool db_bool(const db_rows_t *rows, size_t row, int column)
{
    const char *text = db_text(rows, row, column);

    return text && (text[0] == 't' || text[0] == 'T' || (isdigit((unsigned char)text[0]) && text[0] != '0'));
}

int64_t db_time_ms(const db_rows_t *rows, size_t row, int column)
{
    const char *text = db_text(rows, row, column);

    return text ? db_parse_time(text) : 0;
}

/* The years both databases write and compare the same: an end_date of 9999-12-31, as people write "for ever",
 * ends in the year 10000, which neither takes. */
#define FIRST_MS (-62135596800000) /* 0001-01-01 00:00:00 */
#define LAST_MS 253402300799999    /* 9999-12-31 23:59:59.999 */

/* The fraction is left out when it is zero, so that a bound at midnight also sorts before rows that were
 * stored without one: as text, "... 00:00:00" < "... 00:00:00.000". PostgreSQL sessions run in UTC, so no
 * offset is written. */
static const char *time_text(int64_t unix_ms, char scratch[DB_VALUE_SIZE])
{
    unix_ms = unix_ms < FIRST_MS ? FIRST_MS : unix_ms > LAST_MS ? LAST_MS : unix_ms;
    int64_t ms = (unix_ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((unix_ms - ms) / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    int length =
        snprintf(scratch, DB_VALUE_SIZE, "%04d-%02d-%02d %02d:%02d:%02d", (utc.tm_year + 1900) % 10000,
                 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    if (ms != 0) {
        snprintf(scratch + length, DB_VALUE_SIZE - (size_t)length, ".%03d", (int)ms);
    }
    return scratch;
}

const char *db_value_text(const db_value_t *value, char scratch[DB_VALUE_SIZE])
{
    switch (value->type) {
    case DB_TEXT:
        return value->text;
    case DB_INT:
        snprintf(scratch, DB_VALUE_SIZE, "%" PRId64, value->integer);
        return scratch;
    case DB_REAL:
        if (isnan(value->real)) {
            return NULL;
        }
        snprintf(scratch, DB_VALUE_SIZE, "%.17g", value->real);
        return scratch;
    case DB_BOOL:
        return value->integer ? "1" : "0";
    case DB_TIME:
        return time_text(value->integer, scratch);
    case DB_NULL:
        break;
    }
    return NULL;
}

/* "+05:30", "-03", "Z" or nothing, in seconds. */
static int offset_seconds(const char *text)
{
    int hours = 0, minutes = 0;

    if (*text != '+' && *text != '-') {
        return 0;
    }
    if (sscanf(text + 1, "%2d:%2d", &hours, &minutes) < 1) {
        return 0;
    }
    return (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

int64_t db_parse_time(const char *text)
{
    struct tm utc = { 0 };
    char separator;
    int used = 0;

    if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &separator,
               &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &used) < 7) {
        return 0;
    }
    utc.tm_year -= 1900;
    utc.tm_mon--;
    int64_t ms = 0;
    text += used;
    if (*text == '.') {
        int64_t unit = 100;
        for (text++; isdigit((unsigned char)*text); text++, unit /= 10) {
            ms += (*text - '0') * unit;
        }
    }
    return ((int64_t)timegm(&utc) - offset_seconds(text)) * 1000 + ms;
}

bool db_is_read(const char *sql)
{
    return strncasecmp(sql, "SELECT", 6) == 0;
}

/* The driver's own words are for the operator; callers get ours. */
void db_log(const char *what, const char *code, const char *detail)
{
    if (log_begin(LOG_LEVEL_WARN, what)) {
        log_str("code", code);
        log_str("detail", detail);
        log_end();
    }
}

db_admin_t *db_admin_open(const db_options_t *options, err_t *err)
{
    const db_driver_t *driver = driver_of(options->url, err);
    void *state = driver ? driver->admin_open(options, err) : NULL;

    if (!state) {
        return NULL;
    }
    db_admin_t *admin = NEW(db_admin_t);
    admin->driver = driver;
    admin->state = state;
    return admin;
}

void db_admin_close(db_admin_t *admin)
{
    if (admin) {
        admin->driver->admin_close(admin->state);
        free(admin);
    }
}

const char *db_admin_about(const db_admin_t *admin)
{
    return admin->driver->about;
}

int db_admin_run(db_admin_t *admin, const char *sql, const db_value_t *values, size_t count, db_rows_t **ret,
                 err_t *err)
{
    db_rows_t *rows = NULL;
    db_statement_t statement = { .sql = sql, .values = values, .count = count };

    if (admin->driver->admin_run(admin->state, &statement, &rows, err)) {
        db_rows_free(rows);
        return -1;
    }
    if (ret) {
        *ret = rows;
    } else {
        db_rows_free(rows);
    }
    return 0;
}

int db_admin_column_type(db_admin_t *admin, const char *table, const char *column, char *ret, size_t size,
                         err_t *err)
{
    db_rows_t *rows = NULL;
    const char *type;

    if (db_admin_run(admin, admin->driver->column_type_sql, DB_VALUES(DB_TEXT(table), DB_TEXT(column)), &rows,
                     err)) {
        return -1;
    }
    type = db_count(rows) > 0 ? db_text(rows, 0, 0) : NULL;
    snprintf(ret, size, "%s", type ? type : "");
    db_rows_free(rows);
    return 0;
}
