/* See query.h. */
#include "query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "crm.h"
#include "mem.h"

#define MAX_VALUES 256

struct query {
    call_t *call;
    buf_t sql;
    db_value_t values[MAX_VALUES];
    size_t count;
};

static void free_query(void *self)
{
    query_t *query = self;

    buf_free(&query->sql);
    free(query);
}

query_t *query_new(call_t *call)
{
    query_t *query = NEW(query_t);

    query->call = call;
    return call_own(call, query, free_query);
}

void query_text(query_t *query, const char *sql)
{
    buf_add_text(&query->sql, sql);
}

void query_value(query_t *query, const char *sql, db_value_t value)
{
    assert(query->count < MAX_VALUES); /* argument rows limit every list */
    query->values[query->count++] = value;
    buf_addf(&query->sql, "%s$%zu", sql, query->count);
}

void query_in(query_t *query, const char *column, const char *const *texts, size_t count)
{
    buf_addf(&query->sql, " AND (%s IN (", column);
    for (size_t i = 0; i < count; i++) {
        query_value(query, i > 0 ? ", " : "", DB_TEXT(texts[i]));
    }
    query_text(query, "))");
}

void query_period(query_t *query, const char *column, const period_t *period)
{
    if (period->has_from) {
        buf_addf(&query->sql, " AND %s >= ", column);
        query_value(query, "", DB_TIME(period->from_ms));
    }
    if (period->has_to) {
        buf_addf(&query->sql, " AND %s < ", column);
        query_value(query, "", DB_TIME(period->to_ms));
    }
}

/* '%' and '_' in the words mean themselves. */
static char *like_pattern(call_t *call, const char *words)
{
    AUTO_BUF pattern = { 0 };

    buf_add_char(&pattern, '%');
    for (; *words != '\0'; words++) {
        if (*words == '%' || *words == '_' || *words == '!') {
            buf_add_char(&pattern, '!');
        }
        buf_add_char(&pattern, *words);
    }
    buf_add_char(&pattern, '%');
    return call_own(call, buf_steal(&pattern), mem_free);
}

void query_search(query_t *query, const char *const *columns, const char *words)
{
    const char *pattern = like_pattern(query->call, words);

    for (size_t i = 0; columns[i]; i++) {
        buf_addf(&query->sql, "%sLOWER(%s) LIKE LOWER(", i > 0 ? " OR " : " AND (", columns[i]);
        query_value(query, "", DB_TEXT(pattern));
        query_text(query, ") ESCAPE '!'");
    }
    query_text(query, ")");
}

void query_page(query_t *query, int64_t limit, int64_t offset)
{
    query_value(query, " LIMIT ", DB_INT(limit + 1));
    query_value(query, " OFFSET ", DB_INT(offset));
}

void query_run(query_t *query, db_f cb, void *self)
{
    db_query(query->call, crm_db(query->call), buf_text(&query->sql), query->values, query->count, cb, self);
}

db_statement_t query_statement(call_t *call, bool must_hit, const char *sql, const db_value_t *values,
                               size_t count)
{
    db_value_t *copy = call_alloc(call, count * sizeof(*values));

    memcpy(copy, values, count * sizeof(*values));
    return (db_statement_t){ .sql = sql, .values = copy, .count = count, .must_hit = must_hit };
}
