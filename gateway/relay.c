/* See relay.h. A JSON answer is collected whole and scanned once. Of a stream each event is scanned when it
 * is whole: our progress is told, the final response ends the relay, and what else a connector may send on it
 * (log messages, requests to the client) is dropped: only the caller's own connection could carry those.
 *
 * After the final response a stream is not read to its end: that connection is closed, so that a connector
 * which keeps streams open holds nothing of ours.
 */
#include "relay.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "errors.h"
#include "log.h"
#include "mem.h"
#include "sse.h"

struct relay {
    const relay_events_t *events;
    void *self;
    hop_t *hop;
    const char *key_holder;
    uint64_t id;
    size_t max_event_bytes;
    sse_reader_t *reader; /* NULL: the answer is JSON */
    int status;
    char session_id[257];
    bool reading; /* inside sse_read(): the reader must stay */
    bool over;
};

static void on_head(void *self, const hop_head_t *head);
static void on_body(void *self, struct evbuffer *body);
static void on_end(void *self, struct evbuffer *body);
static void on_hop_error(void *self, const err_t *err, bool sent);
static bool on_event(void *self, span_t event, span_t data);

static const hop_events_t hop_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_hop_error,
};

enum {
    SLOT_JSONRPC = 1,
    SLOT_ID,
    SLOT_METHOD,
    SLOT_RESULT,
    SLOT_ERROR,
    SLOT_CODE,
    SLOT_MESSAGE,
    SLOT_DATA,
    SLOT_TOKEN,
    SLOT_PROGRESS,
    SLOT_TOTAL,
    SLOT_TEXT,
    SLOT_META,
};

static const json_want_t result_wants[] = {
    { .key = "content" },
    { .key = "isError" },
    { .key = "structuredContent" },
    { .key = "resultType" },
    { 0 },
};
static const json_want_t error_wants[] = {
    { .key = "code", .slot = SLOT_CODE },
    { .key = "message", .slot = SLOT_MESSAGE },
    { .key = "data", .slot = SLOT_DATA },
    { 0 },
};
static const json_want_t params_wants[] = {
    { .key = "progressToken", .slot = SLOT_TOKEN }, { .key = "progress", .slot = SLOT_PROGRESS },
    { .key = "total", .slot = SLOT_TOTAL },         { .key = "message", .slot = SLOT_TEXT },
    { .key = "_meta", .slot = SLOT_META },          { 0 },
};
static const json_want_t message_wants[] = {
    { .key = "jsonrpc", .slot = SLOT_JSONRPC },
    { .key = "id", .slot = SLOT_ID },
    { .key = "method", .slot = SLOT_METHOD },
    { .key = "params", .inside = params_wants },
    { .key = "result", .slot = SLOT_RESULT, .inside = result_wants, .keep = true },
    { .key = "error", .slot = SLOT_ERROR, .inside = error_wants },
    { 0 },
};

relay_t *relay_start(const relay_request_t *request, struct evbuffer *body, const relay_events_t *events,
                     void *self)
{
    relay_t *relay = NEW(relay_t);
    hop_request_t hop_request = {
        .method = "POST",
        .headers = request->headers,
        .deadline_ms = request->deadline_ms,
        .idempotent = request->idempotent,
    };

    relay->events = events;
    relay->self = self;
    relay->key_holder = request->key_holder;
    relay->id = request->id;
    relay->max_event_bytes = request->max_event_bytes;
    relay->hop = hop_start(request->pool, &hop_request, body, &hop_events, relay);
    return relay;
}

static void relay_free(relay_t *relay)
{
    sse_reader_free(relay->reader);
    mem_free(relay);
}

/* Ends the exchange; the relay itself goes when nothing of it is on the stack any more. */
static void end(relay_t *relay)
{
    relay->over = true;
    if (relay->hop) {
        hop_cancel(TAKE(relay->hop));
    }
}

void relay_cancel(relay_t *relay)
{
    end(relay);
    if (!relay->reading) {
        relay_free(relay);
    }
}

/* Both may come while the last events of an exchange are handed on, which has ended by then. */
void relay_pause(relay_t *relay, bool paused)
{
    if (relay->hop) {
        hop_pause(relay->hop, paused);
    }
}

void relay_extend(relay_t *relay, int64_t deadline_ms)
{
    if (relay->hop) {
        hop_extend(relay->hop, deadline_ms);
    }
}

/* The three ways out. `end` comes first: whoever is told may free what the hop works with. */
static void tell_error(relay_t *relay, const err_t *err, bool sent)
{
    end(relay);
    relay->events->on_error(relay->self, err, sent);
    if (!relay->reading) {
        relay_free(relay);
    }
}

