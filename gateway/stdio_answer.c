/* What a process says, brought to whoever waits for it. See stdio_bridge.h.
 *
 * Standard streams carry no relation between a server's own requests or log messages and the call they arose
 * from: they go to the one call that is open, and when there are several, log messages go to the standing
 * streams and requests are refused, as nobody could tell whose client is to be asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "envelope.h"
#include "errors.h"
#include "json_scan.h"
#include "mem.h"
#include "stdio_bridge_private.h"

#define MAX_QUESTIONS 64 /* that wait for a client */

static void on_up(void *self);
static void on_line(void *self, span_t line);
static void on_long_line(void *self, span_t line);
static void on_down(void *self);
static void on_stopped(void *self);

const stdio_events_t stdio_answer_events = {
    .on_up = on_up,
    .on_line = on_line,
    .on_long_line = on_long_line,
    .on_down = on_down,
    .on_stopped = on_stopped,
};

/* The one tools/call that is open; NULL when there are more, or none. */
static exchange_t *only_call(const stdio_bridge_t *bridge)
{
    exchange_t *exchange, *found = NULL;

    for (exchange = LIST_FIRST(&bridge->exchanges); exchange; exchange = LIST_NEXT(exchange, link)) {
        if (exchange->kind == EXCHANGE_CALL && found) {
            return NULL;
        }
        found = exchange->kind == EXCHANGE_CALL ? exchange : found;
    }
    return found;
}

static void mint_session(stdio_bridge_t *bridge)
{
    unsigned char random[16];

    if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
        abort();
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        snprintf(bridge->session_id + 2 * i, 3, "%02x", random[i]);
    }
}

/* All who wait for the one initialize get its answer. */
static void take_initialized(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    exchange_t *exchange, *next;

    if (scan_kind(message->result) == SCAN_OBJECT) {
        mem_free(bridge->initialize_result);
        bridge->initialize_result = mem_strndup(message->result.at, message->result.length);
        mint_session(bridge);
    }
    for (exchange = LIST_FIRST(&bridge->exchanges); exchange; exchange = next) {
        AUTO_BUF json = { 0 };
        next = LIST_NEXT(exchange, link);
        if (exchange->kind != EXCHANGE_INITIALIZE) {
            continue;
        }
        stdio_change_t change = { message->id, span_of(exchange->id_text) };
        stdio_message_write(&json, message->text, &change, 1);
        if (exchange->request && bridge->initialize_result) {
            http_add_header(exchange->request, "Mcp-Session-Id", bridge->session_id);
        }
        stdio_exchange_finish(exchange, &json);
    }
}

/* It was still starting when it was taken for a server of the legacy revisions. */
static void take_late_discovery(exchange_t *exchange, const stdio_message_t *message)
{
    stdio_bridge_t *bridge = exchange->bridge;

    stdio_exchange_free(exchange);
    if (message->result.at) {
        bridge->events->on_changed(bridge->self, bridge);
    }
}

static void take_answer(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    exchange_t *exchange = stdio_exchange_find(bridge, message->id);
    AUTO_BUF json = { 0 };

    if (!exchange) {
        return; /* nobody waits for it any more */
    }
    if (exchange->kind == EXCHANGE_INITIALIZE) {
        take_initialized(bridge, message);
        return;
    }
    if (!exchange->request) {
        take_late_discovery(exchange, message);
        return;
    }
    stdio_change_t changes[] = {
        { message->id, span_of(exchange->id_text) },
        { span_equal(message->subscription_id, message->id) ? message->subscription_id : (span_t){ 0 },
          span_of(exchange->id_text) },
    };
    stdio_message_write(&json, message->text, changes, COUNT_OF(changes));
    stdio_exchange_finish(exchange, &json);
}

/* Notifications. */

static void take_progress(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    exchange_t *exchange = stdio_exchange_find(bridge, message->progress_token);
    AUTO_BUF json = { 0 };

    if (exchange && exchange->token) {
        stdio_change_t change = { message->progress_token, span_of(exchange->token) };
        stdio_message_write(&json, message->text, &change, 1);
        stdio_exchange_tell(exchange, &json);
    }
}

