/* See call_fake.h. A call is held by its run and until its end, as in common/connector, and the loop runs
 * until nobody holds it. */
#include "call_fake.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

typedef struct owned {
    struct owned *next;
    void *p;
    void (*free_fn)(void *);
} owned_t;

struct call {
    call_fake_t *fake;
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
    return call->fake->state;
}

const void *call_settings(const call_t *call)
{
    return call->fake->settings;
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
    return call->fake->left_ms;
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

void call_doubts_upstream(const call_t *call)
{
    (void)call;
}

void call_hold(call_t *call)
{
    call->holds++;
}

void call_release(call_t *call)
{
    if (--call->holds == 0) {
        loop_stop(call->fake->loop);
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
    call->fake->result = structured;
    call->fake->text = mem_strdup(text);
    end(call);
}

json_t *call_number(double value)
{
    return json_real(value);
}

void call_fail(call_t *call, const err_t *err)
{
    call->fake->failed = true;
    call->fake->err = *err;
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
    call_fake_t *fake = call->fake;
    size_t length = strlen(fake->stages);

    cr_assert(call->tool->streams, "only a tool that says so reports progress");
    cr_assert_not_null(message);
    cr_assert(fake->progress_count == 0 || done > fake->last_done, "progress only grows");
    snprintf(fake->stages + length, sizeof(fake->stages) - length, "%s%s", length > 0 ? " " : "", stage);
    fake->progress_count++;
    fake->last_done = done;
    fake->last_total = total;
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
    loop_defer(call->fake->loop, on_deferred, deferred);
}

void call_fake_init(call_fake_t *fake, void *state, const void *settings)
{
    *fake = (call_fake_t){ .loop = loop_new(), .state = state, .settings = settings, .left_ms = 25000 };
}

static void forget_last(call_fake_t *fake)
{
    json_decref(fake->result);
    free(fake->text);
    fake->result = NULL;
    fake->text = NULL;
    fake->failed = false;
    fake->progress_count = 0;
    fake->stages[0] = '\0';
}

void call_fake_clear(call_fake_t *fake)
{
    forget_last(fake);
    loop_free(fake->loop);
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

const tool_t *call_fake_tool(const tool_t *const *tools, const char *name)
{
    size_t i = 0;

    while (tools[i] && strcmp(tools[i]->name, name) != 0) {
        i++;
    }
    cr_assert_not_null(tools[i], "there is no tool %s", name);
    return tools[i];
}

json_t *call_fake_run(call_fake_t *fake, const tool_t *tool, const char *tenant, const char *arguments)
{
    json_auto_t *values = json_loads(arguments, 0, NULL);
    void *args = mem_alloc(tool->args_size + 1);
    call_t *call = NEW(call_t);

    cr_assert_not_null(values, "%s", arguments);
    forget_last(fake);
    if (fields_decode(tool->args, values, args, &fake->err)) {
        fake->failed = true;
        free(args);
        free(call);
        return NULL;
    }
    *call = (call_t){ .fake = fake, .tool = tool, .holds = 2 };
    call->principal = principal_new("tester", tenant, NULL, 0);
    tool->run(call, args);
    if (fake->cancel_first) {
        loop_defer(fake->loop, cancel_call, call);
    }
    call->holds--;
    if (call->holds > 0) {
        loop_run(fake->loop);
    } else {
        free_call(call);
    }
    fields_release(tool->args, args);
    free(args);
    return fake->result;
}
