/* See forward.h. What is surprising: two parties hold a forward, the call it answers (until its log line is
 * written) and the exchange with the connector. A legacy client that hangs up has not cancelled anything
 * (2025-11-25 basic/transports), so its exchange goes on without a call, to the end or the deadline, and what
 * comes back is dropped.
 *
 * No JSON tree is built here: the caller's values go out as the bytes that came in.
 */
#include "forward.h"

#include <event2/buffer.h>
#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "envelope.h"
#include "errors.h"
#include "hop_headers.h"
#include "log.h"
#include "mem.h"
#include "notify.h"
#include "relay.h"
#include "trace.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

#define INSUFFICIENT_SCOPE 403 /* an err_t.code that common/mcp/errors.c knows */

struct forward {
    LIST_ENTRY(forward) link; /* while the exchange is open */
    worker_t *worker;
    view_t *view;
    mcp_call_t *call; /* NULL once its client is gone */
    const catalog_tool_t *tool;
    const catalog_connector_t *connector;
    relay_t *relay;    /* NULL once the exchange is over */
    int64_t latest_ms; /* no progress extends the deadline past this */
    int64_t sent_us, upstream_us;
    uint64_t id; /* of the request to the connector */
    double last_progress;
    bool wants_progress, paused;
    unsigned holders;
    void *companion; /* of answers that are not MCP's own */
    void (*free_companion)(void *);
};

static forward_t *forward_new(worker_t *worker, mcp_call_t *call);
static void release(forward_t *forward);
static int begin(forward_t *forward, const mcp_request_t *request, err_t *err);
static int find_tool(forward_t *forward, const mcp_request_t *request, err_t *err);
static int deny(forward_t *forward, const mcp_request_t *request, size_t index, err_t *err);
static int write_headers(forward_t *forward, const mcp_request_t *request, span_t traceparent, err_t *err);
static void write_envelope(forward_t *forward, const mcp_request_t *request, span_t traceparent,
                           struct evbuffer *body);
static void start(forward_t *forward, struct evbuffer *body);
static void on_progress(void *self, const mcp_progress_t *progress);
static void on_drained(void *self);
static void on_answer(void *self, const relay_answer_t *answer);
static void on_error(void *self, const err_t *err, bool sent);
static void on_gone(void *self);

static const relay_events_t with_progress = {
    .on_progress = on_progress,
    .on_answer = on_answer,
    .on_error = on_error,
};
static const relay_events_t without_progress = {
    .on_answer = on_answer,
    .on_error = on_error,
};

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
    }
    bool open = forward->relay;
    release(forward);
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

static void release(forward_t *forward)
{
    if (--forward->holders > 0) {
        return;
    }
    if (forward->free_companion) {
        forward->free_companion(forward->companion);
    }
    view_unref(forward->view);
    mem_free(forward);
}

static int begin(forward_t *forward, const mcp_request_t *request, err_t *err)
{
    AUTO(evbuffer_free) struct evbuffer *body = evbuffer_new();
    char trace[TRACE_SIZE];

    forward->id = ++forward->worker->last_id;
    if (forward->worker->impatient) {
        return err_set(err, ERR_UPSTREAM,
                       "The gateway is stopping. Nothing was done; try again in a moment.");
    }
    if (find_tool(forward, request, err)) {
        return -1;
    }
    span_t traceparent = { 0 };
    if (forward->connector->config->trusted) {
        traceparent =
            span_of(trace_next(request->traceparent, http_request_id(request->http), forward->id, trace));
    }
    if (write_headers(forward, request, traceparent, err)) {
        return -1;
    }
    write_envelope(forward, request, traceparent, body);
    start(forward, body);
    return 0;
}

static int find_tool(forward_t *forward, const mcp_request_t *request, err_t *err)
{
    const catalog_t *catalog = forward->view->catalog;

    forward->tool = catalog_find(catalog, request->name);
    if (!forward->tool) {
        /* CrewAI repeats a failed call unless its text says "not found". */
        return err_set(err, ERR_UNKNOWN, "Tool \"%.*s\" not found. tools/list names those there are.",
                       (int)(request->name.length < 80 ? request->name.length : 80), request->name.at);
    }
    size_t index = catalog_index(catalog, forward->tool);
    if (!policy_allows(catalog->policy, request->principal, index)) {
        return deny(forward, request, index, err);
    }
    forward->connector = &catalog->connectors[forward->tool->connector];
    return 0;
}

/* MCP 2026-07-28 basic/authorization "Scope Challenge": only where a scope could be asked for, and only for
 * clients that survive a 403. */
