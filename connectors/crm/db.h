/* SQL through one thin interface: PostgreSQL by libpq on the loop, SQLite on the helper pool. The same
 * statements run on both: $1..$n placeholders, no date functions, no casts, no jsonb operators, CASE WHEN for
 * booleans, COLLATE "C" where an order by text is shown (SQLite is taught that name).
 *
 * Times are bound and read as Unix milliseconds. SQLite stores them as UTC text that sorts ("2026-11-20
 * 10:41:15.123").
 *
 * Errors are ERR_UPSTREAM (the database is away, refused, is full) or ERR_TIMEOUT, in words that say whether
 * trying again is safe: no SQL, no host, no values. The driver's own message goes to the log. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connector.h"

typedef struct db db_t;
typedef struct db_rows db_rows_t;

typedef struct {
    const char *url; /* postgresql://... or sqlite:PATH (sqlite::memory: is refused: connections would not
                        share it) */
    int64_t statement_timeout_ms;
    int64_t connections; /* pool size */
} db_options_t;

/* Opens no connection yet, but a SQLite file that is not there is refused at once. */
db_t *db_open(const db_options_t *options, loop_t *loop, pool_t *pool, err_t *err);
void db_close(db_t *db);
const char *db_about(const db_t *db); /* "SQLite", "PostgreSQL" */

typedef enum { DB_NULL, DB_TEXT, DB_INT, DB_REAL, DB_BOOL, DB_TIME } db_type_t;
typedef struct {
    db_type_t type;
    const char *text; /* borrowed until the callback; NULL counts as no value */
    int64_t integer;  /* DB_INT, DB_BOOL, DB_TIME (Unix ms) */
    double real;      /* NAN counts as no value */
} db_value_t;
#define DB_TEXT(value) ((db_value_t){ .type = DB_TEXT, .text = (value) })
#define DB_INT(value) ((db_value_t){ .type = DB_INT, .integer = (value) })
#define DB_REAL(value) ((db_value_t){ .type = DB_REAL, .real = (value) })
#define DB_BOOL(value) ((db_value_t){ .type = DB_BOOL, .integer = (value) })
#define DB_TIME(unix_ms) ((db_value_t){ .type = DB_TIME, .integer = (unix_ms) })
#define DB_NO_VALUE ((db_value_t){ .type = DB_NULL })

typedef struct {
    const char *sql;
    const db_value_t *values; /* $1 is values[0] */
    size_t count;
    /* In db_run: the statement must return or change at least one row, else everything is rolled back. */
    bool must_hit;
} db_statement_t;

/* The values of one statement, as two arguments or two members: DB_VALUES(DB_TEXT(tenant), DB_INT(20)). */
#define DB_VALUES(...)                                                                                       \
    (const db_value_t[]){ __VA_ARGS__ }, sizeof((const db_value_t[]){ __VA_ARGS__ }) / sizeof(db_value_t)

/* Rows belong to the call: they and their texts live as long as it does. An id that the database's type
 * cannot even hold (SQLSTATE 22P02 on a uuid column) names nothing: no rows. */
typedef void (*db_f)(void *self, const db_rows_t *rows, const err_t *err);
/* One statement on its own. The value array is copied, the SQL and the texts are borrowed until the
 * callback. */
void db_query(call_t *call, db_t *db, const char *sql, const db_value_t *values, size_t count, db_f cb,
              void *self);

/* Several statements in one transaction: all or nothing. missed: the index of the must_hit statement that
 * found nothing, or -1. rows: of the last statement that ran. Statements and values live until the
 * callback. */
typedef void (*db_run_f)(void *self, int missed, const db_rows_t *rows, const err_t *err);
void db_run(call_t *call, db_t *db, const db_statement_t *statements, size_t count, db_run_f cb, void *self);

size_t db_count(const db_rows_t *rows);
bool db_is_null(const db_rows_t *rows, size_t row, int column);
const char *db_text(const db_rows_t *rows, size_t row, int column); /* NULL for null */
int64_t db_int(const db_rows_t *rows, size_t row, int column);      /* 0 for null */
double db_real(const db_rows_t *rows, size_t row, int column);      /* 0 for null */
bool db_bool(const db_rows_t *rows, size_t row, int column);
int64_t db_time_ms(const db_rows_t *rows, size_t row, int column); /* 0 for null */
void db_rows_free(db_rows_t *rows);

/* One statement outside any call, for the connector's probe: rows are borrowed while cb runs. */
void db_probe(db_t *db, const char *sql, db_f cb, void *self);

/* One blocking connection outside any loop, for --migrate, demo data and tests. It creates a SQLite file that
 * is not there. */
typedef struct db_admin db_admin_t;
db_admin_t *db_admin_open(const db_options_t *options, err_t *err);
void db_admin_close(db_admin_t *admin);
const char *db_admin_about(const db_admin_t *admin); /* "SQLite", "PostgreSQL" */
/* Returns -1 with *err. *ret (which may be NULL) is the caller's to free. Transactions are plain BEGIN and
 * COMMIT. */
int db_admin_run(db_admin_t *admin, const char *sql, const db_value_t *values, size_t count, db_rows_t **ret,
                 err_t *err);
/* The type of a column as the database names it, "" when there is no such column. */
int db_admin_column_type(db_admin_t *admin, const char *table, const char *column, char *ret, size_t size,
                         err_t *err);
