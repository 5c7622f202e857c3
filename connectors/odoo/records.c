/* See records.h. */
#include "records.h"

#include <string.h>

#include "mem.h"
#include "utf8.h"

#define LINE_OBJECT_BYTES 300
#define NOTE_BYTES 64 /* "... (cut; 701374 bytes in all)" */
#define LINE_LIST_ITEMS 20
#define SIZE_NOTE_BYTES 32 /* Odoo's own note of a size is shorter: "7.62 Kb" */

static bool is_type(const char *type, const char *name)
{
    return type && strcmp(type, name) == 0;
}

static json_t *many2one(const json_t *value)
{
    if (!json_is_array(value) || json_array_size(value) != 2) {
        return json_deep_copy(value);
    }
    return json_pack("{s:O, s:O}", "id", json_array_get(value, 0), "name", json_array_get(value, 1));
}

/* Asked with bin_size Odoo sends the size as text; a model that does not know of that sends the content. */
static json_t *binary_note(const json_t *value)
{
    size_t length = json_string_length(value);

    if (!json_is_string(value)) {
        return json_deep_copy(value);
    }
    if (length <= SIZE_NOTE_BYTES) {
        return json_sprintf("(binary, %s)", json_string_value(value));
    }
    return json_sprintf("(binary, %zu bytes)", length / 4 * 3);
}

static json_t *cut_text(const json_t *value, size_t limit, bool *cut)
{
    span_t text = { json_string_value(value), json_string_length(value) };

    if (limit == 0 || text.length <= limit) {
        return json_deep_copy(value);
    }
    *cut = true;
    return json_sprintf("%.*s... (cut; %zu bytes in all)", (int)utf8_cut(text, limit), text.at, text.length);
}

json_t *records_value(const json_t *value, const char *type, const records_rule_t *rule, bool *cut)
{
    if (json_is_false(value)) {
        return is_type(type, "boolean") ? json_false() : json_null();
    }
    if (is_type(type, "many2one")) {
        return many2one(value);
    }
    if (is_type(type, "binary") && !rule->with_binary) {
        return binary_note(value);
    }
    if (json_is_string(value) && !is_type(type, "binary")) {
        return cut_text(value, rule->text_limit, cut);
    }
    return json_deep_copy(value);
}

static json_t *shape_row(const json_t *row, const json_t *types, const records_rule_t *rule, bool *cut)
{
    json_t *shaped = json_object();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)row, name, value)
    {
        const char *type = json_string_value(json_object_get(json_object_get(types, name), "type"));
        json_object_set_new(shaped, name, records_value(value, type, rule, cut));
    }
    return shaped;
}

json_t *records_shape(const json_t *rows, size_t count, const json_t *types, const records_rule_t *rule,
                      bool *cut)
{
    json_t *records = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(records, shape_row(json_array_get(rows, i), types, rule, cut));
    }
    return records;
}

/* On one line, cut. */
static void add_line_text(buf_t *text, const char *value, size_t max_bytes)
{
    span_t whole = span_of(value);
    size_t shown = utf8_cut(whole, max_bytes);

    for (size_t i = 0; i < shown; i++) {
        buf_add_char(text, (unsigned char)whole.at[i] < ' ' ? ' ' : whole.at[i]);
    }
    if (shown < whole.length) {
        buf_add_text(text, "...");
    }
}

static void add_list(buf_t *text, const json_t *list, size_t max_bytes)
{
    size_t count = json_array_size(list);

    buf_add_char(text, '[');
    for (size_t i = 0; i < count && i < LINE_LIST_ITEMS; i++) {
        buf_add_text(text, i > 0 ? ", " : "");
        records_add_value(text, json_array_get(list, i), max_bytes);
    }
    if (count > LINE_LIST_ITEMS) {
        buf_addf(text, ", ... %zu in all", count);
    }
    buf_add_char(text, ']');
}

void records_add_value(buf_t *text, const json_t *value, size_t max_bytes)
{
    const char *name = json_string_value(json_object_get(value, "name"));

    if (json_is_string(value)) {
        add_line_text(text, json_string_value(value), max_bytes);
    } else if (json_is_array(value)) {
        add_list(text, value, max_bytes);
    } else if (json_object_size(value) == 2 && name) {
        add_line_text(text, name, max_bytes);
        buf_addf(text, " (%lld)", (long long)json_integer_value(json_object_get(value, "id")));
    } else {
        AUTO(mem_free)
        char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
        add_line_text(text, json ? json : "?", LINE_OBJECT_BYTES);
    }
}

static const char *heading(const json_t *record)
{
    return json_object_get(record, "display_name") ? "display_name" : "name";
}

static void add_line(buf_t *text, const json_t *record, size_t max_bytes)
{
    const char *head = heading(record), *name;
    const char *title = json_string_value(json_object_get(record, head));
    json_t *value;

    buf_addf(text, "\n- id %lld", (long long)json_integer_value(json_object_get(record, "id")));
    if (title) {
        buf_add_text(text, ": ");
        add_line_text(text, title, max_bytes);
    }
    json_object_foreach((json_t *)record, name, value)
    {
        if (!json_is_null(value) && strcmp(name, "id") != 0 && strcmp(name, head) != 0) {
            buf_addf(text, "; %s: ", name);
            records_add_value(text, value, max_bytes);
        }
    }
}

void records_add_lines(buf_t *text, const json_t *records, size_t max_bytes)
{
    size_t i;
    json_t *record;

    json_array_foreach(records, i, record)
    {
        add_line(text, record, max_bytes + NOTE_BYTES);
    }
}

static bool has_row(const json_t *rows, const json_t *id)
{
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        if (json_equal(json_is_object(row) ? json_object_get(row, "id") : row, id)) {
            return true;
        }
    }
    return false;
}

json_t *records_missing(const json_t *ids, const json_t *rows)
{
    json_t *missing = json_array();
    size_t i;
    json_t *id;

    json_array_foreach(ids, i, id)
    {
        if (!has_row(rows, id)) {
            json_array_append(missing, id);
        }
    }
    return missing;
}
