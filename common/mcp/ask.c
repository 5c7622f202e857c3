/* Questions of a server to its client, for a client that has no session with us: the question is an event on
 * the stream of the call it belongs to, the answer a POST of its own, perhaps on another connection and to
 * another loop. What ties the two together is the question's id: ours, not to be guessed, and good only for
 * the principal that was asked. Source: MCP 2025-11-25 basic/transports "Sending Messages to the Server".
 *
 * A question dies with its call: who answers later is told 202 as well, and nobody hears it.
 */
#include "server_private.h"

#include <event2/event.h>
#include <openssl/rand.h>
#include <string.h>

#include "clock.h"
#include "errors.h"
#include "mem.h"

#define LIMIT_MS (10 * 60 * 1000)
#define ASKS_PER_CALL 16
#define ID_RANDOM_BYTES 16

typedef struct ask ask_t;
struct ask {
    LIST_ENTRY(ask) link;
    mcp_call_t *call;
    buf_t id; /* text */
    struct event *limit;
    mcp_reply_f on_reply;
    void *self;
};

/* The members of an answer. */
enum { ID = 1, RESULT, ERROR };

static const json_want_t answer_wants[] = {
    { "id", ID, NULL, false },
    { "result", RESULT, NULL, false },
    { "error", ERROR, NULL, false },
    { 0 },
};

static void add_id(buf_t *out, const char *prefix)
{
    unsigned char random[ID_RANDOM_BYTES];

    if (RAND_bytes(random, sizeof(random)) != 1) {
        abort(); /* an id that can be guessed lets others answer */
    }
    if (prefix) {
        buf_addf(out, "%s-", prefix);
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        buf_addf(out, "%02x", random[i]);
    }
}

static void ask_free(ask_t *ask)
{
    LIST_REMOVE(ask, link);
    ask->call->asking--;
    event_free(ask->limit);
    buf_free(&ask->id);
    mem_free(ask);
}

/* The question is over before its answer is heard: who hears it may ask the next, or end the call. */
static void settle(ask_t *ask, const mcp_reply_t *reply)
{
    mcp_reply_f on_reply = ask->on_reply;
    void *self = ask->self;

    ask_free(ask);
    on_reply(self, reply);
}

static void on_limit(int fd, short what, void *self)
{
    (void)fd;
    (void)what;
    settle(self, &(mcp_reply_t){ .error = { .code = RPC_INTERNAL_ERROR,
                                            .message = SPAN("\"The client has not answered in time.\"") } });
}

static ask_t *ask_new(mcp_call_t *call, mcp_reply_f on_reply, void *self)
{
    const mcp_options_t *options = &call->server->options;
    struct timeval limit = clock_timeval(options->ask_limit_ms > 0 ? options->ask_limit_ms : LIMIT_MS);
    ask_t *ask = NEW(ask_t);

    ask->call = call;
    ask->on_reply = on_reply;
    ask->self = self;
    add_id(&ask->id, options->ask_prefix);
    ask->limit = evtimer_new(loop_base(options->loop), on_limit, ask);
    evtimer_add(ask->limit, &limit);
    LIST_INSERT_HEAD(&call->server->asks, ask, link);
    call->asking++;
    return ask;
}

/* What may be asked, since which revision (client/sampling, client/roots, client/elicitation). */
static bool is_question(span_t method, mcp_revision_t revision)
{
    static const struct {
        const char *method;
        mcp_revision_t since;
    } questions[] = {
        { "sampling/createMessage", MCP_2024_11_05 },
        { "roots/list", MCP_2024_11_05 },
        { "elicitation/create", MCP_2025_06_18 },
    };

    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        if (span_is(method, questions[i].method)) {
            return revision >= questions[i].since;
        }
    }
    return false;
}

bool mcp_call_can_ask(const mcp_call_t *call)
{
    return call->request.era == MCP_LEGACY && !call->gone && call->server->options.loop &&
           call->asking < ASKS_PER_CALL && mcp_call_may_stream(call);
}

bool mcp_call_ask(mcp_call_t *call, span_t method, span_t params, mcp_reply_f on_reply, void *self)
{
    AUTO_BUF json = { 0 };

    if (!mcp_call_can_ask(call) || !is_question(method, call->request.revision)) {
        return false;
    }
    ask_t *ask = ask_new(call, on_reply, self);
    buf_add_text(&json, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_add_json_string(&json, buf_span(&ask->id));
    buf_add_text(&json, ",\"method\":");
    buf_add_json_string(&json, method);
    if (scan_kind(params) == SCAN_OBJECT) {
        buf_add_text(&json, ",\"params\":");
        buf_add_span(&json, params);
    }
    buf_add_char(&json, '}');
    mcp_call_send_event(call, &json);
    return true;
}

void mcp_call_drop_asks(mcp_call_t *call)
{
    ask_t *ask = LIST_FIRST(&call->server->asks);

    while (ask) {
        ask_t *next = LIST_NEXT(ask, link);
        if (ask->call == call) {
            ask_free(ask);
        }
        ask = next;
    }
}

static bool is_same(const principal_t *a, const principal_t *b)
{
    return a && b && strcmp(a->subject, b->subject) == 0 && strcmp(a->tenant_id, b->tenant_id) == 0;
}

static ask_t *find(const mcp_server_t *server, const principal_t *principal, span_t id)
{
    ask_t *ask;

    LIST_FOREACH(ask, &server->asks, link)
    {
        if (span_equal(buf_span(&ask->id), id) && is_same(ask->call->request.principal, principal)) {
            return ask;
        }
    }
    return NULL;
}

static int code_of(span_t code)
{
    long value = scan_is_integer(code) && code.length < 10 ? strtol(code.at, NULL, 10) : 0;

    return (int)value;
}

/* A result is an object (MCP basic "Responses"). */
static void read_reply(const json_scan_t *found, mcp_reply_t *ret)
{
    span_t error = found->slots[ERROR], message = scan_member(error, "message");

    *ret = (mcp_reply_t){ 0 };
    if (error.at) {
        ret->error.code = code_of(scan_member(error, "code"));
        ret->error.message = scan_kind(message) == SCAN_STRING ? message : (span_t){ 0 };
        ret->error.data = scan_member(error, "data");
    } else if (scan_kind(found->slots[RESULT]) == SCAN_OBJECT) {
        ret->result = found->slots[RESULT];
    }
}

bool mcp_server_answer(mcp_server_t *server, const principal_t *principal, span_t message)
{
    json_scan_t found;
    mcp_reply_t reply;

    if (LIST_EMPTY(&server->asks) || json_scan(message, answer_wants, &found, NULL)) {
        return false;
    }
    ask_t *ask = find(server, principal, scan_plain_string(found.slots[ID]));
    if (!ask) {
        return false;
    }
    read_reply(&found, &reply);
    settle(ask, &reply);
    return true;
}
