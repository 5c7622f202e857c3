/* See rest.h: lists, and calls that are answered in one piece. */
#include "rest.h"

#include "call_log.h"
#include "clock.h"
#include "forward.h"
#include "mem.h"
#include "query_args.h"
#include "rest_answer.h"
#include "rest_call.h"

enum { SLOT_TOOL = 1, SLOT_ARGUMENTS };

static const json_want_t body_wants[] = {
    { .key = "tool_name", .slot = SLOT_TOOL },
    { .key = "arguments", .slot = SLOT_ARGUMENTS },
    { 0 },
};

static void on_result(void *self, mcp_call_t *call, const json_member_t *members, size_t count);
static void on_error(void *self, mcp_call_t *call, const err_t *err);
static void on_rpc_error(void *self, mcp_call_t *call, const mcp_rpc_error_t *error);

static const mcp_answers_t answers = { .result = on_result, .error = on_error, .rpc_error = on_rpc_error };

/* Shared with rest_stream.c. */

rest_call_t *rest_call_new(worker_t *worker, http_request_t *http)
{
    rest_call_t *call = NEW(rest_call_t);

    call->worker = worker;
    call->http = http;
    return call;
}

void rest_call_free(void *self)
{
    rest_call_t *call = self;

    buf_free(&call->asked);
    buf_free(&call->name);
    buf_free(&call->arguments);
    mem_free(call);
}

void rest_refuse(worker_t *worker, http_request_t *http, const principal_t *principal, const err_t *err)
{
    int status = err_rest_status(err->kind);

    call_log_plain(worker, http, status, principal, err_name(err->kind));
    http_reply_error(http, status, rest_code(err->kind), err->text);
}

static int enter(worker_t *worker, http_request_t *http, principal_t **ret, err_t *err)
{
    if (origin_check(&worker->options.origins, http, err)) {
        return -1;
    }
    if (query_has_token(http_query(http))) {
        return err_set(err, ERR_CALLER,
                       "A token does not belong in the query string; send it as Authorization.");
    }
    return gate_authenticate(worker->gate, http, ret, err);
}

principal_t *rest_enter(worker_t *worker, http_request_t *http)
{
    principal_t *principal = NULL;
    err_t err;

    if (enter(worker, http, &principal, &err)) {
        rest_refuse(worker, http, NULL, &err);
        return NULL;
    }
    return principal;
}

int rest_find(worker_t *worker, span_t asked, const catalog_entry_t **ret, err_t *err)
{
    const catalog_t *catalog = worker->view->catalog;
    const catalog_entry_t *first, *other;

    *ret = catalog_find(catalog, MCP_TOOLS, asked);
    if (!*ret) {
        *ret = catalog_find_own(catalog, asked, &first, &other);
        if (!*ret && other) {
            return err_set(err, ERR_CALLER, "Two connectors have a tool of this name: say %s or %s.",
                           first->name, other->name);
        }
    }
    if (!*ret) {
        return err_set(err, ERR_UNKNOWN, "Tool \"%.*s\" not found. GET /v1/tools/list names those there are.",
                       (int)(asked.length < 80 ? asked.length : 80), asked.at ? asked.at : "");
    }
    return 0;
}

bool rest_forward(rest_call_t *call, const principal_t *principal, const char *method, bool progress,
                  const mcp_answers_t *with)
{
    mcp_request_t request = {
        .era = MCP_MODERN,
        .revision = MCP_2026_07_28,
        .method = span_of(method),
        .act = MCP_CALL_TOOL,
        .name = buf_span(&call->name),
        .arguments = buf_span(&call->arguments),
        .progress_token = progress ? SPAN("0") : (span_t){ 0 },
        .traceparent = http_header(call->http, "traceparent", NULL),
        .principal = principal,
        .http = call->http,
    };
    mcp_call_t *opened = mcp_call_open(call->worker->mcp, &request, with, call);

    return forward_call_with(call->worker, opened, call, rest_call_free);
}

/* Lists. */

static void reply_json(http_request_t *http, buf_t *body)
{
    http_reply_bytes(http, 200, "application/json", body->data, body->length);
}

static size_t count_items(span_t array)
{
    size_t count = 0;

    for (span_t rest = array, item; scan_next_item(&rest, &item);) {
        count++;
    }
    return count;
}