/* MCP 2026-07-28 basic/patterns/subscriptions: on stdio the tag is what tells subscriptions apart, and it is
 * the id of the request that opened it. */
static void take_tagged(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    exchange_t *exchange = stdio_exchange_find(bridge, message->subscription_id);
    AUTO_BUF json = { 0 };

    if (exchange && exchange->kind == EXCHANGE_LISTEN) {
        stdio_change_t change = { message->subscription_id, span_of(exchange->id_text) };
        stdio_message_write(&json, message->text, &change, 1);
        stdio_exchange_tell(exchange, &json);
    }
}

static void take_loose(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    exchange_t *call = scan_string_is(message->method, "notifications/message") ? only_call(bridge) : NULL;
    AUTO_BUF json = { 0 };

    stdio_message_write(&json, message->text, NULL, 0);
    if (!call || !stdio_exchange_tell(call, &json)) {
        stdio_listeners_tell(bridge, buf_span(&json));
    }
}

/* Either it takes back what it asked, or it tears a subscription down. Its ids and ours know nothing of each
 * other. */
static void take_cancelled(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    exchange_t *listening = stdio_exchange_find(bridge, message->request_id);
    question_t *question;

    for (question = LIST_FIRST(&bridge->questions); question; question = LIST_NEXT(question, link)) {
        if (span_equal(message->request_id, span_of(question->its_id))) {
            AUTO_BUF json = { 0 };
            stdio_digits_t scratch;
            stdio_change_t change = { message->request_id, stdio_digits(question->id, &scratch) };
            stdio_message_write(&json, message->text, &change, 1);
            stdio_exchange_tell(question->exchange, &json);
            stdio_question_free(question);
            return;
        }
    }
    if (listening && listening->kind == EXCHANGE_LISTEN) {
        stdio_exchange_fail(listening);
    }
}

static void take_notification(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    if (message->progress_token.at) {
        take_progress(bridge, message);
    } else if (message->request_id.at) {
        take_cancelled(bridge, message);
    } else if (message->subscription_id.at) {
        take_tagged(bridge, message);
    } else {
        take_loose(bridge, message);
    }
}

/* Requests of the process. */

static bool asks_too_much(const stdio_bridge_t *bridge)
{
    size_t count = 0;

    for (question_t *question = LIST_FIRST(&bridge->questions); question;
         question = LIST_NEXT(question, link)) {
        count++;
    }
    return count >= MAX_QUESTIONS;
}

static void ask(exchange_t *exchange, const stdio_message_t *message)
{
    stdio_bridge_t *bridge = exchange->bridge;
    question_t *question = NEW(question_t);
    AUTO_BUF json = { 0 };
    stdio_digits_t scratch;

    question->exchange = exchange;
    question->id = ++bridge->last_id;
    question->its_id = mem_strndup(message->id.at, message->id.length);
    LIST_INSERT_HEAD(&bridge->questions, question, link);
    stdio_change_t change = { message->id, stdio_digits(question->id, &scratch) };
    stdio_message_write(&json, message->text, &change, 1);
    if (!stdio_exchange_tell(exchange, &json)) {
        stdio_question_refuse(bridge, message->id);
        stdio_question_free(question);
    }
}

static void take_question(stdio_bridge_t *bridge, const stdio_message_t *message)
{
    exchange_t *call = only_call(bridge);
    AUTO_BUF pong = { 0 };

    if (scan_string_is(message->method, "ping")) {
        envelope_result_begin(&pong, message->id);
        buf_add_text(&pong, "{}");
        envelope_end(&pong);
        stdio_process_write(bridge->process, buf_span(&pong));
    } else if (call && !asks_too_much(bridge)) {
        ask(call, message);
    } else {
        stdio_question_refuse(bridge, message->id);
    }
}

/* What the process does. */

