/* One declaration at a time: mended, kept out with a reason, or passed on as it is. */
#include "check_tool.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "mem.h"

#define OBJECT "{\"type\":\"object\"}"

static checked_tool_t check(const char *declaration)
{
    checked_tool_t tool;
    err_t err;

    cr_assert_eq(check_tool(span_of(declaration), &tool, &err), 0, "%s: %s", declaration, err.text);
    return tool;
}

static void refuse(const char *declaration, const char *reason)
{
    checked_tool_t tool;
    err_t err;

    cr_assert_eq(check_tool(span_of(declaration), &tool, &err), -1, "%s was taken", declaration);
    cr_assert(strstr(err.text, reason), "%s: \"%s\" says nothing of \"%s\"", declaration, err.text, reason);
    cr_assert_null(tool.own_name);
}

static void refuse_schema(const char *schema, const char *reason)
{
    AUTO(mem_free)
    char *text = mem_printf("{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":%s}", schema);

    refuse(text, reason);
}

Test(check_tool, keeps_a_good_declaration_byte_for_byte)
{
    const char *text =
        "{ \"name\":\"add\",  \"description\":\"Adds.\", \"inputSchema\":{\"type\":\"object\", "
        "\"properties\":{\"a\":{\"type\":\"number\",\"maximum\":1e3}}}, \"x\":1.0 }";
    checked_tool_t tool = check(text);

    cr_assert_str_eq(tool.modern, text);
    cr_assert_str_eq(tool.legacy, text);
    cr_assert_not(tool.mended);
    checked_tool_release(&tool);
}

Test(check_tool, mends_what_clients_would_throw_the_list_away_for)
{
    checked_tool_t tool = check("{\"name\":\"a\",\"description\":null,\"title\":7,\"inputSchema\":{},"
                                "\"outputSchema\":true,\"annotations\":null}");
    json_auto_t *mended = json_loads(tool.modern, 0, NULL);

    cr_assert(json_is_string(json_object_get(mended, "description")));
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(mended, "inputSchema"), "type")),
                     "object");
    cr_assert_null(json_object_get(mended, "title"));
    cr_assert_null(json_object_get(mended, "outputSchema"));
    cr_assert_null(json_object_get(mended, "annotations"));
    checked_tool_release(&tool);
}

Test(check_tool, keeps_out_what_cannot_be_mended)
{
    refuse("[]", "not an object");
    refuse("{\"name\":\"a\",\"name\":\"b\",\"inputSchema\":" OBJECT "}", "twice");
    refuse("{\"inputSchema\":" OBJECT "}", "no name");
    refuse("{\"name\":\"\",\"inputSchema\":" OBJECT "}", "no name");
    refuse("{\"name\":7,\"inputSchema\":" OBJECT "}", "no name");
    refuse("{\"name\":\"a\\nb\",\"inputSchema\":" OBJECT "}", "control");
    refuse("{\"name\":\"a\\u0000b\",\"inputSchema\":" OBJECT "}", "NUL");
    refuse("{\"name\":\"a\"}", "no inputSchema");
    refuse("{\"name\":\"a\",\"inputSchema\":null}", "not an object");
    refuse("{\"name\":\"a\",\"inputSchema\":true}", "not an object");
    refuse_schema("{\"type\":\"array\"}", "not object");
    refuse_schema("{\"type\":[\"object\",\"null\"]}", "not object");
    refuse_schema("{\"type\":\"object\",\"properties\":[]}", "properties");
    refuse_schema("{\"type\":\"object\",\"properties\":{\"a\":7}}", "argument a");
    refuse_schema("{\"type\":\"object\",\"required\":\"a\"}", "required");
    refuse_schema("{\"type\":\"object\",\"required\":[1]}", "required");
}

Test(check_tool, keeps_out_names_and_declarations_without_measure)
{
    AUTO(mem_free) char *name = mem_alloc(200);
    AUTO(mem_free) char *text = mem_alloc(CHECK_TOOL_MAX_BYTES + 400);

    memset(name, 'a', CHECK_TOOL_MAX_NAME + 1);
    sprintf(text, "{\"name\":\"%s\",\"inputSchema\":" OBJECT "}", name);
    refuse(text, "128");
    memset(text, ' ', CHECK_TOOL_MAX_BYTES + 1);
    refuse(text, "larger");
}

/* A client that resolved it would call an address of the connector's choice. */
Test(check_tool, keeps_out_references_to_other_documents)
{
    refuse_schema("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"http://169.254.169.254/x\"}}}",
                  "another document");
    refuse_schema("{\"type\":\"object\",\"properties\":{\"a\":{\"anyOf\":[{\"$ref\":\"other.json#/a\"}]}}}",
                  "another document");
    refuse_schema("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/none\"}}}", "nowhere");
}

