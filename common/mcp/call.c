/* One open call. The handler answers it once, whenever it likes; the answer is a JSON body, unless progress,
 * a log message or a question (ask.c) was sent before: then it is the last event of the stream that the first
 * of them opened. Which bytes that makes is decided by a table of answers, MCP's own below or that of the
 * gateway's REST routes.
 *
 * A call ends in mcp_call_ended(), or in on_gone() when the client hangs up; both tell `ended` and free it.
 */
#include "server_private.h"

#include <string.h>

#include "envelope.h"
#include "errors.h"
#include "log_level.h"
#include "mem.h"
#include "shapes.h"

#define ROOM_FOR_OURS 128 /* what stands around a result: one allocation does, however large it is */

static void call_free(mcp_call_t *call)
{
    call->server->open_calls--;
    if (call->asking > 0) {
        mcp_call_drop_asks(call);
    }
    if (call->batch) {
        LIST_REMOVE(call, batch_link);
    }
    principal_unref((principal_t *)call->request.principal);
    buf_free(&call->name);
    mem_free(call);
}

/* What comes by another road (REST) may not say: it is a tool's. */
static mcp_act_t act_of(const mcp_call_t *call)
{
    return call->request.act == MCP_NO_ACT ? MCP_CALL_TOOL : call->request.act;
}

static void tell_ended(mcp_call_t *call, const mcp_ended_t *ended)
{
    mcp_ended_t told = *ended;

    told.request = &call->request;
    told.call = call;
    mcp_server_tell_ended(call->server, &told, call->request.http);
}

void mcp_call_hang_up(mcp_call_t *call)
{
    call->gone = true;
    if (call->on_gone) {
        call->on_gone(call->gone_self);
    }
    tell_ended(call, &(mcp_ended_t){ .reply_bytes = call->streamed_bytes });
    call_free(call);
}

static void on_gone(void *self)
{
    mcp_call_hang_up(self);
}

static mcp_call_t *call_new(mcp_server_t *server, const mcp_request_t *request, const mcp_answers_t *answers,
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
    return call;
}

mcp_call_t *mcp_call_open(mcp_server_t *server, const mcp_request_t *request, const mcp_answers_t *answers,
                          void *self)
{
    mcp_call_t *call = call_new(server, request, answers, self);

    http_on_gone(request->http, on_gone, call);
    return call;
}

void mcp_call_ended(mcp_call_t *call, const mcp_ended_t *ended)
{
    http_request_t *http = call->request.http;

    tell_ended(call, ended);
    if (!call->batch) {
        http_on_gone(http, NULL, NULL);
    }
    if (http_stream_started(http)) {
        http_stream_on_drained(http, NULL, NULL);
    }
    call_free(call);
}

size_t mcp_call_send_event(mcp_call_t *call, buf_t *json)
{
    if (!http_stream_started(call->request.http)) {
        mcp_stream_start(call->server, call->request.http);
    }
    call->streamed_bytes += json->length;
    return mcp_stream_send(call->request.http, json);
}

static size_t send_progress(void *self, mcp_call_t *call, const mcp_progress_t *progress)
{
    AUTO_BUF json = { 0 };

    (void)self;
    envelope_progress(&json, call->request.progress_token, progress->progress, progress->total,
                      progress->message, progress->meta);
    return mcp_call_send_event(call, &json);
}

static size_t send_log(void *self, mcp_call_t *call, span_t params)
{
    AUTO_BUF json = { 0 };

    (void)self;
    if (!mcp_call_may_stream(call)) {
        return 0;
    }
    buf_add_text(&json, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":");
    buf_add_span(&json, params);
    buf_add_char(&json, '}');
    return mcp_call_send_event(call, &json);
}

