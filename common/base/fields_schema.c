/* The JSON Schema of a table of fields: plain types and one level of items, because many clients turn a
 * schema into classes and give up on anything richer (type arrays, boolean schemas, unresolved references).
 */
#include "fields.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "fields_row.h"
#include "mem.h"

static json_t *choices_of(const field_t *row)
{
    json_t *list = json_array();

    for (span_t choice = row_choice(row, NULL); choice.at; choice = row_choice(row, &choice)) {
        json_array_append_new(list, json_stringn(choice.at, choice.length));
    }
    return list;
}

static json_t *string_schema(const field_t *row)
{
    json_t *schema = json_pack("{s:s}", "type", "string");

    if (row->choices) {
        json_object_set_new(schema, "enum", choices_of(row));
    }
    if (row->format) {
        json_object_set_new(schema, "format", json_string(row->format));
    }
    if (row->max_length > 0) {
        json_object_set_new(schema, "maxLength", json_integer((json_int_t)row->max_length));
    }
    return schema;
}

static json_t *strings_schema(const field_t *row)
{
    json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", string_schema(row));

    if (row->min_items > 0) {
        json_object_set_new(schema, "minItems", json_integer((json_int_t)row->min_items));
    }
    if (row->max_items > 0) {
        json_object_set_new(schema, "maxItems", json_integer((json_int_t)row->max_items));
    }
    return schema;
}

static json_t *number(double value)
{
    return value == trunc(value) ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *number_schema(const field_t *row)
{
    json_t *schema = json_pack("{s:s}", "type", row->type == FIELD_INT ? "integer" : "number");

    if (row_has_min(row)) {
        json_object_set_new(schema, "minimum", number(row->min));
    }
    if (row_has_max(row)) {
        json_object_set_new(schema, "maximum", number(row->max));
    }
    return schema;
}

static json_t *row_schema(const field_t *row)
{
    json_t *schema;

    switch (row->type) {
    case FIELD_STRING:
        return string_schema(row);
    case FIELD_STRINGS:
        return strings_schema(row);
    case FIELD_INT:
    case FIELD_NUMBER:
        return number_schema(row);
    case FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    default:
        schema = row->schema ? json_loads(row->schema, JSON_REJECT_DUPLICATES, NULL) : json_object();
        assert(json_is_object(schema)); /* the row's fragment is not JSON */
        return schema;
    }
}

static json_t *words(const strings_t *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, json_string(list->at[i]));
    }
    return array;
}

/* What a member of the row's type holds, as JSON. */
static json_t *value_of(const field_t *row, void *member)
{
    switch (row->type) {
    case FIELD_STRING:
        return json_string(*(const char **)member);
    case FIELD_INT:
        return json_integer(*(int64_t *)member);
    case FIELD_NUMBER:
        return number(*(double *)member);
    case FIELD_BOOL:
        return json_boolean(*(bool *)member);
    case FIELD_STRINGS:
        return words(member);
    default:
        return json_incref(*(json_t **)member);
    }
}

static json_t *fallback_of(const field_t *row)
{
    union {
        const char *text;
        int64_t integer;
        double real;
        bool truth;
        strings_t list;
        json_t *json;
    } member = { 0 };
    field_t alone = *row;

    alone.offset = 0;
    int rc = row_from_text(&alone, row->fallback, &member, NULL);
    assert(rc == 0); /* the row contradicts itself */
    json_t *value = rc == 0 ? value_of(&alone, &member) : NULL;
    row_release(&alone, &member);
    return value;
}

static json_t *property(const field_t *row)
{
    json_t *schema = row_schema(row);

    if (row->doc) {
        json_object_set_new(schema, "description", json_string(row->doc));
    }
    if (row->fallback) {
        json_object_set_new(schema, "default", fallback_of(row));
    }
    if (row->header) {
        json_object_set_new(schema, "x-mcp-header", json_string(row->header));
    }
    return schema;
}

struct json_t *fields_schema(const field_t *rows)
{
    json_t *properties = json_object(), *required = json_array();

    for (const field_t *row = rows; row && row->name; row++) {
        json_object_set_new(properties, row->name, property(row));
        if (row->required) {
            json_array_append_new(required, json_string(row->name));
        }
    }
    json_t *schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
    if (json_array_size(required) > 0) {
        json_object_set(schema, "required", required);
    }
    json_decref(required);
    json_object_set_new(schema, "additionalProperties", json_false());
    return schema;
}
