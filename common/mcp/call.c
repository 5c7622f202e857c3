/* One open tools/call. The handler answers it once, whenever it likes; the answer is a JSON body, unless
 * progress was sent before: then it is the last event of the stream that the first progress opened. Which
 * bytes that makes is decided by a table of answers, MCP's own below or that of the gateway's REST routes.
 *
 * A call ends in mcp_call_ended(), or in on_gone() when the client hangs up; both tell `ended` and free it.
 */
#include "server_private.h"

#include <event2/buffer.h>
#include <string.h>

#include "envelope.h"
#include "errors.h"
#include "mem.h"
#include "shapes.h"
#include "sse.h"

struct mcp_call {
    mcp_server_t *server;
    mcp_request_t request;
    buf_t name; /* holds request.name when the body spells it with escapes */
    const mcp_answers_t *answers;
    void *answers_self;
    void *owner;
    loop_f on_gone, on_drained;
    void *gone_self, *drained_self;
    bool wants_progress;
    bool gone; /* the handler is being told; whatever it answers now is dropped */
    size_t streamed_bytes;
};

static void call_free(mcp_call_t *call)
{
    call->server->open_calls--;
    principal_unref((principal_t *)call->request.principal);
    buf_free(&call->name);
    mem_free(call);
}

static void tell_ended(mcp_call_t *call, const mcp_ended_t *ended)
{
    mcp_ended_t told = *ended;

    told.request = &call->request;
    told.call = call;
    mcp_server_tell_ended(call->server, &told, call->request.http);
}

static void on_gone(void *self)
{
    mcp_call_t *call = self;

    call->gone = true;
    if (call->on_gone) {
        call->on_gone(call->gone_self);
    }
    tell_ended(call, &(mcp_ended_t){ .reply_bytes = call->streamed_bytes });
    call_free(call);
}

mcp_call_t *mcp_call_open(mcp_server_t *server, const mcp_request_t *request, const mcp_answers_t *answers,
                          void *self)
{
    mcp_call_t *call = NEW(mcp_call_t);

    call->server = server;
    call->request = *request;
    call->answers = answers;
    call->answers_self = self;
    call->wants_progress = request->progress_token.at != NULL && answers->progress;
    if (request->principal) {
        principal_ref((principal_t *)request->principal);
    }
    server->open_calls++;
    http_on_gone(request->http, on_gone, call);
    return call;
}

void mcp_call_ended(mcp_call_t *call, const mcp_ended_t *ended)
{
    http_request_t *http = call->request.http;

    tell_ended(call, ended);
    http_on_gone(http, NULL, NULL);
    if (http_stream_started(http)) {
        http_stream_on_drained(http, NULL, NULL);
    }
    call_free(call);
}

/* JSON that was copied may be laid out on several lines, and an event is one line. A line break in JSON is
 * white space: inside a string it would be escaped. */
static void join_lines(buf_t *json)
{
    for (size_t i = 0; i < json->length; i++) {
        if (json->data[i] == '\n' || json->data[i] == '\r') {
            json->data[i] = ' ';
        }
    }
}

static size_t send_event(http_request_t *http, buf_t *json)
{
    struct evbuffer *event = evbuffer_new();

    join_lines(json);
    sse_write(event, "message", buf_span(json));
    size_t waiting = http_stream_write(http, event);
    evbuffer_free(event);
    return waiting;
}

static void start_stream(mcp_call_t *call)
{
    http_request_t *http = call->request.http;

    http_add_header(http, "X-Accel-Buffering", "no"); /* nginx would hold events back */
    http_add_header(http, "Cache-Control", "no-store");
    http_stream_start(http, 200, "text/event-stream", call->server->options.heartbeat_ms);
}

static size_t send_progress(void *self, mcp_call_t *call, const mcp_progress_t *progress)
{
    AUTO_BUF json = { 0 };

    (void)self;
    if (!http_stream_started(call->request.http)) {
        start_stream(call);
    }
    envelope_progress(&json, call->request.progress_token, progress->progress, progress->total,
                      progress->message, progress->meta);
    call->streamed_bytes += json.length;
    return send_event(call->request.http, &json);
}

/* The last message of a call, by whichever road is open. */
static void send_last(mcp_call_t *call, int status, buf_t *json, mcp_ended_t *ended)
{
    http_request_t *http = call->request.http;
    bool streaming = http_stream_started(http);

    ended->http_status = streaming ? 200 : status;
    ended->reply_bytes = call->streamed_bytes + json->length;
    mcp_call_ended(call, ended);
    if (streaming) {
        send_event(http, json);
        http_stream_end(http);
    } else {
        mcp_server_send(http, status, json);
    }
}

/* What an isError result says, for the log: the kind our runtime names, and the first text. */
static void describe_failure(const json_member_t *members, size_t count, mcp_ended_t *ended, buf_t *text)
{
    AUTO_BUF kind = { 0 };
    span_t rest = scan_find(members, count, "content"), block;

    scan_string(scan_member(scan_find(members, count, "_meta"), "guiche/kind"), &kind);
    int known = err_from_name(buf_text(&kind));
    if (scan_kind(rest) == SCAN_ARRAY && scan_next_item(&rest, &block)) {
        scan_string(scan_member(block, "text"), text);
    }
    ended->failed = true;
    ended->kind = known >= 0 ? (err_kind_t)known : ERR_UPSTREAM;
    ended->text = buf_text(text);
}

