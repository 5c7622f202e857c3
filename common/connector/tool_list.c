/* From tool_t to what tools/list says. Mistakes of a declaration end the start of the process with a
 * sentence, so that they are met by who makes them, not by who calls.
 */
#include "tool_list.h"

#include <string.h>

#include "names.h"

struct tool_list {
    entry_list_t list;
};

static json_t *annotations(const tool_t *tool)
{
    json_t *object =
        json_pack("{s:b, s:b, s:b, s:b}", "readOnlyHint", tool->read_only, "destructiveHint",
                  tool->destructive, "idempotentHint", tool->idempotent, "openWorldHint", tool->open_world);

    if (tool->title) {
        json_object_set_new(object, "title", json_string(tool->title));
    }
    return object;
}

static int add_output_schema(json_t *object, const tool_t *tool, err_t *err)
{
    json_error_t where;
    json_t *schema = json_loads(tool->result_schema, JSON_REJECT_DUPLICATES, &where);

    if (!schema) {
        return err_set(err, ERR_INTERNAL, "The result_schema of the tool %s is not JSON: %s (line %d).",
                       tool->name, where.text, where.line);
    }
    json_object_set_new(object, "outputSchema", schema);
    const char *type = json_string_value(json_object_get(schema, "type"));
    if (!type || strcmp(type, "object") != 0) {
        return err_set(err, ERR_INTERNAL, "The result_schema of the tool %s must have \"type\": \"object\".",
                       tool->name);
    }
    return 0;
}

/* From the rows, or as it is written. */
static json_t *input_schema(const tool_t *tool, err_t *err)
{
    static const field_t none[] = { { 0 } };
    json_error_t where;

    if (!tool->input_schema) {
        return fields_schema(tool->args ? tool->args : none);
    }
    json_auto_t *schema = json_loads(tool->input_schema, JSON_REJECT_DUPLICATES, &where);
    const char *type = json_string_value(json_object_get(schema, "type"));
    if (!schema || !type || strcmp(type, "object") != 0) {
        err_set(err, ERR_INTERNAL, "The input_schema of the tool %s is not JSON with \"type\": \"object\".",
                tool->name);
        return NULL;
    }
    return TAKE(schema);
}

json_t *tool_declaration(const tool_t *tool, err_t *err)
{
    json_t *schema = input_schema(tool, err);

    if (!schema) {
        return NULL;
    }
    json_auto_t *object = json_pack("{s:s}", "name", tool->name);

    if (tool->title) {
        json_object_set_new(object, "title", json_string(tool->title));
    }
    json_object_set_new(object, "description", json_string(tool->description));
    json_object_set_new(object, "inputSchema", schema);
    if (tool->result_schema && add_output_schema(object, tool, err) != 0) {
        return NULL;
    }
    json_object_set_new(object, "annotations", annotations(tool));
    if (tool->streams) {
        json_object_set_new(object, "_meta", json_pack("{s:b}", "guiche/streams", 1));
    }
    return TAKE(object);
}

static bool may_be_header(const field_t *row)
{
    bool plain = row->type == FIELD_STRING || row->type == FIELD_INT || row->type == FIELD_BOOL;

    return plain && param_header_name_is_valid(row->header);
}

/* MCP 2026-07-28 basic/transports/streamable-http "Schema Extension": clients drop a tool that breaks it. */
static int check_headers(const tool_t *tool, err_t *err)
{
    for (const field_t *row = tool->args; row && row->name; row++) {
        if (!row->header) {
            continue;
        }
        bool taken = false;
        for (const field_t *other = tool->args; other < row; other++) {
            taken = taken || (other->header && strcasecmp(other->header, row->header) == 0);
        }
        if (taken || !may_be_header(row)) {
            return err_set(err, ERR_INTERNAL,
                           "The argument %s of %s cannot have the header \"%s\": it takes a word of its own, "
                           "and a string, an integer or a bool.",
                           row->name, tool->name, row->header);
        }
    }
    return 0;
}

static int check(const tool_list_t *list, const tool_t *tool, err_t *err)
{
    if (!tool->name || !name_is_safe(span_of(tool->name))) {
        return err_set(
            err, ERR_INTERNAL,
            "A tool cannot be called \"%s\": names are a-z, 0-9 and single underscores inside, at most %d.",
            tool->name ? tool->name : "", NAME_MAX_LENGTH);
    }
    if (tool_list_find(list, span_of(tool->name))) {
        return err_set(err, ERR_INTERNAL, "Two tools are called %s.", tool->name);
    }
    if (!tool->description || !tool->run) {
        return err_set(err, ERR_INTERNAL, "The tool %s needs a description and a run function.", tool->name);
    }
    if (tool->args && tool->input_schema) {
        return err_set(err, ERR_INTERNAL, "The tool %s has both args and an input_schema.", tool->name);
    }
    if ((tool->args != NULL) != (tool->args_size > 0)) {
        return err_set(err, ERR_INTERNAL, "The tool %s needs both args and args_size, or neither.",
                       tool->name);
    }
    if (tool->read_only && tool->destructive) {
        return err_set(err, ERR_INTERNAL, "The tool %s cannot be both read_only and destructive.",
                       tool->name);
    }
    return check_headers(tool, err);
}

static param_headers_t *params_of(const json_t *declaration)
{
    AUTO(mem_free) char *schema = json_dumps(json_object_get(declaration, "inputSchema"), JSON_COMPACT);

    return param_headers_read(span_of(schema));
}

static int add(tool_list_t *list, const tool_t *tool, metrics_t *metrics, const char *connector, err_t *err)
{
    const entry_t entry = entry_of_tool(tool);

    if (check(list, tool, err) != 0) {
        return -1;
    }
    json_auto_t *declaration = tool_declaration(tool, err);
    if (!declaration || entry_list_add(&list->list, &entry, declaration, metrics, connector, err) != 0) {
        return -1;
    }
    list->list.entries[list->list.count - 1].params = params_of(declaration);
    return 0;
}

static int fill(tool_list_t *list, const connector_t *connector, const void *settings, metrics_t *metrics,
                err_t *err)
{
    for (size_t i = 0; connector->tools && connector->tools[i]; i++) {
        if (connector->offers && !connector->offers(settings, connector->tools[i])) {
            continue;
        }
        if (add(list, connector->tools[i], metrics, connector->name, err) != 0) {
            return -1;
        }
    }
    entry_list_close(&list->list);
    return 0;
}

tool_list_t *tool_list_new(const connector_t *connector, const void *settings, metrics_t *metrics, err_t *err)
{
    size_t count = 0;

    while (connector->tools && connector->tools[count]) {
        count++;
    }
    tool_list_t *list = NEW(tool_list_t);
    entry_list_reserve(&list->list, count);
    if (fill(list, connector, settings, metrics, err) != 0) {
        tool_list_free(list);
        return NULL;
    }
    return list;
}

void tool_list_free(tool_list_t *list)
{
    if (list) {
        entry_list_release(&list->list);
        mem_free(list);
    }
}

const entry_t *tool_list_find(const tool_list_t *list, span_t name)
{
    return entry_list_find(&list->list, name);
}

span_t tool_list_json(const tool_list_t *list, mcp_shape_t shape)
{
    return buf_span(&list->list.json[shape]);
}

size_t tool_list_count(const tool_list_t *list)
{
    return list->list.count;
}

const entry_list_t *tool_list_entries(const tool_list_t *list)
{
    return &list->list;
}