static int deny(forward_t *forward, const mcp_request_t *request, size_t index, err_t *err)
{
    const catalog_t *catalog = forward->view->catalog;
    const char *permission = policy_permission(catalog->policy, index);

    policy_deny(catalog->policy, forward->tool, index, err);
    if (request->era == MCP_MODERN && request->principal->from_scope && permission) {
        err->code = INSUFFICIENT_SCOPE;
        gate_challenge_scope(forward->worker->gate, request->http, permission);
    }
    return -1;
}

static span_t header_of(const void *request, const char *name, size_t *ret_count)
{
    return http_header(request, name, ret_count);
}

static int write_headers(forward_t *forward, const mcp_request_t *request, span_t traceparent, err_t *err)
{
    buf_t *out = &forward->worker->scratch;
    hop_headers_t headers = {
        .connector = forward->connector,
        .revision = forward->connector->revision,
        .method = "tools/call",
        .name = span_of(forward->tool->own_name),
        .principal = worker_hop_token(forward->worker, forward->connector, request->principal),
        .request_id = span_of(http_request_id(request->http)),
        .traceparent = traceparent,
        /* A little less than we wait, so that the connector's own word on a timeout comes first. */
        .timeout_ms = forward->tool->timeout_ms - forward->tool->timeout_ms / 50,
    };

    buf_clear(out);
    hop_headers(out, &headers);
    return hop_forwarded(out, forward->connector->config, request->http, header_of, err);
}

static void free_bytes(const void *data, size_t length, void *self)
{
    (void)length, (void)self;
    mem_free((void *)data);
}

static void write_envelope(forward_t *forward, const mcp_request_t *request, span_t traceparent,
                           struct evbuffer *body)
{
    buf_t out = { 0 };
    envelope_request_t message = {
        .revision = forward->connector->revision,
        .id = forward->id,
        .method = "tools/call",
        .name = span_of(forward->tool->own_name),
        .arguments = request->arguments,
        .input_responses = request->input_responses,
        .request_state = request->request_state,
        .meta = request->meta,
        .client_capabilities = request->client_capabilities,
        .traceparent = traceparent,
        .progress = forward->wants_progress,
    };

    envelope_request(&out, &message);
    size_t length = out.length;
    evbuffer_add_reference(body, buf_steal(&out), length, free_bytes, NULL);
}

static void start(forward_t *forward, struct evbuffer *body)
{
    int64_t timeout_ms = forward->tool->timeout_ms;
    int64_t progress_timeout_ms = forward->connector->config->progress_timeout_ms;
    int64_t now_ms = clock_ms();
    relay_request_t request = {
        .pool = forward->view->lanes[forward->tool->connector]->pool,
        .headers = buf_span(&forward->worker->scratch),
        .key_holder = forward->connector->config->trusted ? forward->connector->config->name : NULL,
        .deadline_ms = now_ms + timeout_ms,
        .idempotent = forward->tool->read_only || forward->tool->idempotent,
        .id = forward->id,
        .max_event_bytes = forward->view->catalog->config->max_reply_bytes,
    };

    forward->latest_ms = now_ms + (progress_timeout_ms > timeout_ms ? progress_timeout_ms : timeout_ms);
    forward->sent_us = clock_us();
    forward->holders++;
    LIST_INSERT_HEAD(&forward->worker->forwards, forward, link);
    mcp_call_on_gone(forward->call, on_gone, forward);
    if (forward->wants_progress) {
        mcp_call_on_drained(forward->call, on_drained, forward);
    }
    forward->relay =
        relay_start(&request, body, forward->wants_progress ? &with_progress : &without_progress, forward);
}

/* Each event shows that work goes on: it buys the time of one more call, up to the limit for progress. */
static void extend(forward_t *forward)
{
    int64_t deadline_ms = clock_ms() + forward->tool->timeout_ms;

    relay_extend(forward->relay, deadline_ms < forward->latest_ms ? deadline_ms : forward->latest_ms);
}

/* MCP basic/utilities/progress: the value must increase with each notification, whatever the connector does.
 */
static bool has_grown(forward_t *forward, span_t progress)
{
    double value = strtod(progress.at, NULL); /* a JSON number, and what follows it is none */

    if (value <= forward->last_progress) {
        return false;
    }
    forward->last_progress = value;
    return true;
}

