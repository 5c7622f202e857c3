/* See fields_row.h. Every sentence about a wrong value is made here, so that all of them have one shape:
 *     Argument "period" must be one of today, week, month; got "yesterday".
 */
#include "fields_row.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "mem.h"
#include "utf8.h"

#define SHOWN_MAX_BYTES 60

size_t field_max_length(const field_t *row)
{
    return row->max_length > 0 ? row->max_length : ROW_DEFAULT_MAX_LENGTH;
}

static size_t max_items(const field_t *row)
{
    return row->max_items > 0 ? row->max_items : ROW_DEFAULT_MAX_ITEMS;
}

static bool has_range(const field_t *row)
{
    return row->min != 0 || row->max != 0;
}

bool row_has_min(const field_t *row)
{
    return has_range(row);
}

bool row_has_max(const field_t *row)
{
    return has_range(row) && row->max >= row->min;
}

static bool has_unit(const field_t *row, const char *unit)
{
    return row->unit && strcmp(row->unit, unit) == 0;
}

span_t row_choice(const field_t *row, const span_t *before)
{
    const char *at = row->choices;

    if (before) {
        at = before->at + before->length;
        at = *at == '|' ? at + 1 : NULL;
    }
    return at ? (span_t){ at, strcspn(at, "|") } : (span_t){ 0 };
}

/* The largest unit that shows the number without a fraction. */
static bool add_in_units(buf_t *out, int64_t value, const char *const names[], const int64_t sizes[])
{
    for (size_t i = 0; names[i]; i++) {
        if (value != 0 && value % sizes[i] == 0) {
            buf_addf(out, "%" PRId64 "%s", value / sizes[i], names[i]);
            return true;
        }
    }
    return false;
}

static void add_number(buf_t *out, const field_t *row, double value)
{
    static const char *const times[] = { "h", "m", "s", "ms", NULL };
    static const int64_t times_ms[] = { 3600000, 60000, 1000, 1 };
    static const char *const sizes[] = { "GiB", "MiB", "KiB", NULL };
    static const int64_t sizes_bytes[] = { 1 << 30, 1 << 20, 1 << 10 };

    if (has_unit(row, "ms") && add_in_units(out, (int64_t)value, times, times_ms)) {
        return;
    }
    if (has_unit(row, "bytes") && add_in_units(out, (int64_t)value, sizes, sizes_bytes)) {
        return;
    }
    buf_addf(out, "%.15g", value);
}

static void add_range(buf_t *out, const field_t *row)
{
    if (row_has_min(row)) {
        buf_add_text(out, row_has_max(row) ? " from " : " of at least ");
        add_number(out, row, row->min);
    }
    if (row_has_max(row)) {
        buf_add_text(out, " to ");
        add_number(out, row, row->max);
    }
}

static void add_choices(buf_t *out, const field_t *row)
{
    for (span_t choice = row_choice(row, NULL); choice.at; choice = row_choice(row, &choice)) {
        buf_add_text(out, choice.at == row->choices ? "" : ", ");
        buf_add_span(out, choice);
    }
}

static void add_string_takes(buf_t *out, const field_t *row)
{
    const char *format = formats_takes(row->format);

    if (row->choices) {
        buf_add_text(out, "one of ");
        add_choices(out, row);
    } else {
        buf_add_text(out, format ? format : "a string");
    }
}

static void add_strings_takes(buf_t *out, const field_t *row)
{
    const char *format = formats_plural(row->format);

    buf_add_text(out, row->env ? "a comma-separated list of " : "an array of ");
    if (row->min_items > 0 && row->max_items > 0) {
        buf_addf(out, "%zu to %zu ", row->min_items, row->max_items);
    } else if (row->min_items > 0) {
        buf_addf(out, "at least %zu ", row->min_items);
    } else if (row->max_items > 0) {
        buf_addf(out, "at most %zu ", row->max_items);
    }
    buf_add_text(out, format && !row->choices ? format : "strings");
    if (row->choices) {
        buf_add_text(out, ", each one of ");
        add_choices(out, row);
    }
}

static void add_int_takes(buf_t *out, const field_t *row)
{
    if (has_unit(row, "ms")) {
        buf_add_text(out, "a duration such as 250ms, 25s or 2m");
    } else if (has_unit(row, "bytes")) {
        buf_add_text(out, "a size such as 65536, 64KiB or 4MiB");
    } else {
        buf_add_text(out, "an integer");
    }
    add_range(out, row);
}

/* The `type` of a FIELD_JSON row's schema, "" without one. Caller frees. */
static char *schema_type(const field_t *row)
{
    json_auto_t *schema = row->schema ? json_loads(row->schema, 0, NULL) : NULL;
    const char *type = json_string_value(json_object_get(schema, "type"));

    return mem_strdup(type ? type : "");
}

