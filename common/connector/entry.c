/* See entry.h. */
#include "entry.h"

#include "shapes.h"

static const field_t no_rows[] = { { 0 } };

entry_t entry_of_tool(const tool_t *tool)
{
    return (entry_t){ .kind = MCP_TOOLS,
                      .name = tool->name,
                      .tool = tool,
                      .args = tool->args ? tool->args : no_rows,
                      .args_size = tool->args_size,
                      .timeout_ms = tool->timeout_ms,
                      .repeatable = tool->read_only || tool->idempotent,
                      .streams = tool->streams };
}

entry_t entry_of_resource(const resource_t *resource)
{
    return (entry_t){ .kind = MCP_RESOURCES,
                      .name = resource->uri,
                      .resource = resource,
                      .args = no_rows,
                      .repeatable = true };
}

entry_t entry_of_template(const resource_template_t *template)
{
    return (entry_t){ .kind = MCP_TEMPLATES,
                      .name = template->uri_template,
                      .template = template,
                      .args = template->vars ? template->vars : no_rows,
                      .args_size = template->vars_size,
                      .repeatable = true };
}

entry_t entry_of_prompt(const prompt_t *prompt)
{
    return (entry_t){ .kind = MCP_PROMPTS,
                      .name = prompt->name,
                      .prompt = prompt,
                      .args = prompt->args ? prompt->args : no_rows,
                      .args_size = prompt->args_size,
                      .repeatable = true };
}

const char *entry_word(const entry_t *entry)
{
    static const char *const words[MCP_KINDS] = { "tool", "resource", "resource", "prompt" };

    return words[entry->kind];
}

/* Labels come from declarations, never from what a caller wrote. */
static void count_by(entry_t *entry, metrics_t *metrics, const char *connector)
{
    AUTO_BUF labels = { 0 };

    metrics_label(&labels, "connector", connector);
    metrics_label(&labels, entry_word(entry), entry->name);
    entry->calls = metrics_counter(metrics, "guiche_connector_calls_total",
                                   "Calls of a tool, resource or prompt.", buf_text(&labels));
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

void entry_list_reserve(entry_list_t *list, size_t count)
{
    list->entries = NEW_ARRAY(entry_t, count + 1);
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        buf_add_char(&list->json[shape], '[');
    }
}

static int render(const entry_t *entry, const json_t *declaration, mcp_shape_t shape, buf_t *out, err_t *err)
{
    AUTO(mem_free) char *text = json_dumps(declaration, JSON_COMPACT);

    if (!text) {
        return err_set(err, ERR_INTERNAL, "The declaration of %s is not valid UTF-8.", entry->name);
    }
    return shape_entry(entry->kind, span_of(text), entry->name, shape, out, err);
}

int entry_list_add(entry_list_t *list, const entry_t *entry, const json_t *declaration, metrics_t *metrics,
                   const char *connector, err_t *err)
{
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        if (list->count > 0) {
            buf_add_char(&list->json[shape], ',');
        }
        if (render(entry, declaration, (mcp_shape_t)shape, &list->json[shape], err) != 0) {
            return -1;
        }
    }
    list->entries[list->count] = *entry;
    count_by(&list->entries[list->count++], metrics, connector);
    return 0;
}

void entry_list_close(entry_list_t *list)
{
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        buf_add_char(&list->json[shape], ']');
    }
}

void entry_list_release(entry_list_t *list)
{
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        buf_free(&list->json[shape]);
    }
    for (size_t i = 0; i < list->count; i++) {
        param_headers_free(list->entries[i].params);
    }
    mem_free(list->entries);
}

const entry_t *entry_list_find(const entry_list_t *list, span_t name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (span_is(name, list->entries[i].name)) {
            return &list->entries[i];
        }
    }
    return NULL;
}

const field_t *entry_row(const entry_t *entry, span_t name)
{
    for (const field_t *row = entry->args; row->name; row++) {
        if (span_is(name, row->name)) {
            return row;
        }
    }
    return NULL;
}

int entry_check_strings(const entry_t *entry, err_t *err)
{
    for (const field_t *row = entry->args; row->name; row++) {
        if (row->type != FIELD_STRING) {
            return err_set(err, ERR_INTERNAL, "%s of %s must be a string.", row->name, entry->name);
        }
    }
    if ((entry->args->name != NULL) != (entry->args_size > 0)) {
        return err_set(err, ERR_INTERNAL, "%s needs both its rows and their size, or neither.", entry->name);
    }
    return 0;
}
