/* The exchanges of one call: what is sent to its connector, and what comes back. Most calls have one. A call
 * whose session was lost is sent again in a new one (forward_session.c); so is a call whose connector speaks
 * of another schema or revision than we know, once the new catalog is there; and a call whose questions the
 * client has answered (forward_ask.c).
 */
#include <stdlib.h>

#include "clock.h"
#include "envelope.h"
#include "errors.h"
#include "forward_private.h"
#include "hop_headers.h"
#include "mem.h"
#include "notify.h"
#include "null_args.h"
#include "public_uris.h"
#include "trace.h"

#define CAN_BE_ASKED "{\"sampling\":{},\"elicitation\":{},\"roots\":{}}"
#define CAN_BE_ASKED_BEFORE_ELICITATION "{\"sampling\":{},\"roots\":{}}"

static void on_progress(void *self, const mcp_progress_t *progress);
static void on_log(void *self, span_t level, span_t params);
static void on_answer(void *self, const relay_answer_t *answer);
static void on_error(void *self, const err_t *err, bool sent);
static bool resume(void *self, buf_t *lines);

static const relay_events_t events = {
    .on_progress = on_progress,
    .on_log = on_log,
    .on_answer = on_answer,
    .on_error = on_error,
};
/* The other era has no requests from server to client. */
static const relay_events_t legacy_events = {
    .on_progress = on_progress,
    .on_log = on_log,
    .on_request = forward_question,
    .resume = resume,
    .on_answer = on_answer,
    .on_error = on_error,
};

static int write_headers(forward_t *forward, const char *method, span_t traceparent, err_t *err)
{
    const mcp_request_t *request = mcp_call_request(forward->call);
    buf_t *out = &forward->worker->scratch;
    int64_t left_ms = forward->deadline_ms - clock_ms();
    AUTO_BUF users = { 0 };
    hop_headers_t headers = {
        .connector = forward->connector,
        .revision = forward->revision,
        .session_id = span_of(session_id(forward->session)),
        .method = method,
        .name = request->act == MCP_COMPLETE ? (span_t){ 0 } : forward->own,
        .principal = worker_hop_token(forward->worker, forward->connector, request->principal),
        .request_id = span_of(http_request_id(request->http)),
        .traceparent = traceparent,
        /* A little less than we wait, so that the connector's own word on a timeout comes first. */
        .timeout_ms = left_ms - left_ms / 50,
    };

    if (hop_forwarded(&users, forward->connector->config, request->http, forward_header, err)) {
        return -1;
    }
    headers.forwarded = buf_span(&users);
    buf_clear(out);
    hop_headers(out, &headers);
    mem_wipe(users.data, users.length);
    return forward_is_modern(forward) ? hop_params(out, forward->entry->params, request, err) : 0;
}

/* A modern connector hears what the client can be asked: of a legacy one, whatever can be asked on the stream
 * of its call (MCP 2026-07-28 basic "Per-request metadata"; elicitation began with 2025-06-18). */
static span_t capabilities_of_legacy(mcp_revision_t revision)
{
    return revision >= MCP_2025_06_18 ? SPAN(CAN_BE_ASKED) : SPAN(CAN_BE_ASKED_BEFORE_ELICITATION);
}

/* Our own connectors take null as absent; of others nobody knows. */
static bool may_trip_over_null(const forward_t *forward, const mcp_request_t *request)
{
    return request->era == MCP_LEGACY && !forward->connector->config->trusted && forward->entry->schema;
}

static void write_body(const forward_t *forward, span_t traceparent, buf_t *out)
{
    const mcp_request_t *request = mcp_call_request(forward->call);
    envelope_hop_t hop = {
        .revision = forward->revision,
        .id = forward->id,
        .name = forward->own,
        .traceparent = traceparent,
        .client_capabilities = request->client_capabilities,
        .progress = forward->wants_progress,
    };

    if (request->era == MCP_LEGACY && mcp_call_can_ask(forward->call)) {
        hop.client_capabilities = capabilities_of_legacy(request->revision);
        hop.log_level =
            SPAN("\"debug\""); /* it has no other way to say it, and can leave out what it reads */
    }
    if (request->era == MCP_MODERN && forward_is_modern(forward)) { /* the other era has no such members */
        hop.input_responses = request->input_responses;
        hop.request_state = request->request_state;
    } else if (forward->asks) {
        hop.input_responses = asks_responses(forward->asks);
        hop.request_state = asks_state(forward->asks);
    }
    AUTO_BUF arguments = { 0 };
    if (may_trip_over_null(forward, request) &&
        null_args_strip(request->arguments, span_of(forward->entry->schema), &arguments)) {
        mcp_request_t shown = *request;
        shown.arguments = buf_span(&arguments);
        envelope_call(out, &shown, &hop);
        return;
    }
    envelope_call(out, request, &hop);
}