static void add_json_takes(buf_t *out, const field_t *row)
{
    AUTO(mem_free) char *type = schema_type(row);

    if (!type[0]) {
        buf_add_text(out, "a JSON value");
        return;
    }
    buf_addf(out, "%s %s", strchr("aio", type[0]) ? "an" : "a", type);
}

void row_add_takes(buf_t *out, const field_t *row)
{
    switch (row->type) {
    case FIELD_STRING:
        add_string_takes(out, row);
        break;
    case FIELD_INT:
        add_int_takes(out, row);
        break;
    case FIELD_NUMBER:
        buf_add_text(out, "a number");
        add_range(out, row);
        break;
    case FIELD_BOOL:
        buf_add_text(out, "true or false");
        break;
    case FIELD_STRINGS:
        add_strings_takes(out, row);
        break;
    case FIELD_JSON:
        add_json_takes(out, row);
        break;
    }
}

static void add_subject(buf_t *out, const field_t *row)
{
    buf_addf(out, row->env ? "%s" : "Argument \"%s\"", row->env ? row->env : row->name);
}

int row_refuse(const field_t *row, span_t got, err_t *err)
{
    AUTO_BUF text = { 0 };

    add_subject(&text, row);
    buf_add_text(&text, " must be ");
    row_add_takes(&text, row);
    if (!row->secret && got.at) {
        buf_addf(&text, "; got %.*s", SPAN_ARGS(got));
    }
    return err_set(err, ERR_CALLER, "%s.", buf_text(&text));
}

int row_refuse_missing(const field_t *row, err_t *err)
{
    AUTO_BUF text = { 0 };

    if (row->env) {
        return err_set(err, ERR_CALLER, "%s is not set. %s", row->env, row->doc ? row->doc : "");
    }
    add_subject(&text, row);
    buf_add_text(&text, " is missing; it must be ");
    row_add_takes(&text, row);
    return err_set(err, ERR_CALLER, "%s.", buf_text(&text));
}

int row_refuse_because(const field_t *row, const char *why, err_t *err)
{
    AUTO_BUF text = { 0 };

    add_subject(&text, row);
    return err_set(err, ERR_CALLER, "%s %s.", buf_text(&text), why);
}

static int refuse_text(const field_t *row, span_t text, err_t *err)
{
    AUTO_BUF got = { 0 };

    buf_add_json_string_cut(&got, text, SHOWN_MAX_BYTES);
    return row_refuse(row, buf_span(&got), err);
}

static bool is_choice(const field_t *row, span_t text)
{
    for (span_t choice = row_choice(row, NULL); choice.at; choice = row_choice(row, &choice)) {
        if (span_equal(choice, text)) {
            return true;
        }
    }
    return !row->choices;
}

int row_check_text(const field_t *row, span_t text, err_t *err)
{
    AUTO_BUF why = { 0 };

    if (memchr(text.at, '\0', text.length)) {
        return row_refuse_because(row, "must not contain a NUL character", err);
    }
    if (!is_choice(row, text) || !formats_fit(row->format, text)) {
        return refuse_text(row, text, err);
    }
    if (text.length > field_max_length(row)) {
        buf_addf(&why, "is too long: %zu bytes, at most %zu are taken", text.length, field_max_length(row));
        return row_refuse_because(row, buf_text(&why), err);
    }
    return 0;
}

int row_check_number(const field_t *row, double value, span_t got, err_t *err)
{
    if ((row_has_min(row) && value < row->min) || (row_has_max(row) && value > row->max)) {
        return row_refuse(row, got, err);
    }
    return 0;
}

int row_check_count(const field_t *row, size_t count, err_t *err)
{
    AUTO_BUF why = { 0 };

    if (count < row->min_items) {
        buf_addf(&why, "needs at least %zu items; got %zu", row->min_items, count);
    } else if (count > max_items(row)) {
        buf_addf(&why, "takes at most %zu items; got %zu", max_items(row), count);
    } else {
        return 0;
    }
    return row_refuse_because(row, buf_text(&why), err);
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    default:
        return "null";
    }
}

int row_check_json(const field_t *row, struct json_t *value, err_t *err)
{
    AUTO(mem_free) char *wanted = schema_type(row);
    AUTO_BUF got = { 0 };
    const char *type = type_name(value);

    if (!wanted[0] || strcmp(wanted, type) == 0 || (strcmp(wanted, "number") == 0 && json_is_number(value))) {
        return 0;
    }
    buf_addf(&got, "%s %s", strchr("aio", type[0]) ? "an" : "a", type);
    return row_refuse(row, buf_span(&got), err);
}
