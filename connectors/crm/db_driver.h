/* Behind db.h: what a driver must do, and the job that goes through it. Nothing outside db*.c includes
 * this. */
#pragma once

#include <stdatomic.h>

#include "db.h"

/* One db_query, db_run or db_probe on its way. Made and ended on the loop's thread; in between it belongs to
 * the driver, whose last act is db_job_end(). */
typedef struct db_job {
    db_t *db;
    call_t *call; /* NULL: a probe */
    loop_t *loop;
    const db_statement_t *statements;
    size_t count;
    bool transaction;
    int64_t timeout_ms;    /* per statement */
    atomic_bool cancelled; /* nobody waits any more: stop early, write nothing more */

    db_rows_t *rows;
    int missed; /* -1: none */
    bool failed;
    err_t err;

    db_statement_t single; /* of db_query and db_probe, which have one statement */
    db_value_t *values;
    db_f on_query;
    db_run_f on_run;
    void *self;

    struct db_job *next; /* the driver's own */
    void *owner, *place;
    bool retried;
} db_job_t;

void db_job_end(db_job_t *job);
/* The same once the step that runs now is over, for a driver that must give up while it is being started. */
void db_job_end_later(db_job_t *job);
int db_job_fail(db_job_t *job, err_kind_t kind, const char *text); /* -1 */

typedef struct {
    const char *about;
    const char *column_type_sql; /* $1 table, $2 column; one row with its type */
    void *(*open)(const db_options_t *options, loop_t *loop, pool_t *pool, err_t *err);
    void (*close)(void *driver);
    void (*start)(void *driver, db_job_t *job);
    void *(*admin_open)(const db_options_t *options, err_t *err);
    int (*admin_run)(void *admin, const db_statement_t *statement, db_rows_t **ret, err_t *err);
    void (*admin_close)(void *admin);
} db_driver_t;

extern const db_driver_t db_sqlite;
extern const db_driver_t db_postgres;

/* Rows are built cell by cell, left to right. */
db_rows_t *db_rows_new(int columns);
void db_rows_add(db_rows_t *rows, const char *text, size_t length); /* text NULL: null */
size_t db_rows_bytes(const db_rows_t *rows);
#define DB_MAX_RESULT_BYTES (32u << 20)

#define DB_VALUE_SIZE 40
/* A value as text, the way both databases read it; NULL for no value. May point into scratch or be the
 * value's own text. */
const char *db_value_text(const db_value_t *value, char scratch[DB_VALUE_SIZE]);
/* "2026-11-20 10:41:15[.123][+00]" (or with a T) to Unix ms; 0 for what is none. */
int64_t db_parse_time(const char *text);
bool db_is_read(const char *sql); /* a SELECT: may be asked again */
void db_log(const char *what, const char *code, const char *detail);
