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
#include "log_level.h"
#include "mem.h"
#include "meta_keys.h"

#define DISCOVER_TTL_MS 300000
#define ROOM_FOR_OURS 512 /* what stands around a list: one allocation does */

mcp_server_t *mcp_server_new(const mcp_handlers_t *handlers, void *self, const mcp_options_t *options)
{
    mcp_server_t *server = NEW(mcp_server_t);

    server->handlers = handlers;
    server->self = self;
    server->options = *options;
    LIST_INIT(&server->asks);
    LIST_INIT(&server->listens);
    return server;
}

void mcp_server_free(mcp_server_t *server)
{
    assert(!server || (server->open_calls == 0 && LIST_EMPTY(&server->listens)));
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

void mcp_server_send(const mcp_sink_t *to, int status, buf_t *body)
{
    size_t length = body->length;

    if (to->batch) {
        mcp_batch_take(to->batch, to->id, body);
        return;
    }
    if (length == 0) {
        http_reply(to->http, status, NULL, NULL);
        return;
    }
    struct evbuffer *bytes = evbuffer_new();
    evbuffer_add_reference(bytes, buf_steal(body), length, free_bytes, NULL);
    http_reply(to->http, status, "application/json", bytes);
    evbuffer_free(bytes);
}

/* err: NULL when all went well. The request is over afterwards. */
static void answer(mcp_server_t *server, message_t *message, int status, buf_t *body, const err_t *err)
{
    mcp_ended_t ended = { .request = &message->request, .http_status = status, .reply_bytes = body->length };
    mcp_sink_t to = { message->request.http, message->batch, message->request.id };

    if (err) {
        ended.failed = true;
        ended.kind = err->kind;
        ended.text = err->text;
    }
    mcp_server_tell_ended(server, &ended, message->request.http);
    mcp_server_send(&to, status, body);
}

void mcp_server_refuse(mcp_server_t *server, message_t *message, int status, const err_t *err)
{
    AUTO_BUF body = { 0 };
    span_t data = message->data.length > 0 ? buf_span(&message->data) : (span_t){ 0 };
    int usual = error_for_message(err, message->request.era, message->request.id, data, &body);

    answer(server, message, status > 0 ? status : usual, &body, err);
}

static void answer_error(mcp_server_t *server, message_t *message, const err_t *err)
{
    mcp_server_refuse(server, message, 0, err);
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
    buf_add_text(out, ",\"resultType\":\"complete\",\"_meta\":{\"" META_SERVER "\":");
    add_server_info(out, options);
    buf_add_char(out, '}');
}

/* 2025-11-25 basic/lifecycle "Capability Negotiation". A legacy client is promised nothing that could only
 * reach it on a stream of its own (listChanged, subscribe): there is none. */
static void add_capabilities(buf_t *out, const mcp_server_t *server, const message_t *message)
{
    bool listens = message->request.era == MCP_MODERN && server->handlers->listen;
    const struct {
        bool offered;
        const char *plain, *listened;
    } all[] = {
        { message->offers.tools, "\"tools\":{}", "\"tools\":{\"listChanged\":true}" },
        { message->offers.resources, "\"resources\":{}",
          "\"resources\":{\"subscribe\":true,\"listChanged\":true}" },
        { message->offers.prompts, "\"prompts\":{}", "\"prompts\":{\"listChanged\":true}" },
        { message->offers.completions && message->request.revision > MCP_2024_11_05, "\"completions\":{}",
          "\"completions\":{}" },
        { message->offers.logging, "\"logging\":{}", "\"logging\":{}" },
    };

    buf_add_text(out, ",\"capabilities\":");
    const char *before = "{";
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (all[i].offered) {
            buf_add_text(out, before);
            buf_add_text(out, listens ? all[i].listened : all[i].plain);
            before = ",";
        }
    }
    buf_add_text(out, *before == '{' ? "{}" : "}");
}

