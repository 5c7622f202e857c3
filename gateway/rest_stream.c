/* GET and POST /v1/tools/{name}/stream: a call whose progress and end are server-sent events. What can be
 * refused before a connector is asked is refused with a status; from then on the stream is open and the end
 * is an event, exactly one.
 */
#include "rest.h"

#include <event2/buffer.h>

#include "call_log.h"
#include "clock.h"
#include "mem.h"
#include "query_args.h"
#include "rest_answer.h"
#include "rest_call.h"
#include "sse.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

#define PREFIX "/v1/tools/"
#define SUFFIX "/stream"

static size_t on_progress(void *self, mcp_call_t *call, const mcp_progress_t *progress);
static void on_result(void *self, mcp_call_t *call, const json_member_t *members, size_t count);
static void on_error(void *self, mcp_call_t *call, const err_t *err);
static void on_rpc_error(void *self, mcp_call_t *call, const mcp_rpc_error_t *error);

static const mcp_answers_t answers = {
    .progress = on_progress,
    .result = on_result,
    .error = on_error,
    .rpc_error = on_rpc_error,
};

bool rest_is_stream(span_t path)
{
    size_t prefix = strlen(PREFIX), suffix = strlen(SUFFIX);

    return path.length > prefix + suffix && memcmp(path.at, PREFIX, prefix) == 0 &&
           memcmp(path.at + path.length - suffix, SUFFIX, suffix) == 0;
}

static int read_name(rest_call_t *call, err_t *err)
{
    span_t path = http_path(call->http);
    size_t prefix = strlen(PREFIX);
    span_t name = { path.at + prefix, path.length - prefix - strlen(SUFFIX) };

    if (!query_decode(name, &call->asked)) {
        return err_set(err, ERR_CALLER, "The tool's name has a broken %% escape.");
    }
    return 0;
}

static int check_tool_use(const rest_call_t *call, const principal_t *principal, const catalog_entry_t *tool,
                          bool get, err_t *err)
{
    const catalog_t *catalog = call->worker->view->catalog;
    size_t index = catalog_index(catalog, tool);

    if (!policy_allows(catalog->policy, principal, index)) {
        return policy_deny(catalog->policy, tool, index, err);
    }
    if (!tool->streams) {
        return err_set(err, ERR_CALLER, "Tool does not support streaming");
    }
    if (get && !tool->read_only) {
        return err_set(err, ERR_CALLER, "%s changes something: use POST with JSON arguments.", tool->name);
    }
    return 0;
}

/* A POST's body is the arguments themselves, or {"arguments": {...}} as for /v1/tools/execute. */
static int read_posted(rest_call_t *call, err_t *err)
{
    enum { SLOT_ARGUMENTS = 1 };
    static const json_want_t wants[] = { { .key = "arguments", .slot = SLOT_ARGUMENTS }, { 0 } };
    span_t body = http_body(call->http);
    json_scan_t scan;

    if (body.length == 0) {
        buf_add_text(&call->arguments, "{}");
        return 0;
    }
    if (json_scan(body, wants, &scan, err)) {
        err->kind = ERR_CALLER;
        return -1;
    }
    span_t arguments =
        scan_kind(scan.slots[SLOT_ARGUMENTS]) == SCAN_OBJECT ? scan.slots[SLOT_ARGUMENTS] : body;
    if (*arguments.at != '{') {
        return err_set(err, ERR_CALLER, "The body must be an object: {\"arguments\": {...}}.");
    }
    buf_add_span(&call->arguments, arguments);
    return 0;
}

static int read_call(rest_call_t *call, const principal_t *principal, err_t *err)
{
    const char *method = http_method(call->http);
    bool get = strcmp(method, "GET") == 0;
    const catalog_entry_t *tool;

    if (read_name(call, err) || rest_find(call->worker, buf_span(&call->asked), &tool, err) ||
        check_tool_use(call, principal, tool, get, err)) {
        return -1;
    }
    buf_add_text(&call->name, tool->name);
    return get ? query_args(tool->schema, http_query(call->http), &call->arguments, err)
               : read_posted(call, err);
}

