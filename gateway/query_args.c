/* See query_args.h. */
#include "query_args.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "mem.h"
#include "percent.h"
#include "query_list.h"

#define SHOWN_MAX_BYTES 64 /* of a name we do not know */

typedef struct {
    json_t *schema, *properties;
    json_t *values; /* the arguments so far */
} reader_t;

bool query_decode(span_t text, buf_t *out)
{
    for (size_t i = 0; i < text.length; i++) {
        int c = text.at[i] == '+' ? ' ' : (unsigned char)text.at[i];
        if (c == '%') {
            c = percent_at((span_t){ text.at + i, text.length - i });
            i += 2;
        }
        if (c <= 0) {
            return false;
        }
        buf_add_char(out, (char)c);
    }
    return true;
}

/* The next "key=value" of a query. */
static bool next_pair(span_t *rest, span_t *ret_key, span_t *ret_value)
{
    while (rest->length > 0 && *rest->at == '&') {
        rest->at++;
        rest->length--;
    }
    if (rest->length == 0) {
        return false;
    }
    const char *end = memchr(rest->at, '&', rest->length);
    size_t length = end ? (size_t)(end - rest->at) : rest->length;
    const char *equals = memchr(rest->at, '=', length);
    size_t key_length = equals ? (size_t)(equals - rest->at) : length;
    *ret_key = (span_t){ rest->at, key_length };
    *ret_value = equals ? (span_t){ equals + 1, length - key_length - 1 } : (span_t){ rest->at + length, 0 };
    rest->at += length;
    rest->length -= length;
    return true;
}

bool query_has_token(span_t query)
{
    static const char *const names[] = { "access_token", "token",         "auth_token", "api_key",
                                         "apikey",       "authorization", "bearer",     "jwt" };
    span_t key, value;

    while (query.at && next_pair(&query, &key, &value)) {
        AUTO_BUF name = { 0 };
        query_decode(key, &name);
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            if (strcasecmp(buf_text(&name), names[i]) == 0) {
                return true;
            }
        }
        if (value.length > 20 && memcmp(value.at, "eyJ", 3) == 0 && memchr(value.at, '.', value.length)) {
            return true;
        }
    }
    return false;
}

/* Schemas. */

/* "#/$defs/Name", as far as pydantic and its like write them. */
static json_t *resolve(json_t *root, json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    json_t *at = root;

    if (!ref) {
        return schema;
    }
    if (*ref++ != '#') {
        return NULL;
    }
    while (at && *ref == '/') {
        size_t length = strcspn(++ref, "/");
        AUTO(mem_free) char *step = mem_strndup(ref, length);
        at = json_object_get(at, step);
        ref += length;
    }
    return at;
}

static bool is_null_type(json_t *schema)
{
    const char *type = json_string_value(json_object_get(schema, "type"));

    return type && strcmp(type, "null") == 0;
}

/* Of anyOf and oneOf the only one that is not null; NULL when there are several. */
static json_t *only_variant(json_t *variants)
{
    json_t *found = NULL, *variant;
    size_t i;

    json_array_foreach(variants, i, variant)
    {
        if (!is_null_type(variant)) {
            if (found) {
                return NULL;
            }
            found = variant;
        }
    }
    return found;
}

static json_t *simplify(json_t *root, json_t *schema)
{
    for (int i = 0; i < 8 && schema; i++) {
        json_t *next = resolve(root, schema);
        json_t *any = json_object_get(next, "anyOf");
        json_t *one = json_object_get(next, "oneOf");
        if (!json_object_get(next, "type") && (any || one)) {
            next = only_variant(any ? any : one);
        }
        if (next == schema) {
            return schema;
        }
        schema = next;
    }
    return NULL;
}

static const char *only_type(json_t *types)
{
    const char *found = NULL;
    json_t *type;
    size_t i;

    json_array_foreach(types, i, type)
    {
        const char *name = json_string_value(type);
        if (!name || (found && strcmp(name, "null") != 0)) {
            return NULL;
        }
        found = strcmp(name, "null") != 0 ? name : found;
    }
    return found;
}

