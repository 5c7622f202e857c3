/* Rounds of one call: what it asks of the client, and the answers with which it runs again.
 *
 * A modern client gets a result "input_required" and comes back with a new request; nothing of it stays here,
 * for what the tool must remember goes along, sealed. A legacy client is asked on the stream of its call,
 * which is kept meanwhile and then runs again. The tool sees no difference.
 */
#include "call_life.h"

#include <openssl/sha.h>
#include <string.h>

#include "clock.h"
#include "errors.h"

#define ROUNDS_MAX 8 /* of a legacy call; a modern client counts for itself */

/* What can be asked, and which capability of the client it takes. */
static const struct {
    const char *method, *capability;
} kinds[] = {
    { "elicitation/create", "elicitation" },
    { "sampling/createMessage", "sampling" },
    { "roots/list", "roots" },
};

/* Whether it can */

/* MCP 2026-07-28 client/elicitation "Capabilities": {} is forms only, and so is {"form": {}}. */
static bool has_forms(span_t elicitation)
{
    span_t rest = elicitation;
    json_member_t first;

    return !scan_next_member(&rest, &first) || scan_member(elicitation, "form").at;
}

bool call_can_ask(const call_t *call, const char *capability)
{
    if (!call->mcp || call->act == MCP_COMPLETE) {
        return false;
    }
    const mcp_request_t *request = mcp_call_request(call->mcp);
    bool is_elicitation = strcmp(capability, "elicitation") == 0;
    if (request->era == MCP_LEGACY) {
        return mcp_call_can_ask(call->mcp) && (!is_elicitation || request->revision >= MCP_2025_06_18);
    }
    span_t declared = scan_member(request->client_capabilities, capability);
    return scan_kind(declared) == SCAN_OBJECT && (!is_elicitation || has_forms(declared));
}

/* MCP 2026-07-28 basic "Error Codes": -32021 names what was needed. */
static void refuse(call_t *call, const char *capability)
{
    AUTO(mem_free)
    char *text = mem_printf(
        "This needs a client that can be asked by %s, and this one has not said that it can.", capability);
    AUTO(mem_free) char *data = mem_printf("{\"requiredCapabilities\":{\"%s\":{}}}", capability);

    call_end_with_rpc_error(call, MCP_MISSING_CAPABILITY, text, data);
}

bool call_require(call_t *call, const char *capability)
{
    bool can = call_can_ask(call, capability);

    if (!can) {
        refuse(call, capability);
    }
    return can;
}

static const char *capability_for(const char *method)
{
    for (size_t i = 0; method && i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].method, method) == 0) {
            return kinds[i].capability;
        }
    }
    return NULL;
}

/* false: the call has ended. */
static bool may_send(call_t *call, const json_t *requests)
{
    const char *key;
    json_t *request;

    json_object_foreach((json_t *)requests, key, request)
    {
        const char *capability = capability_for(json_string_value(json_object_get(request, "method")));
        if (!capability) {
            call_failf(call, ERR_INTERNAL,
                       "%s asks for \"%s\" what no client can answer. This is a mistake in the connector.",
                       call->entry->name, key);
            return false;
        }
        if (!call_require(call, capability)) {
            return false;
        }
    }
    return true;
}

/* What came back */

const json_t *call_input(const call_t *call, const char *key)
{
    return json_object_get(call->inputs, key);
}

const json_t *call_round_state(const call_t *call)
{
    return call->state;
}

/* Who asks, for what, and with which arguments: a state is good for nothing else. */
static void bind(const call_t *call, buf_t *out)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    AUTO(mem_free) char *arguments = json_dumps(call->arguments, JSON_COMPACT | JSON_SORT_KEYS);
    const char *const words[] = { mcp_act_method(call->act), call->entry->name, call->principal->tenant_id,
                                  call->principal->subject };

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        buf_add(out, words[i] ? words[i] : "", strlen(words[i] ? words[i] : "") + 1);
    }
    SHA256((const unsigned char *)arguments, strlen(arguments), digest);
    buf_add(out, digest, sizeof(digest));
}

