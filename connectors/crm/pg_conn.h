/* One PostgreSQL connection on the loop, working on one job at a time. The pool (db_postgres.c) owns it. */
#pragma once

#include <libpq-fe.h>

#include "db_driver.h"

typedef struct pg_conn pg_conn_t;

typedef struct {
    /* The job has ended and the connection is free again. */
    void (*on_idle)(void *self, pg_conn_t *conn);
    /* The connection is gone: forget it, it frees itself. retry: a job that nothing was done for yet, or
     * NULL. */
    void (*on_dead)(void *self, pg_conn_t *conn, db_job_t *retry);
} pg_owner_t;

/* Takes over a connected PGconn. */
pg_conn_t *pg_conn_new(PGconn *pgconn, loop_t *loop, pool_t *pool, const pg_owner_t *owner, void *self);
void pg_conn_run(pg_conn_t *conn, db_job_t *job); /* job->place becomes conn */
void pg_conn_cancel(pg_conn_t *conn);             /* the job's call has ended */
bool pg_conn_is_idle(const pg_conn_t *conn);
void pg_conn_free(pg_conn_t *conn); /* at the end of the process: ends its job without calling back */

/* One blocking statement, for db_admin and the first words on a new connection. */
int pg_run_blocking(PGconn *pgconn, const db_statement_t *statement, db_rows_t **ret, err_t *err);
/* A failed result as an err_t, and in the log. Returns -1. */
int pg_error(const PGresult *result, err_t *err);
