/* What a tool's inputSchema may contain before it is passed on: references that resolve inside it,
 * x-mcp-header where the revision allows it, arguments that have a schema. It is no validator: values are
 * checked by who runs the tool. What older clients need beyond that: schema_legacy.h.
 */
#pragma once

#include <jansson.h>

#include "err.h"

/* -1 with the reason. */
int check_schema_input(json_t *schema, err_t *err);