static void start_stream(const rest_call_t *call)
{
    if (!http_stream_started(call->http)) {
        http_add_header(call->http, "Cache-Control", "no-store");
        http_add_header(call->http, "X-Accel-Buffering", "no");
        http_stream_start(call->http, 200, "text/event-stream", call->worker->options.heartbeat_ms);
    }
}

static size_t send_event(rest_call_t *call, const rest_event_t *event)
{
    AUTO(evbuffer_free) struct evbuffer *bytes = evbuffer_new();
    AUTO_BUF json = { 0 };

    start_stream(call);
    rest_event(&json, event, clock_unix_ms());
    sse_write_json(bytes, NULL, &json);
    call->sent_bytes += evbuffer_get_length(bytes);
    return http_stream_write(call->http, bytes);
}

static void method_refused(worker_t *worker, http_request_t *http)
{
    http_add_header(http, "Allow", "GET, POST");
    call_log_plain(worker, http, 405, NULL, "method_not_allowed");
    http_reply_error(http, 405, "method_not_allowed", "This path takes GET and POST.");
}

void rest_stream(worker_t *worker, http_request_t *http)
{
    bool known = strcmp(http_method(http), "GET") == 0 || strcmp(http_method(http), "POST") == 0;
    err_t err;

    if (!known) {
        method_refused(worker, http);
        return;
    }
    principal_t *principal = rest_enter(worker, http);
    if (!principal) {
        return;
    }
    rest_call_t *call = rest_call_new(worker, http);
    if (read_call(call, principal, &err)) {
        rest_refuse(worker, http, principal, &err);
        rest_call_free(call);
    } else if (rest_forward(call, principal, "/v1/tools/{name}/stream", true, &answers)) {
        send_event(call, &(rest_event_t){ .type = "progress", .stage = "starting", .progress = -1 });
    }
    principal_unref(principal);
}

static size_t on_progress(void *self, mcp_call_t *call, const mcp_progress_t *progress)
{
    rest_event_t event;

    (void)call;
    rest_progress(progress, &event);
    return send_event(self, &event);
}

/* The log line comes first; it is the call's end, the HTTP request's is the event after it. */
static void finish(rest_call_t *rest, mcp_call_t *call, const rest_event_t *event, mcp_ended_t *ended)
{
    http_request_t *http = rest->http;

    ended->http_status = 200;
    ended->reply_bytes = rest->sent_bytes;
    mcp_call_ended(call, ended);
    send_event(rest, event);
    http_stream_end(http);
}

static void on_result(void *self, mcp_call_t *call, const json_member_t *members, size_t count)
{
    AUTO_BUF result = { 0 };
    AUTO_BUF data = { 0 };
    err_t err;

    if (rest_is_error(members, count)) {
        rest_result_error(members, count, &err);
        on_error(self, call, &err);
        return;
    }
    rest_result(&result, members, count);
    rest_done_data(&data, buf_span(&result));
    rest_event_t event = { .type = "done", .stage = "done", .progress = 1, .data = buf_span(&data) };
    finish(self, call, &event, &(mcp_ended_t){ 0 });
}

static void on_error(void *self, mcp_call_t *call, const err_t *err)
{
    rest_call_t *rest = self;
    mcp_ended_t ended = { .failed = true, .kind = err->kind, .text = err->text };
    AUTO_BUF message = { 0 };
    AUTO_BUF data = { 0 };

    if (!http_stream_started(rest->http)) {
        http_request_t *http = rest->http;
        ended.http_status = err_rest_status(err->kind);
        mcp_call_ended(call, &ended);
        http_reply_error(http, err_rest_status(err->kind), rest_code(err->kind), err->text);
        return;
    }
    buf_add_json_string(&message, span_of(err->text));
    buf_addf(&data, "{\"code\":\"%s\",\"request_id\":\"%s\"}", rest_code(err->kind),
             http_request_id(rest->http));
    rest_event_t event = { .type = "error",
                           .stage = "error",
                           .progress = -1,
                           .message = buf_span(&message),
                           .data = buf_span(&data) };
    finish(rest, call, &event, &ended);
}

static void on_rpc_error(void *self, mcp_call_t *call, const mcp_rpc_error_t *error)
{
    err_t err;

    rest_rpc_error(error, &err);
    on_error(self, call, &err);
}
