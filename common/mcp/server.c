/* The way of one request through the server: gate (method, origin, token, type), message, method. What needs
 * a handler's time goes on in call.c; everything else is answered here from memory. `ended` is told just
 * before the answer leaves, because the request and all spans into it are gone once it has left.
 */
#include "server_private.h"

#include <assert.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "envelope.h"
#include "errors.h"
#include "mem.h"

#define DISCOVER_TTL_MS 300000

mcp_server_t *mcp_server_new(const mcp_handlers_t *handlers, void *self, const mcp_options_t *options)
{
    mcp_server_t *server = NEW(mcp_server_t);

    server->handlers = handlers;
    server->self = self;
    server->options = *options;
    return server;
}

void mcp_server_free(mcp_server_t *server)
{
    assert(!server || server->open_calls == 0);
    mem_free(server);
}

void mcp_server_set_options(mcp_server_t *server, const mcp_options_t *options)
{
    server->options = *options;
}

void mcp_server_tell_ended(mcp_server_t *server, const mcp_ended_t *ended, http_request_t *http)
{
    mcp_ended_t told = *ended;

    told.us = clock_us() - http_started_us(http);
    if (server->handlers->ended) {
        server->handlers->ended(server->self, &told);
    }
}

static void free_bytes(const void *bytes, size_t length, void *unused)
{
    (void)length;
    (void)unused;
    free((void *)bytes);
}

void mcp_server_send(http_request_t *http, int status, buf_t *body)
{
    size_t length = body->length;

    if (length == 0) {
        http_reply(http, status, NULL, NULL);
        return;
    }
    struct evbuffer *bytes = evbuffer_new();
    evbuffer_add_reference(bytes, buf_steal(body), length, free_bytes, NULL);
    http_reply(http, status, "application/json", bytes);
    evbuffer_free(bytes);
}

/* err: NULL when all went well. The request is over afterwards. */
static void answer(mcp_server_t *server, message_t *message, int status, buf_t *body, const err_t *err)
{
    mcp_ended_t ended = { .request = &message->request, .http_status = status, .reply_bytes = body->length };

    if (err) {
        ended.failed = true;
        ended.kind = err->kind;
        ended.text = err->text;
    }
    mcp_server_tell_ended(server, &ended, message->request.http);
    mcp_server_send(message->request.http, status, body);
}

static void answer_error(mcp_server_t *server, message_t *message, const err_t *err)
{
    AUTO_BUF body = { 0 };
    span_t data = message->data.length > 0 ? buf_span(&message->data) : (span_t){ 0 };
    int status = error_for_message(err, message->request.era, message->request.id, data, &body);

    answer(server, message, status, &body, err);
}

static void add_text_member(buf_t *out, const char *key, const char *text)
{
    if (text) {
        buf_addf(out, ",\"%s\":", key);
        buf_add_json_string(out, span_of(text));
    }
}

static void add_server_info(buf_t *out, const mcp_options_t *options)
{
    buf_add_text(out, "{\"name\":");
    buf_add_json_string(out, span_of(options->name));
    add_text_member(out, "title", options->title);
    add_text_member(out, "version", options->version);
    buf_add_char(out, '}');
}

/* The members every list-like result of 2026-07-28 has (server/utilities/caching, basic "Per-response
 * metadata"). */
