/* See check_tool.h. This runs when a connector is listed, never on a call, so it may use a JSON tree. What is
 * surprising: what needs no mending is kept as the bytes that came, because a tree written back changes
 * numbers.
 */
#include "check_tool.h"

#include <jansson.h>
#include <string.h>

#include "buf.h"
#include "check_schema.h"
#include "json_scan.h"
#include "mem.h"
#include "schema_legacy.h"
#include "schema_refs.h"

#define NO_DESCRIPTION "The connector does not describe this tool."

static int check_name(json_t *tool, checked_tool_t *ret, err_t *err)
{
    const char *name = json_string_value(json_object_get(tool, "name"));

    if (!name || !*name) {
        return err_set(err, ERR_UPSTREAM, "It has no name.");
    }
    if (strlen(name) > CHECK_TOOL_MAX_NAME) {
        return err_set(err, ERR_UPSTREAM, "Its name is longer than %d bytes.", CHECK_TOOL_MAX_NAME);
    }
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return err_set(err, ERR_UPSTREAM, "Its name contains a control character.");
        }
    }
    ret->own_name = mem_strdup(name);
    return 0;
}

/* Clients refuse the whole list for `"description": null` and its like; an optional member of the wrong type
 * says nothing that could be lost. */
static void mend_optional(json_t *tool, checked_tool_t *ret)
{
    static const struct {
        const char *name;
        json_type type;
    } optional[] = {
        { "title", JSON_STRING }, { "annotations", JSON_OBJECT }, { "outputSchema", JSON_OBJECT },
        { "icons", JSON_ARRAY },  { "execution", JSON_OBJECT },   { "_meta", JSON_OBJECT },
    };

    for (size_t i = 0; i < COUNT_OF(optional); i++) {
        json_t *member = json_object_get(tool, optional[i].name);
        if (member && json_typeof(member) != optional[i].type) {
            json_object_del(tool, optional[i].name);
            ret->mended = true;
        }
    }
    if (!json_is_string(json_object_get(tool, "description"))) {
        json_object_set_new(tool, "description", json_string(NO_DESCRIPTION));
        ret->mended = true;
    }
}

/* The same one level down: the TypeScript SDK refuses the list for "readOnlyHint": "yes". */
static void mend_annotations(json_t *tool, checked_tool_t *ret)
{
    static const char *const hints[] = { "readOnlyHint", "destructiveHint", "idempotentHint",
                                         "openWorldHint" };
    json_t *annotations = json_object_get(tool, "annotations");
    json_t *title = json_object_get(annotations, "title");

    if (title && !json_is_string(title)) {
        json_object_del(annotations, "title");
        ret->mended = true;
    }
    for (size_t i = 0; i < COUNT_OF(hints); i++) {
        json_t *hint = json_object_get(annotations, hints[i]);
        if (hint && !json_is_boolean(hint)) {
            json_object_del(annotations, hints[i]);
            ret->mended = true;
        }
    }
}

static int check_input(json_t *tool, checked_tool_t *ret, err_t *err)
{
    json_t *schema = json_object_get(tool, "inputSchema");

    if (!json_is_object(schema)) {
        return err_set(err, ERR_UPSTREAM, "%s",
                       schema ? "Its inputSchema is not an object." : "It has no inputSchema.");
    }
    json_t *type = json_object_get(schema, "type");
    if (!type) {
        json_object_set_new(schema, "type", json_string("object"));
        ret->mended = ret->typed = true;
    } else if (!json_is_string(type) || strcmp(json_string_value(type), "object") != 0) {
        return err_set(err, ERR_UPSTREAM, "The type of its inputSchema is not object.");
    }
    return check_schema_input(schema, err);
}

/* Clients validate results against an outputSchema and raise when they cannot: better none than one that
 * cannot hold. */
static void check_output(json_t *tool, checked_tool_t *ret)
{
    json_t *schema = json_object_get(tool, "outputSchema");
    err_t ignored;

    if (schema && schema_refs_check(schema, &ignored)) {
        json_object_del(tool, "outputSchema");
        ret->mended = true;
    }
}