/* The last message of a call, by whichever road is open. */
static void send_last(mcp_call_t *call, int status, buf_t *json, mcp_ended_t *ended)
{
    http_request_t *http = call->request.http;
    mcp_sink_t to = { http, call->batch, call->request.id };
    bool streaming = http_stream_started(http);

    ended->http_status = streaming ? 200 : status;
    ended->reply_bytes = call->streamed_bytes + json->length;
    mcp_call_ended(call, ended);
    if (streaming) {
        mcp_stream_send(http, json);
        http_stream_end(http);
    } else {
        mcp_server_send(&to, status, json);
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

static size_t bytes_of(const json_member_t *members, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += members[i].key.length + members[i].value.length + sizeof("\"\":,");
    }
    return bytes;
}

/* Of a resource that is not there, which one (MCP 2026-07-28 server/resources "Error Handling"). */
static void add_unknown(buf_t *out, const mcp_call_t *call)
{
    if (call->request.act == MCP_READ_RESOURCE) {
        buf_add_text(out, "{\"uri\":");
        buf_add_json_string(out, call->request.name);
        buf_add_char(out, '}');
    }
}

static span_t span_or_absent(const buf_t *buf)
{
    return buf->length > 0 ? buf_span(buf) : (span_t){ 0 };
}

static void send_error(void *self, mcp_call_t *call, const err_t *err)
{
    AUTO_BUF json = { 0 };
    AUTO_BUF data = { 0 };
    const mcp_request_t *request = &call->request;
    mcp_ended_t ended = { .failed = true, .kind = err->kind, .text = err->text };

    (void)self;
    if (err->kind == ERR_UNKNOWN) {
        add_unknown(&data, call);
    }
    int status = error_for_call(err, act_of(call), request->era, request->id, span_or_absent(&data), &json);
    send_last(call, status, &json, &ended);
}

static void send_rpc_error(void *self, mcp_call_t *call, const mcp_rpc_error_t *error)
{
    AUTO_BUF json = { 0 };
    AUTO_BUF text = { 0 };
    AUTO_BUF data = { 0 };
    const mcp_request_t *request = &call->request;
    relayed_error_t relayed = { error->code, error->message, error->data };

    (void)self;
    scan_string(error->message, &text);
    if (error->code == MCP_RESOURCE_NOT_FOUND && !error->data.at) {
        add_unknown(&data, call);
        relayed.data = span_or_absent(&data);
    }
    mcp_ended_t ended = { .failed = true, .kind = error_relayed_kind(error->code), .text = buf_text(&text) };
    int status = error_relayed(&relayed, act_of(call), request->era, request->id, &json);
    send_last(call, status, &json, &ended);
}

/* The connector's fault, in our words. */
static void send_broken(mcp_call_t *call, const char *sentence)
{
    AUTO_BUF message = { 0 };

    buf_add_json_string(&message, span_of(sentence));
    call->answers->rpc_error(call->answers_self, call,
                             &(mcp_rpc_error_t){ RPC_INTERNAL_ERROR, buf_span(&message), { 0 } });
}

static int shape(mcp_call_t *call, const json_member_t *members, size_t count, buf_t *out, err_t *err)
{
    mcp_shape_t form = mcp_shape(call->request.revision);
    json_member_t kept[JSON_MAX_MEMBERS];
    size_t kept_count = 0;

    if (call->request.act != MCP_READ_RESOURCE || !call->server->options.private_reads) {
        return shape_answer(act_of(call), members, count, form, out, err);
    }
    for (size_t i = 0; i < count && kept_count < COUNT_OF(kept); i++) {
        if (!span_is(members[i].key, "cacheScope")) {
            kept[kept_count++] = members[i];
        }
    }
    return shape_answer(MCP_READ_RESOURCE, kept, kept_count, form, out, err);
}

static void send_result(void *self, mcp_call_t *call, const json_member_t *members, size_t count)
{
    AUTO_BUF json = { 0 };
    AUTO_BUF text = { 0 };
    mcp_ended_t ended = { 0 };
    err_t err;

    (void)self;
    if (scan_is_true(scan_find(members, count, "isError")) && act_of(call) == MCP_CALL_TOOL) {
        describe_failure(members, count, &ended, &text);
    }
    buf_reserve(&json, ROOM_FOR_OURS + call->request.id.length + bytes_of(members, count));
    envelope_result_begin(&json, call->request.id);
    if (shape(call, members, count, &json, &err)) {
        send_broken(call, err.text);
        return;
    }
    envelope_end(&json);
    send_last(call, 200, &json, &ended);
}

static const mcp_answers_t mcp_answers = {
    .progress = send_progress,
    .result = send_result,
    .error = send_error,
    .rpc_error = send_rpc_error,
    .log = send_log,
};

bool mcp_call_may_stream(const mcp_call_t *call)
{
    const http_request_t *http = call->request.http;

    return call->answers == &mcp_answers && !call->batch &&
           (http_stream_started(http) || mcp_stream_is_accepted(http));
}

void mcp_call_begin(mcp_server_t *server, message_t *message)
{
    mcp_call_t *call = call_new(server, &message->request, &mcp_answers, NULL);

    call->name = message->name;
    message->name = (buf_t){ 0 };
    call->batch = message->batch;
    if (call->batch) {
        mcp_batch_add_call(call->batch, call);
    } else {
        http_on_gone(call->request.http, on_gone, call);
    }
    call->wants_progress = call->wants_progress && mcp_call_may_stream(call);
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
static void refuse_question(mcp_call_t *call)
{
    static const char *const what[MCP_ACTS] = {
        [MCP_CALL_TOOL] = "tool", [MCP_READ_RESOURCE] = "resource", [MCP_GET_PROMPT] = "prompt"
    };
    err_t err;

    err_set(&err, ERR_UPSTREAM,
            "The %s asks the user for input, which this client's protocol revision cannot give. Nothing is "
            "wrong with the request; use a client of revision 2026-07-28.",
            what[act_of(call)]);
    call->answers->error(call->answers_self, call, &err);
}

void mcp_call_result(mcp_call_t *call, const json_member_t *members, size_t count)
{
    result_type_t type = shape_result_type(members, count);

    if (call->gone) {
        return;
    }
    if (type == RESULT_UNKNOWN) { /* MCP 2026-07-28 basic "ResultType": to be taken for invalid */
        send_broken(call, "The connector answered with a kind of result that is not known here.");
    } else if (type == RESULT_ASKS && act_of(call) == MCP_COMPLETE) {
        send_broken(call, "The connector asks for input in a completion, where nobody can be asked.");
    } else if (type == RESULT_ASKS && call->request.era == MCP_LEGACY) {
        refuse_question(call);
    } else {
        call->answers->result(call->answers_self, call, members, count);
    }
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

/* MCP 2026-07-28 server/utilities/logging: nothing unless the request has set a level. A legacy client set
 * one for its session, of which nobody here knows: it gets everything. */
static bool wants_log(const mcp_call_t *call, int rank)
{
    return call->request.era == MCP_LEGACY ||
           (call->request.log_level.at && rank >= log_level_rank(scan_plain_string(call->request.log_level)));
}

static bool is_log(span_t level, span_t params)
{
    return scan_kind(params) == SCAN_OBJECT &&
           span_equal(level, scan_plain_string(scan_member(params, "level"))) &&
           scan_member(params, "data").at;
}

size_t mcp_call_log(mcp_call_t *call, span_t level, span_t params)
{
    int rank = log_level_rank(level);

    if (call->gone || !call->answers->log || rank < 0 || !wants_log(call, rank) || !is_log(level, params)) {
        return 0;
    }
    size_t waiting = call->answers->log(call->answers_self, call, params);
    watch_drained(call);
    return waiting;
}