int forward_send_now(forward_t *forward, err_t *err)
{
    const mcp_request_t *request = mcp_call_request(forward->call);
    AUTO_BUF body = { 0 };
    char trace[TRACE_SIZE];
    span_t traceparent = { 0 };

    forward->id = ++forward->worker->last_id;
    if (forward->connector->config->trusted) {
        traceparent =
            span_of(trace_next(request->traceparent, http_request_id(request->http), forward->id, trace));
    }
    if (write_headers(forward, mcp_act_method(request->act), traceparent, err)) {
        return -1;
    }
    write_body(forward, traceparent, &body);
    relay_request_t exchange = {
        .pool = forward_lane(forward)->pool,
        .headers = buf_span(&forward->worker->scratch),
        .deadline_ms = forward->deadline_ms,
        .idempotent = forward_may_repeat(forward->entry),
        .id = forward->id,
        .max_event_bytes = forward->view->catalog->config->max_reply_bytes,
    };
    forward->sent_us = clock_us();
    forward->relay =
        relay_start(&exchange, &body, forward_is_modern(forward) ? &events : &legacy_events, forward);
    return 0;
}

/* 0 when it is sent or a session is being opened for it. */
static int try_send(forward_t *forward, err_t *err)
{
    if (forward_enter_session(forward, err)) {
        return -1;
    }
    return forward->opening ? 0 : forward_send_now(forward, err);
}

/* Whether this modern connector speaks to legacy clients in their own way is asked when one first calls it.
 */
static bool must_learn_wire(const forward_t *forward)
{
    const catalog_connector_t *connector = forward->connector;

    return !connector->legacy_known && !forward->waited_for_wire && !connector->config->trusted &&
           mcp_revision_era(connector->revision) == MCP_MODERN &&
           mcp_call_request(forward->call)->era == MCP_LEGACY;
}

static void choose_wire(forward_t *forward)
{
    const catalog_connector_t *connector = forward->connector;
    bool legacy = mcp_call_request(forward->call)->era == MCP_LEGACY && connector->speaks_legacy;

    forward->revision = legacy ? connector->legacy_revision : connector->revision;
}

void forward_send(forward_t *forward)
{
    err_t err;

    if (must_learn_wire(forward)) {
        forward_await_wire(forward);
        return;
    }
    choose_wire(forward);
    if (try_send(forward, &err)) {
        forward_fail(forward, &err);
    }
}

/* Beside the exchange. */

/* Headers for what is not the call itself; absent: they cannot be written any more. */
static span_t lines_beside(forward_t *forward)
{
    err_t err;

    if (!forward->call) {
        return buf_span(&forward->lines);
    }
    return write_headers(forward, "", (span_t){ 0 }, &err) ? (span_t){ 0 }
                                                           : buf_span(&forward->worker->scratch);
}

void forward_keep_lines(forward_t *forward)
{
    if (!forward_is_modern(forward)) {
        buf_add_span(&forward->lines, lines_beside(forward));
    }
}

void forward_post(forward_t *forward, buf_t *body)
{
    span_t lines = lines_beside(forward);

    if (lines.length > 0) {
        notify_post(forward->view, forward->entry->connector, lines, body);
    }
}

/* A modern connector sees that its connection is closed; a legacy one is told, within a session: without one
 * our ids mean nothing to it (2025-11-25 basic/utilities/cancellation). */
void forward_tell_cancelled(forward_t *forward)
{
    AUTO_BUF body = { 0 };

    if (!forward_is_modern(forward) && forward->session) {
        buf_add_text(
            &body, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":");
        buf_add_u64(&body, forward->id);
        buf_add_text(&body, ",\"reason\":\"The caller is gone or its time is up.\"}}");
        forward_post(forward, &body);
    }
}

static bool resume(void *self, buf_t *lines)
{
    span_t beside = lines_beside(self);

    buf_add_span(lines, beside);
    return beside.length > 0;
}

/* What comes back. */

