/* Calls that ask: what a round ends in, what the next one gets back, what is refused. The MCP server is a
 * fake. */
#include <event2/event.h>

#include "errors.h"
#include "input.h"
#include "test_call_kit.h"

typedef struct {
    const char *text;
} args_t;

static const field_t rows[] = { FIELD(args_t, text, .max_length = 8, .doc = "Some text."), { 0 } };

static call_t *seen;
static int runs;
static char seen_name[64], seen_state[64];

/* Asks for a name until there is one, and counts its rounds in the state. */
static void greet(call_t *call, const void *decoded)
{
    const char *name = json_string_value(json_object_get(input_filled_in(call_input(call, "name")), "name"));
    json_int_t round = json_integer_value(json_object_get(call_round_state(call), "round"));

    (void)decoded;
    runs++;
    seen = call;
    snprintf(seen_state, sizeof(seen_state), "round %d", (int)round);
    if (!name) {
        call_ask_input(call, json_pack("{s:o}", "name", input_elicitation("Who?", json_object())),
                       json_pack("{s:I}", "round", round + 1));
        return;
    }
    snprintf(seen_name, sizeof(seen_name), "%s", name);
    call_finish(call, NULL, name);
}

static const tool_t greet_tool = {
    .name = "greet", .description = "Greets.", .args = rows, .args_size = sizeof(args_t), .run = greet
};

TestSuite(call_rounds, .init = set_up, .fini = tear_down);

static void stop_loop(int fd, short what, void *loop)
{
    (void)fd, (void)what;
    loop_stop(loop);
}

static void run_loop_ms(int ms)
{
    struct timeval after = { 0, ms * 1000 };

    event_base_once(loop_base(runtime.loop), -1, EV_TIMEOUT, (event_callback_fn)stop_loop, runtime.loop,
                    &after);
    loop_run(runtime.loop);
}

static void assert_rpc_error(int code, const char *word)
{
    const char *message = NULL, *data;

    cr_assert_eq(fake_rpc_error(mcp, &message, &data), code);
    cr_assert(strstr(message, word), "%s", message);
    cr_assert_eq(fake_answers(mcp), 1);
}

/* Modern clients: a round is a request */

/* The state of the round that has just ended, as it comes back: raw JSON. */
static char *ask_first(const char *arguments)
{
    request(MCP_MODERN, arguments);
    start(entry_of_tool(&greet_tool));
    cr_assert_str_eq(fake_member(mcp, "resultType"), "\"input_required\"");
    return mem_strdup(fake_member(mcp, "requestState"));
}

static void come_back(const char *arguments, const char *state, const char *inputs)
{
    mcp_request_t *r = request(MCP_MODERN, arguments);

    r->request_state = span_of(state);
    r->input_responses = span_of(inputs);
    start(entry_of_tool(&greet_tool));
}

#define ANSWER "{\"name\":{\"action\":\"accept\",\"content\":{\"name\":\"Ana\"}}}"

Test(call_rounds, a_round_ends_with_the_questions_and_the_next_has_the_answers)
{
    AUTO(mem_free) char *state = ask_first(NULL);

    cr_assert_str_eq(fake_member(mcp, "inputRequests"),
                     "{\"name\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\","
                     "\"requestedSchema\":{}}}}");
    cr_assert_null(strstr(state, "round"), "what is remembered is nobody's to read");
    come_back(NULL, state, ANSWER);
    cr_assert_str_eq(seen_name, "Ana");
    cr_assert_str_eq(seen_state, "round 1");
    cr_assert_not_null(fake_member(mcp, "content"));
}

Test(call_rounds, an_answer_that_is_missing_or_declined_is_asked_for_again)
{
    AUTO(mem_free) char *state = ask_first(NULL);

    come_back(NULL, state, "{\"other\":{}}");
    cr_assert_not_null(fake_member(mcp, "inputRequests"));
    AUTO(mem_free) char *second = mem_strdup(fake_member(mcp, "requestState"));
    come_back(NULL, second, "{\"name\":{\"action\":\"decline\"}}");
    cr_assert_str_eq(seen_state, "round 2");
    cr_assert_not_null(fake_member(mcp, "inputRequests"));
}

Test(call_rounds, a_state_that_was_touched_is_refused_and_the_tool_not_run)
{
    AUTO(mem_free) char *state = ask_first(NULL);

    runs = 0;
    state[10] = state[10] == 'A' ? 'B' : 'A';
    come_back(NULL, state, ANSWER);
    assert_rpc_error(RPC_INVALID_PARAMS, "requestState");
    come_back(NULL, "\"\"", ANSWER);
    assert_rpc_error(RPC_INVALID_PARAMS, "requestState");
    come_back(NULL, "7", ANSWER);
    assert_rpc_error(RPC_INVALID_PARAMS, "requestState");
    cr_assert_eq(runs, 0);
}

