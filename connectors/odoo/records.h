/* Records of Odoo as a model reads them: false is null where the field is no boolean, a many2one is
 * {"id", "name"}, binary content is a note of its size, long text is cut. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

typedef struct {
    size_t text_limit; /* bytes of a text that are kept; 0: all */
    bool with_binary;  /* keep base64 as it is */
} records_rule_t;

/* A new value. type: "char", "many2one", ... of fields_get; NULL: unknown. *cut becomes true when a text was.
 */
json_t *records_value(const json_t *value, const char *type, const records_rule_t *rule, bool *cut);
/* rows: an array of objects, of which the first `count`. types: {"field": {"type": ...}}. */
json_t *records_shape(const json_t *rows, size_t count, const json_t *types, const records_rule_t *rule,
                      bool *cut);

/* One line each: "\n- id 14: Azure Interior; email: a@b.c; country_id: Brazil (31)". Nulls are left out, line
 * feeds become blanks, a value is cut at max_bytes. */
void records_add_lines(buf_t *text, const json_t *records, size_t max_bytes);
/* As in such a line. */
void records_add_value(buf_t *text, const json_t *value, size_t max_bytes);

/* ["7", ...]: the ids of `ids` for which there is no row. A new array. */
json_t *records_missing(const json_t *ids, const json_t *rows);
