/* See shapes.h. Spans in, bytes out: values are stepped through, never parsed into anything. What each
 * revision knows is in its schema.ts (Tool, CallToolResult, ContentBlock). */
#include "shapes.h"

#include <string.h>

#include "mem.h"

static void add_member(buf_t *out, span_t key, span_t value)
{
    buf_add_text(out, out->data[out->length - 1] == '{' ? "\"" : ",\"");
    buf_add_span(out, key);
    buf_add_text(out, "\":");
    buf_add_span(out, value);
}

static bool is_one_of(span_t text, const char *const *names)
{
    for (; *names; names++) {
        if (span_is(text, *names)) {
            return true;
        }
    }
    return false;
}

static bool tool_member_is_known(span_t key, mcp_shape_t shape)
{
    static const char *const in_2024[] = { "description", "inputSchema", NULL };
    static const char *const in_2025_03[] = { "description", "inputSchema", "annotations", NULL };

    switch (shape) {
    case MCP_SHAPE_2024_11:
        return is_one_of(key, in_2024);
    case MCP_SHAPE_2025_03:
        return is_one_of(key, in_2025_03);
    case MCP_SHAPE_2025_06:
        return !span_is(key, "execution"); /* tasks of 2025-11-25, which we do not offer */
    default:
        return true;
    }
}

/* "$ref", "$dynamicRef" and "$recursiveRef": what they point to would move when the schema is wrapped. */
static bool has_references(span_t schema)
{
    return memmem(schema.at, schema.length, "$ref", 4) || memmem(schema.at, schema.length, "Ref\"", 4);
}

/* structuredContent must be an object for this revision (2025-06-18 server/tools "Structured Content"), so
 * the schema of anything else is wrapped as its value is in shape_result(). */
static void add_output_schema(buf_t *out, span_t schema)
{
    span_t type = scan_plain_string(scan_member(schema, "type"));

    if (span_is(type, "object")) {
        add_member(out, SPAN("outputSchema"), schema);
    } else if (type.at && !has_references(schema)) {
        buf_add_text(out, ",\"outputSchema\":{\"type\":\"object\",\"properties\":{\"result\":");
        buf_add_span(out, schema);
        buf_add_text(out, "},\"required\":[\"result\"]}");
    }
}

int shape_tool(span_t tool, const char *public_name, mcp_shape_t shape, buf_t *out, err_t *err)
{
    json_scan_t found;

    if (json_scan_members(tool, &found, err)) {
        return -1;
    }
    if (scan_kind(tool) != SCAN_OBJECT || !scan_find(found.members, found.member_count, "inputSchema").at) {
        return err_set(err, ERR_UPSTREAM, "The declaration of %s has no inputSchema.", public_name);
    }
    buf_add_text(out, "{\"name\":");
    buf_add_json_string(out, span_of(public_name));
    for (size_t i = 0; i < found.member_count; i++) {
        const json_member_t *m = &found.members[i];
        if (span_is(m->key, "name") || !tool_member_is_known(m->key, shape)) {
            continue;
        }
        if (shape == MCP_SHAPE_2025_06 && span_is(m->key, "outputSchema")) {
            add_output_schema(out, m->value);
        } else {
            add_member(out, m->key, m->value);
        }
    }
    buf_add_char(out, '}');
    return 0;
}

/* A member of the wrong type makes clients refuse the whole answer; without it they read the rest. */
static bool is_sound(const json_member_t *member)
{
    scan_kind_t kind = scan_kind(member->value);

    if (span_is(member->key, "content")) {
        return kind == SCAN_ARRAY;
    }
    if (span_is(member->key, "isError")) {
        return kind == SCAN_BOOL;
    }
    return !span_is(member->key, "_meta") || kind == SCAN_OBJECT;
}

static void add_text_block(buf_t *out, span_t text)
{
    buf_add_text(out, "{\"type\":\"text\",\"text\":");
    buf_add_json_string(out, text);
    buf_add_char(out, '}');
}

/* A link for clients that know none: its title or name, and where it points. */
static void add_link_as_text(buf_t *out, span_t block)
{
    AUTO_BUF text = { 0 };
    span_t title = scan_member(block, "title");

    if (scan_string(title.at ? title : scan_member(block, "name"), &text)) {
        buf_add_text(&text, ": ");
    }
    scan_string(scan_member(block, "uri"), &text);
    add_text_block(out, buf_span(&text));
}

