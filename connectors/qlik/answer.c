/* See answer.h. */
#include "answer.h"

#include <math.h>
#include <string.h>

#include "mem.h"
#include "utf8.h"

#define MAX_VALUE_BYTES 200
#define MAX_EXACT 9007199254740992.0 /* 2^53 */

const json_t *answer_at(const json_t *from, const char *path)
{
    const char *dot = strchr(path, '.');

    if (!dot) {
        return json_object_get(from, path);
    }
    return answer_at(json_object_getn(from, path, (size_t)(dot - path)), dot + 1);
}

const char *answer_text(const json_t *from, const char *path)
{
    return json_string_value(answer_at(from, path));
}

static json_t *texts_of(const json_t *list)
{
    json_t *texts = json_array();
    json_t *text;
    size_t i;

    json_array_foreach((json_t *)list, i, text)
    {
        if (json_is_string(text)) {
            json_array_append(texts, text);
        }
    }
    return texts;
}

/* 48210.0 is an integer to JSON Schema, and to us. */
static json_t *integer_of(const json_t *value)
{
    double number = json_number_value(value);

    if (json_is_real(value) && number == floor(number) && fabs(number) < MAX_EXACT) {
        return json_integer((json_int_t)number);
    }
    return json_is_integer(value) ? json_incref((json_t *)value) : NULL;
}

/* NULL when it is of another type. */
static json_t *as_type(const json_t *value, pick_type_t type)
{
    bool fits = false;

    switch (type) {
    case PICK_TEXT:
        fits = json_string_length(value) > 0;
        break;
    case PICK_INTEGER:
        return integer_of(value);
    case PICK_NUMBER:
        fits = json_is_number(value);
        break;
    case PICK_BOOL:
        fits = json_is_boolean(value);
        break;
    case PICK_TEXTS:
        return json_is_array(value) ? texts_of(value) : NULL;
    }
    return fits ? json_incref((json_t *)value) : NULL;
}

json_t *answer_pick(const json_t *from, const pick_t *picks)
{
    json_t *picked = json_object();

    for (; picks->name; picks++) {
        json_t *value = as_type(answer_at(from, picks->from), picks->type);
        if (value) {
            json_object_set_new(picked, picks->name, value);
        }
    }
    return picked;
}

void answer_add_cut(buf_t *text, const char *words, size_t max_bytes)
{
    span_t all = span_of(words);
    size_t length = all.length <= max_bytes ? all.length : utf8_cut(all, max_bytes);

    for (size_t i = 0; i < length; i++) {
        buf_add_char(text, (unsigned char)all.at[i] < ' ' ? ' ' : all.at[i]);
    }
    if (length < all.length) {
        buf_add_text(text, "...");
    }
}

static void add_value(buf_t *text, const json_t *value)
{
    if (json_is_string(value)) {
        const char *quote = strpbrk(json_string_value(value), " ,") ? "\"" : "";
        buf_add_text(text, quote);
        answer_add_cut(text, json_string_value(value), MAX_VALUE_BYTES);
        buf_add_text(text, quote);
    } else {
        AUTO(mem_free) char *words = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
        buf_add_text(text, words ? words : "?");
    }
}

void answer_add_line(buf_t *text, const json_t *row)
{
    const char *name = answer_text(row, "name");
    const char *separator = ": ", *key;
    json_t *value;
    bool is_id = true;

    if (name) {
        answer_add_cut(text, name, MAX_VALUE_BYTES);
    }
    json_object_foreach((json_t *)row, key, value)
    {
        if (strcmp(key, "name") == 0 || json_is_array(value) || json_is_object(value)) {
            continue;
        }
        buf_addf(text, is_id ? (name ? " (%s " : "%s ") : "%s%s ", is_id ? key : separator, key);
        add_value(text, value);
        if (is_id) {
            buf_add_text(text, name ? ")" : "");
            is_id = false;
            continue;
        }
        separator = ", ";
    }
}