static void send_result(void *self, mcp_call_t *call, const json_member_t *members, size_t count)
{
    AUTO_BUF json = { 0 };
    AUTO_BUF text = { 0 };
    mcp_ended_t ended = { 0 };

    (void)self;
    if (scan_is_true(scan_find(members, count, "isError"))) {
        describe_failure(members, count, &ended, &text);
    }
    envelope_result_begin(&json, call->request.id);
    shape_result(members, count, mcp_shape(call->request.revision), &json);
    envelope_end(&json);
    send_last(call, 200, &json, &ended);
}

static void send_error(void *self, mcp_call_t *call, const err_t *err)
{
    AUTO_BUF json = { 0 };
    mcp_ended_t ended = { .failed = true, .kind = err->kind, .text = err->text };

    (void)self;
    int status = error_for_call(err, call->request.era, call->request.id, (span_t){ 0 }, &json);
    send_last(call, status, &json, &ended);
}

static void send_rpc_error(void *self, mcp_call_t *call, const mcp_rpc_error_t *error)
{
    AUTO_BUF json = { 0 };
    AUTO_BUF text = { 0 };

    (void)self;
    scan_string(error->message, &text);
    mcp_ended_t ended = { .failed = true, .kind = error_relayed_kind(error->code), .text = buf_text(&text) };
    int status =
        error_relayed(error->code, error->message, error->data, call->request.era, call->request.id, &json);
    send_last(call, status, &json, &ended);
}

static const mcp_answers_t mcp_answers = {
    .progress = send_progress,
    .result = send_result,
    .error = send_error,
    .rpc_error = send_rpc_error,
};

static bool names_event_stream(void *self, span_t name, span_t value)
{
    static const char type[] = "text/event-stream";
    bool *accepts = self;

    if (!span_is_nocase(name, "Accept")) {
        return true;
    }
    for (size_t i = 0; i + sizeof(type) - 1 <= value.length && !*accepts; i++) {
        *accepts = strncasecmp(value.at + i, type, sizeof(type) - 1) == 0;
    }
    return !*accepts;
}

/* Progress needs a stream, and only a client that names the type gets one: curl's Accept is any type, and it
 * wants JSON. */
static bool accepts_stream(const http_request_t *http)
{
    bool accepts = false;

    http_each_header(http, names_event_stream, &accepts);
    return accepts;
}

void mcp_call_begin(mcp_server_t *server, message_t *message)
{
    mcp_call_t *call = mcp_call_open(server, &message->request, &mcp_answers, NULL);

    call->name = message->name;
    message->name = (buf_t){ 0 };
    call->wants_progress = call->wants_progress && accepts_stream(call->request.http);
    server->handlers->call(server->self, call);
}

const mcp_request_t *mcp_call_request(const mcp_call_t *call)
{
    return &call->request;
}

bool mcp_call_wants_progress(const mcp_call_t *call)
{
    return call->wants_progress;
}

void mcp_call_set_owner(mcp_call_t *call, void *owner)
{
    call->owner = owner;
}

void *mcp_call_owner(const mcp_call_t *call)
{
    return call->owner;
}

void mcp_call_on_gone(mcp_call_t *call, loop_f fn, void *self)
{
    call->on_gone = fn;
    call->gone_self = self;
}

static void watch_drained(mcp_call_t *call)
{
    if (http_stream_started(call->request.http)) {
        http_stream_on_drained(call->request.http, call->on_drained, call->drained_self);
    }
}

void mcp_call_on_drained(mcp_call_t *call, loop_f fn, void *self)
{
    call->on_drained = fn;
    call->drained_self = self;
    watch_drained(call);
}

size_t mcp_call_progress(mcp_call_t *call, const mcp_progress_t *progress)
{
    if (!call->wants_progress || call->gone) {
        return 0;
    }
    size_t waiting = call->answers->progress(call->answers_self, call, progress);
    watch_drained(call); /* answers may have started the stream before, or just now */
    return waiting;
}

/* A legacy client would take a question for the answer (and TypeScript's for an empty success). */
static bool asks_for_input(const mcp_call_t *call, const json_member_t *members, size_t count)
{
    span_t type = scan_find(members, count, "resultType");

    return call->request.era == MCP_LEGACY && type.at && !scan_string_is(type, "complete");
}

void mcp_call_result(mcp_call_t *call, const json_member_t *members, size_t count)
{
    err_t err;

    if (call->gone) {
        return;
    }
    if (asks_for_input(call, members, count)) {
        err_set(&err, ERR_UPSTREAM,
                "The tool asks the user for input, which this client's protocol revision cannot give. "
                "Nothing is wrong "
                "with the request; use a client of revision 2026-07-28.");
        mcp_call_error(call, &err);
        return;
    }
    call->answers->result(call->answers_self, call, members, count);
}

void mcp_call_error(mcp_call_t *call, const err_t *err)
{
    if (!call->gone) {
        call->answers->error(call->answers_self, call, err);
    }
}

void mcp_call_rpc_error(mcp_call_t *call, const mcp_rpc_error_t *error)
{
    if (!call->gone) {
        call->answers->rpc_error(call->answers_self, call, error);
    }
}
