/* Tools with schemas out of the ordinary: all of JSON Schema 2020-12, and an argument that is mirrored in a
 * header. */
#include "conformance.h"

static const char input_schema[] =
    STRINGIZE({
    "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
    "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {
        "street": {"type": "string"}, "city": {"type": "string"}}}},
    "properties": {
        "name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"}, "email": {"type": "string"}},
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]}, "else": {"required": ["email"]},
    "additionalProperties": false});

static void whole_schema(call_t *call, const void *args)
{
    AUTO(mem_free) char *given = json_dumps(call_arguments(call), JSON_COMPACT);

    (void)args;
    call_finish(call, NULL, call_printf(call, "Called with %s.", given));
}

typedef struct {
    const char *region;
    int64_t priority;
    bool verbose;
} header_args_t;

static const field_t header_args[] = {
    FIELD(header_args_t, region, .header = "Region", .doc = "Where."),
    FIELD(header_args_t, priority, .header = "Priority", .doc = "How urgent."),
    FIELD(header_args_t, verbose, .header = "Verbose", .doc = "Whether to say more."),
    { 0 },
};

static void mirrored(call_t *call, const void *args)
{
    const header_args_t *a = args;

    call_finish(call, NULL, call_printf(call, "Region: %s", a->region ? a->region : "none"));
}

static const tool_t whole_schema_tool = { .name = "json_schema_2020_12_tool",
                                          .description = "Takes what a schema of every keyword allows.",
                                          .input_schema = input_schema,
                                          .read_only = true,
                                          .run = whole_schema };
static const tool_t mirrored_tool = { .name = "test_x_mcp_header",
                                      .description = "Takes arguments that are mirrored in headers.",
                                      .args = header_args,
                                      .args_size = sizeof(header_args_t),
                                      .read_only = true,
                                      .run = mirrored };

const tool_t *const schema_tools[] = { &whole_schema_tool, &mirrored_tool, NULL };