/* "string", "array", ...; NULL when a query cannot say it. An enum without a type is one of strings or cannot
 * be said. */
static const char *type_of(json_t *schema)
{
    json_t *type = json_object_get(schema, "type");

    if (json_is_array(type)) {
        return only_type(type);
    }
    if (!type && json_is_string(json_array_get(json_object_get(schema, "enum"), 0))) {
        return "string";
    }
    return json_string_value(type);
}

static bool is_required(const reader_t *reader, const char *name)
{
    json_t *required = json_object_get(reader->schema, "required");
    json_t *one;
    size_t i;

    json_array_foreach(required, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Values: NULL when the text is not of that type. */

static json_t *read_integer(const char *text)
{
    char *end;

    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool ok = end > text && !*end && errno == 0 && !isspace((unsigned char)*text);
    return ok ? json_integer(number) : NULL;
}

static json_t *read_number(const char *text)
{
    char *end;
    json_t *integer = read_integer(text);

    if (integer) {
        return integer;
    }
    if (text[strspn(text, "0123456789+-.eE")]) {
        return NULL;
    }
    double number = strtod(text, &end);
    return end > text && !*end && isfinite(number) ? json_real(number) : NULL;
}

static json_t *read_boolean(const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "True") == 0) {
        return json_true();
    }
    return strcmp(text, "false") == 0 || strcmp(text, "False") == 0 ? json_false() : NULL;
}

static json_t *read_scalar(const char *type, const char *text)
{
    if (strcmp(type, "string") == 0) {
        return json_string(text); /* NULL when it is not UTF-8 */
    }
    if (strcmp(type, "integer") == 0) {
        return read_integer(text);
    }
    if (strcmp(type, "number") == 0) {
        return read_number(text);
    }
    return strcmp(type, "boolean") == 0 ? read_boolean(text) : NULL;
}

static bool is_scalar(const char *type)
{
    return type && (strcmp(type, "string") == 0 || strcmp(type, "integer") == 0 ||
                    strcmp(type, "number") == 0 || strcmp(type, "boolean") == 0);
}

static int refuse_type(const char *name, const char *type, err_t *err)
{
    return err_set(err, ERR_CALLER, "The argument %.64s must be %s %s.", name,
                   strcmp(type, "integer") == 0 ? "an" : "a", type);
}

static int refuse_query(const char *name, err_t *err)
{
    return err_set(err, ERR_CALLER,
                   "The argument %.64s cannot be given in a query string; use POST with JSON arguments.",
                   name);
}

/* `a,b`: what stands between commas, without the blanks around it. -1: too many. */
static int split(span_t text, query_list_t *ret)
{
    *ret = (query_list_t){ 0 };
    while (text.at && ret->count < QUERY_LIST_MAX) {
        const char *comma = memchr(text.at, ',', text.length);
        span_t item = { text.at, comma ? (size_t)(comma - text.at) : text.length };
        text = comma ? (span_t){ comma + 1, text.length - item.length - 1 } : (span_t){ 0 };
        query_list_add(ret, span_trim(item), true);
    }
    if (text.at) {
        query_list_release(ret);
        return -1;
    }
    return 0;
}

static json_t *read_item(const query_list_t *list, size_t index, const char *type)
{
    span_t text = query_list_text(list, index);
    AUTO(mem_free) char *copy = mem_strndup(text.at, text.length);

    return read_scalar(type, copy);
}

static int read_list(span_t text, query_list_t *ret, err_t *err)
{
    if (text.length > 0 && text.at[0] == '[') {
        return query_list_parse(text, ret, err);
    }
    return split(text, ret);
}

static int add_items(json_t *values, const char *name, const query_list_t *list, const char *type, err_t *err)
{
    for (size_t i = 0; i < list->count; i++) {
        json_t *item = read_item(list, i, type);
        if (!item) {
            return err_set(err, ERR_CALLER, "Each item of the argument %.64s must be %s %s.", name,
                           strcmp(type, "integer") == 0 ? "an" : "a", type);
        }
        json_array_append_new(values, item);
    }
    return 0;
}