static void do_initialize(mcp_server_t *server, message_t *message)
{
    AUTO_BUF body = { 0 };

    envelope_result_begin(&body, message->request.id);
    buf_addf(&body, "{\"protocolVersion\":\"%s\"", mcp_revision_name(message->request.revision));
    add_capabilities(&body, server, message);
    buf_add_text(&body, ",\"serverInfo\":");
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
    buf_addf(&body, "{\"supportedVersions\":[\"%s\"]", mcp_revision_name(MCP_2026_07_28));
    add_capabilities(&body, server, message);
    add_text_member(&body, "instructions", server->options.instructions);
    add_modern_members(&body, &server->options, DISCOVER_TTL_MS, false);
    buf_add_char(&body, '}');
    envelope_end(&body);
    answer(server, message, 200, &body, NULL);
}

/* `{}` is all there is to say: to ping, and to a legacy client that sets a log level or subscribes (there is
 * no session that could remember it). */
static void do_nothing(mcp_server_t *server, message_t *message)
{
    AUTO_BUF body = { 0 };

    envelope_result_begin(&body, message->request.id);
    buf_add_text(&body, "{}");
    envelope_end(&body);
    answer(server, message, 200, &body, NULL);
}

static void refuse_params(mcp_server_t *server, message_t *message, const char *why)
{
    err_t err;

    err_set_code(&err, ERR_CALLER, RPC_INVALID_PARAMS, "Invalid params: %s", why);
    answer_error(server, message, &err);
}

static void do_set_level(mcp_server_t *server, message_t *message)
{
    if (log_level_rank(scan_plain_string(message->level)) >= 0) {
        do_nothing(server, message);
    } else {
        refuse_params(server, message, LOG_LEVELS_SENTENCE);
    }
}

static void do_subscribe(mcp_server_t *server, message_t *message)
{
    if (scan_kind(message->uri) == SCAN_STRING) {
        do_nothing(server, message);
    } else {
        refuse_params(server, message, "the resource's uri must be a string.");
    }
}

/* One page, so that no cursor can be ours (MCP server/utilities/pagination: an invalid one is -32602). */
static int get_list(mcp_server_t *server, message_t *message, mcp_kind_t kind, mcp_list_t *ret, err_t *err)
{
    if (message->request.cursor.at) {
        return err_set_code(err, ERR_CALLER, RPC_INVALID_PARAMS,
                            "Invalid params: unknown cursor. The list has one page.");
    }
    return server->handlers->list(server->self, &message->request, kind, ret, err);
}

static void answer_list(mcp_server_t *server, message_t *message, mcp_kind_t kind)
{
    AUTO_BUF body = { 0 };
    mcp_list_t list = { 0 };
    err_t err;

    if (get_list(server, message, kind, &list, &err)) {
        answer_error(server, message, &err);
        return;
    }
    buf_reserve(&body, ROOM_FOR_OURS + message->request.id.length + list.items.length);
    envelope_result_begin(&body, message->request.id);
    buf_addf(&body, "{\"%s\":", mcp_kind_name(kind));
    buf_add_span(&body, list.items);
    if (message->request.era == MCP_MODERN) {
        add_modern_members(&body, &server->options, list.ttl_ms, list.is_public);
    }
    buf_add_char(&body, '}');
    envelope_end(&body);
    answer(server, message, 200, &body, NULL);
}

static void do_list_tools(mcp_server_t *server, message_t *message)
{
    answer_list(server, message, MCP_TOOLS);
}

static void do_list_resources(mcp_server_t *server, message_t *message)
{
    answer_list(server, message, MCP_RESOURCES);
}

static void do_list_templates(mcp_server_t *server, message_t *message)
{
    answer_list(server, message, MCP_TEMPLATES);
}

static void do_list_prompts(mcp_server_t *server, message_t *message)
{
    answer_list(server, message, MCP_PROMPTS);
}

typedef enum { ALWAYS, TOOLS, RESOURCES, PROMPTS, COMPLETIONS, LOGGING, LISTENING } needs_t;

