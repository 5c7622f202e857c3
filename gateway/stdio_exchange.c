/* Requests that wait for a process, streams that stand open, and questions of the process to the client of a
 * call. See stdio_bridge.h.
 *
 * All of a process's output comes on one pipe, so nobody who reads slowly may hold it up: what only informs
 * (progress, log messages, changes) is dropped for them until they have read; answers are not.
 */
#include <event2/event.h>

#include "envelope.h"
#include "errors.h"
#include "mem.h"
#include "stdio_bridge_private.h"

/* Numbers as raw JSON. */

span_t stdio_digits(uint64_t number, stdio_digits_t *scratch)
{
    buf_t buf = { .data = scratch->text, .size = sizeof(scratch->text) };

    buf_add_u64(&buf, number);
    return buf_span(&buf);
}

bool stdio_is_number(span_t raw, uint64_t number)
{
    stdio_digits_t scratch;

    return span_equal(raw, stdio_digits(number, &scratch));
}

/* Exchanges and questions. */

exchange_t *stdio_exchange_find(const stdio_bridge_t *bridge, span_t id)
{
    exchange_t *exchange;

    for (exchange = LIST_FIRST(&bridge->exchanges); exchange; exchange = LIST_NEXT(exchange, link)) {
        if (exchange->id > 0 && stdio_is_number(id, exchange->id)) {
            return exchange;
        }
    }
    return NULL;
}

void stdio_question_free(question_t *question)
{
    LIST_REMOVE(question, link);
    mem_free(question->its_id);
    mem_free(question);
}

void stdio_question_refuse(const stdio_bridge_t *bridge, span_t its_id)
{
    AUTO_BUF line = { 0 };

    envelope_error(&line, its_id, RPC_INTERNAL_ERROR, "No client is there to answer this.", (span_t){ 0 });
    stdio_process_write(bridge->process, buf_span(&line));
}

/* Whom it wanted to ask is gone. */
static void drop_questions(exchange_t *exchange)
{
    question_t *question, *next;

    for (question = LIST_FIRST(&exchange->bridge->questions); question; question = next) {
        next = LIST_NEXT(question, link);
        if (question->exchange == exchange) {
            stdio_question_refuse(exchange->bridge, span_of(question->its_id));
            stdio_question_free(question);
        }
    }
}

void stdio_exchange_free(exchange_t *exchange)
{
    drop_questions(exchange);
    LIST_REMOVE(exchange, link);
    if (exchange->timer) {
        event_free(exchange->timer);
    }
    mem_free(exchange->id_text);
    mem_free(exchange->token);
    mem_free(exchange);
}

static void on_drained(void *self)
{
    exchange_t *exchange = self;

    exchange->behind = false;
}

bool stdio_exchange_tell(exchange_t *exchange, buf_t *json)
{
    if (!exchange->request || !exchange->takes_stream || exchange->behind) {
        return false;
    }
    if (stdio_reply_event(exchange->request, json) > HTTP_STREAM_HIGH_BYTES) {
        exchange->behind = true;
        http_stream_on_drained(exchange->request, on_drained, exchange);
    }
    return true;
}

static void on_listener_drained(void *self)
{
    listener_t *listener = self;

    listener->behind = false;
}

void stdio_listeners_tell(const stdio_bridge_t *bridge, span_t text)
{
    listener_t *listener;

    for (listener = LIST_FIRST(&bridge->listeners); listener; listener = LIST_NEXT(listener, link)) {
        AUTO_BUF json = { 0 };
        buf_add_span(&json, text);
        if (!listener->behind && stdio_reply_event(listener->request, &json) > HTTP_STREAM_HIGH_BYTES) {
            listener->behind = true;
            http_stream_on_drained(listener->request, on_listener_drained, listener);
        }
    }
}

/* Frees the exchange; its request, which nothing leads back from any more, is still to be ended. */
static http_request_t *take_request(exchange_t *exchange)
{
    http_request_t *request = TAKE(exchange->request);

    stdio_exchange_free(exchange);
    if (request) {
        http_on_gone(request, NULL, NULL);
        http_stream_on_drained(request, NULL, NULL);
    }
    return request;
}

/* Ends an exchange with its last message. */
void stdio_exchange_finish(exchange_t *exchange, buf_t *json)
{
    http_request_t *request = take_request(exchange);

    if (!request) {
        return;
    }
    if (http_stream_started(request)) {
        stdio_reply_event(request, json);
        http_stream_end(request);
    } else {
        stdio_reply_json(request, 200, json);
    }
}

/* Ends it without one. What the caller of a tool reads then is written where the call is known: whether
 * repeating it is safe (forward_failure.c). Who asks what the server is, is told why it cannot say. */
void stdio_exchange_fail(exchange_t *exchange)
{
    const stdio_bridge_t *bridge = exchange->bridge;
    bool is_discover = exchange->kind == EXCHANGE_DISCOVER;
    AUTO(mem_free) char *id = TAKE(exchange->id_text);
    const stdio_message_t asked = { .id = span_of(id) };
    http_request_t *request = take_request(exchange);

    if (!request) {
        return;
    }
    if (is_discover) {
        stdio_reply_down(bridge, request, &asked);
    } else if (http_stream_started(request)) {
        http_stream_end(request);
    } else {
        http_reply_bytes(request, 502, "text/plain", "The process ended.", 18);
    }
}