static bool is_set(json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static void read_hints(json_t *tool, checked_tool_t *ret)
{
    json_t *annotations = json_object_get(tool, "annotations");

    ret->read_only = is_set(annotations, "readOnlyHint");
    ret->idempotent = is_set(annotations, "idempotentHint");
    ret->streams = is_set(json_object_get(tool, "_meta"), "guiche/streams");
}

static void add_key(buf_t *out, span_t key)
{
    buf_add_text(out, out->length > 1 ? ",\"" : "{\"");
    buf_add_span(out, key);
    buf_add_text(out, "\":");
}

static void add_dump(buf_t *out, const json_t *value)
{
    AUTO(mem_free) char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    buf_add_text(out, text);
}

/* An inputSchema in its own bytes, but for the type that it lacked. */
static void add_typed(buf_t *out, span_t schema)
{
    span_t rest = { schema.at + 1, schema.length - 1 };
    json_member_t first;

    buf_add_text(out, "{\"type\":\"object\"");
    if (scan_next_member(&(span_t){ schema.at, schema.length }, &first)) {
        buf_add_char(out, ',');
    }
    buf_add_span(out, rest);
}

static void add_as_given(buf_t *out, const json_member_t *given, const json_t *original, const json_t *tool,
                         bool typed)
{
    json_t *before = json_object_getn(original, given->key.at, given->key.length);
    json_t *now = json_object_getn(tool, given->key.at, given->key.length);

    if (!now) {
        return;
    }
    add_key(out, given->key);
    if (json_equal(before, now)) {
        buf_add_span(out, given->value);
    } else if (typed && span_is(given->key, "inputSchema")) {
        add_typed(out, given->value);
    } else {
        add_dump(out, now);
    }
}

/* The declaration as `tool` has it now, with what has not changed in the bytes that came. `typed`: all that
 * its inputSchema got is a type. */
static char *write_tool(span_t declaration, const json_t *original, json_t *tool, bool typed)
{
    buf_t out = { 0 };
    json_member_t given;
    const char *key;
    json_t *value;

    for (span_t rest = declaration; scan_next_member(&rest, &given);) {
        add_as_given(&out, &given, original, tool, typed);
    }
    json_object_foreach(tool, key, value)
    {
        if (!json_object_get(original, key)) {
            add_key(&out, span_of(key));
            add_dump(&out, value);
        }
    }
    buf_add_char(&out, '}');
    return buf_steal(&out);
}

/* Clients validate results against an outputSchema: where it is beyond them they do without. */
static bool mend_output(json_t *tool)
{
    json_t *schema = json_object_get(tool, "outputSchema");
    bool changed = false;

    if (schema && schema_legacy_output(schema, &changed, NULL)) {
        json_object_del(tool, "outputSchema");
        return true;
    }
    return changed;
}

static void write_legacy(span_t declaration, const json_t *original, json_t *tool, checked_tool_t *ret)
{
    bool input_changed = false;
    err_t reason;

    if (schema_legacy_input(json_object_get(tool, "inputSchema"), &input_changed, &reason)) {
        ret->legacy_reason = mem_strdup(reason.text);
    } else if (mend_output(tool) || input_changed) {
        ret->legacy = write_tool(declaration, original, tool, ret->typed && !input_changed);
    } else {
        ret->legacy = mem_strdup(ret->modern);
    }
}

static void write_texts(json_t *tool, const json_t *original, span_t declaration, checked_tool_t *ret)
{
    ret->description = mem_strdup(json_string_value(json_object_get(tool, "description")));
    ret->schema = json_dumps(json_object_get(tool, "inputSchema"), JSON_COMPACT);
    ret->modern = ret->mended ? write_tool(declaration, original, tool, ret->typed)
                              : mem_strndup(declaration.at, declaration.length);
    write_legacy(declaration, original, tool, ret);
}

/* JSON_DECODE_INT_AS_REAL: integers beyond 64 bits, such as the bounds that some servers give. */
static json_t *load(span_t declaration)
{
    json_error_t where;
    json_t *tool = json_loadb(declaration.at, declaration.length, JSON_REJECT_DUPLICATES, &where);

    if (!tool && json_error_code(&where) == json_error_numeric_overflow) {
        tool = json_loadb(declaration.at, declaration.length,
                          JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    }
    return tool;
}

static int check_members(json_t *tool, checked_tool_t *ret, err_t *err)
{
    if (check_name(tool, ret, err) || check_input(tool, ret, err)) {
        return -1;
    }
    mend_optional(tool, ret);
    mend_annotations(tool, ret);
    check_output(tool, ret);
    read_hints(tool, ret);
    return 0;
}

int check_tool(span_t declaration, checked_tool_t *ret, err_t *err)
{
    *ret = (checked_tool_t){ 0 };
    if (declaration.length > CHECK_TOOL_MAX_BYTES) {
        return err_set(err, ERR_UPSTREAM, "Its declaration is larger than %d KiB.",
                       CHECK_TOOL_MAX_BYTES / 1024);
    }
    json_auto_t *tool = load(declaration);
    json_auto_t *original = json_deep_copy(tool);
    if (!json_is_object(tool)) {
        return err_set(err, ERR_UPSTREAM,
                       "Its declaration is not an object, or has a member twice or a NUL.");
    }
    if (check_members(tool, ret, err)) {
        checked_tool_release(ret);
        return -1;
    }
    write_texts(tool, original, declaration, ret);
    return 0;
}

void checked_tool_release(checked_tool_t *tool)
{
    mem_free(tool->own_name);
    mem_free(tool->description);
    mem_free(tool->schema);
    mem_free(tool->modern);
    mem_free(tool->legacy);
    mem_free(tool->legacy_reason);
    *tool = (checked_tool_t){ 0 };
}