static int open_state(call_t *call, span_t raw, err_t *err)
{
    AUTO_BUF sealed = { 0 };
    AUTO_BUF bound = { 0 };
    AUTO_BUF plain = { 0 };

    if (!scan_string(raw, &sealed)) {
        return err_set(err, ERR_CALLER, "requestState must be the string that was given out here.");
    }
    bind(call, &bound);
    if (sealer_open(call->runtime->sealer, buf_span(&bound), buf_span(&sealed), clock_unix(), &plain, err)) {
        return -1;
    }
    call->state = json_loadb(plain.data, plain.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return call->state ? 0 : err_set(err, ERR_INTERNAL, "requestState cannot be read.");
}

/* Keys that nobody asked for stay: the tool does not look at them. */
static int parse_inputs(call_t *call, span_t raw, err_t *err)
{
    const char *key;
    json_t *answer;

    call->inputs = json_loadb(raw.at, raw.length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(call->inputs)) {
        return err_set(err, ERR_CALLER, "inputResponses must be an object of answers, without NUL in them.");
    }
    json_object_foreach(call->inputs, key, answer)
    {
        if (!json_is_object(answer)) {
            return err_set(err, ERR_CALLER, "The answer to \"%.60s\" in inputResponses must be an object.",
                           key);
        }
    }
    return 0;
}

int call_read_inputs(call_t *call, err_t *err)
{
    const mcp_request_t *request = mcp_call_request(call->mcp);

    if (request->era == MCP_LEGACY || call->act == MCP_COMPLETE) {
        return 0; /* these know no rounds */
    }
    if (request->request_state.at && open_state(call, request->request_state, err) != 0) {
        return -1;
    }
    return request->input_responses.at ? parse_inputs(call, request->input_responses, err) : 0;
}

/* Asking a modern client: the round ends */

/* requestState as JSON. */
static void seal(const call_t *call, span_t plain, buf_t *out)
{
    AUTO_BUF bound = { 0 };

    bind(call, &bound);
    buf_add_char(out, '"');
    sealer_seal(call->runtime->sealer, buf_span(&bound), plain, clock_unix(), out);
    buf_add_char(out, '"');
}

static int write_round(const call_t *call, const json_t *requests, const json_t *state, buf_t *questions,
                       buf_t *sealed, err_t *err)
{
    AUTO_BUF plain = { 0 };

    if ((requests && call_dump(requests, questions) != 0) || (state && call_dump(state, &plain) != 0)) {
        return err_set(err, ERR_INTERNAL,
                       "What %s asks cannot be written as JSON. This is a mistake in the connector.",
                       call->entry->name);
    }
    if (state) {
        seal(call, buf_span(&plain), sealed);
    }
    return call_check_size(questions->length + sealed->length, err);
}

static void end_round(call_t *call, const json_t *requests, const json_t *state)
{
    AUTO_BUF questions = { 0 };
    AUTO_BUF sealed = { 0 };
    json_member_t members[3] = { { SPAN("resultType"), SPAN("\"input_required\"") } };
    size_t count = 1;
    err_t err;

    if (write_round(call, requests, state, &questions, &sealed, &err) != 0) {
        call_fail(call, &err);
        return;
    }
    if (requests) {
        members[count++] = (json_member_t){ SPAN("inputRequests"), buf_span(&questions) };
    }
    if (state) {
        members[count++] = (json_member_t){ SPAN("requestState"), buf_span(&sealed) };
    }
    call_end_with(call, members, count);
}

/* Asking a legacy client: the call waits, and runs again */

typedef struct {
    call_t *call;
    const char *key;
} question_t;

static void run_again(void *self)
{
    call_t *call = self;

    call_start_clock(call);
    call_run(call);
}

static void on_reply(void *self, const mcp_reply_t *reply)
{
    const question_t *q = self;
    call_t *call = q->call;
    json_auto_t *answer =
        reply->result.at ? json_loadb(reply->result.at, reply->result.length, JSON_REJECT_DUPLICATES, NULL)
                         : NULL;
    AUTO_BUF said = { 0 };

    if (call_ended(call)) {
        return;
    }
    if (!json_is_object(answer)) {
        scan_string(reply->error.message, &said);
        call_failf(call, ERR_CALLER, "The client did not answer what it was asked (\"%s\")%s%s", q->key,
                   said.length > 0 ? ": " : ".", buf_text(&said));
        return;
    }
    json_object_set(call->inputs, q->key, answer);
    if (--call->unanswered == 0) {
        call_defer(call, run_again, call);
    }
}

/* false: the call has ended. */
static bool ask_one(call_t *call, const char *key, const json_t *request)
{
    const json_t *params = json_object_get(request, "params");
    question_t *question = CALL_NEW(call, question_t);
    AUTO_BUF text = { 0 };

    *question = (question_t){ call, call_printf(call, "%s", key) };
    if (params) {
        call_dump(params, &text);
    }
    if (mcp_call_ask(call->mcp, span_of(json_string_value(json_object_get(request, "method"))),
                     params ? buf_span(&text) : (span_t){ 0 }, on_reply, question)) {
        return true;
    }
    call_failf(call, ERR_CALLER, "The client cannot be asked for \"%s\" now.", key);
    return false;
}

/* The state stays here: as long as the call does. */
static void ask_in_mid_call(call_t *call, const json_t *requests, json_t *state)
{
    const char *key;
    json_t *request;

    json_decref(call->inputs);
    json_decref(call->state);
    call->inputs = json_object();
    call->state = json_incref(state);
    call->unanswered = json_object_size(requests);
    if (++call->rounds > ROUNDS_MAX) {
        call_failf(call, ERR_INTERNAL, "%s asked %d times and was not content. It is given up.",
                   call->entry->name, ROUNDS_MAX);
        return;
    }
    call_stop_clock(call);
    if (call->unanswered == 0) {
        call_defer(call, run_again, call);
    }
    json_object_foreach((json_t *)requests, key, request)
    {
        if (!ask_one(call, key, request)) {
            return;
        }
    }
}

void call_ask_input(call_t *call, json_t *requests, json_t *state)
{
    json_auto_t *owned_requests = requests;
    json_auto_t *owned_state = state;

    if (call_ended(call)) {
        return;
    }
    if ((!owned_requests && !owned_state) || call->act == MCP_COMPLETE) {
        call_failf(call, ERR_INTERNAL, "%s asks for nothing. This is a mistake in the connector.",
                   call->entry->name);
        return;
    }
    if (!call->mcp) {
        call_failf(call, ERR_CALLER, "Nobody is there to be asked.");
        return;
    }
    if (!may_send(call, owned_requests)) {
        return;
    }
    if (mcp_call_request(call->mcp)->era == MCP_MODERN) {
        end_round(call, owned_requests, owned_state);
    } else if (call->runtime->draining) {
        call_cut_for_stop(call); /* a person takes longer than a stop waits */
    } else {
        ask_in_mid_call(call, owned_requests, owned_state);
    }
}