Test(check_tool, knows_references_from_data_and_from_names)
{
    checked_tool_t tool = check(
        "{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
        "\"$ref\":{\"type\":\"string\"},\"b\":{\"const\":{\"$ref\":\"http://"
        "x\"}},\"default\":{\"type\":\"string\"},"
        "\"c\":{\"$ref\":\"#/$defs/a~1b\"},\"d\":{\"items\":{\"$ref\":\"#\"}}},\"$defs\":{\"a/b\":{}}}}");

    cr_assert_not(tool.mended);
    checked_tool_release(&tool);
}

Test(check_tool, leaves_an_output_schema_out_that_leads_elsewhere)
{
    checked_tool_t tool = check("{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":" OBJECT
                                ",\"outputSchema\":{\"$ref\":\"https://x/y\"}}");

    cr_assert_null(strstr(tool.modern, "outputSchema"));
    checked_tool_release(&tool);
}

/* MCP 2026-07-28 basic/transports/streamable-http "Schema Extension". */
Test(check_tool, keeps_out_invalid_header_annotations)
{
    static const char *const invalid[] = {
        "{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A B\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":7}}",
        ("{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},\"b\":{\"type\":\"string\",\"x-mcp-header\":"
         "\"a\"}}"),
        "{\"a\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}",
        "{\"a\":{\"anyOf\":[{\"type\":\"string\",\"x-mcp-header\":\"A\"}]}}",
    };

    for (size_t i = 0; i < COUNT_OF(invalid); i++) {
        AUTO(mem_free) char *schema = mem_printf("{\"type\":\"object\",\"properties\":%s}", invalid[i]);
        refuse_schema(schema, "x-mcp-header");
    }
    checked_tool_t tool =
        check("{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
              "\"a\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"integer\",\"x-mcp-header\":\"B\"}"
              "}}}}}");
    checked_tool_release(&tool);
}

Test(check_tool, rewrites_schemas_for_older_clients_only)
{
    checked_tool_t tool =
        check("{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
              "\"a\":{\"type\":[\"string\",\"null\"]},\"b\":true,\"c\":{\"type\":\"array\",\"items\":[{"
              "\"type\":\"string\"}]}}}}");
    json_auto_t *legacy = json_loads(tool.legacy, 0, NULL);
    json_t *properties = json_object_get(json_object_get(legacy, "inputSchema"), "properties");

    cr_assert(strstr(tool.modern, "[\"string\",\"null\"]"), "modern clients get what was declared");
    cr_assert_eq(json_array_size(json_object_get(json_object_get(properties, "a"), "anyOf")), 2);
    cr_assert_null(json_object_get(json_object_get(properties, "a"), "type"));
    cr_assert(json_is_object(json_object_get(properties, "b")));
    cr_assert(json_is_array(json_object_get(json_object_get(properties, "c"), "prefixItems")));
    checked_tool_release(&tool);
}

Test(check_tool, hides_from_older_clients_what_would_cost_them_the_whole_list)
{
    checked_tool_t tool =
        check("{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
              "\"_private\":{\"type\":\"string\"}},\"required\":[\"_private\"]}}");

    cr_assert_null(tool.legacy);
    cr_assert(strstr(tool.legacy_reason, "_private"));
    checked_tool_release(&tool);
}

Test(check_tool, reads_annotations_that_are_true_and_nothing_else)
{
    checked_tool_t tool = check("{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":" OBJECT
                                ",\"annotations\":{\"readOnlyHint\":true,\"idempotentHint\":\"true\"},"
                                "\"_meta\":{\"guiche/streams\":true}}");

    cr_assert(tool.read_only);
    cr_assert_not(tool.idempotent, "a text is not a promise");
    cr_assert(tool.streams);
    checked_tool_release(&tool);
}

/* A list of tools is checked each time a catalog is made, so what one connector declares must not hold up the
 * others. Each of these took from 14 s to a minute. */
/* `property`: the schema of many; NULL: the many are "string". */
static void expect_quick(const char *before, const char *property, const char *after)
{
    AUTO_BUF text = { 0 };
    checked_tool_t checked;
    err_t err;

    buf_addf(&text, "{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\",%s", before);
    for (size_t i = 0; text.length < CHECK_TOOL_MAX_BYTES - 200; i++) {
        buf_add_text(&text, i ? "," : "");
        if (property) {
            buf_addf(&text, "\"p%zu\":%s", i, property);
        } else {
            buf_add_text(&text, "\"string\"");
        }
    }
    buf_addf(&text, "%s}}", after);
    clock_t begin = clock();
    cr_assert_eq(check_tool(buf_span(&text), &checked, &err), 0, "%s", err.text);
    cr_expect_leq(clock() - begin, 5 * CLOCKS_PER_SEC, "%s", before);
    checked_tool_release(&checked);
}

Test(check_tool, takes_no_time_for_schemas_made_to_take_it)
{
    expect_quick("\"properties\":{", "{\"prefixItems\":[{}],\"items\":{}}", "}");
    expect_quick("\"properties\":{\"a\":{\"type\":[", NULL, "]}}");
    expect_quick(
        "\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"dependencies\":{},\"properties\":{",
        "{\"items\":[{}]}", "}");
}
