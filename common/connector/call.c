/* The life of one call in a connector: memory, deadline, holds, cancel.
 *
 * A call is open until its first end: the tool's answer, the deadline, a modern client that hangs up, or the
 * stop of the process. Its memory lives on until the last operation that holds it lets go. A legacy client
 * that hangs up does not wish to cancel (MCP 2025-11-25 basic/transports): the call goes on under its
 * deadline and its answer is dropped; what the tool may still read of the request is copied at that moment.
 */
#include "call_life.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <event2/event.h>

struct call_owned {
    call_owned_t *next;
    void (*free_fn)(void *);
    void *p;
};

struct call_header {
    call_header_t *next;
    span_t name;
    const char *value;
};

/* Memory */

void *call_own(call_t *call, void *p, void (*free_fn)(void *))
{
    if (p) {
        call_owned_t *owned = NEW(call_owned_t);
        *owned = (call_owned_t){ call->owned, free_fn, p };
        call->owned = owned;
    }
    return p;
}

void *call_alloc(call_t *call, size_t size)
{
    return call_own(call, mem_alloc(size), mem_free);
}

char *call_printf(call_t *call, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *copy = call_alloc(call, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(copy, (size_t)length + 1, format, args);
    va_end(args);
    return copy;
}

static void free_owned(call_t *call)
{
    while (call->owned) {
        call_owned_t *owned = call->owned;
        call->owned = owned->next;
        owned->free_fn(owned->p);
        mem_free(owned);
    }
}

/* Among the open calls, and out of them */

static void link_open(call_t *call)
{
    runtime_t *runtime = call->runtime;

    call->next = runtime->open_calls;
    if (call->next) {
        call->next->previous = call;
    }
    runtime->open_calls = call;
    runtime->alive_calls++;
}

static void unlink_open(call_t *call)
{
    if (call->previous) {
        call->previous->next = call->next;
    } else {
        call->runtime->open_calls = call->next;
    }
    if (call->next) {
        call->next->previous = call->previous;
    }
}

static void free_call(call_t *call)
{
    runtime_t *runtime = call->runtime;

    free_owned(call);
    if (call->args) {
        fields_release(call->entry->args, call->args);
        mem_free(call->args);
    }
    json_decref(call->arguments);
    json_decref(call->context);
    json_decref(call->inputs);
    json_decref(call->state);
    principal_unref(call->principal);
    event_free(call->timer);
    mem_free(call);
    if (--runtime->alive_calls == 0 && runtime->on_calls_gone) {
        runtime->on_calls_gone(runtime);
    }
}

void call_hold(call_t *call)
{
    call->holds++;
}

void call_release(call_t *call)
{
    if (--call->holds == 0) {
        free_call(call);
    }
}

bool call_ended(const call_t *call)
{
    return atomic_load(&call->ended);
}

/* Ending */

mcp_call_t *call_end(call_t *call)
{
    call->ended = true;
    event_del(call->timer);
    unlink_open(call);
    return TAKE(call->mcp);
}

void call_on_cancel(call_t *call, void (*cancel)(void *self), void *self)
{
    call->cancel = cancel;
    call->cancel_self = self;
}

void call_cut(call_t *call, const err_t *err)
{
    mcp_call_t *mcp = call_end(call);

    if (mcp) {
        mcp_call_error(mcp, err);
    }
    if (call->cancel) {
        call->cancel(call->cancel_self);
    }
    call_release(call);
}

/* The deadline */

bool call_may_have_happened(const call_t *call)
{
    return !call->entry->repeatable;
}

static const char *timeout_advice(const call_t *call)
{
    if (call_may_have_happened(call)) {
        return CHECK_FIRST;
    }
    if (call->entry->streams && call->mcp && !mcp_call_wants_progress(call->mcp)) {
        return "Narrow the request, or ask for progress (a progressToken) to have up to 120 s.";
    }
    return "Narrow the request, or try again later.";
}

void call_cut_for_stop(call_t *call)
{
    err_t err;

    err_set(&err, ERR_UPSTREAM, "The connector is stopping. %s",
            call_may_have_happened(call) ? CHECK_FIRST : "Try again in a few seconds.");
    call_cut(call, &err);
}

void calls_cancel_all(runtime_t *runtime)
{
    while (runtime->open_calls) {
        call_cut_for_stop(runtime->open_calls);
    }
}

static call_t *find_asking(const runtime_t *runtime)
{
    call_t *call = runtime->open_calls;

    while (call && call->stopped_ms == 0) {
        call = call->next;
    }
    return call;
}

void calls_cancel_asking(runtime_t *runtime)
{
    call_t *call;

    while ((call = find_asking(runtime))) { /* from the start: what is told may end another */
        call_cut_for_stop(call);
    }
}

static void on_deadline(int fd, short what, void *self)
{
    call_t *call = self;
    err_t err;

    (void)fd;
    (void)what;
    err_set(&err, ERR_TIMEOUT, "The %s did not finish within %.3g s. %s", entry_word(call->entry),
            (double)(call->deadline_ms - call->started_ms) / 1000, timeout_advice(call));
    call_cut(call, &err);
}

/* From a number of milliseconds in a header; 0 when it is none. */
static int64_t parse_ms(span_t text)
{
    int64_t ms = 0;

    if (text.length == 0 || text.length > 9) {
        return 0;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return 0;
        }
        ms = ms * 10 + (text.at[i] - '0');
    }
    return ms;
}

