/* Tools that ask the person or the model on the client's side once, and answer with what they heard. */
#include "conformance.h"

static const char defaults_schema[] = STRINGIZE({
    "type": "object", "properties": {
        "name": {"type": "string", "description": "User name", "default": "John Doe"},
        "age": {"type": "integer", "description": "User age", "default": 30},
        "score": {"type": "number", "description": "User score", "default": 95.5},
        "status": {"type": "string", "description": "User status", "enum": ["active", "inactive", "pending"],
                   "default": "active"},
        "verified": {"type": "boolean", "description": "Verification status", "default": true}},
    "required": []});

static const char enums_schema[] = STRINGIZE({
    "type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": [{"const": "value1", "title": "First Option"},
            {"const": "value2", "title": "Second Option"}, {"const": "value3", "title": "Third Option"}]},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
                       "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "items": {"type": "string",
                                                     "enum": ["option1", "option2", "option3"]}},
        "titledMulti": {"type": "array", "items": {"anyOf": [{"const": "value1", "title": "First Choice"},
            {"const": "value2", "title": "Second Choice"}, {"const": "value3", "title": "Third Choice"}]}}},
    "required": []});

static const char contact_schema[] =
    STRINGIZE({
    "type": "object", "properties": {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"}},
    "required": ["username", "email"]});

json_t *one_text(const char *field, const char *description)
{
    return json_pack("{s:s, s:{s:{s:s, s:s}}, s:[s]}", "type", "object", "properties", field, "type",
                     "string", "description", description, "required", field);
}

const char *typed(const call_t *call, const char *key, const char *field)
{
    return json_string_value(json_object_get(input_filled_in(call_input(call, key)), field));
}

/* The first round asks, the second tells what was answered. */
static void elicit(call_t *call, const char *message, const char *schema)
{
    const json_t *answer = call_input(call, "form");

    if (!answer) {
        call_ask_input(
            call, json_pack("{s:o}", "form", input_elicitation(message, json_loads(schema, 0, NULL))), NULL);
        return;
    }
    AUTO(mem_free) char *text = json_dumps(answer, JSON_COMPACT);
    call_finish(call, NULL, call_printf(call, "User response: %s", text));
}

typedef struct {
    const char *message;
} elicitation_args_t;

static const field_t elicitation_args[] = {
    FIELD(elicitation_args_t, message, .required = true, .doc = "What to ask the person."),
    { 0 },
};

static void elicitation(call_t *call, const void *args)
{
    elicit(call, ((const elicitation_args_t *)args)->message, contact_schema);
}

static void elicitation_defaults(call_t *call, const void *args)
{
    (void)args;
    elicit(call, "Please review and update the form fields with defaults", defaults_schema);
}

static void elicitation_enums(call_t *call, const void *args)
{
    (void)args;
    elicit(call, "Please select options from the enum fields", enums_schema);
}

static void streaming_elicitation(call_t *call, const void *args)
{
    (void)args;
    elicit(call, "Please tell us how to reach you", contact_schema);
}

typedef struct {
    const char *prompt;
} sampling_args_t;

static const field_t sampling_args[] = {
    FIELD(sampling_args_t, prompt, .required = true, .doc = "What to ask the client's model."),
    { 0 },
};

static void sampling(call_t *call, const void *args)
{
    const char *prompt = ((const sampling_args_t *)args)->prompt;
    const json_t *answer = call_input(call, "sample");

    if (!answer) {
        json_t *messages = json_pack("[o]", content_message("user", content_text(prompt)));
        call_ask_input(call, json_pack("{s:o}", "sample", input_sampling(messages, 100)), NULL);
        return;
    }
    const char *text = input_sampled_text(answer);
    call_finish(call, NULL, call_printf(call, "LLM response: %s", text ? text : "(no text)"));
}

static void missing_capability(call_t *call, const void *args)
{
    (void)args;
    if (call_require(call, "sampling")) {
        call_finish(call, NULL, "The client can be asked for a sample.");
    }
}

static const tool_t sampling_tool = { .name = "test_sampling",
                                      .description = "Asks the client's model something.",
                                      .args = sampling_args,
                                      .args_size = sizeof(sampling_args_t),
                                      .run = sampling };
static const tool_t elicitation_tool = { .name = "test_elicitation",
                                         .description = "Asks the person for a name and an e-mail address.",
                                         .args = elicitation_args,
                                         .args_size = sizeof(elicitation_args_t),
                                         .run = elicitation };
static const tool_t defaults_tool = { .name = "test_elicitation_sep1034_defaults",
                                      .description = "Asks by a form whose fields have defaults.",
                                      .run = elicitation_defaults };
static const tool_t enums_tool = { .name = "test_elicitation_sep1330_enums",
                                   .description = "Asks by a form with every kind of choice.",
                                   .run = elicitation_enums };
static const tool_t streaming_tool = { .name = "test_streaming_elicitation",
                                       .description = "Asks the person without a request on the stream.",
                                       .run = streaming_elicitation };
static const tool_t missing_tool = { .name = "test_missing_capability",
                                     .description = "Needs a client that can be asked for a sample.",
                                     .run = missing_capability };

const tool_t *const asking_tools[] = {
    &sampling_tool, &elicitation_tool, &defaults_tool, &enums_tool, &streaming_tool, &missing_tool, NULL
};