static void reply_list(worker_t *worker, http_request_t *http, int form, bool counted)
{
    principal_t *principal = rest_enter(worker, http);
    AUTO_BUF body = { 0 };

    if (!principal) {
        return;
    }
    span_t tools = worker_list(worker, principal, MCP_TOOLS, form);
    buf_add_text(&body, "{\"tools\":");
    buf_add_span(&body, tools);
    if (counted) {
        buf_addf(&body, ",\"count\":%zu", count_items(tools));
    }
    buf_add_char(&body, '}');
    call_log_plain(worker, http, 200, principal, NULL);
    principal_unref(principal);
    http_add_header(http, "Cache-Control", "no-store");
    reply_json(http, &body);
}

void rest_list(worker_t *worker, http_request_t *http)
{
    reply_list(worker, http, CATALOG_REST, true);
}

void rest_declarations(worker_t *worker, http_request_t *http)
{
    reply_list(worker, http, MCP_SHAPE_MODERN, false);
}

/* POST /v1/tools/execute. */

static int read_arguments(rest_call_t *call, span_t arguments, err_t *err)
{
    scan_kind_t kind = scan_kind(arguments);

    if (kind != SCAN_OBJECT && kind != SCAN_NULL && kind != SCAN_NONE) {
        return err_set(err, ERR_CALLER, "arguments must be an object.");
    }
    buf_add_span(&call->arguments, kind == SCAN_OBJECT ? arguments : SPAN("{}"));
    return 0;
}

static int read_body(rest_call_t *call, err_t *err)
{
    const catalog_entry_t *tool;
    json_scan_t scan;

    if (json_scan(http_body(call->http), body_wants, &scan, err)) {
        err->kind = ERR_CALLER;
        return -1;
    }
    if (scan_kind(scan.slots[SLOT_TOOL]) != SCAN_STRING ||
        !scan_string(scan.slots[SLOT_TOOL], &call->asked)) {
        return err_set(err, ERR_CALLER, "The body must be {\"tool_name\": \"...\", \"arguments\": {...}}.");
    }
    if (read_arguments(call, scan.slots[SLOT_ARGUMENTS], err) ||
        rest_find(call->worker, buf_span(&call->asked), &tool, err)) {
        return -1;
    }
    buf_add_text(&call->name, tool->name);
    return 0;
}

void rest_execute(worker_t *worker, http_request_t *http)
{
    principal_t *principal = rest_enter(worker, http);
    err_t err;

    if (!principal) {
        return;
    }
    rest_call_t *call = rest_call_new(worker, http);
    if (read_body(call, &err)) {
        rest_refuse(worker, http, principal, &err);
        rest_call_free(call);
    } else {
        rest_forward(call, principal, "/v1/tools/execute", false, &answers);
    }
    principal_unref(principal);
}

/* Answers. The log line comes first, it still reads what the request says; the call is gone with it. */

static void on_result(void *self, mcp_call_t *call, const json_member_t *members, size_t count)
{
    rest_call_t *rest = self;
    char time[CLOCK_ISO_SIZE];
    AUTO_BUF body = { 0 };
    err_t err;

    if (rest_is_error(members, count)) {
        rest_result_error(members, count, &err);
        on_error(rest, call, &err);
        return;
    }
    buf_add_text(&body, "{\"tool_name\":");
    buf_add_json_string(&body, buf_span(&rest->asked));
    buf_add_text(&body, ",\"result\":");
    rest_result(&body, members, count);
    buf_addf(&body, ",\"timestamp\":\"%s\"}", clock_iso(clock_unix_ms(), time));
    http_request_t *http = rest->http;
    mcp_call_ended(call, &(mcp_ended_t){ .http_status = 200, .reply_bytes = body.length });
    reply_json(http, &body);
}

static void on_error(void *self, mcp_call_t *call, const err_t *err)
{
    rest_call_t *rest = self;
    http_request_t *http = rest->http;
    int status = err_rest_status(err->kind);

    mcp_call_ended(
        call, &(mcp_ended_t){ .http_status = status, .failed = true, .kind = err->kind, .text = err->text });
    http_reply_error(http, status, rest_code(err->kind), err->text);
}

static void on_rpc_error(void *self, mcp_call_t *call, const mcp_rpc_error_t *error)
{
    err_t err;

    rest_rpc_error(error, &err);
    on_error(self, call, &err);
}