/* The gateway knows how much of its own deadline is left; it can only make ours shorter. */
static void set_deadline(call_t *call, const http_request_t *http)
{
    int64_t given_ms = parse_ms(http_header(http, "Guiche-Timeout-Ms", NULL));
    int64_t own_ms =
        call->entry->timeout_ms > 0 ? call->entry->timeout_ms : call->runtime->process->call_timeout_ms;

    call->timeout_ms = given_ms > 0 && given_ms < own_ms ? given_ms : own_ms;
    call->started_ms = loop_now_ms(call->runtime->loop);
    call->deadline_ms = call->started_ms + call->timeout_ms;
    call->timer = evtimer_new(loop_base(call->runtime->loop), (event_callback_fn)on_deadline, call);
    loop_arm(call->timer, call_left_ms(call));
}

void call_extend(call_t *call)
{
    int64_t last_ms = call->started_ms + PROGRESS_TIMEOUT_MS;
    int64_t wanted_ms = loop_now_ms(call->runtime->loop) + call->timeout_ms;
    int64_t deadline_ms = wanted_ms < last_ms ? wanted_ms : last_ms;

    if (deadline_ms > call->deadline_ms) {
        call->deadline_ms = deadline_ms;
        loop_arm(call->timer, call_left_ms(call));
    }
}

void call_stop_clock(call_t *call)
{
    event_del(call->timer);
    call->stopped_ms = loop_now_ms(call->runtime->loop);
}

void call_start_clock(call_t *call)
{
    int64_t waited_ms = loop_now_ms(call->runtime->loop) - call->stopped_ms;

    call->stopped_ms = 0;
    call->started_ms += waited_ms;
    call->deadline_ms += waited_ms;
    loop_arm(call->timer, call_left_ms(call));
}

int64_t call_left_ms(const call_t *call)
{
    int64_t left_ms = call->deadline_ms - loop_now_ms(call->runtime->loop);

    return left_ms > 0 ? left_ms : 0;
}

/* What the tool sees of its request */

void call_doubts_upstream(const call_t *call)
{
    runtime_doubt(call->runtime);
}

span_t call_request_id(const http_request_t *request)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    span_t id = http_header(request, "Guiche-Request-Id", NULL);
    bool usable = id.length > 0 && id.length <= CALL_ID_MAX_LENGTH;

    for (size_t i = 0; usable && i < id.length; i++) {
        usable = memchr(allowed, id.at[i], sizeof(allowed) - 1) != NULL;
    }
    return usable ? id : span_of(http_request_id(request));
}

static void wipe_text(void *text)
{
    mem_wipe(text, strlen(text));
    mem_free(text);
}

/* May be a user's own token: wiped when the call is freed. */
static const char *copy_secret(call_t *call, span_t value)
{
    return call_own(call, mem_strndup(value.at, value.length), wipe_text);
}

static bool keep_header(void *self, span_t name, span_t value)
{
    call_t *call = self;
    call_header_t *header = CALL_NEW(call, call_header_t);

    header->name = (span_t){ call_printf(call, "%.*s", SPAN_ARGS(name)), name.length };
    header->value = copy_secret(call, value);
    header->next = call->headers;
    call->headers = header;
    return true;
}

const char *call_header(call_t *call, const char *name)
{
    if (call->mcp) {
        span_t value = http_header(mcp_call_request(call->mcp)->http, name, NULL);
        return value.at ? copy_secret(call, value) : NULL;
    }
    for (const call_header_t *header = call->headers; header; header = header->next) {
        if (span_is_nocase(header->name, name)) {
            return header->value;
        }
    }
    return NULL;
}

void *call_state(const call_t *call)
{
    return call->runtime->state;
}

const void *call_settings(const call_t *call)
{
    return call->runtime->settings;
}

const principal_t *call_principal(const call_t *call)
{
    return call->principal;
}

const char *call_tenant(const call_t *call)
{
    return call->principal->tenant_id;
}

const char *call_id(const call_t *call)
{
    return call->id;
}

const char *call_uri(const call_t *call)
{
    return call->uri;
}

const json_t *call_arguments(const call_t *call)
{
    return call->arguments;
}

/* Beginning */

static void on_gone(void *self)
{
    call_t *call = self;
    const mcp_request_t *request = mcp_call_request(call->mcp);

    if (request->era == MCP_LEGACY && call->stopped_ms == 0) {
        http_each_header(request->http, keep_header, call);
        call->mcp = NULL;
        return;
    }
    call->mcp = NULL; /* a modern client cancels so; one that was just being asked will not answer */
    call_cut(call, NULL);
}

call_t *call_open(runtime_t *runtime, const entry_t *entry, mcp_call_t *mcp)
{
    const mcp_request_t *request = mcp_call_request(mcp);
    span_t id = call_request_id(request->http);
    call_t *call = NEW(call_t);

    call->runtime = runtime;
    call->entry = entry;
    call->act = request->act;
    call->mcp = mcp;
    call->principal = principal_ref((principal_t *)request->principal);
    snprintf(call->id, sizeof(call->id), "%.*s", SPAN_ARGS(id));
    call->holds = 1;
    call->last_done = -INFINITY;
    if (call->act == MCP_READ_RESOURCE) {
        call->uri = call_printf(call, "%.*s", SPAN_ARGS(request->name));
    }
    set_deadline(call, request->http);
    link_open(call);
    mcp_call_on_gone(mcp, on_gone, call);
    return call;
}
