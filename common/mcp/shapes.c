/* See shapes.h: entries of the four lists. Values are stepped through, never parsed into anything. What each
 * revision knows is in its schema.ts (Tool, Resource, ResourceTemplate, Prompt). */
#include "shapes.h"

#include <string.h>

#include "mem.h"
#include "shape_members.h"

/* What the two oldest shapes know of an entry, but for what names it. From 2025-06-18 on all members pass. */
static const char *const known[MCP_KINDS][MCP_SHAPE_2025_06][6] = {
    [MCP_TOOLS] = { { "description", "inputSchema" }, { "description", "inputSchema", "annotations" } },
    [MCP_RESOURCES] = { { "name", "description", "mimeType", "annotations", "size" },
                        { "name", "description", "mimeType", "annotations", "size" } },
    [MCP_TEMPLATES] = { { "name", "description", "mimeType", "annotations" },
                        { "name", "description", "mimeType", "annotations" } },
    [MCP_PROMPTS] = { { "description", "arguments" }, { "description", "arguments" } },
};

static bool is_known(mcp_kind_t kind, span_t key, mcp_shape_t shape)
{
    if (shape < MCP_SHAPE_2025_06) {
        return shape_is_one_of(key, known[kind][shape]);
    }
    /* tasks of 2025-11-25, which we do not offer */
    return shape == MCP_SHAPE_MODERN || kind != MCP_TOOLS || !span_is(key, "execution");
}

/* "$ref", "$dynamicRef" and "$recursiveRef": what they point to would move when the schema is wrapped. */
static bool has_references(span_t schema)
{
    return memmem(schema.at, schema.length, "$ref", 4) || memmem(schema.at, schema.length, "Ref\"", 4);
}

/* structuredContent must be an object for this revision (2025-06-18 server/tools "Structured Content"), so
 * the schema of anything else is wrapped as its value is in results.c. */
static void add_output_schema(buf_t *out, span_t schema)
{
    span_t type = scan_plain_string(scan_member(schema, "type"));

    if (span_is(type, "object")) {
        shape_add_member(out, SPAN("outputSchema"), schema);
    } else if (type.at && !has_references(schema)) {
        buf_add_text(out, ",\"outputSchema\":{\"type\":\"object\",\"properties\":{\"result\":");
        buf_add_span(out, schema);
        buf_add_text(out, "},\"required\":[\"result\"]}");
    }
}

static const char *naming_member(mcp_kind_t kind)
{
    static const char *const members[MCP_KINDS] = { "name", "uri", "uriTemplate", "name" };

    return members[kind];
}

static void add_entry_member(buf_t *out, mcp_kind_t kind, const json_member_t *member, mcp_shape_t shape)
{
    if (kind == MCP_TOOLS && shape == MCP_SHAPE_2025_06 && span_is(member->key, "outputSchema")) {
        add_output_schema(out, member->value);
    } else {
        shape_add_member(out, member->key, member->value);
    }
}

/* null stands for nothing in some servers' lists, and breaks clients that expect a string or nothing. */
static bool is_left_out(mcp_kind_t kind, const json_member_t *member, mcp_shape_t shape)
{
    return span_is(member->key, naming_member(kind)) || !is_known(kind, member->key, shape) ||
           (kind != MCP_TOOLS && scan_kind(member->value) == SCAN_NULL);
}

static void add_name_if_missing(buf_t *out, const json_scan_t *found, const char *public_name)
{
    if (scan_kind(scan_find(found->members, found->member_count, "name")) != SCAN_STRING) {
        buf_add_text(out, ",\"name\":");
        buf_add_json_string(out, span_of(public_name));
    }
}

static void add_entry(buf_t *out, mcp_kind_t kind, const json_scan_t *found, const char *public_name,
                      mcp_shape_t shape)
{
    bool has_both = kind == MCP_RESOURCES || kind == MCP_TEMPLATES; /* a URI and a name */

    buf_addf(out, "{\"%s\":", naming_member(kind));
    buf_add_json_string(out, span_of(public_name));
    if (has_both) {
        add_name_if_missing(out, found, public_name);
    }
    for (size_t i = 0; i < found->member_count; i++) {
        const json_member_t *m = &found->members[i];
        bool mended = has_both && span_is(m->key, "name") && scan_kind(m->value) != SCAN_STRING;
        if (!mended && !is_left_out(kind, m, shape)) {
            add_entry_member(out, kind, m, shape);
        }
    }
    buf_add_char(out, '}');
}

int shape_entry(mcp_kind_t kind, span_t entry, const char *public_name, mcp_shape_t shape, buf_t *out,
                err_t *err)
{
    json_scan_t found;

    if (json_scan_members(entry, &found, err)) {
        return -1;
    }
    if (scan_kind(entry) != SCAN_OBJECT) {
        return err_set(err, ERR_UPSTREAM, "The declaration of %s is not an object.", public_name);
    }
    if (kind == MCP_TOOLS && !scan_find(found.members, found.member_count, "inputSchema").at) {
        return err_set(err, ERR_UPSTREAM, "The declaration of %s has no inputSchema.", public_name);
    }
    add_entry(out, kind, &found, public_name, shape);
    return 0;
}
