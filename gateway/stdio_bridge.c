/* See stdio_bridge.h: what the gateway says, handed to the process, and the bridge's life. What the process
 * says is in stdio_answer.c.
 *
 * A request is taken back by notifications/cancelled when its client goes: there is no stream of its own that
 * could be closed (MCP 2026-07-28 basic/transports/stdio "Cancellation"). Not so initialize, which may not be
 * (2025-11-25 basic/utilities/cancellation), and server/discover, which a server that needs initialize first
 * may not know how to take.
 */
#include "stdio_bridge.h"

#include <event2/event.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "errors.h"
#include "json_scan.h"
#include "mem.h"
#include "stdio_bridge_private.h"
#include "texts.h"

#define ENVELOPE_BYTES 65536 /* what a hop adds to a client's body, at most */
/* MCP 2026-07-28 basic/transports/stdio "Backward Compatibility": no response within a reasonable timeout
 * identifies a legacy server. */
#define DISCOVER_MS 3000
/* Workers are told of a new configuration a moment after the main thread: until then they still call. */
#define STOP_DELAY_MS 1000

static void on_request(void *self, http_request_t *request);
static void on_post(stdio_bridge_t *bridge, http_request_t *request);
static void take_request(stdio_bridge_t *bridge, http_request_t *request, const stdio_message_t *message);
static void take_notification(stdio_bridge_t *bridge, const stdio_message_t *message);
static void take_response(stdio_bridge_t *bridge, const stdio_message_t *message);
static void on_gone(void *self);
static void on_undiscovered(evutil_socket_t fd, short what, void *self);
static void on_listen(stdio_bridge_t *bridge, http_request_t *request);

/* Life. */

stdio_bridge_t *stdio_bridge_new(loop_t *loop, const char *socket_path, const connector_config_t *connector,
                                 const stdio_bridge_events_t *events, void *self, err_t *err)
{
    http_limits_t limits = HTTP_LIMITS_DEFAULT;
    AUTO(mem_free) char *address = mem_printf("unix:%s", socket_path);
    int fd = http_listen(address, false, err);

    if (fd < 0) {
        return NULL;
    }
    stdio_bridge_t *bridge = NEW(stdio_bridge_t);
    bridge->loop = loop;
    bridge->events = events;
    bridge->self = self;
    bridge->config.name = mem_strdup(connector->name);
    bridge->config.command = texts_copy(connector->command);
    bridge->config.env = texts_copy(connector->env);
    bridge->config.cwd = connector->cwd ? mem_strdup(connector->cwd) : NULL;
    bridge->socket_path = mem_strdup(socket_path);
    bridge->server = http_server_new(loop, &limits, on_request, bridge);
    http_server_accept(bridge->server, fd);
    bridge->process =
        stdio_process_new(loop, &bridge->config, limits.max_body_bytes, &stdio_answer_events, bridge);
    return bridge;
}

void stdio_bridge_limit(stdio_bridge_t *bridge, const config_t *config)
{
    http_limits_t limits = HTTP_LIMITS_DEFAULT;

    limits.max_body_bytes = config->door.max_body_bytes + ENVELOPE_BYTES;
    http_server_set_limits(bridge->server, &limits);
    stdio_process_limit(bridge->process, config->max_reply_bytes);
}

static void free_rest(void *self)
{
    stdio_bridge_t *bridge = self;

    stdio_process_free(bridge->process);
    config_free_connector(&bridge->config);
    mem_free(bridge->socket_path);
    mem_free(bridge->initialize_result);
    if (bridge->timer) {
        event_free(bridge->timer);
    }
    mem_free(bridge);
}

static void close_server(stdio_bridge_t *bridge)
{
    question_t *question;

    unlink(bridge->socket_path);
    if (bridge->timer) {
        evtimer_del(bridge->timer); /* there will be nothing to drain */
    }
    while ((question = LIST_FIRST(&bridge->questions))) {
        stdio_question_free(question);
    }
    http_server_free(TAKE(bridge->server)); /* its open requests are told, and leave the lists */
    while (LIST_FIRST(&bridge->exchanges)) {
        stdio_exchange_free(LIST_FIRST(&bridge->exchanges)); /* an initialize that nobody waits for */
    }
}

