/* Questions to a legacy client in mid-call. They come two ways: a legacy connector sends requests on the
 * stream of its exchange and waits for answers that are posted to it; a modern one ends the exchange with a
 * result that asks for input and wants the call again with the answers (MCP 2026-07-28 basic/patterns/mrtr).
 * While the client is asked the clock of the call stands still. A modern client reads such a result itself
 * and gets it byte for byte; it cannot be asked by requests, so that a legacy connector gets an error for an
 * answer.
 */
#include "clock.h"
#include "envelope.h"
#include "errors.h"
#include "forward_private.h"
#include "log.h"
#include "mem.h"

#define MAX_ROUNDS 8

/* One answer of a client that is waited for. */
typedef struct {
    forward_t *forward;
    bool open;
    uint64_t exchange_id; /* the exchange that asked; it may be over when the answer comes */
    buf_t asker;          /* raw: the id of a legacy connector's request, the key of a modern one's */
    buf_t result;         /* raw; a modern connector gets all of a round together */
} question_t;

struct asks {
    question_t questions[FORWARD_MAX_QUESTIONS];
    size_t open;
    unsigned rounds;
    buf_t responses, state; /* raw, for the next request of a round; empty: none */
};

static void on_reply(void *self, const mcp_reply_t *reply);
static void on_input(void *self, const mcp_reply_t *reply);

static asks_t *asks_of(forward_t *forward)
{
    if (!forward->asks) {
        forward->asks = NEW(asks_t);
    }
    return forward->asks;
}

void asks_free(asks_t *asks)
{
    if (!asks) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(asks->questions); i++) {
        buf_free(&asks->questions[i].asker);
        buf_free(&asks->questions[i].result);
    }
    buf_free(&asks->responses);
    buf_free(&asks->state);
    mem_free(asks);
}

/* The clock. */

static void stop_clock(forward_t *forward)
{
    if (forward->asking_since_ms == 0) {
        forward->asking_since_ms = clock_ms();
    }
    if (forward->relay) {
        relay_extend(forward->relay, clock_ms() + QUESTION_LIMIT_MS + forward->entry->timeout_ms);
    }
}

static void start_clock(forward_t *forward)
{
    int64_t stood_ms = clock_ms() - forward->asking_since_ms;

    forward->asking_since_ms = 0;
    forward->deadline_ms += stood_ms;
    forward->latest_ms += stood_ms;
    if (forward->relay) {
        forward->sent_us += stood_ms * 1000; /* it was not the connector that took so long */
        relay_extend(forward->relay, forward->deadline_ms);
    }
}

/* Asking. */

static bool may_be_asked(span_t method)
{
    return span_is(method, "sampling/createMessage") || span_is(method, "elicitation/create") ||
           span_is(method, "roots/list");
}

/* False: the client cannot be asked, or not that. */
static bool ask(forward_t *forward, const relay_question_t *asked, mcp_reply_f on_answer)
{
    asks_t *asks = asks_of(forward);
    size_t i = 0;

    while (i < COUNT_OF(asks->questions) && asks->questions[i].open) {
        i++;
    }
    if (i == COUNT_OF(asks->questions) || !may_be_asked(asked->method) || !mcp_call_can_ask(forward->call)) {
        return false;
    }
    question_t *question = &asks->questions[i];
    question->forward = forward;
    question->exchange_id = forward->id;
    buf_clear(&question->asker);
    buf_add_span(&question->asker, asked->id);
    if (!mcp_call_ask(forward->call, asked->method, asked->params, on_answer, question)) {
        return false;
    }
    question->open = true;
    asks->open++;
    stop_clock(forward);
    return true;
}

static void close_question(question_t *question)
{
    forward_t *forward = question->forward;

    question->open = false;
    if (--forward->asks->open == 0) {
        start_clock(forward);
    }
}

/* A legacy connector's requests. */

static void post_result(forward_t *forward, span_t id, span_t result)
{
    AUTO_BUF body = { 0 };

    envelope_result_begin(&body, id);
    buf_add_span(&body, result);
    envelope_end(&body);
    forward_post(forward, &body);
}

static void post_error(forward_t *forward, span_t id, int code, const char *text, span_t data)
{
    AUTO_BUF body = { 0 };

    envelope_error(&body, id, code, text, data);
    forward_post(forward, &body);
}

static void post_reply(forward_t *forward, span_t id, const mcp_reply_t *reply)
{
    AUTO_BUF text = { 0 };

    if (reply->result.at) {
        post_result(forward, id, reply->result);
    } else if (reply->error.code != 0 && scan_string(reply->error.message, &text)) {
        post_error(forward, id, reply->error.code, buf_text(&text), reply->error.data);
    } else {
        post_error(forward, id, RPC_INTERNAL_ERROR, "The client gave no answer that can be read.",
                   (span_t){ 0 });
    }
}

static void on_reply(void *self, const mcp_reply_t *reply)
{
    question_t *question = self;
    forward_t *forward = question->forward;

    if (forward->relay && forward->id == question->exchange_id) {
        post_reply(forward, buf_span(&question->asker), reply);
    }
    close_question(question);
}

static void log_flood(const forward_t *forward)
{
    if (log_begin(LOG_LEVEL_WARN, "a connector asks too much in one call; it is not answered any more")) {
        log_str("connector", forward->connector->config->name);
        log_end();
    }
}