static void add_modern_members(buf_t *out, const mcp_options_t *options, int64_t ttl_ms, bool is_public)
{
    buf_addf(out, ",\"ttlMs\":%lld,\"cacheScope\":\"%s\"", ttl_ms > 0 ? (long long)ttl_ms : 0LL,
             is_public ? "public" : "private");
    buf_add_text(out, ",\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":");
    add_server_info(out, options);
    buf_add_char(out, '}');
}

static void do_initialize(mcp_server_t *server, message_t *message)
{
    AUTO_BUF body = { 0 };

    envelope_result_begin(&body, message->request.id);
    buf_addf(&body, "{\"protocolVersion\":\"%s\"", mcp_revision_name(message->request.revision));
    buf_add_text(&body, ",\"capabilities\":{\"tools\":{}},\"serverInfo\":");
    add_server_info(&body, &server->options);
    add_text_member(&body, "instructions", server->options.instructions);
    buf_add_char(&body, '}');
    envelope_end(&body);
    answer(server, message, 200, &body, NULL);
}

static void do_discover(mcp_server_t *server, message_t *message)
{
    AUTO_BUF body = { 0 };

    envelope_result_begin(&body, message->request.id);
    buf_addf(&body, "{\"supportedVersions\":[\"%s\"],\"capabilities\":{\"tools\":{}}",
             mcp_revision_name(MCP_2026_07_28));
    add_text_member(&body, "instructions", server->options.instructions);
    add_modern_members(&body, &server->options, DISCOVER_TTL_MS, false);
    buf_add_char(&body, '}');
    envelope_end(&body);
    answer(server, message, 200, &body, NULL);
}

static void do_ping(mcp_server_t *server, message_t *message)
{
    AUTO_BUF body = { 0 };

    envelope_result_begin(&body, message->request.id);
    buf_add_text(&body, "{}");
    envelope_end(&body);
    answer(server, message, 200, &body, NULL);
}

/* One page, so that no cursor can be ours (MCP server/utilities/pagination: an invalid one is -32602). */
static int get_list(mcp_server_t *server, message_t *message, mcp_list_t *ret, err_t *err)
{
    if (message->request.cursor.at) {
        return err_set_code(err, ERR_CALLER, RPC_INVALID_PARAMS,
                            "Invalid params: unknown cursor. The list has one page.");
    }
    return server->handlers->list(server->self, &message->request, ret, err);
}

static void do_list_tools(mcp_server_t *server, message_t *message)
{
    AUTO_BUF body = { 0 };
    mcp_list_t list = { 0 };
    err_t err;

    if (get_list(server, message, &list, &err)) {
        answer_error(server, message, &err);
        return;
    }
    envelope_result_begin(&body, message->request.id);
    buf_add_text(&body, "{\"tools\":");
    buf_add_span(&body, list.tools);
    if (message->request.era == MCP_MODERN) {
        add_modern_members(&body, &server->options, list.ttl_ms, list.is_public);
    }
    buf_add_char(&body, '}');
    envelope_end(&body);
    answer(server, message, 200, &body, NULL);
}

/* resources, prompts, completion, subscriptions are to be rows here. */
static const struct {
    const char *name;
    bool legacy, modern;
    void (*run)(mcp_server_t *server, message_t *message);
} methods[] = {
    { "tools/call", true, true, mcp_call_begin },    { "tools/list", true, true, do_list_tools },
    { "initialize", true, false, do_initialize },    { "ping", true, false, do_ping },
    { "server/discover", false, true, do_discover },
};

static bool is_method(const mcp_request_t *request, size_t row)
{
    bool served = request->era == MCP_MODERN ? methods[row].modern : methods[row].legacy;
    span_t quoted = { request->method.at - 1, request->method.length + 2 }; /* PHP writes tools\/call */

    return served && scan_string_is(quoted, methods[row].name);
}

static void run_method(mcp_server_t *server, message_t *message)
{
    err_t err;

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (is_method(&message->request, i)) {
            message->request.method = span_of(methods[i].name);
            methods[i].run(server, message);
            return;
        }
    }
    err_set_code(&err, ERR_UNKNOWN, RPC_METHOD_NOT_FOUND, "Method not found: %.*s",
                 SPAN_ARGS(message->request.method));
    answer_error(server, message, &err);
}

static void take_message(mcp_server_t *server, message_t *message)
{
    AUTO_BUF nothing = { 0 };
    err_t err;

    if (message_read(message, &err)) {
        answer_error(server, message, &err);
    } else if (message->kind == MESSAGE_REQUEST) {
        run_method(server, message);
    } else {
        answer(server, message, 202, &nothing, NULL);
    }
}

/* What SDKs send is application/json; nothing at all is taken for it. A form or text/plain, which a page of
 * another site can post without asking, is not. */
static bool is_json_type(span_t type)
{
    size_t length = type.at ? strcspn(type.at, "; \t") : 0;
    span_t plain = { type.at, length < type.length ? length : type.length };

    return type.length == 0 || span_is_nocase(plain, "application/json");
}

static int check_method(http_request_t *http, err_t *err)
{
    if (strcmp(http_method(http), "POST") == 0) {
        return 0;
    }
    http_add_header(http, "Allow", "POST");
    err_set(err, ERR_PROTOCOL, "Use transport streamable-http: POST JSON-RPC messages to this URL.");
    return 405;
}

static int authenticate(mcp_server_t *server, message_t *message, err_t *err)
{
    principal_t *principal = NULL;

    if (server->handlers->authenticate(server->self, message->request.http, &principal, err)) {
        return -1;
    }
    message->request.principal = principal;
    return 0;
}

/* 0, or the HTTP status to refuse with. */
static int check_gate(mcp_server_t *server, message_t *message, err_t *err)
{
    http_request_t *http = message->request.http;
    int status = check_method(http, err);

    if (status != 0) {
        return status;
    }
    if (origin_check(&server->options.origins, http, err) || authenticate(server, message, err)) {
        return err_rest_status(err->kind);
    }
    if (!is_json_type(http_header(http, "Content-Type", NULL))) {
        err_set(err, ERR_PROTOCOL, "Content-Type must be application/json.");
        return 415;
    }
    return 0;
}

void mcp_server_handle(mcp_server_t *server, http_request_t *http)
{
    message_t message = { .request.http = http };
    err_t err;
    int refused = check_gate(server, &message, &err);

    if (refused != 0) {
        AUTO_BUF body = { 0 };
        error_at_gate(&err, &body);
        answer(server, &message, refused, &body, &err);
    } else {
        take_message(server, &message);
    }
    principal_unref((principal_t *)message.request.principal);
    message_release(&message);
}