static void on_progress(void *self, const mcp_progress_t *progress)
{
    forward_t *forward = self;

    extend(forward);
    if (!has_grown(forward, progress->progress)) {
        return;
    }
    if (forward->call && mcp_call_progress(forward->call, progress) > HTTP_STREAM_HIGH_BYTES) {
        forward->paused = true;
        relay_pause(forward->relay, true);
    }
}

static void on_drained(void *self)
{
    forward_t *forward = self;

    if (forward->paused && forward->relay) {
        forward->paused = false;
        relay_pause(forward->relay, false);
    }
}

static void exchange_over(forward_t *forward)
{
    forward->relay = NULL;
    forward->upstream_us = clock_us() - forward->sent_us;
    LIST_REMOVE(forward, link);
}

static void tell_cancelled(const forward_t *forward)
{
    notify_cancelled(forward->view, forward->tool->connector, forward->id);
}

static void suspect(forward_t *forward, bool anew)
{
    gateway_suspect(forward->worker->gateway, forward->connector->config->name, anew);
}

/* Codes that speak about our side of the hop, not about the caller's request. A tool that is gone, a session
 * that is forgotten, another revision: each smells of a connector that has changed. */
static bool is_about_the_hop(int code)
{
    return code == MCP_HEADER_MISMATCH || code == MCP_UNSUPPORTED_VERSION || code == RPC_METHOD_NOT_FOUND ||
           code == RPC_PARSE_ERROR || code == RPC_INVALID_REQUEST;
}

static void answer_error(forward_t *forward, const relay_answer_t *answer)
{
    int code = answer->error.code;
    err_t err;

    bool anew = is_about_the_hop(code) || answer->status == 404;
    if (anew || code == RPC_INVALID_PARAMS) { /* an unknown tool, or the caller's mistake */
        suspect(forward, anew);
    }
    if (is_about_the_hop(code)) {
        err_set(&err, ERR_UPSTREAM,
                "Connector %s did not take the request (JSON-RPC error %d). Nothing was done.",
                forward->connector->config->name, code);
        mcp_call_error(forward->call, &err);
    } else {
        mcp_call_rpc_error(forward->call, &answer->error);
    }
}

static void answer_call(forward_t *forward, const relay_answer_t *answer)
{
    if (answer->members) {
        mcp_call_result(forward->call, answer->members, answer->count);
    } else {
        answer_error(forward, answer);
    }
}

static void on_answer(void *self, const relay_answer_t *answer)
{
    forward_t *forward = self;

    exchange_over(forward);
    if (forward->call) {
        answer_call(forward, answer);
    }
    release(forward);
}

static void on_error(void *self, const err_t *cause, bool sent)
{
    forward_t *forward = self;
    int status = relay_status(forward->relay);
    err_t err;

    exchange_over(forward);
    suspect(forward, cause->kind != ERR_TIMEOUT);
    if (cause->kind == ERR_TIMEOUT && sent) {
        tell_cancelled(forward);
    }
    forward_end_t end = {
        .cause = cause,
        .status = status,
        .sent = sent,
        .asked_progress = forward->wants_progress,
        .us = forward->upstream_us,
    };
    forward_failure(forward->tool, forward->connector->config, &end, &err);
    if (forward->call) {
        mcp_call_error(forward->call, &err);
    }
    release(forward);
}

static void on_gone(void *self)
{
    forward_t *forward = self;
    mcp_era_t era = mcp_call_request(forward->call)->era;

    forward->call = NULL;
    if (!forward->relay) {
        return;
    }
    if (era == MCP_MODERN) {
        relay_cancel(forward->relay);
        exchange_over(forward);
        tell_cancelled(forward);
        release(forward);
    } else if (forward->paused) {
        forward->paused = false; /* nobody is there to drain */
        relay_pause(forward->relay, false);
    }
}

static void give_up(forward_t *forward)
{
    err_t err;

    relay_cancel(forward->relay);
    exchange_over(forward);
    tell_cancelled(forward);
    forward_stopped(forward->tool, forward->connector->config, &err);
    if (forward->call) {
        mcp_call_error(forward->call, &err);
    }
    release(forward);
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
        relay_cancel(forward->relay);
        exchange_over(forward);
        release(forward);
    }
}

const catalog_tool_t *forward_tool(const forward_t *forward)
{
    return forward->tool;
}

const catalog_connector_t *forward_connector(const forward_t *forward)
{
    return forward->connector;
}

int64_t forward_upstream_us(const forward_t *forward)
{
    return forward->relay ? clock_us() - forward->sent_us : forward->upstream_us;
}

void forward_logged(forward_t *forward)
{
    forward->call = NULL;
    release(forward);
}
