/* See points.h. */
#include "points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "point_id.h"
#include "utf8.h"

/* Of the text a model reads. A long page has short lines: every id is there, and the whole stays readable. */
#define TEXT_MAX_BYTES 32768
#define POINT_MAX_BYTES 2000
#define POINT_MIN_BYTES 100
#define VALUE_MAX_BYTES 600
#define NAME_MAX_BYTES 100
#define SHOWN_NUMBERS 3 /* of a vector */

/* 32 bits wide: more digits would be noise, and fewer would make small scores equal. */
static json_t *score_json(double score)
{
    char text[32];

    snprintf(text, sizeof(text), "%.7g", score);
    return call_number(strtod(text, NULL));
}

static json_t *point_json(const json_t *point)
{
    static const char *const kept[] = { "payload", "vector" };
    const json_t *score = json_object_get(point, "score");
    json_t *answer = json_pack("{s:O}", "id", json_object_get(point, "id"));

    if (json_is_number(score)) {
        json_object_set_new(answer, "score", score_json(json_number_value(score)));
    }
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        json_t *part = json_object_get(point, kept[i]);
        if (part && !json_is_null(part)) {
            json_object_set(answer, kept[i], part);
        }
    }
    return answer;
}

json_t *points_json(const json_t *points, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, point_json(json_array_get(points, i)));
    }
    return list;
}

/* True when something was cut. */
static bool add_cut(buf_t *text, span_t value, size_t max_bytes)
{
    size_t length = utf8_cut(value, max_bytes);

    for (size_t i = 0; i < length; i++) {
        buf_add_char(text, (unsigned char)value.at[i] < ' ' ? ' ' : value.at[i]);
    }
    buf_add_text(text, length < value.length ? "..." : "");
    return length < value.length;
}

static bool add_value(buf_t *text, const json_t *value, size_t max_bytes)
{
    if (json_is_string(value)) {
        return add_cut(text, (span_t){ json_string_value(value), json_string_length(value) }, max_bytes);
    }
    AUTO(mem_free)
    char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    return add_cut(text, span_of(json ? json : "?"), max_bytes);
}

static bool add_payload(buf_t *text, const json_t *payload, size_t max_bytes)
{
    size_t began = text->length;
    bool is_cut = false;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)payload, name, value)
    {
        size_t used = text->length - began;
        if (used >= max_bytes) {
            buf_add_text(text, "; ...");
            return true;
        }
        size_t left = max_bytes - used;
        buf_add_text(text, used > 0 ? "; " : "");
        is_cut = add_cut(text, span_of(name), left < NAME_MAX_BYTES ? left : NAME_MAX_BYTES) || is_cut;
        buf_add_text(text, ": ");
        left = max_bytes > text->length - began ? max_bytes - (text->length - began) : 0;
        is_cut = add_value(text, value, left < VALUE_MAX_BYTES ? left : VALUE_MAX_BYTES) || is_cut;
    }
    return is_cut;
}

/* "[0.12, 0.5, 0.7, ...] of 128 numbers": enough to tell that it is there and what it is. */
static void add_numbers(buf_t *text, const json_t *vector)
{
    size_t size = json_array_size(vector);

    buf_add_char(text, '[');
    for (size_t i = 0; i < size && i < SHOWN_NUMBERS; i++) {
        buf_addf(text, "%s%.4g", i == 0 ? "" : ", ", json_number_value(json_array_get(vector, i)));
    }
    buf_addf(text, "%s] of %zu numbers", size > SHOWN_NUMBERS ? ", ..." : "", size);
}

static void add_one_vector(buf_t *text, const json_t *vector)
{
    if (json_is_number(json_array_get(vector, 0))) {
        add_numbers(text, vector);
    } else if (json_is_array(vector)) {
        buf_addf(text, "%zu vectors", json_array_size(vector));
    } else {
        buf_addf(text, "sparse, %zu numbers", json_array_size(json_object_get(vector, "values")));
    }
}

static void add_vectors(buf_t *text, const json_t *vectors)
{
    const char *name;
    json_t *vector;

    if (json_is_array(vectors)) {
        buf_add_text(text, ", vector ");
        add_one_vector(text, vectors);
        return;
    }
    json_object_foreach((json_t *)vectors, name, vector)
    {
        buf_addf(text, ", vector %s ", name);
        add_one_vector(text, vector);
    }
}

static bool add_point(buf_t *text, const json_t *point, size_t number, size_t max_bytes)
{
    const json_t *score = json_object_get(point, "score"), *payload = json_object_get(point, "payload");

    buf_addf(text, "\n%zu. id ", number);
    point_id_add(text, json_object_get(point, "id"));
    if (json_is_number(score)) {
        buf_addf(text, ", score %.4g", json_number_value(score));
    }
    add_vectors(text, json_object_get(point, "vector"));
    if (json_object_size(payload) == 0) {
        return false;
    }
    buf_add_text(text, ": ");
    return add_payload(text, payload, max_bytes);
}

void points_add_text(buf_t *text, const json_t *points, size_t count)
{
    size_t share = TEXT_MAX_BYTES / (count > 0 ? count : 1);
    size_t max_bytes = share > POINT_MAX_BYTES   ? POINT_MAX_BYTES
                       : share < POINT_MIN_BYTES ? POINT_MIN_BYTES
                                                 : share;
    bool is_cut = false;

    for (size_t i = 0; i < count; i++) {
        is_cut = add_point(text, json_array_get(points, i), i + 1, max_bytes) || is_cut;
    }
    if (is_cut) {
        buf_add_text(text,
                     "\nLong texts are cut with \"...\". To read more of them ask for fewer points, or for "
                     "single fields (payload_fields); structuredContent has them whole.");
    }
}

json_t *points_names(const strings_t *fields)
{
    json_t *names = json_array();

    for (size_t i = 0; i < fields->count; i++) {
        json_array_append_new(names, json_string(fields->at[i]));
    }
    return names;
}

json_t *points_payload(bool with_payload, const strings_t *fields)
{
    if (!with_payload || fields->count == 0) {
        return json_boolean(with_payload);
    }
    return points_names(fields);
}