static const struct {
    const char *name;
    bool legacy, modern;
    needs_t needs;
    void (*run)(mcp_server_t *server, message_t *message);
} methods[] = {
    { "tools/call", true, true, TOOLS, mcp_call_begin },
    { "tools/list", true, true, TOOLS, do_list_tools },
    { "initialize", true, false, ALWAYS, do_initialize },
    { "ping", true, false, ALWAYS, do_nothing },
    { "server/discover", false, true, ALWAYS, do_discover },
    { "resources/read", true, true, RESOURCES, mcp_call_begin },
    { "resources/list", true, true, RESOURCES, do_list_resources },
    { "resources/templates/list", true, true, RESOURCES, do_list_templates },
    { "resources/subscribe", true, false, RESOURCES, do_subscribe },
    { "resources/unsubscribe", true, false, RESOURCES, do_subscribe },
    { "prompts/get", true, true, PROMPTS, mcp_call_begin },
    { "prompts/list", true, true, PROMPTS, do_list_prompts },
    { "completion/complete", true, true, COMPLETIONS, mcp_call_begin },
    { "logging/setLevel", true, false, LOGGING, do_set_level },
    { "subscriptions/listen", false, true, LISTENING, mcp_listen_begin },
};

static bool offers(const mcp_server_t *server, const message_t *message, needs_t needs)
{
    const mcp_capabilities_t *offered = &message->offers;

    switch (needs) {
    case TOOLS:
        return offered->tools;
    case RESOURCES:
        return offered->resources;
    case PROMPTS:
        return offered->prompts;
    case COMPLETIONS:
        return offered->completions;
    case LOGGING:
        return offered->logging;
    case LISTENING:
        return server->handlers->listen;
    default:
        return true;
    }
}

static bool is_method(const mcp_server_t *server, const message_t *message, size_t row)
{
    const mcp_request_t *request = &message->request;
    bool served = request->era == MCP_MODERN ? methods[row].modern : methods[row].legacy;
    span_t quoted = { request->method.at - 1, request->method.length + 2 }; /* PHP writes tools\/call */

    return served && scan_string_is(quoted, methods[row].name) && offers(server, message, methods[row].needs);
}

static void run_method(mcp_server_t *server, message_t *message)
{
    err_t err;

    server->handlers->capabilities(server->self, &message->request, &message->offers);
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (is_method(server, message, i)) {
            message->request.method = span_of(methods[i].name);
            methods[i].run(server, message);
            return;
        }
    }
    err_set_code(&err, ERR_UNKNOWN, RPC_METHOD_NOT_FOUND, "Method not found: %.*s",
                 SPAN_ARGS(message->request.method));
    answer_error(server, message, &err);
}

/* MCP 2025-11-25 basic/transports: 202 whatever became of it. */
static void take_answer(mcp_server_t *server, message_t *message)
{
    AUTO_BUF nothing = { 0 };

    if (!mcp_server_answer(server, message->request.principal, message->body) && server->handlers->answered) {
        server->handlers->answered(server->self, message->request.principal, message->body);
    }
    answer(server, message, 202, &nothing, NULL);
}

void mcp_server_take(mcp_server_t *server, message_t *message)
{
    AUTO_BUF nothing = { 0 };
    err_t err;

    if (message_read(message, &err)) {
        answer_error(server, message, &err);
    } else if (message->kind == MESSAGE_REQUEST) {
        run_method(server, message);
    } else if (message->kind == MESSAGE_BATCH) {
        mcp_batch_begin(server, message);
    } else if (message->kind == MESSAGE_RESPONSE) {
        take_answer(server, message);
    } else {
        answer(server, message, 202, &nothing, NULL);
    }
}

/* What SDKs send is application/json; nothing at all is taken for it. A form or text/plain, which a page of
 * another site can post without asking, is not. */
static bool is_json_type(span_t type)
{
    span_t plain = type;

    for (size_t i = 0; i < type.length && plain.length == type.length; i++) {
        plain.length = strchr("; \t", type.at[i]) ? i : plain.length;
    }
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
        mcp_server_take(server, &message);
    }
    principal_unref((principal_t *)message.request.principal);
    message_release(&message);
}
