/* Decoding the arguments of a call by their rows. The sentences are made in fields_row.c.
 *
 * Clients send null for what they have no value for (CrewAI's adapter does so for every unset argument), so a
 * null member counts as absent wherever it stands: it is taken out of `values` itself before anything is
 * read. A null that is an item of an array inside a FIELD_JSON stays, because there the place of the others
 * depends on it; as an item of FIELD_STRINGS it is dropped.
 */
#include "fields.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "fields_row.h"
#include "mem.h"
#include "utf8.h"

#define SHOWN_MAX_BYTES 60
#define EXACT_INTEGERS                                                                                       \
    9007199254740992.0 /* 2^53: beyond it a JSON number with a fraction part is no longer exact */

static const field_t *row_named(const field_t *rows, const char *name)
{
    for (const field_t *row = rows; row && row->name; row++) {
        if (strcmp(row->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

/* A value as an error shows it: scalars as JSON, cut; an array or an object by its kind. */
static void add_shown(buf_t *out, const json_t *value)
{
    if (json_is_string(value)) {
        span_t text = { json_string_value(value), json_string_length(value) };
        buf_add_json_string_cut(out, text, SHOWN_MAX_BYTES);
        return;
    }
    if (json_is_array(value) || json_is_object(value)) {
        buf_add_text(out, json_is_array(value) ? "an array" : "an object");
        return;
    }
    AUTO(mem_free) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    buf_add_text(out, text ? text : "?");
}

static int refuse(const field_t *row, const json_t *value, err_t *err)
{
    AUTO_BUF got = { 0 };

    add_shown(&got, value);
    return row_refuse(row, buf_span(&got), err);
}

/* Removes null members at any depth. Says whether a string holds a NUL, which C strings would hide. */
static bool clean(json_t *value)
{
    const char *key;
    void *next;
    json_t *member;
    size_t i;
    bool has_nul = json_is_string(value) && strlen(json_string_value(value)) != json_string_length(value);

    json_object_foreach_safe(value, next, key, member)
    {
        if (json_is_null(member)) {
            json_object_del(value, key);
        } else {
            has_nul |= clean(member);
        }
    }
    json_array_foreach(value, i, member)
    {
        has_nul |= clean(member);
    }
    return has_nul;
}

static int decode_string(const field_t *row, const json_t *value, const char **ret, err_t *err)
{
    if (!json_is_string(value)) {
        return refuse(row, value, err);
    }
    span_t text = { json_string_value(value), json_string_length(value) };
    if (row_check_text(row, text, err)) {
        return -1;
    }
    *ret = text.at;
    return 0;
}

/* 5 and 5.0 are the same number in JSON; 5.5 and "5" are none. */
static bool is_integral(const json_t *value)
{
    double number = json_number_value(value);

    return json_is_integer(value) ||
           (json_is_real(value) && number == trunc(number) && fabs(number) <= EXACT_INTEGERS);
}

static int check_number(const field_t *row, const json_t *value, err_t *err)
{
    AUTO_BUF got = { 0 };

    add_shown(&got, value);
    return row_check_number(row, json_number_value(value), buf_span(&got), err);
}

static int decode_int(const field_t *row, const json_t *value, int64_t *ret, err_t *err)
{
    if (!is_integral(value)) {
        return refuse(row, value, err);
    }
    if (check_number(row, value, err)) {
        return -1;
    }
    *ret = json_is_integer(value) ? json_integer_value(value) : (int64_t)json_real_value(value);
    return 0;
}

static int decode_number(const field_t *row, const json_t *value, double *ret, err_t *err)
{
    if (!json_is_number(value)) {
        return refuse(row, value, err);
    }
    if (check_number(row, value, err)) {
        return -1;
    }
    *ret = json_number_value(value);
    return 0;
}

static int decode_bool(const field_t *row, const json_t *value, bool *ret, err_t *err)
{
    if (!json_is_boolean(value)) {
        return refuse(row, value, err);
    }
    *ret = json_is_true(value);
    return 0;
}

static int decode_items(const field_t *row, const json_t *value, strings_t *list, err_t *err)
{
    size_t i;
    json_t *item;

    json_array_foreach(value, i, item)
    {
        if (json_is_null(item)) {
            continue;
        }
        if (decode_string(row, item, &list->at[list->count], err)) {
            return -1;
        }
        list->count++;
    }
    return row_check_count(row, list->count, err);
}

static int decode_strings(const field_t *row, const json_t *value, strings_t *ret, err_t *err)
{
    if (!json_is_array(value)) {
        return refuse(row, value, err);
    }
    size_t size = json_array_size(value);
    strings_t list = { .at = size > 0 ? NEW_ARRAY(const char *, size) : NULL };
    if (decode_items(row, value, &list, err)) {
        mem_free(list.at);
        return -1;
    }
    *ret = list;
    return 0;
}

static int decode_json(const field_t *row, json_t *value, json_t **ret, err_t *err)
{
    if (clean(value)) {
        return row_refuse_because(row, "must not contain a NUL character", err);
    }
    if (row_check_json(row, value, err)) {
        return -1;
    }
    *ret = json_incref(value);
    return 0;
}

static int decode_value(const field_t *row, json_t *value, void *member, err_t *err)
{
    switch (row->type) {
    case FIELD_STRING:
        return decode_string(row, value, member, err);
    case FIELD_INT:
        return decode_int(row, value, member, err);
    case FIELD_NUMBER:
        return decode_number(row, value, member, err);
    case FIELD_BOOL:
        return decode_bool(row, value, member, err);
    case FIELD_STRINGS:
        return decode_strings(row, value, member, err);
    default:
        return decode_json(row, value, member, err);
    }
}

/* Missing, null, or an empty array for an optional list (CrewAI sends [] where a user gave nothing). */
static bool is_absent(const field_t *row, const json_t *value)
{
    return !value || json_is_null(value) ||
           (row->type == FIELD_STRINGS && !row->required && json_is_array(value) &&
            json_array_size(value) == 0);
}

static int decode_row(const field_t *row, json_t *value, void *ret, err_t *err)
{
    if (!is_absent(row, value)) {
        return decode_value(row, value, row_member(row, ret), err);
    }
    if (row->required) {
        return row_refuse_missing(row, err);
    }
    if (row->fallback) {
        int rc = row_from_text(row, row->fallback, ret, err);
        assert(rc == 0); /* the row contradicts itself */
        return rc;
    }
    return 0;
}

static int refuse_unknown(const field_t *rows, const char *name, err_t *err)
{
    AUTO_BUF text = { 0 };

    buf_add_text(&text, "Unknown argument ");
    buf_add_json_string_cut(&text, span_of(name), SHOWN_MAX_BYTES);
    buf_add_text(&text, rows && rows->name ? "; this takes " : "; this takes no arguments");
    for (const field_t *row = rows; row && row->name; row++) {
        buf_addf(&text, "%s%s", row == rows ? "" : ", ", row->name);
    }
    return err_set(err, ERR_CALLER, "%s.", buf_text(&text));
}

static int check_names(const field_t *rows, json_t *values, err_t *err)
{
    const char *name;
    json_t *value;

    json_object_foreach(values, name, value)
    {
        if (!json_is_null(value) && !row_named(rows, name)) {
            return refuse_unknown(rows, name, err);
        }
    }
    return 0;
}

int fields_decode(const field_t *rows, struct json_t *values, void *ret, err_t *err)
{
    for (const field_t *row = rows; row && row->name; row++) {
        row_clear(row, ret);
    }
    if (values && !json_is_object(values) && !json_is_null(values)) {
        return err_set(err, ERR_CALLER, "Arguments must be a JSON object that maps names to values.");
    }
    if (check_names(rows, values, err)) {
        return -1;
    }
    for (const field_t *row = rows; row && row->name; row++) {
        if (decode_row(row, json_object_get(values, row->name), ret, err)) {
            fields_release(rows, ret);
            return -1;
        }
    }
    return 0;
}

void fields_release(const field_t *rows, void *ret)
{
    for (const field_t *row = rows; row && row->name; row++) {
        row_release(row, ret);
    }
}
