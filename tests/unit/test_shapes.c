/* Tools and results as each revision may see them. */
#include <criterion/criterion.h>

#include "mem.h"
#include "shapes.h"

static void expect_tool(const char *tool, mcp_shape_t shape, const char *wanted)
{
    AUTO_BUF out = { 0 };
    json_scan_t found;
    err_t err;

    cr_assert_eq(shape_entry(MCP_TOOLS, span_of(tool), "crm_x", shape, &out, &err), 0, "%s", err.text);
    cr_expect_str_eq(buf_text(&out), wanted);
    cr_expect_eq(json_scan(buf_span(&out), NULL, &found, &err), 0, "%s", err.text);
}

static void expect_result(const char *result, mcp_shape_t shape, const char *wanted)
{
    AUTO_BUF out = { 0 };
    json_scan_t found;
    err_t err;

    cr_assert_eq(json_scan_members(span_of(result), &found, &err), 0, "%s", err.text);
    cr_assert_eq(shape_answer(MCP_CALL_TOOL, found.members, found.member_count, shape, &out, &err), 0);
    cr_expect_str_eq(buf_text(&out), wanted);
    cr_expect_eq(json_scan(buf_span(&out), NULL, &found, &err), 0, "%s", err.text);
}

#define WHOLE_TOOL                                                                                           \
    "{\"description\":\"d\",\"name\":\"x\",\"title\":\"T\",\"inputSchema\": {\"type\" : "                    \
    "\"object\"},\"outputSchema\":"                                                                          \
    "{\"type\":\"object\"},\"annotations\":{\"readOnlyHint\":true},\"icons\":[],\"execution\":{"             \
    "\"taskSupport\":"                                                                                       \
    "\"optional\"},\"_meta\":{\"a\":1},\"later\":2}"

Test(shapes, a_tool_is_byte_true_for_modern_clients_but_for_its_name)
{
    expect_tool(
        WHOLE_TOOL, MCP_SHAPE_MODERN,
        "{\"name\":\"crm_x\",\"description\":\"d\",\"title\":\"T\",\"inputSchema\":{\"type\" : \"object\"},"
        "\"outputSchema\":{\"type\":\"object\"},\"annotations\":{\"readOnlyHint\":true},\"icons\":[],"
        "\"execution\":"
        "{\"taskSupport\":\"optional\"},\"_meta\":{\"a\":1},\"later\":2}");
}

Test(shapes, a_tool_loses_what_older_revisions_do_not_know)
{
    expect_tool(
        WHOLE_TOOL, MCP_SHAPE_2025_06,
        "{\"name\":\"crm_x\",\"description\":\"d\",\"title\":\"T\",\"inputSchema\":{\"type\" : \"object\"},"
        "\"outputSchema\":{\"type\":\"object\"},\"annotations\":{\"readOnlyHint\":true},\"icons\":[],\"_"
        "meta\":{\"a\":1},"
        "\"later\":2}");
    expect_tool(
        WHOLE_TOOL, MCP_SHAPE_2025_03,
        "{\"name\":\"crm_x\",\"description\":\"d\",\"inputSchema\":{\"type\" : \"object\"},\"annotations\":"
        "{\"readOnlyHint\":true}}");
    expect_tool(WHOLE_TOOL, MCP_SHAPE_2024_11,
                "{\"name\":\"crm_x\",\"description\":\"d\",\"inputSchema\":{\"type\" : \"object\"}}");
}

static void expect_output_schema(const char *schema, const char *wanted)
{
    AUTO_BUF tool = { 0 };
    AUTO_BUF shaped = { 0 };

    buf_addf(&tool, "{\"inputSchema\":{},\"outputSchema\":%s}", schema);
    buf_addf(&shaped, "{\"name\":\"crm_x\",\"inputSchema\":{}%s%s}", wanted ? ",\"outputSchema\":" : "",
             wanted ? wanted : "");
    expect_tool(buf_text(&tool), MCP_SHAPE_2025_06, buf_text(&shaped));
}

Test(shapes, an_output_schema_is_wrapped_only_when_it_is_plainly_no_object)
{
    expect_output_schema("{\"type\":\"object\",\"x\":1}", "{\"type\":\"object\",\"x\":1}");
    expect_output_schema("{\"type\":\"array\",\"items\":{}}",
                         "{\"type\":\"object\",\"properties\":{\"result\":{\"type\":\"array\",\"items\":{}}},"
                         "\"required\":[\"result\"]}");
    expect_output_schema(
        "{\"type\":\"string\"}",
        "{\"type\":\"object\",\"properties\":{\"result\":{\"type\":\"string\"}},\"required\":[\"result\"]}");
    expect_output_schema("{\"type\":[\"object\",\"null\"]}", NULL);
    expect_output_schema("{\"anyOf\":[{\"type\":\"array\"}]}", NULL);
    expect_output_schema("{\"$ref\":\"#/$defs/a\"}", NULL);
    expect_output_schema("{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{}}}",
                         NULL);
    expect_output_schema("{\"type\":\"array\",\"items\":{\"$dynamicRef\":\"#a\"}}", NULL);
    expect_output_schema("true", NULL);
    expect_output_schema("null", NULL);
}

Test(shapes, a_declaration_without_schema_is_refused)
{
    const char *const tools[] = {
        "{}", "[]", "\"x\"", "{\"name\":\"x\"}", "{\"inputSchema\":{},\"inputSchema\":{}}", "{"
    };

    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        AUTO_BUF out = { 0 };
        err_t err;
        cr_expect_eq(shape_entry(MCP_TOOLS, span_of(tools[i]), "crm_x", MCP_SHAPE_MODERN, &out, &err), -1,
                     "%s", tools[i]);
    }
}

