/* See shapes.h: results of the four acts. Values are stepped through, never parsed into anything. What each
 * revision knows is in its schema.ts (CallToolResult, ContentBlock, ReadResourceResult, GetPromptResult,
 * CompleteResult). */
#include "shapes.h"

#include "json_bytes.h"
#include "mem.h"
#include "shape_members.h"

/* A member of the wrong type makes clients refuse the whole answer; without it they read the rest. */
static bool is_sound(const json_member_t *member)
{
    static const struct {
        const char *key;
        scan_kind_t kind;
    } kinds[] = {
        { "content", SCAN_ARRAY }, { "isError", SCAN_BOOL },       { "_meta", SCAN_OBJECT },
        { "ttlMs", SCAN_NUMBER },  { "description", SCAN_STRING },
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (span_is(member->key, kinds[i].key)) {
            return scan_kind(member->value) == kinds[i].kind;
        }
    }
    return true;
}

/* What the rest of a result is made of: what is sound, and of this revision. */
static void add_sound(buf_t *out, const json_member_t *member, mcp_shape_t shape)
{
    static const char *const modern_only[] = { "resultType", "ttlMs", "cacheScope", NULL };

    if (is_sound(member) && (shape == MCP_SHAPE_MODERN || !shape_is_one_of(member->key, modern_only))) {
        shape_add_member(out, member->key, member->value);
    }
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

    if (scan_string(title, &text) || scan_string(scan_member(block, "name"), &text)) {
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

    if (shape_is_one_of(type, always)) {
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
    if (scan_kind(content) != SCAN_ARRAY) {
        return true;
    }
    return *json_skip_space(content.at + 1, content.at + content.length) == ']';
}

/* Legacy clients show a model content and nothing else, and CrewAI only its first block: a result that is
 * structured only is given to them as text too. */
static void add_legacy_content(buf_t *out, span_t content, span_t structured, mcp_shape_t shape)
{
    shape_add_member(out, SPAN("content"), (span_t){ 0 });
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

static void tool_for_legacy(const json_member_t *members, size_t count, mcp_shape_t shape, buf_t *out)
{
    static const char *const apart[] = { "content", "structuredContent", NULL };
    span_t structured = scan_find(members, count, "structuredContent");

    buf_add_char(out, '{');
    add_legacy_content(out, scan_find(members, count, "content"), structured, shape);
    add_legacy_structured(out, structured, shape);
    for (size_t i = 0; i < count; i++) {
        if (!shape_is_one_of(members[i].key, apart)) {
            add_sound(out, &members[i], shape);
        }
    }
    buf_add_char(out, '}');
}

static void add_result_type(buf_t *out, const json_member_t *members, size_t count)
{
    if (!scan_find(members, count, "resultType").at) {
        shape_add_member(out, SPAN("resultType"), SPAN("\"complete\""));
    }
}

static void tool_for_modern(const json_member_t *members, size_t count, buf_t *out)
{
    bool has_content = false;

    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        add_sound(out, &members[i], MCP_SHAPE_MODERN);
        has_content = has_content || (span_is(members[i].key, "content") && is_sound(&members[i]));
    }
    if (!has_content) {
        shape_add_member(out, SPAN("content"), SPAN("[]"));
    }
    add_result_type(out, members, count);
    buf_add_char(out, '}');
}

/* prompts/get */

static int add_message(buf_t *out, span_t message, mcp_shape_t shape)
{
    span_t role = scan_member(message, "role"), content = scan_member(message, "content");

    if (scan_kind(content) != SCAN_OBJECT ||
        !(scan_string_is(role, "user") || scan_string_is(role, "assistant"))) {
        return -1;
    }
    buf_add_text(out, out->data[out->length - 1] == '[' ? "{\"role\":" : ",{\"role\":");
    buf_add_span(out, role);
    buf_add_text(out, ",\"content\":");
    add_block(out, content, shape);
    buf_add_char(out, '}');
    return 0;
}

static int add_messages(buf_t *out, span_t messages, mcp_shape_t shape, err_t *err)
{
    span_t message;

    buf_add_char(out, '[');
    for (span_t rest = messages; scan_next_item(&rest, &message);) {
        if (scan_kind(message) != SCAN_OBJECT || add_message(out, message, shape)) {
            return err_set(err, ERR_UPSTREAM,
                           "The connector's prompt has a message without a role or without content.");
        }
    }
    buf_add_char(out, ']');
    return 0;
}

/* A member that the result cannot be without; modern clients get it byte for byte. */
typedef struct {
    const char *key, *missing;
    scan_kind_t kind;
} needed_t;

static const needed_t needed[MCP_ACTS] = {
    [MCP_READ_RESOURCE] = { "contents", "The connector read the resource and gave no list of contents.",
                            SCAN_ARRAY },
    [MCP_GET_PROMPT] = { "messages", "The connector's prompt has no list of messages.", SCAN_ARRAY },
    [MCP_COMPLETE] = { "completion", "The connector's completion has no list of values.", SCAN_OBJECT },
};

static int add_needed(buf_t *out, mcp_act_t act, span_t value, mcp_shape_t shape, err_t *err)
{
    if (scan_kind(value) != needed[act].kind ||
        (act == MCP_COMPLETE && scan_kind(scan_member(value, "values")) != SCAN_ARRAY)) {
        return err_set(err, ERR_UPSTREAM, "%s", needed[act].missing);
    }
    if (act == MCP_GET_PROMPT && shape != MCP_SHAPE_MODERN) {
        shape_add_member(out, span_of(needed[act].key), (span_t){ 0 });
        return add_messages(out, value, shape, err);
    }
    shape_add_member(out, span_of(needed[act].key), value);
    return 0;
}

/* MCP 2026-07-28 server/utilities/caching: a resource that was read says how long it holds and for whom.
 * Nobody's but the caller's, for no time, when the connector (an older one) has not said. */
static void add_caching(buf_t *out, const json_member_t *members, size_t count)
{
    span_t ttl = scan_find(members, count, "ttlMs"), scope = scan_find(members, count, "cacheScope");
    bool sound = scan_is_integer(ttl) && ttl.at[0] != '-';

    shape_add_member(out, SPAN("ttlMs"), sound ? ttl : SPAN("0"));
    sound = scan_string_is(scope, "public");
    shape_add_member(out, SPAN("cacheScope"), sound ? SPAN("\"public\"") : SPAN("\"private\""));
}

static bool is_apart(mcp_act_t act, span_t key)
{
    return span_is(key, needed[act].key) ||
           (act == MCP_READ_RESOURCE && (span_is(key, "ttlMs") || span_is(key, "cacheScope")));
}

static int shape_other(mcp_act_t act, const json_member_t *members, size_t count, mcp_shape_t shape,
                       buf_t *out, err_t *err)
{
    buf_add_char(out, '{');
    if (add_needed(out, act, scan_find(members, count, needed[act].key), shape, err)) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_apart(act, members[i].key)) {
            add_sound(out, &members[i], shape);
        }
    }
    if (shape == MCP_SHAPE_MODERN) {
        if (act == MCP_READ_RESOURCE) {
            add_caching(out, members, count);
        }
        add_result_type(out, members, count);
    }
    buf_add_char(out, '}');
    return 0;
}

/* MCP 2026-07-28 basic/patterns/mrtr: whatever it says is between the connector and its caller. */
static void shape_question(const json_member_t *members, size_t count, buf_t *out)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        shape_add_member(out, members[i].key, members[i].value);
    }
    buf_add_char(out, '}');
}

int shape_answer(mcp_act_t act, const json_member_t *members, size_t count, mcp_shape_t shape, buf_t *out,
                 err_t *err)
{
    if (shape == MCP_SHAPE_MODERN && shape_result_type(members, count) == RESULT_ASKS) {
        shape_question(members, count, out);
        return 0;
    }
    if (act != MCP_CALL_TOOL) {
        return shape_other(act, members, count, shape, out, err);
    }
    if (shape == MCP_SHAPE_MODERN) {
        tool_for_modern(members, count, out);
    } else {
        tool_for_legacy(members, count, shape, out);
    }
    return 0;
}

result_type_t shape_result_type(const json_member_t *members, size_t count)
{
    span_t type = scan_find(members, count, "resultType");

    if (!type.at || scan_string_is(type, "complete")) {
        return RESULT_COMPLETE;
    }
    return scan_string_is(type, "input_required") ? RESULT_ASKS : RESULT_UNKNOWN;
}
