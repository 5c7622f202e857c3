/* Declarations: what tools/list says of a tool_t, in the shapes of the revisions, and what is refused at
 * start. */
#include <string.h>
#include <criterion/criterion.h>

#include "tool_list.h"

typedef struct {
    const char *email;
    int64_t limit;
} args_t;

static const field_t rows[] = {
    FIELD(args_t, email, .required = true, .format = "email", .doc = "Whose."),
    FIELD(args_t, limit, .fallback = "20", .min = 1, .max = 100, .doc = "How many."),
    { 0 },
};

static void never(call_t *call, const void *args)
{
    (void)call;
    (void)args;
}

static const tool_t find = { .name = "find_tickets",
                             .title = "Find tickets",
                             .description = "Tickets of a customer.",
                             .args = rows,
                             .args_size = sizeof(args_t),
                             .result_schema = "{\"type\":\"object\"}",
                             .read_only = true,
                             .idempotent = true,
                             .streams = true,
                             .run = never };
static const tool_t purge = { .name = "purge", .description = "Gone.", .destructive = true, .run = never };

static metrics_t *metrics;
static err_t err;

static void set_up(void)
{
    metrics = metrics_new();
}

static void tear_down(void)
{
    metrics_free(metrics);
}

TestSuite(tool_list, .init = set_up, .fini = tear_down);

static tool_list_t *list_of(const tool_t *first, const tool_t *second)
{
    const tool_t *const tools[] = { first, second, NULL };
    const connector_t connector = { .name = "helpdesk", .tools = tools };

    return tool_list_new(&connector, NULL, metrics, &err);
}

static json_t *parse(const tool_list_t *list, mcp_shape_t shape)
{
    span_t text = tool_list_json(list, shape);
    json_t *tools = json_loadb(text.at, text.length, JSON_REJECT_DUPLICATES, NULL);

    cr_assert(json_is_array(tools), "%.*s", SPAN_ARGS(text));
    return tools;
}

static void assert_refused(const tool_t *first, const tool_t *second, const char *word)
{
    cr_assert_null(list_of(first, second));
    cr_assert(strstr(err.text, word), "%s", err.text);
}

Test(tool_list, declares_a_tool_with_everything_a_client_reads)
{
    json_auto_t *said = tool_declaration(&find, &err);
    json_auto_t *expected = json_pack(
        "{s:s, s:s, s:s, s:o, s:{s:s}, s:{s:b, s:b, s:b, s:b, s:s}, s:{s:b}}", "name", "find_tickets",
        "title", "Find tickets", "description", "Tickets of a customer.", "inputSchema", fields_schema(rows),
        "outputSchema", "type", "object", "annotations", "readOnlyHint", 1, "destructiveHint", 0,
        "idempotentHint", 1, "openWorldHint", 0, "title", "Find tickets", "_meta", "guiche/streams", 1);

    cr_assert(json_equal(said, expected), "%s", json_dumps(said, JSON_INDENT(1)));
}

Test(tool_list, leaves_out_what_a_tool_does_not_have)
{
    json_auto_t *said = tool_declaration(&purge, &err);

    cr_assert_null(json_object_get(said, "title"));
    cr_assert_null(json_object_get(said, "outputSchema"));
    cr_assert_null(json_object_get(said, "_meta"));
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(said, "inputSchema"), "type")),
                     "object");
}

Test(tool_list, gives_each_revision_what_it_knows)
{
    tool_list_t *list = list_of(&find, &purge);
    json_auto_t *modern = parse(list, MCP_SHAPE_MODERN), *old = parse(list, MCP_SHAPE_2025_03);

    cr_assert_eq(json_array_size(modern), 2);
    cr_assert_not_null(json_object_get(json_array_get(modern, 0), "outputSchema"));
    cr_assert_eq(json_array_size(old), 2);
    cr_assert_null(json_object_get(json_array_get(old, 0), "outputSchema"));
    tool_list_free(list);
}

static bool offers_readers(const void *settings, const tool_t *tool)
{
    return !*(const bool *)settings || tool->read_only;
}

Test(tool_list, leaves_out_what_the_connector_does_not_offer_with_its_settings)
{
    static const tool_t *const tools[] = { &purge, &find, NULL };
    const connector_t connector = { .name = "helpdesk", .tools = tools, .offers = offers_readers };
    const bool yes = true, no = false;
    tool_list_t *some = tool_list_new(&connector, &yes, metrics, &err);
    tool_list_t *all = tool_list_new(&connector, &no, metrics, &err);

    cr_assert_eq(tool_list_count(some), 1);
    cr_assert_not_null(tool_list_find(some, SPAN("find_tickets")));
    cr_assert_null(tool_list_find(some, SPAN("purge")));
    cr_assert_eq(tool_list_count(all), 2);
    tool_list_free(some);
    tool_list_free(all);
}