static void tell_answer(relay_t *relay, const relay_answer_t *answer)
{
    relay_answer_t whole = *answer;

    end(relay); /* what the hop has read stays until its own callback returns */
    whole.status = relay->status;
    whole.session_id = *relay->session_id ? span_of(relay->session_id) : (span_t){ 0 };
    relay->events->on_answer(relay->self, &whole);
    if (!relay->reading) {
        relay_free(relay);
    }
}

static void fail(relay_t *relay, const char *text)
{
    err_t err;

    err_set(&err, ERR_UPSTREAM, "%s", text);
    tell_error(relay, &err, true);
}

static void refused(const relay_t *relay, err_t *ret)
{
    if (relay->status == 401 && relay->key_holder) {
        err_set(ret, ERR_UPSTREAM, "It does not accept this gateway's key. " RELAY_KEY_REMEDY,
                relay->key_holder);
    } else {
        err_set(ret, ERR_UPSTREAM, "It refused the credentials it was given (HTTP %d).", relay->status);
    }
}

static void fail_status(relay_t *relay)
{
    err_t err;

    switch (relay->status) {
    case 401:
    case 403:
        refused(relay, &err);
        break;
    case 202:
    case 204:
        err_set(&err, ERR_UPSTREAM, "It accepted the request and gave no answer (HTTP %d).", relay->status);
        break;
    case 429:
    case 503:
        err_set(&err, ERR_UPSTREAM, "It is busy or starting (HTTP %d).", relay->status);
        break;
    default:
        err_set(&err, ERR_UPSTREAM, "It answered with HTTP status %d.", relay->status);
    }
    tell_error(relay, &err, true);
}

static bool type_is(span_t content_type, const char *name)
{
    size_t length = strlen(name);

    if (content_type.length < length || strncasecmp(content_type.at, name, length) != 0) {
        return false;
    }
    return content_type.length == length || strchr("; \t", content_type.at[length]);
}

/* MCP 2026-07-28 basic/transports/streamable-http: an error may come with a 4xx and a JSON-RPC body, so other
 * statuses are read on when the body may be one; 401 and 403 are about our credentials, not about the
 * request. */
static void on_head(void *self, const hop_head_t *head)
{
    relay_t *relay = self;

    relay->status = head->status;
    if (head->session_id.length < sizeof(relay->session_id) && head->session_id.length > 0) {
        memcpy(relay->session_id, head->session_id.at, head->session_id.length);
    }
    bool ok = head->status == 200;
    if (head->status == 401 || head->status == 403 || (head->status < 400 && !ok)) {
        fail_status(relay);
    } else if (ok && type_is(head->content_type, "text/event-stream")) {
        relay->reader = sse_reader_new(relay->max_event_bytes);
    } else if (!type_is(head->content_type, "application/json")) {
        ok ? fail(relay, "It answered with something that is not JSON.") : fail_status(relay);
    }
}

static bool is_our_id(const relay_t *relay, span_t id)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, relay->id);
    return span_is(id, text);
}

static int read_error(const json_scan_t *scan, mcp_rpc_error_t *ret)
{
    span_t code = scan->slots[SLOT_CODE];
    bool fits = scan_is_integer(code) && code.length <= 11;
    int64_t number = fits ? strtoll(code.at, NULL, 10) : INT64_MAX;

    if (number < INT_MIN || number > INT_MAX || scan_kind(scan->slots[SLOT_MESSAGE]) != SCAN_STRING) {
        return -1;
    }
    ret->code = (int)number;
    ret->message = scan->slots[SLOT_MESSAGE];
    ret->data = scan->slots[SLOT_DATA];
    return 0;
}

/* What is wrong with a final message; NULL: nothing, and *ret is filled. An error that could not read our id
 * has none: it is taken as ours when the HTTP status says that the request was refused. */
static const char *read_answer(const relay_t *relay, const json_scan_t *scan, relay_answer_t *ret)
{
    bool has_result = scan->slots[SLOT_RESULT].at, has_error = scan->slots[SLOT_ERROR].at;
    scan_kind_t id_kind = scan_kind(scan->slots[SLOT_ID]);
    bool nameless = id_kind == SCAN_NONE || id_kind == SCAN_NULL;

    if (!scan_string_is(scan->slots[SLOT_JSONRPC], "2.0") || scan->slots[SLOT_METHOD].at ||
        has_result == has_error) {
        return "It answered with something that is not a JSON-RPC response.";
    }
    if (!is_our_id(relay, scan->slots[SLOT_ID]) && !(nameless && has_error && relay->status >= 400)) {
        return "It answered another request than the one it was sent.";
    }
    if (has_error) {
        return read_error(scan, &ret->error) ? "It answered with an error that cannot be read." : NULL;
    }
    if (scan_kind(scan->slots[SLOT_RESULT]) != SCAN_OBJECT || relay->status != 200) {
        return "It answered with a result that cannot be read.";
    }
    ret->members = scan->members;
    ret->count = scan->member_count;
    return NULL;
}

