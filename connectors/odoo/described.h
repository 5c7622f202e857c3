/* What Odoo says of a model's fields, as agents read it. */
#pragma once

#include <jansson.h>

#include "odoo_client.h"

/* fields_get of the model; names: only these (stolen), with their help; NULL: all. Answered by ODOO_FIELDS.
 */
odoo_request_t described_request(const char *model, json_t *names);
/* [{"name", "label", "type", "required", "readonly", "relation"?, "selection"?, "help"?}], required ones
 * first, then by name. query: only those with this in name or label; NULL: all. A new reference. */
json_t *described_fields(const json_t *types, const char *query);