void stdio_bridge_free(stdio_bridge_t *bridge)
{
    if (bridge) {
        close_server(bridge);
        free_rest(bridge);
    }
}

static void on_free(void *self)
{
    stdio_bridge_t *bridge = self;
    void (*on_freed)(void *self) = bridge->events->on_freed;
    void *whose = bridge->self;

    free_rest(bridge);
    on_freed(whose);
}

/* In two turns: the server may already have put its on_drained behind this. */
static void on_close(void *self)
{
    stdio_bridge_t *bridge = self;

    close_server(bridge);
    loop_defer(bridge->loop, on_free, bridge);
}

void stdio_bridge_ended(stdio_bridge_t *bridge)
{
    loop_defer(bridge->loop, on_close, bridge);
}

static void on_drained(void *self)
{
    stdio_bridge_t *bridge = self;

    stdio_process_stop(bridge->process);
}

static void on_drain(evutil_socket_t fd, short what, void *self)
{
    stdio_bridge_t *bridge = self;

    (void)fd, (void)what;
    http_server_drain(bridge->server, bridge->drain_ms, on_drained, bridge);
}

void stdio_bridge_stop(stdio_bridge_t *bridge, int64_t drain_ms)
{
    struct timeval delay = clock_timeval(STOP_DELAY_MS);

    if (drain_ms == 0) {
        stdio_process_stop(bridge->process);
    } else if (!bridge->timer) {
        bridge->drain_ms = drain_ms;
        bridge->timer = evtimer_new(loop_base(bridge->loop), on_drain, bridge);
        evtimer_add(bridge->timer, &delay);
    }
}

const char *stdio_bridge_name(const stdio_bridge_t *bridge)
{
    return bridge->config.name;
}

