/* A statement put together from pieces, where an optional argument decides whether a condition is there at
 * all. Values are always bound, never written into the text.
 *
 *     query_t *query = query_new(call);
 *     query_text(query, "SELECT id FROM agents WHERE deleted_at IS NULL");
 *     query_value(query, " AND tenant_id = ", DB_TEXT(tenant));
 *     query_run(query, on_agents, self);
 */
#pragma once

#include "db.h"
#include "period.h"

typedef struct query query_t;

query_t *query_new(call_t *call); /* lives as long as the call */
void query_text(query_t *query, const char *sql);
void query_value(query_t *query, const char *sql, db_value_t value); /* the text, then the placeholder */
/* " AND (column IN (...))"; count is 1 or more. */
void query_in(query_t *query, const char *column, const char *const *texts, size_t count);
/* " AND column >= ... AND column < ...", as far as the period has bounds. */
void query_period(query_t *query, const char *column, const period_t *period);
/* " AND (LOWER(a) LIKE ... OR LOWER(b) LIKE ...)": the words anywhere in one of the columns (NULL-ended). */
void query_search(query_t *query, const char *const *columns, const char *words);
/* One page and one row more: its presence says that there are more. */
void query_page(query_t *query, int64_t limit, int64_t offset);
void query_run(query_t *query, db_f cb, void *self);

/* One statement of a db_run, with its values copied into the call. */
db_statement_t query_statement(call_t *call, bool must_hit, const char *sql, const db_value_t *values,
                               size_t count);
