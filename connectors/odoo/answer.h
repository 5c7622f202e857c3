/* Pieces that the tools share: rows of arguments, words of results. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "connector.h"
#include "page.h"

#define IDS_MAX 200

/* Terms and the words that join them; a term is field, operator and value, and a value may be an array. Every
 * type is named because clients that make classes of schemas stumble over {}, and integer stands before
 * number so that none of them makes 7.0 of an id. */
#define SCHEMA_DOMAIN                                                                                        \
    STRINGIZE({ "type": "array", "items": {"anyOf": [                                                        \
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "number"},   \
            {"type": "boolean"}, {"type": "null"}, {"type": "array"}]}},                                     \
        {"type": "string"}]}})

#define FIELD_MODEL(args)                                                                                    \
    FIELD(args, model, .required = true, .max_length = 128,                                                  \
          .doc = "Technical name of the model, such as res.partner, sale.order or product.product; "         \
                 "list_models finds it.")
#define FIELD_DOMAIN(args)                                                                                   \
    FIELD(args, domain, .schema = SCHEMA_DOMAIN,                                                             \
          .doc =                                                                                             \
              "Which records, as an Odoo domain: an array of terms [\"field\", \"operator\", value] that "   \
              "must all hold, such as [[\"name\",\"ilike\",\"ana\"],[\"active\",\"=\",true]]. \"|\" before " \
              "two terms "                                                                                   \
              "means either, \"!\" before one means not. Operators: =, !=, >, >=, <, <=, in, not in, like, " \
              "ilike, "                                                                                      \
              "child_of and others. Without it: all records.")
#define FIELD_IDS(args)                                                                                      \
    FIELD(args, ids, .required = true,                                                                       \
          .schema = "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":200}", \
          .doc = "Ids of the records, such as [7, 12]; search_records finds them.")
#define FIELD_VALUES(args, ...)                                                                              \
    FIELD(                                                                                                   \
        args, values, .schema = "{\"type\":\"object\"}", __VA_ARGS__,                                        \
        .doc =                                                                                               \
            "Field values, such as {\"name\": \"Ana\", \"partner_id\": 7}. A many2one takes an id, dates "   \
            "are "                                                                                           \
            "\"YYYY-MM-DD\" or \"YYYY-MM-DD HH:MM:SS\" in UTC, one2many and many2many take Odoo commands: "  \
            "[[0,0,{values}]] adds a new line, [[6,0,[ids]]] sets the whole list. describe_model shows the " \
            "fields.")
#define FIELD_OFFSET(args)                                                                                   \
    FIELD(args, offset, .fallback = "0", .min = 0, .max = 10000000,                                          \
          .doc = "How many to skip: next_offset of the page before.")

/* A reference of its own to what an argument holds, for a request that steals; [] or {} where it is absent.
 */
json_t *answer_array(json_t *value);
json_t *answer_strings(const strings_t *list);

/* limit, offset and order (NULL: the model's own) into the kwargs of a request: a row more than the page, see
 * page.h. order_key: read_group has a name of its own for it. */
void answer_ask_page(json_t *kwargs, int64_t limit, int64_t offset, const char *order_key, const char *order);

/* "1 record of res.partner", "3 records of res.partner". */
void answer_add_count(buf_t *text, size_t count, const char *what, const char *model);
/* The end of a write that failed. Lines given as objects are the usual mistake, and what Odoo says of them
 * helps nobody ("unhashable type: 'dict'"), so it is followed by how they are written. */
void answer_write_failed(call_t *call, const json_t *values, const err_t *err);
/* JSON in a line, cut at max_bytes. */
void answer_add_json(buf_t *text, const json_t *value, size_t max_bytes);