Test(call_rounds, a_state_is_good_for_the_same_arguments_only)
{
    AUTO(mem_free) char *state = ask_first("{\"text\":\"a\"}");

    come_back("{\"text\":\"b\"}", state, ANSWER);
    assert_rpc_error(RPC_INVALID_PARAMS, "arguments");
    come_back("{ \"text\" : \"\\u0061\" }", state, ANSWER);
    cr_assert_str_eq(seen_name, "Ana", "however they are written");
}

Test(call_rounds, a_state_is_good_for_the_same_tool_and_principal_only)
{
    static const char *const permissions[] = { "*" };
    AUTO(mem_free) char *state = ask_first(NULL);
    tool_t other = greet_tool;
    principal_t *bert = principal_new("bert", "demo", permissions, 1);

    other.name = "other";
    mcp_request_t *r = request(MCP_MODERN, NULL);
    r->request_state = span_of(state);
    start(entry_of_tool(&other));
    assert_rpc_error(RPC_INVALID_PARAMS, "requestState");
    r = request(MCP_MODERN, NULL);
    r->request_state = span_of(state);
    r->principal = bert;
    start(entry_of_tool(&greet_tool));
    assert_rpc_error(RPC_INVALID_PARAMS, "requestState");
    principal_unref(bert);
}

Test(call_rounds, answers_that_are_no_objects_are_refused)
{
    static const char *const wrong[] = { "null", "[]", "{\"name\":12345}", "{\"name\":null}" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        come_back(NULL, NULL, wrong[i]);
        assert_rpc_error(RPC_INVALID_PARAMS, "inputResponses");
    }
    cr_assert_eq(runs, 0);
}

static void ask_much(call_t *call, const void *decoded)
{
    size_t length = 9 * 1024 * 1024;
    AUTO(mem_free) char *text = mem_alloc(length + 1);

    (void)decoded;
    memset(text, 'x', length);
    text[length] = '\0';
    call_ask_input(call, NULL, json_string(text));
}

Test(call_rounds, a_round_that_leaves_more_than_a_gateway_takes_is_refused)
{
    tool_t much = greet_tool;

    much.run = ask_much;
    request(MCP_MODERN, NULL);
    start(entry_of_tool(&much));
    cr_assert_not_null(fake_error(mcp));
    cr_assert(strstr(fake_error(mcp)->text, "8 MiB"), "%s", fake_error(mcp)->text);
}

/* MCP 2026-07-28 basic "Error Codes": -32021 with what was needed. */
Test(call_rounds, a_client_that_cannot_be_asked_is_told_what_is_missing)
{
    static const char *const without[] = { "{}", "{\"sampling\":{}}", "{\"elicitation\":{\"url\":{}}}",
                                           "{\"elicitation\":7}" };
    const char *message, *data;

    for (size_t i = 0; i < COUNT_OF(without); i++) {
        request(MCP_MODERN, NULL)->client_capabilities = span_of(without[i]);
        start(entry_of_tool(&greet_tool));
        assert_rpc_error(MCP_MISSING_CAPABILITY, "elicitation");
        fake_rpc_error(mcp, &message, &data);
        cr_expect_str_eq(data, "{\"requiredCapabilities\":{\"elicitation\":{}}}");
    }
    request(MCP_MODERN, NULL)->client_capabilities = SPAN("{\"elicitation\":{\"form\":{},\"url\":{}}}");
    start(entry_of_tool(&greet_tool));
    cr_assert_not_null(fake_member(mcp, "inputRequests"));
}

/* Legacy clients: asked in mid-call */

static void start_legacy(const char *arguments)
{
    request(MCP_LEGACY, arguments);
    fake_call_let_ask(mcp);
    start(entry_of_tool(&greet_tool));
}

static void answer(size_t index, const char *result)
{
    fake_call_reply(mcp, index, &(mcp_reply_t){ .result = span_of(result) });
    run_loop_ms(5);
}

Test(call_rounds, a_legacy_client_is_asked_and_the_tool_runs_again)
{
    const char *params;

    start_legacy(NULL);
    cr_assert_str_eq(fake_asked(mcp, 0, &params), "elicitation/create");
    cr_assert_str_eq(params, "{\"message\":\"Who?\",\"requestedSchema\":{}}");
    cr_assert_eq(fake_answers(mcp), 0);
    answer(0, "{\"action\":\"accept\",\"content\":{\"name\":\"Ana\"}}");
    cr_assert_eq(runs, 2);
    cr_assert_str_eq(seen_name, "Ana");
    cr_assert_str_eq(seen_state, "round 1");
    cr_assert_eq(fake_answers(mcp), 1);
}