void forward_question(void *self, const relay_question_t *asked)
{
    forward_t *forward = self;
    bool ping = span_is(asked->method, "ping");

    if (!ping && forward->call && ask(forward, asked, on_reply)) {
        return;
    }
    if (forward->refusals++ == FORWARD_MAX_REFUSALS) {
        log_flood(forward);
    }
    if (forward->refusals > FORWARD_MAX_REFUSALS) {
        return;
    }
    if (ping) {
        post_result(forward, asked->id, SPAN("{}"));
    } else {
        post_error(forward, asked->id, RPC_METHOD_NOT_FOUND, "The client of this call cannot be asked that.",
                   (span_t){ 0 });
    }
}

/* A modern connector's rounds. */

span_t asks_responses(const asks_t *asks)
{
    return asks->responses.length > 0 ? buf_span(&asks->responses) : (span_t){ 0 };
}

span_t asks_state(const asks_t *asks)
{
    return asks->state.length > 0 ? buf_span(&asks->state) : (span_t){ 0 };
}

static void write_responses(asks_t *asks)
{
    buf_clear(&asks->responses);
    for (size_t i = 0; i < COUNT_OF(asks->questions); i++) {
        question_t *question = &asks->questions[i];
        if (question->result.length == 0) {
            continue;
        }
        buf_add_text(&asks->responses, asks->responses.length == 0 ? "{\"" : ",\"");
        buf_add_span(&asks->responses, buf_span(&question->asker));
        buf_add_text(&asks->responses, "\":");
        buf_add_span(&asks->responses, buf_span(&question->result));
        buf_clear(&question->result);
    }
    if (asks->responses.length > 0) {
        buf_add_char(&asks->responses, '}');
    }
}

static void next_round(forward_t *forward)
{
    write_responses(forward->asks);
    forward_send(forward);
}

static void fail_input(forward_t *forward, err_kind_t kind, const char *why)
{
    err_t err;

    err_set(&err, kind, "%s of connector %s asks for input, %s. Nothing more was done.", forward->entry->name,
            forward->connector->config->name, why);
    forward_fail(forward, &err);
}

static void fail_reply(forward_t *forward, const mcp_rpc_error_t *error)
{
    AUTO_BUF text = { 0 };

    buf_add_text(&text, "and the client answered with an error: \"");
    if (!scan_string(error->message, &text)) {
        buf_add_text(&text, "none that can be read");
    }
    buf_add_char(&text, '"');
    fail_input(forward, ERR_CALLER, buf_text(&text));
}

static void on_input(void *self, const mcp_reply_t *reply)
{
    question_t *question = self;
    forward_t *forward = question->forward;

    close_question(question);
    if (!reply->result.at) {
        fail_reply(forward, &reply->error);
        return;
    }
    buf_add_span(&question->result, reply->result);
    if (forward->asks->open == 0) {
        next_round(forward);
    }
}

static bool next_question(span_t *rest, relay_question_t *ret)
{
    json_member_t member;

    if (!scan_next_member(rest, &member)) {
        return false;
    }
    *ret = (relay_question_t){
        .id = member.key,
        .method = scan_plain_string(scan_member(member.value, "method")),
        .params = scan_member(member.value, "params"),
    };
    return true;
}

/* Looked at before the first is asked: nobody shall be asked for what cannot be completed. */
static bool can_be_asked(span_t requests)
{
    relay_question_t question;
    size_t count = 0;

    for (span_t rest = requests; next_question(&rest, &question);) {
        if (!question.method.at || !may_be_asked(question.method) || ++count > FORWARD_MAX_QUESTIONS) {
            return false;
        }
    }
    return true;
}

/* Asks all that is wanted; false: one of them cannot be asked. */
static bool ask_all(forward_t *forward, span_t requests)
{
    relay_question_t question;

    if (scan_kind(requests) != SCAN_OBJECT || !can_be_asked(requests)) {
        return false;
    }
    for (span_t rest = requests; next_question(&rest, &question);) {
        if (!ask(forward, &question, on_input)) {
            return false;
        }
    }
    return true;
}

static void begin_round(forward_t *forward, const relay_answer_t *answer)
{
    asks_t *asks = asks_of(forward);
    span_t requests = relay_member(answer, "inputRequests"), state = relay_member(answer, "requestState");

    buf_clear(&asks->state);
    buf_add_span(&asks->state, state);
    if (!mcp_call_can_ask(forward->call)) {
        fail_input(forward, ERR_CALLER,
                   "but this client cannot be asked in mid-call: it takes no event stream");
    } else if (++asks->rounds > MAX_ROUNDS) {
        fail_input(forward, ERR_UPSTREAM, "and has done so too often");
    } else if (!requests.at && !state.at) {
        fail_input(forward, ERR_UPSTREAM, "but does not say for which");
    } else if (requests.at && !ask_all(forward, requests)) {
        fail_input(forward, ERR_UPSTREAM, "but for something that this client cannot be asked for");
    } else if (asks->open == 0) {
        next_round(forward); /* it wants to be called again, and nothing else */
    }
}

bool forward_asks_input(forward_t *forward, const relay_answer_t *answer)
{
    const mcp_request_t *request = mcp_call_request(forward->call);
    span_t type = answer->members ? relay_member(answer, "resultType") : (span_t){ 0 };

    if (!forward_is_modern(forward) || !scan_string_is(type, "input_required") ||
        request->act == MCP_COMPLETE) {
        return false;
    }
    if (forward->companion) {
        fail_input(forward, ERR_UPSTREAM, "but a caller by REST cannot be asked in mid-call");
        return true;
    }
    if (request->era == MCP_MODERN) {
        return false;
    }
    begin_round(forward, answer);
    return true;
}
