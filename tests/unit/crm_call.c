/* See crm_call.h. */
#include "crm_call.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "demo_data.h"
#include "mem.h"
#include "schema.h"

static void open_database(crm_bench_t *bench, bool demo)
{
    const char *url = getenv("DATABASE_URL_FOR_TESTS");
    bool filled = false;
    err_t err;

    snprintf(bench->path, sizeof(bench->path), "/tmp/test_crm_%d_%lld.db", (int)getpid(),
             (long long)clock_us());
    snprintf(bench->url, sizeof(bench->url), "sqlite:%s", bench->path);
    bench->options = (db_options_t){ url ? url : bench->url, 10000, 4 };
    db_admin_t *admin = db_admin_open(&bench->options, &err);
    cr_assert_not_null(admin, "%s", err.text);
    if (url) { /* a PostgreSQL made for tests: it begins empty every time */
        db_admin_run(admin, "DROP SCHEMA public CASCADE", NULL, 0, NULL, &err);
        cr_assert_eq(db_admin_run(admin, "CREATE SCHEMA public", NULL, 0, NULL, &err), 0, "%s", err.text);
    }
    cr_assert_eq(schema_migrate(admin, NULL, &err), 0, "%s", err.text);
    if (demo) {
        cr_assert_eq(demo_data_fill(admin, clock_unix_ms(), &filled, &err), 0, "%s", err.text);
    }
    db_admin_close(admin);
}

crm_bench_t *crm_bench_new(bool demo)
{
    crm_bench_t *bench = NEW(crm_bench_t);
    err_t err;

    cr_assert_eq(period_use_zone("UTC", &err), 0);
    open_database(bench, demo);
    call_fake_init(&bench->call, &bench->state, &bench->settings);
    bench->pool = pool_new(2, 64);
    bench->state.settings = &bench->settings;
    bench->state.db = db_open(&bench->options, bench->call.loop, bench->pool, &err);
    cr_assert_not_null(bench->state.db, "%s", err.text);
    return bench;
}

void crm_bench_free(crm_bench_t *bench)
{
    char path[80];

    web_free(bench->state.web);
    db_close(bench->state.db);
    pool_free(bench->pool);
    call_fake_clear(&bench->call);
    unlink(bench->path);
    snprintf(path, sizeof(path), "%s-wal", bench->path);
    unlink(path);
    snprintf(path, sizeof(path), "%s-shm", bench->path);
    unlink(path);
    free(bench);
}

const tool_t *crm_tool(const char *name)
{
    return call_fake_tool(crm_tools, name);
}

json_t *crm_call(crm_bench_t *bench, const tool_t *tool, const char *tenant, const char *arguments)
{
    return call_fake_run(&bench->call, tool, tenant, arguments);
}

json_t *crm_callf(crm_bench_t *bench, const tool_t *tool, const char *tenant, const char *format, ...)
{
    va_list args;
    char *arguments = NULL;

    va_start(args, format);
    cr_assert(vasprintf(&arguments, format, args) >= 0);
    va_end(args);
    json_t *result = crm_call(bench, tool, tenant, arguments);
    free(arguments);
    return result;
}

static db_rows_t *run_sql(crm_bench_t *bench, const char *sql)
{
    db_rows_t *rows = NULL;
    err_t err;
    db_admin_t *admin = db_admin_open(&bench->options, &err);

    cr_assert_not_null(admin, "%s", err.text);
    cr_assert_eq(db_admin_run(admin, sql, NULL, 0, &rows, &err), 0, "%s: %s", sql, err.text);
    db_admin_close(admin);
    return rows;
}

void crm_sql(crm_bench_t *bench, const char *sql)
{
    db_rows_free(run_sql(bench, sql));
}

int64_t crm_sql_int(crm_bench_t *bench, const char *sql)
{
    db_rows_t *rows = run_sql(bench, sql);
    int64_t value = db_count(rows) > 0 ? db_int(rows, 0, 0) : -1;

    db_rows_free(rows);
    return value;
}

char *crm_sql_text(crm_bench_t *bench, const char *sql)
{
    db_rows_t *rows = run_sql(bench, sql);
    char *text = db_count(rows) > 0 && !db_is_null(rows, 0, 0) ? mem_strdup(db_text(rows, 0, 0)) : NULL;

    db_rows_free(rows);
    return text;
}
