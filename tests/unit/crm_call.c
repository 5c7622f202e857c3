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

typedef struct owned {
    struct owned *next;
    void *p;
    void (*free_fn)(void *);
} owned_t;

struct call {
    crm_bench_t *bench;
    const tool_t *tool;
    principal_t *principal;
    owned_t *owned;
    bool ended;
    int holds;
    void (*cancel)(void *self);
    void *cancel_self;
};

void *call_state(const call_t *call)
{
    return &call->bench->state;
}

const void *call_settings(const call_t *call)
{
    return &call->bench->settings;
}

const principal_t *call_principal(const call_t *call)
{
    return call->principal;
}

const char *call_tenant(const call_t *call)
{
    return call->principal->tenant_id;
}

int64_t call_left_ms(const call_t *call)
{
    return call->bench->left_ms;
}

void *call_own(call_t *call, void *p, void (*free_fn)(void *))
{
    owned_t *owned = NEW(owned_t);

    *owned = (owned_t){ call->owned, p, free_fn };
    call->owned = owned;
    return p;
}

void *call_alloc(call_t *call, size_t size)
{
    return call_own(call, mem_alloc(size), mem_free);
}

char *call_printf(call_t *call, const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    cr_assert(vasprintf(&text, format, args) >= 0);
    va_end(args);
    return call_own(call, text, mem_free);
}

static void free_call(call_t *call)
{
    while (call->owned) {
        owned_t *owned = call->owned;
        call->owned = owned->next;
        owned->free_fn(owned->p);
        free(owned);
    }
    principal_unref(call->principal);
    free(call);
}

void call_hold(call_t *call)
{
    call->holds++;
}

void call_release(call_t *call)
{
    if (--call->holds == 0) {
        loop_stop(call->bench->loop);
        free_call(call);
    }
}

bool call_ended(const call_t *call)
{
    return call->ended;
}

void call_on_cancel(call_t *call, void (*cancel)(void *self), void *self)
{
    call->cancel = cancel;
    call->cancel_self = self;
}

static void end(call_t *call)
{
    cr_assert_not(call->ended, "a call ends once");
    call->ended = true;
    call_release(call);
}

void call_finish(call_t *call, json_t *structured, const char *text)
{
    cr_assert_not_null(structured);
    cr_assert_not_null(text);
    call->bench->result = structured;
    call->bench->text = mem_strdup(text);
    end(call);
}

void call_fail(call_t *call, const err_t *err)
{
    call->bench->failed = true;
    call->bench->err = *err;
    end(call);
}

void call_failf(call_t *call, err_kind_t kind, const char *format, ...)
{
    err_t err;
    va_list args;

    va_start(args, format);
    err_setv(&err, kind, format, args);
    va_end(args);
    call_fail(call, &err);
}

void call_progress(call_t *call, const char *stage, double done, double total, const char *message,
                   json_t *data)
{
    crm_bench_t *bench = call->bench;
    size_t length = strlen(bench->stages);

    cr_assert(call->tool->streams, "only a tool that says so reports progress");
    cr_assert_not_null(message);
    cr_assert(bench->progress_count == 0 || done > bench->last_done, "progress only grows");
    snprintf(bench->stages + length, sizeof(bench->stages) - length, "%s%s", length > 0 ? " " : "", stage);
    bench->progress_count++;
    bench->last_done = done;
    bench->last_total = total;
    json_decref(data);
}

typedef struct {
    call_t *call;
    loop_f fn;
    void *self;
} deferred_t;

static void on_deferred(void *self)
{
    deferred_t *deferred = self;

    if (!deferred->call->ended) {
        deferred->fn(deferred->self);
    }
    call_release(deferred->call);
    free(deferred);
}

void call_defer(call_t *call, loop_f fn, void *self)
{
    deferred_t *deferred = NEW(deferred_t);

    *deferred = (deferred_t){ call, fn, self };
    call_hold(call);
    loop_defer(call->bench->loop, on_deferred, deferred);
}

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
    bench->left_ms = 25000;
    bench->loop = loop_new();
    bench->pool = pool_new(2, 64);
    bench->state.settings = &bench->settings;
    bench->state.db = db_open(&bench->options, bench->loop, bench->pool, &err);
    cr_assert_not_null(bench->state.db, "%s", err.text);
    return bench;
}

static void forget_last(crm_bench_t *bench)
{
    json_decref(bench->result);
    free(bench->text);
    bench->result = NULL;
    bench->text = NULL;
    bench->failed = false;
    bench->progress_count = 0;
    bench->stages[0] = '\0';
}

void crm_bench_free(crm_bench_t *bench)
{
    char path[80];

    forget_last(bench);
    web_free(bench->state.web);
    db_close(bench->state.db);
    pool_free(bench->pool);
    loop_free(bench->loop);
    unlink(bench->path);
    snprintf(path, sizeof(path), "%s-wal", bench->path);
    unlink(path);
    snprintf(path, sizeof(path), "%s-shm", bench->path);
    unlink(path);
    free(bench);
}

static void cancel_call(void *self)
{
    call_t *call = self;

    if (!call->ended) {
        if (call->cancel) {
            call->cancel(call->cancel_self);
        }
        end(call);
    }
}

const tool_t *crm_tool(const char *name)
{
    size_t i = 0;

    while (crm_tools[i] && strcmp(crm_tools[i]->name, name) != 0) {
        i++;
    }
    cr_assert_not_null(crm_tools[i], "there is no tool %s", name);
    return crm_tools[i];
}

json_t *crm_call(crm_bench_t *bench, const tool_t *tool, const char *tenant, const char *arguments)
{
    json_auto_t *values = json_loads(arguments, 0, NULL);
    void *args = mem_alloc(tool->args_size + 1);
    call_t *call = NEW(call_t);

    cr_assert_not_null(values, "%s", arguments);
    forget_last(bench);
    if (fields_decode(tool->args, values, args, &bench->err)) {
        bench->failed = true;
        free(args);
        free(call);
        return NULL;
    }
    *call = (call_t){ .bench = bench, .tool = tool, .holds = 2 };
    call->principal = principal_new("tester", tenant, NULL, 0);
    tool->run(call, args);
    if (bench->cancel_first) {
        loop_defer(bench->loop, cancel_call, call);
    }
    call->holds--;
    if (call->holds > 0) {
        loop_run(bench->loop);
    } else {
        free_call(call);
    }
    fields_release(tool->args, args);
    free(args);
    return bench->result;
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