Test(tool_list, of_a_connector_without_tools_is_empty)
{
    tool_list_t *list = list_of(NULL, NULL);

    cr_assert_eq(tool_list_count(list), 0);
    cr_assert(span_is(tool_list_json(list, MCP_SHAPE_MODERN), "[]"));
    tool_list_free(list);
}

Test(tool_list, finds_a_tool_by_its_exact_name)
{
    tool_list_t *list = list_of(&find, &purge);

    cr_assert_eq(tool_list_find(list, SPAN("purge"))->tool, &purge);
    cr_assert_null(tool_list_find(list, SPAN("purg")));
    cr_assert_null(tool_list_find(list, SPAN("purgee")));
    cr_assert_null(tool_list_find(list, SPAN("Purge")));
    cr_assert_null(tool_list_find(list, (span_t){ 0 }));
    tool_list_free(list);
}

Test(tool_list, says_which_declaration_is_wrong)
{
    tool_t broken = find;

    assert_refused(&find, &find, "Two tools");
    broken.name = "find-tickets";
    assert_refused(&broken, NULL, "find-tickets");
    broken = find;
    broken.result_schema = "{\"type\":";
    assert_refused(&broken, NULL, "result_schema");
    broken.result_schema = "{\"type\":\"array\"}";
    assert_refused(&broken, NULL, "\"object\"");
    broken = find;
    broken.args_size = 0;
    assert_refused(&broken, NULL, "args_size");
    broken = find;
    broken.description = NULL;
    assert_refused(&broken, NULL, "description");
    broken = find;
    broken.destructive = true;
    assert_refused(&broken, NULL, "both read_only and destructive");
}

typedef struct {
    const char *region, *other;
    double weight;
} mirrored_args_t;

static tool_t mirrored(const field_t *args)
{
    return (tool_t){
        .name = "route", .description = "d", .args = args, .args_size = sizeof(mirrored_args_t), .run = never
    };
}

/* MCP 2026-07-28 server/tools "x-mcp-header". */
Test(tool_list, declares_arguments_that_travel_in_headers)
{
    static const field_t args[] = { FIELD(mirrored_args_t, region, .header = "Region"), { 0 } };
    tool_t tool = mirrored(args);
    tool_list_t *list = list_of(&tool, NULL);

    cr_assert(list, "%s", err.text);
    json_auto_t *tools = parse(list, MCP_SHAPE_MODERN);
    json_t *schema = json_object_get(json_array_get(tools, 0), "inputSchema");
    json_t *region = json_object_get(json_object_get(schema, "properties"), "region");
    cr_expect_str_eq(json_string_value(json_object_get(region, "x-mcp-header")), "Region");
    cr_expect(param_headers_know(tool_list_find(list, SPAN("route"))->params, SPAN("mcp-param-region")));
    tool_list_free(list);
}

Test(tool_list, refuses_headers_that_clients_would_drop_the_tool_for)
{
    static const field_t number[] = { FIELD(mirrored_args_t, weight, .header = "Weight"), { 0 } };
    static const field_t no_token[] = { FIELD(mirrored_args_t, region, .header = "A B"), { 0 } };
    static const field_t twice[] = { FIELD(mirrored_args_t, region, .header = "Region"),
                                     FIELD(mirrored_args_t, other, .header = "REGION"),
                                     { 0 } };
    const field_t *const bad[] = { number, no_token, twice };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        tool_t tool = mirrored(bad[i]);
        cr_assert_null(list_of(&tool, NULL));
        cr_expect(strstr(err.text, "route"), "%s", err.text);
    }
}

Test(tool_list, gives_a_schema_that_was_written_out_as_it_is)
{
    const tool_t written = { .name = "written",
                             .description = "Takes what it says.",
                             .input_schema = "{\"type\":\"object\",\"anyOf\":[{\"required\":[\"a\"]}],"
                                             "\"properties\":{\"a\":{\"$ref\":\"#/$defs/x\"}}}",
                             .run = never };
    json_auto_t *said = tool_declaration(&written, &err);
    json_auto_t *expected = json_loads(written.input_schema, 0, NULL);

    cr_assert(json_equal(json_object_get(said, "inputSchema"), expected));
}

Test(tool_list, refuses_a_written_schema_that_is_none_or_stands_beside_rows)
{
    tool_t broken = purge, array = purge, both = find;

    broken.input_schema = "{\"type\":";
    array.input_schema = "{\"type\":\"array\"}";
    both.input_schema = "{\"type\":\"object\"}";
    assert_refused(&broken, NULL, "input_schema");
    assert_refused(&array, NULL, "input_schema");
    assert_refused(&both, NULL, "input_schema");
}
