/* Calls of the tools of mcp-crm for its tests, with a helper pool and a SQLite file of its own. */
#pragma once

#include <jansson.h>

#include "call_fake.h"
#include "crm.h"

typedef struct {
    char path[64], url[96];
    db_options_t options;
    pool_t *pool;
    crm_settings_t settings;
    crm_t state;
    call_fake_t call; /* with what the last call said */
} crm_bench_t;

/* With the tables; demo: with demo data too. DATABASE_URL_FOR_TESTS in the environment names a PostgreSQL to
 * use instead, which is emptied for each test: run with -j1. */
crm_bench_t *crm_bench_new(bool demo);
void crm_bench_free(crm_bench_t *bench);

const tool_t *crm_tool(const char *name);
/* Decodes the arguments by the tool's rows and runs it to its end. The result (borrowed) or NULL when it
 * failed. */
json_t *crm_call(crm_bench_t *bench, const tool_t *tool, const char *tenant, const char *arguments);
json_t *crm_callf(crm_bench_t *bench, const tool_t *tool, const char *tenant, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Straight into the database. */
void crm_sql(crm_bench_t *bench, const char *sql);
int64_t crm_sql_int(crm_bench_t *bench, const char *sql);
char *crm_sql_text(crm_bench_t *bench, const char *sql); /* the caller's to free */
