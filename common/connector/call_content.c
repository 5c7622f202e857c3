/* The ends that are not a value with its text: blocks of content, and what resources, prompts and completions
 * answer. Each is a list of members of the result; which of them a client's revision knows is common/mcp's to
 * say. */
#include "call_life.h"

#include "content.h"

#define COMPLETION_MAX 100 /* MCP 2026-07-28 server/utilities/completion */
#define MEMBERS_MAX 4

typedef struct {
    const char *key;
    const json_t *value; /* NULL: left out */
} part_t;

static int render(const call_t *call, const part_t *parts, size_t count, buf_t *texts, err_t *err)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].value && call_dump(parts[i].value, &texts[i]) != 0) {
            return err_set(err, ERR_INTERNAL,
                           "The result of %s cannot be written as JSON. This is a mistake in the connector.",
                           call->entry->name);
        }
        bytes += texts[i].length;
    }
    return call_check_size(bytes, err);
}

static void send(call_t *call, const part_t *parts, const buf_t *texts, size_t count)
{
    json_member_t members[MEMBERS_MAX];
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].value) {
            members[used++] = (json_member_t){ span_of(parts[i].key), buf_span(&texts[i]) };
        }
    }
    call_end_with(call, members, used);
}

/* acts: the one that ends so. The first part is what makes the result; without it the author's json_pack()
 * has failed. */
static void finish(call_t *call, mcp_act_t act, const part_t *parts, size_t count)
{
    buf_t texts[MEMBERS_MAX] = { 0 };
    err_t err;

    if (call_ended(call)) {
        return;
    }
    if (call->act != act || !parts[0].value) {
        call_failf(call, ERR_INTERNAL, "%s gave no result of its kind. This is a mistake in the connector.",
                   call->entry->name);
        return;
    }
    if (render(call, parts, count, texts, &err) != 0) {
        call_fail(call, &err);
    } else {
        send(call, parts, texts, count);
    }
    for (size_t i = 0; i < count; i++) {
        buf_free(&texts[i]);
    }
}

void call_finish_content(call_t *call, json_t *content, json_t *structured)
{
    json_auto_t *blocks = content;
    json_auto_t *value = structured;
    const bool broken = call->entry->kind == MCP_TOOLS && call->entry->tool->result_schema && !value;
    const part_t parts[] = { { "content", broken ? NULL : blocks }, { "structuredContent", value } };

    finish(call, MCP_CALL_TOOL, parts, COUNT_OF(parts));
}

void call_finish_error_content(call_t *call, json_t *content)
{
    json_auto_t *blocks = content;
    json_auto_t *is_error = json_true();
    const part_t parts[] = { { "content", blocks }, { "isError", is_error } };

    finish(call, MCP_CALL_TOOL, parts, COUNT_OF(parts));
}

/* MCP 2026-07-28 server/utilities/caching: every answer to resources/read says how long it may be kept and by
 * whom. Only a listed resource can promise more than nothing. */
static void finish_contents(call_t *call, const char *mime_type, const char *key, json_t *value)
{
    const entry_t *entry = call->entry;
    const resource_t *listed = entry->kind == MCP_RESOURCES ? entry->resource : NULL;
    const char *declared = listed                         ? listed->mime_type
                           : entry->kind == MCP_TEMPLATES ? entry->template->mime_type
                                                          : NULL;
    json_auto_t *contents = json_pack("[{s:s*, s:s*, s:o}]", "uri", call->uri, "mimeType",
                                      mime_type ? mime_type : declared, key, value);
    json_auto_t *ttl = json_integer((json_int_t)(listed ? listed->ttl_ms : 0));
    json_auto_t *scope = json_string(listed && listed->is_public ? "public" : "private");
    const part_t parts[] = { { "contents", contents }, { "ttlMs", ttl }, { "cacheScope", scope } };

    finish(call, MCP_READ_RESOURCE, parts, COUNT_OF(parts));
}

/* Bytes that are not UTF-8 become U+FFFD, as in the text of a tool. */
static json_t *string_of(const char *text)
{
    json_t *value = json_string(text);
    AUTO_BUF clean = { 0 };

    if (value || !text) {
        return value;
    }
    buf_add_json_string(&clean, span_of(text));
    return json_loadb(clean.data, clean.length, JSON_DECODE_ANY, NULL);
}

void call_finish_resource(call_t *call, const char *mime_type, const char *text)
{
    finish_contents(call, mime_type, "text", string_of(text));
}

void call_finish_blob(call_t *call, const char *mime_type, const void *bytes, size_t length)
{
    AUTO(mem_free) char *blob = content_base64(bytes, length);

    finish_contents(call, mime_type, "blob", json_string(blob));
}

void call_finish_prompt(call_t *call, const char *description, json_t *messages)
{
    json_auto_t *owned = messages;
    json_auto_t *text = description ? json_string(description) : NULL;
    const part_t parts[] = { { "messages", owned }, { "description", text } };

    finish(call, MCP_GET_PROMPT, parts, COUNT_OF(parts));
}

void call_finish_completion(call_t *call, const char *const *values, size_t count, int64_t total,
                            bool has_more)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count && i < COMPLETION_MAX; i++) {
        json_array_append_new(array, json_string(values[i]));
    }
    json_auto_t *completion =
        json_pack("{s:o, s:b}", "values", array, "hasMore", has_more || count > COMPLETION_MAX);
    if (total >= 0) {
        json_object_set_new(completion, "total", json_integer((json_int_t)total));
    }
    const part_t parts[] = { { "completion", completion } };
    finish(call, MCP_COMPLETE, parts, COUNT_OF(parts));
}
