/* greet: says hello to somebody. */
#include "hello.h"

#include <string.h>

typedef struct {
    const char *name, *tone;
} args_t;

static const field_t args[] = {
    FIELD(args_t, name, .required = true, .max_length = 100, .doc = "Whom to greet."),
    FIELD(args_t, tone, .choices = "plain|warm", .fallback = "plain", .doc = "How to greet."),
    { 0 },
};

static void greet(call_t *call, const void *decoded);

const tool_t greet_tool = {
    .name = "greet",
    .description = "Greet a person by name. Use it when someone is to be welcomed; returns the greeting.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = "{\"type\":\"object\",\"properties\":{\"greeting\":{\"type\":\"string\"}},"
                     "\"required\":[\"greeting\"]}",
    .read_only = true,
    .idempotent = true,
    .run = greet,
};

static void greet(call_t *call, const void *decoded)
{
    const settings_t *s = call_settings(call);
    const args_t *a = decoded;
    const char *mark = strcmp(a->tone, "warm") == 0 ? "!" : ".";
    const char *text = call_printf(call, "%s, %s%s", s->greeting, a->name, mark);

    call_finish(call, json_pack("{s:s}", "greeting", text), text);
}