static void add_audio_as_text(buf_t *out, span_t block)
{
    AUTO_BUF text = { 0 };

    buf_add_text(&text, "Audio (");
    scan_string(scan_member(block, "mimeType"), &text);
    buf_add_text(&text, ") left out: the client's protocol revision cannot carry it.");
    add_text_block(out, buf_span(&text));
}

/* One kind of content this revision does not know breaks the whole answer on every client. */
static void add_block(buf_t *out, span_t block, mcp_shape_t shape)
{
    static const char *const always[] = { "text", "image", "resource", NULL };
    span_t type = scan_plain_string(scan_member(block, "type"));

    if (is_one_of(type, always)) {
        buf_add_span(out, block);
    } else if (span_is(type, "resource_link")) {
        shape >= MCP_SHAPE_2025_06 ? buf_add_span(out, block) : add_link_as_text(out, block);
    } else if (span_is(type, "audio")) {
        shape >= MCP_SHAPE_2025_03 ? buf_add_span(out, block) : add_audio_as_text(out, block);
    } else {
        add_text_block(out, block);
    }
}

static void add_content(buf_t *out, span_t content, mcp_shape_t shape)
{
    bool first = true;
    span_t block;

    buf_add_char(out, '[');
    for (span_t rest = content; scan_kind(content) == SCAN_ARRAY && scan_next_item(&rest, &block);) {
        if (!first) {
            buf_add_char(out, ',');
        }
        first = false;
        add_block(out, block, shape);
    }
    buf_add_char(out, ']');
}

static bool is_empty(span_t content)
{
    span_t rest = content, item;

    return scan_kind(content) != SCAN_ARRAY || !scan_next_item(&rest, &item);
}

/* Legacy clients show a model content and nothing else, and CrewAI only its first block: a result that is
 * structured only is given to them as text too. */
static void add_legacy_content(buf_t *out, span_t content, span_t structured, mcp_shape_t shape)
{
    add_member(out, SPAN("content"), (span_t){ 0 });
    if (is_empty(content) && structured.at) {
        buf_add_char(out, '[');
        add_text_block(out, structured);
        buf_add_char(out, ']');
        return;
    }
    add_content(out, content, shape);
}

static void add_legacy_structured(buf_t *out, span_t structured, mcp_shape_t shape)
{
    if (!structured.at || shape < MCP_SHAPE_2025_06) {
        return;
    }
    bool object = scan_kind(structured) == SCAN_OBJECT;
    buf_add_text(out, object ? ",\"structuredContent\":" : ",\"structuredContent\":{\"result\":");
    buf_add_span(out, structured);
    buf_add_text(out, object ? "" : "}");
}

static void shape_legacy(const json_member_t *members, size_t count, mcp_shape_t shape, buf_t *out)
{
    static const char *const apart[] = { "content", "structuredContent", "resultType",
                                         "ttlMs",   "cacheScope",        NULL };
    span_t structured = scan_find(members, count, "structuredContent");

    buf_add_char(out, '{');
    add_legacy_content(out, scan_find(members, count, "content"), structured, shape);
    add_legacy_structured(out, structured, shape);
    for (size_t i = 0; i < count; i++) {
        if (!is_one_of(members[i].key, apart) && is_sound(&members[i])) {
            add_member(out, members[i].key, members[i].value);
        }
    }
    buf_add_char(out, '}');
}

/* MCP 2026-07-28 basic "ResultType": absent (an older server) means complete. A result that asks for input
 * has no content. */
static void shape_modern(const json_member_t *members, size_t count, buf_t *out)
{
    span_t type = scan_find(members, count, "resultType");
    bool needs_content = !type.at || scan_string_is(type, "complete");

    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (is_sound(&members[i])) {
            add_member(out, members[i].key, members[i].value);
            needs_content = needs_content && !span_is(members[i].key, "content");
        }
    }
    if (needs_content) {
        add_member(out, SPAN("content"), SPAN("[]"));
    }
    if (!type.at) {
        add_member(out, SPAN("resultType"), SPAN("\"complete\""));
    }
    buf_add_char(out, '}');
}

void shape_result(const json_member_t *members, size_t count, mcp_shape_t shape, buf_t *out)
{
    if (shape == MCP_SHAPE_MODERN) {
        shape_modern(members, count, out);
    } else {
        shape_legacy(members, count, shape, out);
    }
}
