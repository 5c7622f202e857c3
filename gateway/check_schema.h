/* What a tool's JSON Schema may contain before it is passed on: references that resolve inside it,
 * x-mcp-header where the revision allows it, names that clients can make arguments of. It is no validator:
 * values are checked by who runs the tool.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "err.h"

/* References, x-mcp-header, shapes of `properties` and `required`. -1 with the reason. */
int check_schema_input(json_t *schema, err_t *err);
/* Only that every $ref resolves inside this schema. A client that fetched one from elsewhere would let the
 * connector choose an address for it to call. */
int check_schema_refs(json_t *schema, err_t *err);
/* -1 when clients of earlier revisions cannot take it and mending would change its meaning. */
int check_schema_legacy(json_t *schema, err_t *err);
/* Rewrites what those clients cannot read into the same in other words: "type": [a, b] as anyOf, `true` as
 * {}, a list of items as prefixItems. True when something was changed. */
bool schema_mend_legacy(json_t *schema);