Test(call_rounds, waiting_for_a_client_is_not_the_calls_own_time)
{
    start_legacy(NULL);
    seen->stopped_ms -= 300000; /* five minutes ago */
    run_loop_ms(1);
    cr_assert_not(call_ended(seen));
    cr_assert_eq(evtimer_pending(seen->timer, NULL), 0);
    answer(0, "{\"action\":\"decline\"}"); /* it asks again */
    cr_assert_eq(runs, 2);
    answer(1, "{\"action\":\"accept\",\"content\":{\"name\":\"Ana\"}}");
    cr_assert_eq(fake_answers(mcp), 1);
}

Test(call_rounds, a_legacy_client_that_answers_with_an_error_ends_the_call)
{
    start_legacy(NULL);
    fake_call_reply(mcp, 0, &(mcp_reply_t){ .error = { -1, SPAN("\"No human here\""), { 0 } } });
    cr_assert_eq(fake_error(mcp)->kind, ERR_CALLER);
    cr_assert(strstr(fake_error(mcp)->text, "No human here"), "%s", fake_error(mcp)->text);
}

Test(call_rounds, a_legacy_client_that_never_satisfies_is_given_up)
{
    size_t asked = 0;

    start_legacy(NULL);
    while (fake_answers(mcp) == 0 && asked < 20) {
        const char *params;
        cr_assert_not_null(fake_asked(mcp, asked, &params));
        answer(asked++, "{\"action\":\"cancel\"}");
    }
    cr_assert_eq(asked, 8);
    cr_assert(strstr(fake_error(mcp)->text, "8 times"), "%s", fake_error(mcp)->text);
}

Test(call_rounds, a_legacy_client_that_hangs_up_while_asked_ends_the_call)
{
    start_legacy(NULL);
    fake_call_hang_up(mcp);
    cr_assert_eq(runtime.alive_calls, 0);
}

static void keep(call_t *call, const void *decoded)
{
    (void)decoded;
    seen = call;
}

static const tool_t keep_tool = { .name = "keep", .description = "Waits.", .run = keep };

/* Else a stop would wait its 29 s for somebody who may not even be there. */
Test(call_rounds, a_stop_ends_the_calls_that_wait_for_a_client_and_no_others)
{
    entry_t other = entry_of_tool(&keep_tool);
    mcp_call_t *waits = fake_call_new(MCP_LEGACY, NULL, NULL);

    call_start(&runtime, &other, waits);
    call_t *kept = seen;
    start_legacy(NULL);
    calls_cancel_asking(&runtime);
    cr_assert(strstr(fake_error(mcp)->text, "stopping"), "%s", fake_error(mcp)->text);
    cr_assert_eq(runtime.alive_calls, 1);
    cr_assert_eq(fake_answers(waits), 0);
    call_finish(kept, NULL, "ok");
    fake_call_free(waits);
}

Test(call_rounds, nobody_is_asked_any_more_during_a_stop)
{
    const char *params;

    runtime.draining = true;
    start_legacy(NULL);
    cr_assert_null(fake_asked(mcp, 0, &params));
    cr_assert(strstr(fake_error(mcp)->text, "stopping"), "%s", fake_error(mcp)->text);
    AUTO(mem_free) char *state = ask_first(NULL);
    cr_assert_not_null(state, "a modern client comes back to another replica");
}

Test(call_rounds, a_legacy_client_without_a_stream_is_told_that_it_cannot_be_asked)
{
    request(MCP_LEGACY, NULL);
    start(entry_of_tool(&greet_tool));
    assert_rpc_error(MCP_MISSING_CAPABILITY, "elicitation");
}

/* MCP 2025-06-18 brought elicitation. */
Test(call_rounds, a_client_of_2025_03_26_is_not_asked_by_a_form)
{
    request(MCP_LEGACY, NULL)->revision = MCP_2025_03_26;
    fake_call_let_ask(mcp);
    start(entry_of_tool(&greet_tool));
    assert_rpc_error(MCP_MISSING_CAPABILITY, "elicitation");
}

/* What a legacy request calls inputResponses is nobody's. */
Test(call_rounds, a_legacy_request_has_no_rounds_before_it)
{
    mcp_request_t *r = request(MCP_LEGACY, NULL);

    r->input_responses = SPAN(ANSWER);
    r->request_state = SPAN("\"x\"");
    fake_call_let_ask(mcp);
    start(entry_of_tool(&greet_tool));
    cr_assert_eq(fake_answers(mcp), 0);
    answer(0, "{\"action\":\"accept\",\"content\":{\"name\":\"Ana\"}}");
    cr_assert_str_eq(seen_state, "round 1");
}
