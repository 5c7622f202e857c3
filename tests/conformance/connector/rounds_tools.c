/* Tools that take more than one round, with each kind of question and with a state between them (MCP
 * 2026-07-28 basic/patterns/mrtr). */
#include "conformance.h"

static json_t *ask_name(void)
{
    return input_elicitation("What is your name?", one_text("name", "Your name"));
}

static json_t *ask_capital(void)
{
    return input_sampling(
        json_pack("[o]", content_message("user", content_text("What is the capital of France?"))), 100);
}

/* Asks for the name until there is one. */
static void rounds_elicitation(call_t *call, const void *args)
{
    const char *name = typed(call, "user_name", "name");

    (void)args;
    if (!name) {
        call_ask_input(call, json_pack("{s:o}", "user_name", ask_name()), NULL);
        return;
    }
    call_finish(call, NULL, call_printf(call, "Hello, %s!", name));
}

static void rounds_sampling(call_t *call, const void *args)
{
    const char *text = input_sampled_text(call_input(call, "capital_question"));

    (void)args;
    if (!text) {
        call_ask_input(call, json_pack("{s:o}", "capital_question", ask_capital()), NULL);
        return;
    }
    call_finish(call, NULL, call_printf(call, "The model says: %s", text));
}

static void rounds_list_roots(call_t *call, const void *args)
{
    const json_t *roots = input_root_list(call_input(call, "client_roots"));

    (void)args;
    if (!roots) {
        call_ask_input(call, json_pack("{s:o}", "client_roots", input_roots()), NULL);
        return;
    }
    const char *first = json_string_value(json_object_get(json_array_get(roots, 0), "uri"));
    call_finish(call, NULL,
                call_printf(call, "%d roots, the first is %s", (int)json_array_size(roots),
                            first ? first : "nowhere"));
}

/* Both the answer and the state must come back. */
static void rounds_request_state(call_t *call, const void *args)
{
    const json_t *begun = json_object_get(call_round_state(call), "begun");

    (void)args;
    if (!begun || !input_filled_in(call_input(call, "confirm"))) {
        json_t *question = input_elicitation("Please confirm", one_text("ok", "Say yes"));
        call_ask_input(call, json_pack("{s:o}", "confirm", question), json_pack("{s:b}", "begun", 1));
        return;
    }
    call_finish(call, NULL, "state-ok");
}

static void rounds_multiple_inputs(call_t *call, const void *args)
{
    const char *name = typed(call, "user_name", "name");
    const char *text = input_sampled_text(call_input(call, "greeting"));
    const json_t *roots = input_root_list(call_input(call, "client_roots"));

    (void)args;
    if (!name || !text || !roots) {
        call_ask_input(call,
                       json_pack("{s:o, s:o, s:o}", "user_name", ask_name(), "greeting", ask_capital(),
                                 "client_roots", input_roots()),
                       json_pack("{s:b}", "begun", 1));
        return;
    }
    call_finish(call, NULL, call_printf(call, "%s, %s, %d roots", name, text, (int)json_array_size(roots)));
}

/* First the name, then the colour; the name is remembered by the state. */
static void rounds_multi_round(call_t *call, const void *args)
{
    const char *known = json_string_value(json_object_get(call_round_state(call), "name"));
    const char *name = known ? known : typed(call, "step1", "name");
    const char *color = typed(call, "step2", "color");

    (void)args;
    if (!name) {
        call_ask_input(call, json_pack("{s:o}", "step1", ask_name()), json_pack("{s:i}", "round", 1));
        return;
    }
    if (!color) {
        json_t *question = input_elicitation("What is your favourite colour?", one_text("color", "A colour"));
        call_ask_input(call, json_pack("{s:o}", "step2", question), json_pack("{s:s}", "name", name));
        return;
    }
    call_finish(call, NULL, call_printf(call, "%s likes %s.", name, color));
}

/* Asks for whatever this client can be asked for. */
static void rounds_capabilities(call_t *call, const void *args)
{
    (void)args;
    if (call_can_ask(call, "sampling")) {
        rounds_sampling(call, args);
    } else if (call_can_ask(call, "elicitation")) {
        rounds_elicitation(call, args);
    } else {
        rounds_list_roots(call, args);
    }
}

#define TOOL(suffix, function, said)                                                                         \
    static const tool_t function##_tool = { .name = "test_input_required_result_" suffix,                    \
                                            .description = said,                                             \
                                            .run = function }

TOOL("elicitation", rounds_elicitation, "Asks for a name and greets.");
TOOL("sampling", rounds_sampling, "Asks the client's model for a capital.");
TOOL("list_roots", rounds_list_roots, "Asks which roots the client has.");
TOOL("request_state", rounds_request_state, "Asks, and wants its state back.");
TOOL("multiple_inputs", rounds_multiple_inputs, "Asks three things at once.");
TOOL("multi_round", rounds_multi_round, "Asks two things, one after the other.");
TOOL("capabilities", rounds_capabilities, "Asks for what the client can be asked for.");

static const tool_t rounds_tampered_state_tool = {
    .name = "test_input_required_result_tampered_state",
    .description = "Asks, and refuses a state that was changed.",
    .run = rounds_request_state,
};

const tool_t *const rounds_tools[] = {
    &rounds_elicitation_tool,   &rounds_sampling_tool,        &rounds_list_roots_tool,
    &rounds_request_state_tool, &rounds_multiple_inputs_tool, &rounds_multi_round_tool,
    &rounds_capabilities_tool,  &rounds_tampered_state_tool,  NULL
};
