/* See forward.h. What is surprising: two parties hold a forward, the call it answers (until its log line is
 * written) and its work with the connector: a session that is being opened, an exchange, questions to the
 * client between two exchanges. A legacy client that hangs up has not cancelled anything (2025-11-25
 * basic/transports), so its exchange goes on without a call, to the end or the deadline, and what comes back
 * is dropped.
 *
 * No JSON tree is built here: the caller's values go out as the bytes that came in.
 */
#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "errors.h"
#include "forward_private.h"
#include "hop_headers.h"
#include "mem.h"

#define CATALOG_PATIENCE_MS 6000 /* discovery asks a connector every 5 s at most */
#define INSUFFICIENT_SCOPE 403   /* an err_t.code that common/mcp/errors.c knows */

static forward_t *forward_new(worker_t *worker, mcp_call_t *call);
static int begin(forward_t *forward, const mcp_request_t *request, err_t *err);
static int find_entry(forward_t *forward, const mcp_request_t *request, err_t *err);
static int deny(forward_t *forward, const mcp_request_t *request, size_t index, err_t *err);
static void on_drained(void *self);
static void on_gone(void *self);

void forward_call(worker_t *worker, mcp_call_t *call)
{
    forward_call_with(worker, call, NULL, NULL);
}

bool forward_call_with(worker_t *worker, mcp_call_t *call, void *companion, void (*free_companion)(void *))
{
    forward_t *forward = forward_new(worker, call);
    err_t err;

    forward->companion = companion;
    forward->free_companion = free_companion;
    if (begin(forward, mcp_call_request(call), &err)) {
        mcp_call_error(call, &err);
    } else {
        forward_begin_work(forward);
        forward_send(forward);
    }
    bool open = forward->active;
    forward_release(forward);
    return open;
}

/* Held by the call, and by who begins it. */
static forward_t *forward_new(worker_t *worker, mcp_call_t *call)
{
    forward_t *forward = NEW(forward_t);

    forward->worker = worker;
    forward->view = view_ref(worker->view);
    forward->call = call;
    forward->wants_progress = mcp_call_wants_progress(call);
    forward->last_progress = -INFINITY;
    forward->holders = 2;
    mcp_call_set_owner(call, forward);
    return forward;
}

void forward_hold(forward_t *forward)
{
    forward->holders++;
}

void forward_release(forward_t *forward)
{
    if (--forward->holders > 0) {
        return;
    }
    if (forward->free_companion) {
        forward->free_companion(forward->companion);
    }
    asks_free(forward->asks);
    mem_wipe(forward->lines.data, forward->lines.length);
    buf_free(&forward->lines);
    session_unref(forward->session);
    view_unref(forward->view);
    mem_free(forward);
}

void forward_begin_work(forward_t *forward)
{
    int64_t timeout_ms = forward->entry->timeout_ms;
    int64_t progress_timeout_ms = forward->connector->config->progress_timeout_ms;

    forward->deadline_ms = clock_ms() + timeout_ms;
    forward->latest_ms = forward->deadline_ms - timeout_ms +
                         (progress_timeout_ms > timeout_ms ? progress_timeout_ms : timeout_ms);
    forward->active = true;
    forward_hold(forward);
    LIST_INSERT_HEAD(&forward->worker->forwards, forward, link);
    mcp_call_on_gone(forward->call, on_gone, forward);
    mcp_call_on_drained(forward->call, on_drained, forward); /* log messages can stall it too */
}

void forward_exchange_over(forward_t *forward)
{
    forward->relay = NULL;
    forward->upstream_us += clock_us() - forward->sent_us;
}

void forward_end_work(forward_t *forward)
{
    if (forward->relay) {
        relay_cancel(forward->relay);
        forward_exchange_over(forward);
    }
    if (forward->opening) {
        session_wait_cancel(TAKE(forward->opening));
    }
    if (forward->patience) {
        event_free(TAKE(forward->patience));
    }
    if (forward->active) {
        forward->active = false;
        LIST_REMOVE(forward, link);
        forward_release(forward);
    }
}

void forward_fail(forward_t *forward, const err_t *err)
{
    if (forward->call) {
        mcp_call_error(forward->call, err);
    }
    forward_end_work(forward);
}

static void on_patience_over(evutil_socket_t fd, short what, void *self)
{
    forward_t *forward = self;
    err_t err;

    (void)fd, (void)what;
    if (forward->stale_code == 0) {
        event_free(TAKE(forward->patience));
        forward_send(forward);
        return;
    }
    err_set(&err, ERR_UPSTREAM,
            "Connector %s did not take the request (JSON-RPC error %d). Nothing was done.",
            forward->connector->config->name, forward->stale_code);
    forward_fail(forward, &err);
}

/* From the catalog that the worker has now. What the call knew of the one before must not be used any more,
 * also when it has to end here. */
static void begin_again(forward_t *forward)
{
    view_t *before = TAKE(forward->view);
    err_t err;

    forward->view = view_ref(forward->worker->view);
    forward->entry = NULL;
    forward->connector = NULL;
    forward->own = (span_t){ 0 };
    if (begin(forward, mcp_call_request(forward->call), &err)) {
        forward_fail(forward, &err);
    } else {
        forward_send(forward);
    }
    view_unref(before);
}

/* Whether its connector was asked since the call looked: a new catalog may be another connector's news. */
static bool has_news(const forward_t *forward)
{
    const catalog_connector_t *then = forward->connector;
    const catalog_connector_t *now = catalog_connector(forward->worker->view->catalog, then->config->name);

    return !now || now->config != then->config || now->asked_count != then->asked_count;
}

static int64_t left_ms(const forward_t *forward)
{
    int64_t ms = forward->deadline_ms - clock_ms();

    return ms > 0 ? ms : 0;
}

