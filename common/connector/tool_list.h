/* The tools of a connector as it declares them: looked up by name, rendered once per shape of the protocol at
 * start. */
#pragma once

#include "connector.h"
#include "eras.h"
#include "metrics.h"

#define ERR_KIND_COUNT (ERR_INTERNAL + 1)

typedef struct {
    const tool_t *tool;
    metric_t calls, gone, errors[ERR_KIND_COUNT], seconds;
} tool_entry_t;

typedef struct tool_list tool_list_t;

/* NULL with ERR_INTERNAL when a declaration is wrong: the sentence names the tool and is for its author. */
tool_list_t *tool_list_new(const connector_t *connector, metrics_t *metrics, err_t *err);
void tool_list_free(tool_list_t *list);

const tool_entry_t *tool_list_find(const tool_list_t *list, span_t name); /* NULL: no such tool */
span_t tool_list_json(const tool_list_t *list, mcp_shape_t shape);        /* a JSON array */
size_t tool_list_count(const tool_list_t *list);

/* One declaration as tools/list has it: a new reference, or NULL with *err. */
json_t *tool_declaration(const tool_t *tool, err_t *err);
