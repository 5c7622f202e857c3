/* See described.h. */
#include "described.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

odoo_request_t described_request(const char *model, json_t *names)
{
    json_t *attributes =
        json_pack("[s, s, s, s, s, s]", "string", "type", "required", "readonly", "relation", "selection");

    if (names) {
        json_array_append_new(attributes, json_string("help"));
    }
    return (odoo_request_t){ .model = model,
                             .method = "fields_get",
                             .args = names ? json_pack("[o]", names) : json_array(),
                             .kwargs = json_pack("{s:o}", "attributes", attributes),
                             .reads = ODOO_FIELDS };
}

typedef struct {
    const char *name;
    const json_t *about;
} field_row_t;

static bool is_required(const field_row_t *row)
{
    return json_is_true(json_object_get(row->about, "required"));
}

static int by_need(const void *a, const void *b)
{
    const field_row_t *left = a, *right = b;

    if (is_required(left) != is_required(right)) {
        return is_required(left) ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

static const char *label_of(const json_t *about)
{
    const char *label = json_string_value(json_object_get(about, "string"));

    return label ? label : "";
}

static bool matches(const char *query, const char *name, const json_t *about)
{
    return !query || strcasestr(name, query) || strcasestr(label_of(about), query);
}

static void copy_member(json_t *to, const char *name, const json_t *about)
{
    json_t *value = json_object_get(about, name);

    if (value && !json_is_false(value)) {
        json_object_set(to, name, value);
    }
}

static json_t *field_json(const field_row_t *row)
{
    json_t *field = json_pack("{s:s, s:s, s:O}", "name", row->name, "label", label_of(row->about), "type",
                              json_object_get(row->about, "type"));

    json_object_set_new(field, "required", json_boolean(is_required(row)));
    json_object_set_new(field, "readonly",
                        json_boolean(json_is_true(json_object_get(row->about, "readonly"))));
    copy_member(field, "relation", row->about);
    copy_member(field, "selection", row->about);
    copy_member(field, "help", row->about);
    return field;
}

json_t *described_fields(const json_t *types, const char *query)
{
    AUTO(mem_free) field_row_t *rows = NEW_ARRAY(field_row_t, json_object_size(types) + 1);
    json_t *fields = json_array();
    size_t count = 0;
    const char *name;
    json_t *about;

    json_object_foreach((json_t *)types, name, about)
    {
        if (matches(query, name, about)) {
            rows[count++] = (field_row_t){ name, about };
        }
    }
    qsort(rows, count, sizeof(*rows), by_need);
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(fields, field_json(&rows[i]));
    }
    return fields;
}
