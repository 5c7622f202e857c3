/* See check_tool.h. This runs when a connector is listed, never on a call, so it may use a JSON tree. What is
 * surprising: a declaration that needs no mending is kept as the bytes that came, because a tree written back
 * changes numbers. */
#include "check_tool.h"

#include <jansson.h>
#include <string.h>

#include "check_schema.h"
#include "mem.h"
#include "utf8.h"

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
        ret->mended = true;
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

    if (schema && check_schema_refs(schema, &ignored)) {
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

static void write_texts(json_t *tool, span_t declaration, checked_tool_t *ret)
{
    json_t *schema = json_object_get(tool, "inputSchema");
    err_t reason;

    ret->description = mem_strdup(json_string_value(json_object_get(tool, "description")));
    ret->schema = json_dumps(schema, JSON_COMPACT);
    ret->modern =
        ret->mended ? json_dumps(tool, JSON_COMPACT) : mem_strndup(declaration.at, declaration.length);
    if (check_schema_legacy(schema, &reason)) {
        ret->legacy_reason = mem_strdup(reason.text);
    } else if (schema_mend_legacy(schema)) {
        ret->legacy = json_dumps(tool, JSON_COMPACT);
    } else {
        ret->legacy = mem_strdup(ret->modern);
    }
}

static int check_members(json_t *tool, checked_tool_t *ret, err_t *err)
{
    if (check_name(tool, ret, err) || check_input(tool, ret, err)) {
        return -1;
    }
    mend_optional(tool, ret);
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
    json_auto_t *tool = json_loadb(declaration.at, declaration.length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(tool)) {
        return err_set(err, ERR_UPSTREAM,
                       "Its declaration is not an object, or has a member twice or a NUL.");
    }
    if (check_members(tool, ret, err)) {
        checked_tool_release(ret);
        return -1;
    }
    write_texts(tool, declaration, ret);
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

char *check_tool_name(span_t declaration)
{
    json_auto_t *tool = json_loadb(declaration.at, declaration.length, JSON_ALLOW_NUL, NULL);
    span_t name = span_of(json_string_value(json_object_get(tool, "name")));

    return name.at ? mem_strndup(name.at, utf8_cut(name, CHECK_TOOL_MAX_NAME)) : mem_strdup("?");
}
