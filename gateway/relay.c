/* See relay.h. A JSON answer is collected whole and scanned once. Of a stream each event is scanned when it
 * is whole: our progress, log messages and requests to the client are told, the final response ends the
 * relay. A stream whose events have ids and which ends before its answer is read on by GET.
 *
 * After the final response nobody waits for the end of the stream: the connection is left to hop_leave(), so
 * that a connector which keeps streams open holds nothing of ours for long.
 */
#include "relay.h"

#include <event2/buffer.h>
#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "relay_read.h"
#include "sse.h"

#define STREAM_ENDED "It ended its stream without an answer."
#define MAX_FRUITLESS 20 /* resumptions that brought no event with a new id */
#define USUAL_RETRY_MS 1000
#define SHORTEST_RETRY_MS 50

struct relay {
    const relay_events_t *events;
    void *self;
    hop_t *hop;
    const char *key_holder;
    http_pool_t *pool;
    int64_t deadline_ms;
    struct event *pause; /* before a stream is resumed */
    int64_t resume_ms;   /* when that is to be */
    unsigned fruitless;
    bool resumed; /* the request was sent, whatever becomes of the GET */
    char resumed_from[SSE_MAX_ID + 1];
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

relay_t *relay_start(const relay_request_t *request, buf_t *body, const relay_events_t *events, void *self)
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
    relay->pool = request->pool;
    relay->deadline_ms = request->deadline_ms;
    relay->hop = hop_start(request->pool, &hop_request, body, &hop_events, relay);
    return relay;
}

static void relay_free(relay_t *relay)
{
    sse_reader_free(relay->reader);
    if (relay->pause) {
        event_free(relay->pause);
    }
    mem_free(relay);
}