/* Each event shows that work goes on: it buys the time of one more call, up to the limit for progress. */
static void extend(forward_t *forward)
{
    int64_t deadline_ms = clock_ms() + forward->entry->timeout_ms;

    if (forward->asking_since_ms == 0) {
        forward->deadline_ms = deadline_ms < forward->latest_ms ? deadline_ms : forward->latest_ms;
        relay_extend(forward->relay, forward->deadline_ms);
    }
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

static void pause_above(forward_t *forward, size_t waiting_bytes)
{
    if (waiting_bytes > HTTP_STREAM_HIGH_BYTES) {
        forward->paused = true;
        relay_pause(forward->relay, true);
    }
}

static void on_progress(void *self, const mcp_progress_t *progress)
{
    forward_t *forward = self;

    if (!forward->wants_progress) {
        return;
    }
    extend(forward);
    if (has_grown(forward, progress->progress) && forward->call) {
        pause_above(forward, mcp_call_progress(forward->call, progress));
    }
}

static void on_log(void *self, span_t level, span_t params)
{
    forward_t *forward = self;

    if (forward->call) {
        pause_above(forward, mcp_call_log(forward->call, level, params));
    }
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
        forward_suspect(forward, anew);
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

/* Which member of a result has URIs that may need their public form, and what gives it to them. */
typedef struct {
    const char *key; /* NULL: none has */
    void (*make_public)(buf_t *out, const catalog_t *catalog, const char *connector, span_t value);
} uris_t;

static uris_t uris_of(const forward_t *forward)
{
    static const uris_t by_kind[MCP_KINDS] = {
        [MCP_TOOLS] = { "content", public_uris_in_content },
        [MCP_PROMPTS] = { "messages", public_uris_in_messages },
    };

    if (forward->qualified) {
        return (uris_t){ "contents", public_uris_in_contents };
    }
    return public_uris_matter(forward->view->catalog, forward->connector) ? by_kind[forward->entry->kind]
                                                                          : (uris_t){ 0 };
}

/* A client may read by the URIs it is shown. */
static void answer_with_uris(forward_t *forward, const relay_answer_t *answer, const uris_t *uris)
{
    const char *connector = forward->connector->config->name;
    json_member_t members[JSON_MAX_MEMBERS];
    AUTO_BUF changed = { 0 };

    memcpy(members, answer->members, answer->count * sizeof(*members));
    for (size_t i = 0; i < answer->count; i++) {
        if (span_is(members[i].key, uris->key) &&
            memmem(members[i].value.at, members[i].value.length, "\"uri\"", 5)) {
            uris->make_public(&changed, forward->view->catalog, connector, members[i].value);
            members[i].value = buf_span(&changed);
        }
    }
    mcp_call_result(forward->call, members, answer->count);
}

static void answer_call(forward_t *forward, const relay_answer_t *answer)
{
    uris_t uris = answer->members ? uris_of(forward) : (uris_t){ 0 };

    if (uris.key) {
        answer_with_uris(forward, answer, &uris);
    } else if (answer->members) {
        mcp_call_result(forward->call, answer->members, answer->count);
    } else {
        answer_error(forward, answer);
    }
}

/* MCP 2026-07-28 basic/transports/streamable-http "Client Behavior": the schema is to be refreshed, and the
 * request sent again. Both codes say that nothing was done. */
static bool knows_us_wrong(int code)
{
    return code == MCP_HEADER_MISMATCH || code == MCP_UNSUPPORTED_VERSION;
}

static void on_answer(void *self, const relay_answer_t *answer)
{
    forward_t *forward = self;

    forward_exchange_over(forward);
    if (!answer->members && forward_take_lost_session(forward, answer->status, answer->error.code)) {
        return;
    }
    if (!answer->members && knows_us_wrong(answer->error.code) && forward->call && !forward->renewed) {
        forward->renewed = true;
        forward_await_catalog(forward, answer->error.code);
        return;
    }
    if (forward->call && forward_asks_input(forward, answer)) {
        return;
    }
    if (forward->call) {
        answer_call(forward, answer);
    }
    forward_end_work(forward);
}

static void on_error(void *self, const err_t *cause, bool sent)
{
    forward_t *forward = self;
    int status = relay_status(forward->relay);
    err_t err;

    forward_exchange_over(forward);
    if (forward_take_lost_session(forward, status, 0)) {
        return;
    }
    forward_suspect(forward, cause->kind != ERR_TIMEOUT);
    if (cause->kind == ERR_TIMEOUT && sent) {
        forward_tell_cancelled(forward);
    }
    forward_end_t end = {
        .cause = cause,
        .status = status,
        .sent = sent,
        .asked_progress = forward->wants_progress,
        .us = forward->upstream_us,
    };
    forward_failure(forward->entry, forward->connector->config, &end, &err);
    forward_fail(forward, &err);
}