static int add_list(reader_t *reader, const char *name, json_t *schema, span_t text, err_t *err)
{
    const char *type = type_of(simplify(reader->schema, json_object_get(schema, "items")));
    json_t *values = json_object_get(reader->values, name);
    query_list_t list;

    if (!is_scalar(type)) {
        return refuse_query(name, err);
    }
    if (!values) {
        values = json_array();
        json_object_set_new(reader->values, name, values);
    }
    if (text.length == 0) {
        return 0;
    }
    if (read_list(text, &list, err)) {
        return refuse_query(name, err);
    }
    int failed = add_items(values, name, &list, type, err);
    query_list_release(&list);
    return failed;
}

static int add_scalar(reader_t *reader, const char *name, const char *type, const char *text, err_t *err)
{
    if (!is_scalar(type)) {
        return refuse_query(name, err);
    }
    if (json_object_get(reader->values, name)) {
        return err_set(err, ERR_CALLER, "The argument %.64s was given twice.", name);
    }
    json_t *value = read_scalar(type, text);
    if (!value) {
        return refuse_type(name, type, err);
    }
    json_object_set_new(reader->values, name, value);
    return 0;
}

static bool is_absent(const reader_t *reader, const char *name, const char *type, const char *text)
{
    if (is_required(reader, name)) {
        return false;
    }
    return strcmp(text, "None") == 0 || (!*text && type && strcmp(type, "string") != 0);
}

/* The words of fields_decode(), which answers the same mistake in a POST. */
static int refuse_unknown(const reader_t *reader, const char *name, err_t *err)
{
    AUTO_BUF text = { 0 };
    const char *separator = "; this takes ", *known;
    json_t *schema;

    buf_add_text(&text, "Unknown argument ");
    buf_add_json_string_cut(&text, span_of(name), SHOWN_MAX_BYTES);
    if (json_object_size(reader->properties) == 0) {
        buf_add_text(&text, "; this takes no arguments");
    }
    json_object_foreach(reader->properties, known, schema)
    {
        buf_addf(&text, "%s%s", separator, known);
        separator = ", ";
    }
    return err_set(err, ERR_CALLER, "%s.", buf_text(&text));
}

static int add_argument(reader_t *reader, const char *name, buf_t *text, err_t *err)
{
    json_t *schema = json_object_get(reader->properties, name);

    if (!schema) {
        return refuse_unknown(reader, name, err);
    }
    schema = simplify(reader->schema, schema);
    const char *type = type_of(schema);
    if (is_absent(reader, name, type, buf_text(text))) {
        return 0;
    }
    if (type && strcmp(type, "array") == 0) {
        return add_list(reader, name, schema, buf_span(text), err);
    }
    return add_scalar(reader, name, type, buf_text(text), err);
}

static int read_pairs(reader_t *reader, span_t query, err_t *err)
{
    span_t key, value;

    while (query.at && next_pair(&query, &key, &value)) {
        AUTO_BUF name = { 0 };
        AUTO_BUF text = { 0 };
        if (!query_decode(key, &name) || !query_decode(value, &text)) {
            return err_set(err, ERR_CALLER, "The query string has a broken %% escape or a NUL.");
        }
        if (add_argument(reader, buf_text(&name), &text, err)) {
            return -1;
        }
    }
    return 0;
}

int query_args(const char *schema, span_t query, buf_t *ret, err_t *err)
{
    json_auto_t *root = json_loads(schema, 0, NULL);
    json_auto_t *values = json_object();
    reader_t reader = { root, json_object_get(root, "properties"), values };

    if (read_pairs(&reader, query, err)) {
        return -1;
    }
    AUTO(mem_free) char *text = json_dumps(values, JSON_COMPACT);
    buf_add_text(ret, text);
    return 0;
}