static void await(forward_t *forward, int code, int64_t patience_ms)
{
    forward->stale_code = code;
    forward->patience = evtimer_new(loop_base(forward->worker->loop), on_patience_over, forward);
    loop_arm(forward->patience, patience_ms);
}

void forward_await_catalog(forward_t *forward, int code)
{
    if (has_news(forward)) { /* it came while the connector was being asked */
        begin_again(forward);
        return;
    }
    gateway_await(forward->worker->gateway, forward->connector->config->name);
    await(forward, code, left_ms(forward) < CATALOG_PATIENCE_MS ? left_ms(forward) : CATALOG_PATIENCE_MS);
}

void forward_await_wire(forward_t *forward)
{
    gateway_want_legacy(forward->worker->gateway, forward->connector->config->name);
    forward->waited_for_wire = true;
    await(forward, 0, left_ms(forward) / 4); /* the call itself needs the rest */
}

void forward_catalog_shown(worker_t *worker)
{
    forward_t *forward, *next;

    for (forward = LIST_FIRST(&worker->forwards); forward; forward = next) {
        next = LIST_NEXT(forward, link);
        if (forward->patience && has_news(forward)) {
            event_free(TAKE(forward->patience));
            begin_again(forward);
        }
    }
}

static int begin(forward_t *forward, const mcp_request_t *request, err_t *err)
{
    if (forward->worker->impatient) {
        return err_set(err, ERR_UPSTREAM,
                       "The gateway is stopping. Nothing was done; try again in a moment.");
    }
    if (find_entry(forward, request, err)) {
        return -1;
    }
    return hop_params_check(forward->entry->params, request, err);
}

static int not_found(const mcp_request_t *request, err_t *err)
{
    static const struct {
        const char *what, *list;
    } kinds[MCP_KINDS] = {
        [MCP_TOOLS] = { "Tool", "tools/list" },
        [MCP_RESOURCES] = { "Resource", "resources/list" },
        [MCP_TEMPLATES] = { "Resource template", "resources/templates/list" },
        [MCP_PROMPTS] = { "Prompt", "prompts/list" },
    };

    /* CrewAI repeats a failed call unless its text says "not found". */
    return err_set(err, ERR_UNKNOWN, "%s \"%.*s\" not found. %s names those there are.",
                   kinds[request->kind].what, (int)(request->name.length < 80 ? request->name.length : 80),
                   request->name.at, kinds[request->kind].list);
}

static int find_entry(forward_t *forward, const mcp_request_t *request, err_t *err)
{
    const catalog_t *catalog = forward->view->catalog;

    catalog_route_t route;

    if (!catalog_route(catalog, request->kind, request->name, &route)) {
        return not_found(request, err);
    }
    forward->entry = route.entry;
    forward->own = route.own;
    forward->qualified = route.qualified;
    size_t index = catalog_index(catalog, forward->entry);
    if (!policy_allows(catalog->policy, request->principal, index)) {
        return deny(forward, request, index, err);
    }
    forward->connector = &catalog->connectors[forward->entry->connector];
    return 0;
}

/* MCP 2026-07-28 basic/authorization "Scope Challenge": only where a scope could be asked for, and only for
 * clients that survive a 403. */
static int deny(forward_t *forward, const mcp_request_t *request, size_t index, err_t *err)
{
    const catalog_t *catalog = forward->view->catalog;
    const char *permission = policy_permission(catalog->policy, index);

    policy_deny(catalog->policy, forward->entry, index, err);
    if (request->era == MCP_MODERN && request->principal->from_scope && permission) {
        err->code = INSUFFICIENT_SCOPE;
        gate_challenge_scope(forward->worker->gate, request->http, permission);
    }
    return -1;
}

static void on_drained(void *self)
{
    forward_t *forward = self;

    if (forward->paused && forward->relay) {
        forward->paused = false;
        relay_pause(forward->relay, false);
    }
}

/* A modern client that hangs up has cancelled, and so has any that we were asking: nobody will answer. */
static void on_gone(void *self)
{
    forward_t *forward = self;
    mcp_era_t era = mcp_call_request(forward->call)->era;
    bool asking = forward->asking_since_ms != 0;

    if (forward->relay && (era == MCP_MODERN || asking)) {
        forward_tell_cancelled(forward);
    } else if (forward->relay) {
        forward_keep_lines(forward);
    }
    forward->call = NULL;
    if (era == MCP_MODERN || asking || !forward->relay) {
        forward_end_work(forward);
    } else if (forward->paused) {
        forward->paused = false; /* nobody is there to drain */
        relay_pause(forward->relay, false);
    }
}

static void give_up(forward_t *forward)
{
    err_t err;

    if (forward->relay) {
        forward_tell_cancelled(forward);
    }
    forward_stopped(forward->entry, forward->connector->config, &err);
    forward_fail(forward, &err);
}

void forward_give_up_all(worker_t *worker)
{
    forward_t *forward;

    while ((forward = LIST_FIRST(&worker->forwards))) {
        give_up(forward);
    }
}

void forward_cancel_all(worker_t *worker)
{
    forward_t *forward;

    while ((forward = LIST_FIRST(&worker->forwards))) {
        forward_end_work(forward);
    }
}

const catalog_entry_t *forward_entry(const forward_t *forward)
{
    return forward->entry;
}

const catalog_connector_t *forward_connector(const forward_t *forward)
{
    return forward->connector;
}

int64_t forward_upstream_us(const forward_t *forward)
{
    return forward->upstream_us + (forward->relay ? clock_us() - forward->sent_us : 0);
}

void forward_logged(forward_t *forward)
{
    forward->call = NULL;
    forward_release(forward);
}