Test(shapes, a_modern_result_is_byte_true_and_complete)
{
    expect_result(
        "{\"content\":[ {\"type\":\"new\"} ],\"structuredContent\":[1],\"x\":1}", MCP_SHAPE_MODERN,
        "{\"content\":[ {\"type\":\"new\"} ],\"structuredContent\":[1],\"x\":1,\"resultType\":\"complete\"}");
    expect_result("{}", MCP_SHAPE_MODERN, "{\"content\":[],\"resultType\":\"complete\"}");
    expect_result("{\"resultType\":\"complete\",\"content\":[]}", MCP_SHAPE_MODERN,
                  "{\"resultType\":\"complete\",\"content\":[]}");
    expect_result("{\"resultType\":\"input_required\",\"requestState\":\"s\"}", MCP_SHAPE_MODERN,
                  "{\"resultType\":\"input_required\",\"requestState\":\"s\"}");
}

Test(shapes, a_legacy_result_loses_what_is_modern)
{
    expect_result(
        "{\"resultType\":\"complete\",\"ttlMs\":1,\"cacheScope\":\"public\",\"content\":[],\"isError\":false,"
        "\"_meta\":{\"a\":1}}",
        MCP_SHAPE_2025_06, "{\"content\":[],\"isError\":false,\"_meta\":{\"a\":1}}");
}

Test(shapes, legacy_results_always_have_content)
{
    expect_result("{}", MCP_SHAPE_2025_06, "{\"content\":[]}");
    expect_result("{\"content\":null}", MCP_SHAPE_2025_06, "{\"content\":[]}");
    expect_result("{\"content\":7}", MCP_SHAPE_2025_03, "{\"content\":[]}");
}

Test(shapes, structured_content_is_an_object_for_legacy_clients)
{
    expect_result(
        "{\"content\":[{\"type\":\"text\",\"text\":\"t\"}],\"structuredContent\":[1, 2]}", MCP_SHAPE_2025_06,
        "{\"content\":[{\"type\":\"text\",\"text\":\"t\"}],\"structuredContent\":{\"result\":[1, 2]}}");
    expect_result("{\"content\":[{\"type\":\"text\",\"text\":\"t\"}],\"structuredContent\":{\"a\":1}}",
                  MCP_SHAPE_2025_06,
                  "{\"content\":[{\"type\":\"text\",\"text\":\"t\"}],\"structuredContent\":{\"a\":1}}");
}

Test(shapes, a_result_that_is_only_structured_is_also_said_in_text)
{
    expect_result("{\"structuredContent\":{\"a\":\"b\"}}", MCP_SHAPE_2025_06,
                  "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"a\\\":\\\"b\\\"}\"}],"
                  "\"structuredContent\":{\"a\":\"b\"}}");
    expect_result("{\"content\":[],\"structuredContent\":5}", MCP_SHAPE_2024_11,
                  "{\"content\":[{\"type\":\"text\",\"text\":\"5\"}]}");
}

#define BLOCKS                                                                                               \
    "{\"content\":[{\"type\":\"text\",\"text\":\"t\"},{\"data\":\"x\",\"type\":\"image\"},{\"type\":"        \
    "\"resource\"},"                                                                                         \
    "{\"type\":\"audio\",\"mimeType\":\"audio/wav\",\"data\":\"AAAA\"},"                                     \
    "{\"type\":\"resource_link\",\"uri\":\"https://a/"                                                       \
    "\\u0062\",\"name\":\"n\",\"title\":\"T\"},{\"type\":\"hologram\"},5]}"
#define OLD_BLOCKS                                                                                           \
    "{\"type\":\"text\",\"text\":\"t\"},{\"data\":\"x\",\"type\":\"image\"},{\"type\":\"resource\"},"
#define AUDIO "{\"type\":\"audio\",\"mimeType\":\"audio/wav\",\"data\":\"AAAA\"},"
#define UNKNOWN_BLOCKS                                                                                       \
    "{\"type\":\"text\",\"text\":\"{\\\"type\\\":\\\"hologram\\\"}\"},{\"type\":\"text\",\"text\":\"5\"}]}"

Test(shapes, content_a_revision_does_not_know_becomes_text)
{
    expect_result(BLOCKS, MCP_SHAPE_2025_06,
                  "{\"content\":[" OLD_BLOCKS AUDIO "{\"type\":\"resource_link\",\"uri\":\"https://a/"
                  "\\u0062\",\"name\":\"n\",\"title\":\"T\"}," UNKNOWN_BLOCKS);
    expect_result(BLOCKS, MCP_SHAPE_2025_03,
                  "{\"content\":[" OLD_BLOCKS AUDIO
                  "{\"type\":\"text\",\"text\":\"T: https://a/b\"}," UNKNOWN_BLOCKS);
    expect_result(BLOCKS, MCP_SHAPE_2024_11,
                  "{\"content\":[" OLD_BLOCKS "{\"type\":\"text\",\"text\":\"Audio (audio/wav) left out: the "
                  "client's protocol revision cannot carry it.\"},"
                  "{\"type\":\"text\",\"text\":\"T: https://a/b\"}," UNKNOWN_BLOCKS);
}

Test(shapes, members_of_the_wrong_type_do_not_spoil_an_answer)
{
    expect_result("{\"content\":null,\"isError\":\"yes\",\"_meta\":[1],\"structuredContent\":{}}",
                  MCP_SHAPE_MODERN, "{\"structuredContent\":{},\"content\":[],\"resultType\":\"complete\"}");
    expect_result("{\"content\":[],\"isError\":1,\"_meta\":null}", MCP_SHAPE_2025_06, "{\"content\":[]}");
}
