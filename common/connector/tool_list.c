/* From tool_t to what tools/list says. Mistakes of a declaration end the start of the process with a
 * sentence, so that they are met by who makes them, not by who calls.
 */
#include "tool_list.h"

#include <string.h>

#include "names.h"
#include "shapes.h"

struct tool_list {
    tool_entry_t *entries;
    size_t count;
    buf_t json[MCP_SHAPES];
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

json_t *tool_declaration(const tool_t *tool, err_t *err)
{
    static const field_t none[] = { { 0 } };
    json_auto_t *object = json_pack("{s:s}", "name", tool->name);

    if (tool->title) {
        json_object_set_new(object, "title", json_string(tool->title));
    }
    json_object_set_new(object, "description", json_string(tool->description));
    json_object_set_new(object, "inputSchema", fields_schema(tool->args ? tool->args : none));
    if (tool->result_schema && add_output_schema(object, tool, err) != 0) {
        return NULL;
    }
    json_object_set_new(object, "annotations", annotations(tool));
    if (tool->streams) {
        json_object_set_new(object, "_meta", json_pack("{s:b}", "guiche/streams", 1));
    }
    return TAKE(object);
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
    if ((tool->args != NULL) != (tool->args_size > 0)) {
        return err_set(err, ERR_INTERNAL, "The tool %s needs both args and args_size, or neither.",
                       tool->name);
    }
    if (tool->read_only && tool->destructive) {
        return err_set(err, ERR_INTERNAL, "The tool %s cannot be both read_only and destructive.",
                       tool->name);
    }
    return 0;
}

static void count_by(tool_entry_t *entry, metrics_t *metrics, const char *connector)
{
    AUTO_BUF labels = { 0 };

    metrics_label(&labels, "connector", connector);
    metrics_label(&labels, "tool", entry->tool->name);
    entry->calls =
        metrics_counter(metrics, "guiche_connector_calls_total", "Calls of a tool.", buf_text(&labels));
    entry->gone = metrics_counter(metrics, "guiche_connector_calls_gone_total",
                                  "Calls whose client hung up before the answer.", buf_text(&labels));
    entry->seconds = metrics_histogram(metrics, "guiche_connector_call_seconds", "How long calls took.",
                                       buf_text(&labels));
    for (int kind = 0; kind < ERR_KIND_COUNT; kind++) {
        AUTO_BUF with_kind = { 0 };
        buf_add_span(&with_kind, buf_span(&labels));
        metrics_label(&with_kind, "kind", err_name((err_kind_t)kind));
        entry->errors[kind] = metrics_counter(metrics, "guiche_connector_call_errors_total",
                                              "Calls that failed, by kind.", buf_text(&with_kind));
    }
}

/* Appends one tool to the array of every shape. */
static int render(tool_list_t *list, const tool_t *tool, err_t *err)
{
    json_auto_t *declaration = tool_declaration(tool, err);

    if (!declaration) {
        return -1;
    }
    AUTO(mem_free) char *text = json_dumps(declaration, JSON_COMPACT);
    if (!text) {
        return err_set(err, ERR_INTERNAL, "The declaration of the tool %s is not valid UTF-8.", tool->name);
    }
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        buf_add_char(&list->json[shape], list->count > 0 ? ',' : '[');
        if (shape_tool(span_of(text), tool->name, (mcp_shape_t)shape, &list->json[shape], err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int fill(tool_list_t *list, const connector_t *connector, metrics_t *metrics, err_t *err)
{
    for (size_t i = 0; connector->tools[i]; i++) {
        if (check(list, connector->tools[i], err) != 0 || render(list, connector->tools[i], err) != 0) {
            return -1;
        }
        tool_entry_t *entry = &list->entries[list->count++];
        entry->tool = connector->tools[i];
        count_by(entry, metrics, connector->name);
    }
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        buf_add_text(&list->json[shape], list->count > 0 ? "]" : "[]");
    }
    return 0;
}

tool_list_t *tool_list_new(const connector_t *connector, metrics_t *metrics, err_t *err)
{
    size_t count = 0;

    while (connector->tools[count]) {
        count++;
    }
    tool_list_t *list = NEW(tool_list_t);
    list->entries = NEW_ARRAY(tool_entry_t, count + 1);
    if (fill(list, connector, metrics, err) != 0) {
        tool_list_free(list);
        return NULL;
    }
    return list;
}

void tool_list_free(tool_list_t *list)
{
    if (!list) {
        return;
    }
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        buf_free(&list->json[shape]);
    }
    mem_free(list->entries);
    mem_free(list);
}

const tool_entry_t *tool_list_find(const tool_list_t *list, span_t name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (span_is(name, list->entries[i].tool->name)) {
            return &list->entries[i];
        }
    }
    return NULL;
}

span_t tool_list_json(const tool_list_t *list, mcp_shape_t shape)
{
    return buf_span(&list->json[shape]);
}

size_t tool_list_count(const tool_list_t *list)
{
    return list->count;
}