/* Ends the exchange; the relay itself goes when nothing of it is on the stack any more. */
static void end(relay_t *relay)
{
    relay->over = true;
    if (relay->pause) {
        event_del(relay->pause);
    }
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

static void arm_pause(relay_t *relay)
{
    int64_t until_ms = relay->resume_ms < relay->deadline_ms ? relay->resume_ms : relay->deadline_ms;

    loop_arm(relay->pause, until_ms - clock_ms());
}

void relay_extend(relay_t *relay, int64_t deadline_ms)
{
    relay->deadline_ms = deadline_ms;
    if (relay->hop) {
        hop_extend(relay->hop, deadline_ms);
    } else if (relay->pause && evtimer_pending(relay->pause, NULL)) {
        arm_pause(relay);
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

    if (relay->hop) {
        hop_leave(TAKE(relay->hop));
    }
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
    case 502:
        err_set(&err, ERR_UPSTREAM, "The server behind it ended or gave no answer (HTTP 502).");
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

/* The status stays that of the first answer: a stream that cannot be resumed says nothing of the request. */
static void take_resumed_head(relay_t *relay, const hop_head_t *head)
{
    if (head->status != 200 || !type_is(head->content_type, "text/event-stream")) {
        fail(relay, STREAM_ENDED);
    }
}

/* MCP 2026-07-28 basic/transports/streamable-http: an error may come with a 4xx and a JSON-RPC body, so other
 * statuses are read on when the body may be one; 401 and 403 are about our credentials, not about the
 * request. */
static void on_head(void *self, const hop_head_t *head)
{
    relay_t *relay = self;

    if (relay->resumed) {
        take_resumed_head(relay, head);
        return;
    }
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

static void take_answer(relay_t *relay, const json_scan_t *scan)
{
    relay_answer_t answer = { 0 };
    const char *wrong = relay_read_answer(scan, relay->id, relay->status, &answer);

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

    if (text.length > 0 && json_scan(text, relay_wants, &scan, &err) == 0) {
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

/* Resuming. */

/* The deadline has cut the pause short. */
static void fail_late(relay_t *relay)
{
    err_t err;

    err_set(&err, ERR_TIMEOUT, "It did not answer in time.");
    tell_error(relay, &err, true);
}

static void on_pause_over(evutil_socket_t fd, short what, void *self)
{
    relay_t *relay = self;
    AUTO_BUF lines = { 0 };

    (void)fd, (void)what;
    if (relay->resume_ms >= relay->deadline_ms) {
        fail_late(relay);
        return;
    }
    if (!relay->events->resume(relay->self, &lines)) {
        fail(relay, STREAM_ENDED);
        return;
    }
    sse_reader_restart(relay->reader);
    buf_addf(&lines, "Last-Event-ID: %s\r\n", sse_last_id(relay->reader));
    hop_request_t request = {
        .method = "GET",
        .headers = buf_span(&lines),
        .deadline_ms = relay->deadline_ms,
        .idempotent = true,
    };
    relay->hop = hop_start(relay->pool, &request, NULL, &hop_events, relay);
    mem_wipe(lines.data, lines.length);
}

/* A server that lets us poll for its answer shows by new ids that it is getting on. */
static bool is_fruitless(relay_t *relay, const char *last_id)
{
    bool brought_nothing = strcmp(relay->resumed_from, last_id) == 0;

    relay->fruitless = brought_nothing ? relay->fruitless + 1 : 0;
    strcpy(relay->resumed_from, last_id);
    return relay->fruitless > MAX_FRUITLESS;
}

/* True when the stream will be read on: the server gave its events ids, so that it can be. */
static bool resume_later(relay_t *relay)
{
    const char *last_id = relay->reader ? sse_last_id(relay->reader) : "";

    if (!relay->events->resume || *last_id == '\0' || is_fruitless(relay, last_id)) {
        return false;
    }
    int64_t retry_ms = sse_retry_ms(relay->reader);

    retry_ms = retry_ms < 0 ? USUAL_RETRY_MS : retry_ms < SHORTEST_RETRY_MS ? SHORTEST_RETRY_MS : retry_ms;
    relay->resumed = true;
    relay->resume_ms = clock_ms() + retry_ms;
    if (!relay->pause) {
        relay->pause = evtimer_new(http_pool_base(relay->pool), on_pause_over, relay);
    }
    arm_pause(relay);
    return true;
}

static void on_end(void *self, struct evbuffer *body)
{
    relay_t *relay = self;

    relay->hop = NULL;
    if (!relay->reader) {
        take_json(relay, body);
    } else if (take_events(relay, body) && !resume_later(relay)) {
        fail(relay, STREAM_ENDED);
    }
}

static void on_hop_error(void *self, const err_t *err, bool sent)
{
    relay_t *relay = self;

    relay->hop = NULL;
    if (err->kind == ERR_TIMEOUT || !resume_later(relay)) {
        tell_error(relay, err, sent || relay->resumed);
    }
}

static void take_progress(relay_t *relay, const json_scan_t *scan)
{
    mcp_progress_t progress;

    if (relay->events->on_progress && relay_read_progress(scan, relay->id, &progress)) {
        relay->events->on_progress(relay->self, &progress);
    }
}

/* 2025-11-25 server/utilities/logging. */
static void take_log(relay_t *relay, const json_scan_t *scan)
{
    span_t level, params;

    if (relay->events->on_log && relay_read_log(scan, &level, &params)) {
        relay->events->on_log(relay->self, level, params);
    }
}

/* A connector that asks the client something while it works (legacy sampling, elicitation, roots). */
static void take_question(relay_t *relay, const json_scan_t *scan)
{
    relay_question_t question;

    if (relay_read_question(scan, &question) && relay->events->on_request) {
        relay->events->on_request(relay->self, &question);
    } else if (log_begin(LOG_LEVEL_INFO, "request of a connector to the client dropped")) {
        log_span("method", question.method);
        log_end();
    }
}

static void take_message(relay_t *relay, const json_scan_t *scan)
{
    switch (relay_read_kind(scan)) {
    case RELAY_ANSWER:
        take_answer(relay, scan);
        break;
    case RELAY_QUESTION:
        take_question(relay, scan);
        break;
    case RELAY_PROGRESS:
        take_progress(relay, scan);
        break;
    case RELAY_LOG:
        take_log(relay, scan);
        break;
    case RELAY_OTHER:
        break;
    }
}

static bool on_event(void *self, span_t event, span_t data)
{
    relay_t *relay = self;
    json_scan_t scan;
    err_t err;

    (void)event;
    if (json_scan(data, relay_wants, &scan, &err)) {
        fail(relay, "It sent an event that is not a JSON-RPC message.");
    } else {
        take_message(relay, &scan);
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