static void refuse(exchange_t *exchange, const char *sentence)
{
    AUTO_BUF json = { 0 };

    envelope_error(&json, span_of(exchange->id_text), RPC_INTERNAL_ERROR, sentence, (span_t){ 0 });
    stdio_exchange_finish(exchange, &json);
}

/* Also those who wait for another's. */
static void refuse_initialize(const stdio_bridge_t *bridge, const char *sentence)
{
    exchange_t *exchange, *next;

    for (exchange = LIST_FIRST(&bridge->exchanges); exchange; exchange = next) {
        next = LIST_NEXT(exchange, link);
        if (exchange->kind == EXCHANGE_INITIALIZE) {
            refuse(exchange, sentence);
        }
    }
}

/* A caller should not wait for what came and could not be read. With one request open there is no doubt whose
 * it was. */
static void refuse_answer(stdio_bridge_t *bridge, exchange_t *exchange, const char *sentence)
{
    exchange_t *only = LIST_FIRST(&bridge->exchanges);

    if (!exchange && only && !LIST_NEXT(only, link)) {
        exchange = only;
    }
    if (exchange && exchange->kind == EXCHANGE_INITIALIZE) {
        refuse_initialize(bridge, sentence);
    } else if (exchange) {
        refuse(exchange, sentence);
    }
}

/* Programs print to their output what was meant for a terminal; that is skipped. */
static void take_garbage(stdio_bridge_t *bridge, span_t line)
{
    exchange_t *exchange = stdio_exchange_find(bridge, stdio_message_guess_id(line));

    stdio_process_log(bridge->process, "no message on a connector's stdout", line);
    if (exchange && memmem(line.at, line.length, "\"jsonrpc\"", 9)) {
        refuse_answer(bridge, exchange, "The connector's answer is not a JSON-RPC message.");
    }
}

static void on_line(void *self, span_t line)
{
    stdio_bridge_t *bridge = self;
    stdio_message_t message;

    if (stdio_message_read(line, &message, NULL)) {
        take_garbage(bridge, line);
    } else if (message.kind == STDIO_RESPONSE) {
        take_answer(bridge, &message);
    } else if (message.kind == STDIO_REQUEST) {
        take_question(bridge, &message);
    } else {
        take_notification(bridge, &message);
    }
}

static void on_long_line(void *self, span_t line)
{
    stdio_bridge_t *bridge = self;
    exchange_t *exchange = stdio_exchange_find(bridge, stdio_message_guess_id(line));

    stdio_process_log(bridge->process, "too long a line on a connector's stdout",
                      SPAN("(left out; see limits.reply)"));
    refuse_answer(bridge, exchange,
                  "The connector's answer is larger than this gateway takes (limits.reply).");
}

static void on_up(void *self)
{
    stdio_bridge_t *bridge = self;

    bridge->events->on_changed(bridge->self, bridge);
}

static void forget_session(stdio_bridge_t *bridge)
{
    bridge->session_id[0] = '\0';
    bridge->told_initialized = false;
    mem_free(TAKE(bridge->initialize_result));
}

static void end_all(stdio_bridge_t *bridge)
{
    question_t *question;
    exchange_t *exchange;
    listener_t *listener;

    while ((question = LIST_FIRST(&bridge->questions))) {
        stdio_question_free(question);
    }
    while ((exchange = LIST_FIRST(&bridge->exchanges))) {
        stdio_exchange_fail(exchange);
    }
    while ((listener = LIST_FIRST(&bridge->listeners))) {
        http_request_t *request = listener->request;
        LIST_REMOVE(listener, link);
        mem_free(listener);
        http_on_gone(request, NULL, NULL);
        http_stream_on_drained(request, NULL, NULL);
        http_stream_end(request);
    }
}

static void on_down(void *self)
{
    stdio_bridge_t *bridge = self;

    forget_session(bridge);
    end_all(bridge);
    bridge->events->on_changed(bridge->self, bridge);
}

static void on_stopped(void *self)
{
    stdio_bridge_t *bridge = self;

    forget_session(bridge);
    end_all(bridge);
    stdio_bridge_ended(bridge);
}