static void take_answer(relay_t *relay, const json_scan_t *scan)
{
    relay_answer_t answer = { 0 };
    const char *wrong = read_answer(relay, scan, &answer);

    if (!wrong) {
        tell_answer(relay, &answer);
    } else if (relay->status != 200) {
        fail_status(relay);
    } else {
        fail(relay, wrong);
    }
}

static void take_json(relay_t *relay, struct evbuffer *body)
{
    span_t text = { (const char *)evbuffer_pullup(body, -1), evbuffer_get_length(body) };
    json_scan_t scan;
    err_t err;

    if (text.length > 0 && json_scan(text, message_wants, &scan, &err) == 0) {
        take_answer(relay, &scan);
    } else if (relay->status != 200) {
        fail_status(relay);
    } else {
        fail(relay, "It answered with something that is not a JSON-RPC message.");
    }
}

/* False once the relay is over; it is freed then. */
static bool take_events(relay_t *relay, struct evbuffer *body)
{
    err_t err;

    relay->reading = true;
    bool failed = sse_read(relay->reader, body, on_event, relay, &err);
    relay->reading = false;
    if (relay->over) {
        relay_free(relay);
        return false;
    }
    if (failed) {
        fail(relay, "It sent an event that is too large.");
        return false;
    }
    return true;
}

static void on_body(void *self, struct evbuffer *body)
{
    relay_t *relay = self;

    if (relay->reader) {
        take_events(relay, body);
    }
}

static void on_end(void *self, struct evbuffer *body)
{
    relay_t *relay = self;

    relay->hop = NULL;
    if (!relay->reader) {
        take_json(relay, body);
    } else if (take_events(relay, body)) {
        fail(relay, "It ended its stream without an answer.");
    }
}

static void on_hop_error(void *self, const err_t *err, bool sent)
{
    relay_t *relay = self;

    relay->hop = NULL;
    tell_error(relay, err, sent);
}

static void take_progress(relay_t *relay, const json_scan_t *scan)
{
    mcp_progress_t progress = {
        .progress = scan->slots[SLOT_PROGRESS],
        .total = scan->slots[SLOT_TOTAL],
        .message = scan->slots[SLOT_TEXT],
        .meta = scan->slots[SLOT_META],
    };

    if (!relay->events->on_progress || !is_our_id(relay, scan->slots[SLOT_TOKEN]) ||
        scan_kind(progress.progress) != SCAN_NUMBER) {
        return;
    }
    if (scan_kind(progress.total) != SCAN_NUMBER) {
        progress.total = (span_t){ 0 };
    }
    if (scan_kind(progress.message) != SCAN_STRING) {
        progress.message = (span_t){ 0 };
    }
    if (scan_kind(progress.meta) != SCAN_OBJECT) {
        progress.meta = (span_t){ 0 };
    }
    relay->events->on_progress(relay->self, &progress);
}

/* A connector that asks the client something while it works (legacy sampling, elicitation, roots). */
static void drop_request(const json_scan_t *scan)
{
    if (log_begin(LOG_LEVEL_INFO, "request of a connector to the client dropped")) {
        log_span("method", scan->slots[SLOT_METHOD]);
        log_end();
    }
}

static bool on_event(void *self, span_t event, span_t data)
{
    relay_t *relay = self;
    json_scan_t scan;
    err_t err;

    (void)event;
    if (json_scan(data, message_wants, &scan, &err)) {
        fail(relay, "It sent an event that is not a JSON-RPC message.");
    } else if (!scan.slots[SLOT_METHOD].at) {
        take_answer(relay, &scan);
    } else if (scan.slots[SLOT_ID].at) {
        drop_request(&scan);
    } else if (scan_string_is(scan.slots[SLOT_METHOD], "notifications/progress")) {
        take_progress(relay, &scan);
    }
    return !relay->over;
}

int relay_status(const relay_t *relay)
{
    return relay->status;
}

span_t relay_member(const relay_answer_t *answer, const char *name)
{
    return scan_find(answer->members, answer->count, name);
}