const char *stdio_bridge_socket(const stdio_bridge_t *bridge)
{
    return bridge->socket_path;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool are_same(char *const *a, char *const *b)
{
    if (texts_count(a) != texts_count(b)) {
        return false;
    }
    for (; a && *a; a++, b++) {
        if (strcmp(*a, *b) != 0) {
            return false;
        }
    }
    return true;
}

bool stdio_bridge_serves(const stdio_bridge_t *bridge, const connector_config_t *connector)
{
    return is_same(bridge->config.name, connector->name) && is_same(bridge->config.cwd, connector->cwd) &&
           are_same(bridge->config.command, connector->command) &&
           are_same(bridge->config.env, connector->env);
}

/* What the gateway says. */

static void on_request(void *self, http_request_t *request)
{
    stdio_bridge_t *bridge = self;
    const char *method = http_method(request);

    if (strcmp(method, "POST") == 0) {
        on_post(bridge, request);
    } else if (strcmp(method, "GET") == 0) {
        on_listen(bridge, request);
    } else if (strcmp(method, "DELETE") == 0) {
        http_reply_bytes(request, 204, NULL, NULL, 0);
    } else {
        http_reply_error(request, 405, "method_not_allowed", "This takes POST, GET and DELETE.");
    }
}

/* 2025-11-25 basic/transports "Session Management": 404 makes a client initialize anew. */
static bool has_stale_session(const stdio_bridge_t *bridge, http_request_t *request)
{
    span_t session = http_header(request, "Mcp-Session-Id", NULL);

    return session.at && (!*bridge->session_id || !span_is(session, bridge->session_id));
}

static void refuse_session(const stdio_bridge_t *bridge, http_request_t *request,
                           const stdio_message_t *message)
{
    stdio_reply_refused(bridge, request, 404, "Its process was started anew meanwhile.", message);
}

static void on_post(stdio_bridge_t *bridge, http_request_t *request)
{
    stdio_message_t message;
    err_t err;

    if (stdio_message_read(http_body(request), &message, &err)) {
        stdio_reply_error(request, 400, (span_t){ 0 }, err_rpc_code(&err), err.text);
        return;
    }
    if (!stdio_process_is_up(bridge->process)) {
        stdio_reply_down(bridge, request, &message);
    } else if (!scan_string_is(message.method, "initialize") && has_stale_session(bridge, request)) {
        refuse_session(bridge, request, &message);
    } else if (message.kind == STDIO_REQUEST) {
        take_request(bridge, request, &message);
    } else {
        message.kind == STDIO_RESPONSE ? take_response(bridge, &message)
                                       : take_notification(bridge, &message);
        http_reply_bytes(request, 202, NULL, NULL, 0);
    }
}

static exchange_kind_t find_kind(span_t method)
{
    static const struct {
        const char *method;
        exchange_kind_t kind;
    } kinds[] = {
        { "tools/call", EXCHANGE_CALL },
        { "subscriptions/listen", EXCHANGE_LISTEN },
        { "initialize", EXCHANGE_INITIALIZE },
        { "server/discover", EXCHANGE_DISCOVER },
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (scan_string_is(method, kinds[i].method)) {
            return kinds[i].kind;
        }
    }
    return EXCHANGE_PLAIN;
}

static bool accepts_stream(const http_request_t *request)
{
    span_t accept = http_header(request, "Accept", NULL);

    return accept.at && memmem(accept.at, accept.length, "text/event-stream", 17);
}

static exchange_t *open_exchange(stdio_bridge_t *bridge, http_request_t *request,
                                 const stdio_message_t *message)
{
    exchange_t *exchange = NEW(exchange_t);
    span_t token = message->progress_token;

    exchange->bridge = bridge;
    exchange->request = request;
    exchange->kind = find_kind(message->method);
    exchange->id_text = mem_strndup(message->id.at, message->id.length);
    exchange->token = token.at ? mem_strndup(token.at, token.length) : NULL;
    exchange->takes_stream = exchange->kind != EXCHANGE_INITIALIZE && exchange->kind != EXCHANGE_DISCOVER &&
                             accepts_stream(request);
    LIST_INSERT_HEAD(&bridge->exchanges, exchange, link);
    http_on_gone(request, on_gone, exchange);
    return exchange;
}

/* Under an id of the bridge's own. */
static void send_request(exchange_t *exchange, const stdio_message_t *message)
{
    stdio_bridge_t *bridge = exchange->bridge;
    AUTO_BUF line = { 0 };
    char id[24];

    exchange->id = ++bridge->last_id;
    snprintf(id, sizeof(id), "%" PRIu64, exchange->id);
    stdio_change_t changes[] = { { message->id, span_of(id) }, { message->progress_token, span_of(id) } };
    stdio_message_write(&line, message->text, changes, COUNT_OF(changes));
    if (!stdio_process_write(bridge->process, buf_span(&line))) {
        http_request_t *request = exchange->request;
        stdio_exchange_free(exchange);
        http_on_gone(request, NULL, NULL);
        stdio_reply_down(bridge, request, message);
    }
}

static bool is_initializing(const stdio_bridge_t *bridge)
{
    exchange_t *exchange;

    for (exchange = LIST_FIRST(&bridge->exchanges); exchange; exchange = LIST_NEXT(exchange, link)) {
        if (exchange->kind == EXCHANGE_INITIALIZE) {
            return true;
        }
    }
    return false;
}

static void take_request(stdio_bridge_t *bridge, http_request_t *request, const stdio_message_t *message)
{
    bool is_initialize = find_kind(message->method) == EXCHANGE_INITIALIZE;
    struct timeval patience = clock_timeval(DISCOVER_MS);

    if (is_initialize && bridge->initialize_result) {
        stdio_reply_initialized(bridge, request, message->id);
        return;
    }
    bool waits = is_initialize && is_initializing(bridge);
    exchange_t *exchange = open_exchange(bridge, request, message);
    if (exchange->kind == EXCHANGE_DISCOVER) {
        exchange->timer = evtimer_new(loop_base(bridge->loop), on_undiscovered, exchange);
        evtimer_add(exchange->timer, &patience);
    }
    if (!waits) {
        send_request(exchange, message);
    }
}

/* One late answer is enough to hope for. */
static void forget_undiscovered(stdio_bridge_t *bridge)
{
    exchange_t *exchange, *next;

    for (exchange = LIST_FIRST(&bridge->exchanges); exchange; exchange = next) {
        next = LIST_NEXT(exchange, link);
        if (exchange->kind == EXCHANGE_DISCOVER && !exchange->request) {
            stdio_exchange_free(exchange);
        }
    }
}

static void on_undiscovered(evutil_socket_t fd, short what, void *self)
{
    exchange_t *exchange = self;

    (void)fd, (void)what;
    forget_undiscovered(exchange->bridge);
    http_request_t *request = TAKE(exchange->request);
    http_on_gone(request, NULL, NULL);
    stdio_reply_error(request, 200, span_of(exchange->id_text), RPC_METHOD_NOT_FOUND,
                      "It does not answer server/discover.");
}

static void tell_cancelled(exchange_t *exchange)
{
    AUTO_BUF line = { 0 };

    if (exchange->cancelled || exchange->id == 0 || exchange->kind == EXCHANGE_DISCOVER) {
        return;
    }
    exchange->cancelled = true;
    buf_addf(&line,
             "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":%" PRIu64
             ",\"reason\":\"The caller is gone or its time is up.\"}}",
             exchange->id);
    stdio_process_write(exchange->bridge->process, buf_span(&line));
}

static void on_gone(void *self)
{
    exchange_t *exchange = self;

    exchange->request = NULL;
    if (exchange->kind == EXCHANGE_INITIALIZE && exchange->id > 0) {
        return;
    }
    tell_cancelled(exchange);
    stdio_exchange_free(exchange);
}

/* One that is named by the gateway's id, if there is exactly one. */
static exchange_t *find_by_their_id(const stdio_bridge_t *bridge, span_t id)
{
    exchange_t *exchange, *found = NULL;

    for (exchange = LIST_FIRST(&bridge->exchanges); exchange; exchange = LIST_NEXT(exchange, link)) {
        if (span_equal(id, span_of(exchange->id_text))) {
            if (found) {
                return NULL;
            }
            found = exchange;
        }
    }
    return found;
}

static void take_notification(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    bool is_initialized = scan_string_is(message->method, "notifications/initialized");
    AUTO_BUF line = { 0 };

    if (message->request_id.at) {
        exchange_t *exchange = find_by_their_id(bridge, message->request_id);
        if (exchange && exchange->kind != EXCHANGE_INITIALIZE) {
            tell_cancelled(exchange);
        }
        return;
    }
    if (is_initialized && bridge->told_initialized) {
        return;
    }
    bridge->told_initialized = bridge->told_initialized || is_initialized;
    stdio_message_write(&line, message->text, NULL, 0);
    stdio_process_write(bridge->process, buf_span(&line));
}

/* What a client answered to a question of the process's. */
static void take_response(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    question_t *question;
    AUTO_BUF line = { 0 };

    for (question = LIST_FIRST(&bridge->questions); question; question = LIST_NEXT(question, link)) {
        if (stdio_is_number(message->id, question->id)) {
            stdio_change_t change = { message->id, span_of(question->its_id) };
            stdio_message_write(&line, message->text, &change, 1);
            stdio_process_write(bridge->process, buf_span(&line));
            stdio_question_free(question);
            return;
        }
    }
}

/* The standing stream. */

static void on_listener_gone(void *self)
{
    listener_t *listener = self;

    LIST_REMOVE(listener, link);
    mem_free(listener);
}

static void on_listen(stdio_bridge_t *bridge, http_request_t *request)
{
    const stdio_message_t no_message = { 0 };

    if (!stdio_process_is_up(bridge->process)) {
        stdio_reply_down(bridge, request, &no_message);
    } else if (has_stale_session(bridge, request)) {
        refuse_session(bridge, request, &no_message);
    } else {
        listener_t *listener = NEW(listener_t);
        listener->request = request;
        LIST_INSERT_HEAD(&bridge->listeners, listener, link);
        http_on_gone(request, on_listener_gone, listener);
        http_stream_start(request, 200, "text/event-stream", STDIO_HEARTBEAT_MS);
    }
}
