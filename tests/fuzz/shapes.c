/* What a connector said, as each revision may see it. An input is a result or an entry of a list, one JSON
 * object.
 * Whatever is in it, what comes out is JSON again, with what that revision requires and without what breaks
 * its clients (one block of a kind they do not know loses them the whole answer).
 */
#include "shapes.h"

#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"

#define FLAGS (JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

/* NULL where jansson's own limits decide: numbers too large, keys with NUL. */
static json_t *parse(const buf_t *text)
{
    json_error_t error;
    json_t *json = json_loadb(text->data, text->length, FLAGS, &error);

    MUST(json || json_error_code(&error) == json_error_numeric_overflow ||
         json_error_code(&error) == json_error_null_byte_in_key);
    return json;
}

static bool knows(mcp_shape_t shape, const char *type)
{
    static const struct {
        const char *type;
        mcp_shape_t since;
    } kinds[] = {
        { "text", MCP_SHAPE_2024_11 },          { "image", MCP_SHAPE_2024_11 },
        { "resource", MCP_SHAPE_2024_11 },      { "audio", MCP_SHAPE_2025_03 },
        { "resource_link", MCP_SHAPE_2025_06 },
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (type && strcmp(kinds[i].type, type) == 0) {
            return shape >= kinds[i].since;
        }
    }
    return false;
}

/* {"type": "x", "type": "y"} has the type that a reader chooses; nothing here refuses it that deep. */
static bool has_one_type(span_t block)
{
    json_member_t member;
    size_t count = 0;

    for (span_t rest = block; scan_next_member(&rest, &member);) {
        AUTO_BUF key = { 0 };
        span_t quoted = { member.key.at - 1, member.key.length + 2 };
        count += scan_string(quoted, &key) && span_is(buf_span(&key), "type");
    }
    return count == 1;
}

static void check_content(span_t content, mcp_shape_t shape)
{
    MUST(scan_kind(content) == SCAN_ARRAY);
    for (span_t rest = content, block; scan_next_item(&rest, &block);) {
        AUTO_BUF type = { 0 };
        MUST(scan_kind(block) == SCAN_OBJECT);
        if (has_one_type(block)) {
            MUST(scan_string(scan_member(block, "type"), &type) && knows(shape, buf_text(&type)));
        }
    }
}

static void check_legacy(span_t result, const json_t *json, mcp_shape_t shape)
{
    const json_t *structured = json_object_get(json, "structuredContent");

    check_content(scan_member(result, "content"), shape);
    MUST(!structured || (json_is_object(structured) && shape >= MCP_SHAPE_2025_06));
    MUST(!json_object_get(json, "resultType") && !json_object_get(json, "ttlMs"));
    MUST(!json_object_get(json, "cacheScope"));
}

static void check_modern(const json_t *json)
{
    const json_t *type = json_object_get(json, "resultType"), *content = json_object_get(json, "content");

    MUST(type && (!content || json_is_array(content)));
    MUST(json_is_array(content) || !json_is_string(type) || strcmp(json_string_value(type), "complete") != 0);
}

static void check_result(const json_scan_t *scan, mcp_shape_t shape)
{
    AUTO_BUF result = { 0 };
    err_t err;

    MUST(shape_answer(MCP_CALL_TOOL, scan->members, scan->member_count, shape, &result, &err) == 0);
    json_auto_t *json = parse(&result);
    if (!json) {
        return;
    }
    MUST(!json_object_get(json, "isError") || json_is_boolean(json_object_get(json, "isError")));
    if (shape == MCP_SHAPE_MODERN) {
        check_modern(json);
    } else {
        check_legacy(buf_span(&result), json, shape);
    }
}

static void check_tool(span_t tool, mcp_shape_t shape)
{
    AUTO_BUF shaped = { 0 };
    err_t err = { 0 };

    if (shape_entry(MCP_TOOLS, tool, "crm_tool", shape, &shaped, &err)) {
        MUST(err.text[0]);
        return;
    }
    json_auto_t *json = parse(&shaped);
    const char *name = json_string_value(json_object_get(json, "name"));
    MUST(!json || (name && strcmp(name, "crm_tool") == 0));
    MUST(shape >= MCP_SHAPE_2025_06 || !json_object_get(json, "outputSchema"));
}

/* Of prompts/get, resources/read and completion/complete. */
static void check_answer(const json_scan_t *scan, mcp_act_t act, mcp_shape_t shape)
{
    AUTO_BUF answer = { 0 };
    err_t err = { 0 };

    if (shape_answer(act, scan->members, scan->member_count, shape, &answer, &err)) {
        MUST(err.kind == ERR_UPSTREAM && err.text[0]);
        return;
    }
    json_auto_t *json = parse(&answer);
    if (!json) {
        return;
    }
    MUST((shape == MCP_SHAPE_MODERN) == (json_object_get(json, "resultType") != NULL));
    if (shape != MCP_SHAPE_MODERN) {
        MUST(!json_object_get(json, "ttlMs") && !json_object_get(json, "cacheScope"));
        MUST(act != MCP_GET_PROMPT || json_is_array(json_object_get(json, "messages")));
    }
}

static void check_entry(span_t entry, mcp_kind_t kind, const char *key, mcp_shape_t shape)
{
    AUTO_BUF shaped = { 0 };
    err_t err = { 0 };

    if (shape_entry(kind, entry, "crm_entry", shape, &shaped, &err)) {
        MUST(err.text[0]);
        return;
    }
    json_auto_t *json = parse(&shaped);
    MUST(!json || json_is_string(json_object_get(json, "name")));
    MUST(!json || strcmp(json_string_value(json_object_get(json, key)), "crm_entry") == 0);
}

static span_t trim(span_t text)
{
    while (text.length > 0 && text.at[0] != '{') {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && text.at[text.length - 1] != '}') {
        text.length--;
    }
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = trim((span_t){ (const char *)data, size });
    json_scan_t scan;
    err_t err;

    if (text.length == 0 || json_scan_members(text, &scan, &err)) {
        return 0;
    }
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        check_result(&scan, (mcp_shape_t)shape);
        check_tool(text, (mcp_shape_t)shape);
        for (int act = MCP_CALL_TOOL; act < MCP_ACTS; act++) {
            check_answer(&scan, (mcp_act_t)act, (mcp_shape_t)shape);
        }
        check_entry(text, MCP_RESOURCES, "uri", (mcp_shape_t)shape);
        check_entry(text, MCP_TEMPLATES, "uriTemplate", (mcp_shape_t)shape);
        check_entry(text, MCP_PROMPTS, "name", (mcp_shape_t)shape);
    }
    return 0;
}
