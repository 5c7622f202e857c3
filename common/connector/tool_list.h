/* The tools of a connector as it declares them: looked up by name, rendered once per shape of the protocol at
 * start. */
#pragma once

#include "entry.h"

typedef struct tool_list tool_list_t;

/* The tools that the connector offers with these settings. NULL with ERR_INTERNAL when a declaration is
 * wrong: the sentence names the tool and is for its author. */
tool_list_t *tool_list_new(const connector_t *connector, const void *settings, metrics_t *metrics,
                           err_t *err);
void tool_list_free(tool_list_t *list);

const entry_t *tool_list_find(const tool_list_t *list, span_t name); /* NULL: no such tool */
span_t tool_list_json(const tool_list_t *list, mcp_shape_t shape);   /* a JSON array */
size_t tool_list_count(const tool_list_t *list);
const entry_list_t *tool_list_entries(const tool_list_t *list);

/* One declaration as tools/list has it: a new reference, or NULL with *err. */
json_t *tool_declaration(const tool_t *tool, err_t *err);
