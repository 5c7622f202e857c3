/* Conditions on one field of the payload: {"key": "price", "range": {"lte": 200}}. See filter.h. */
#include "filter_private.h"

#include <string.h>

#include "mem.h"

#define TESTS "match, range, values_count, geo_radius, geo_bounding_box, geo_polygon, is_empty, is_null"

static bool is_keyword(const json_t *value)
{
    return json_is_string(value) || json_is_integer(value) || json_is_boolean(value);
}

static int check_match_list(place_t *place, const json_t *value)
{
    if (json_array_size(value) == 0) {
        return filter_refuse(place, value, "must be an array of at least one text or integer");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_string(item) && !json_is_integer(item)) {
            return filter_refuse(place, item, "[%zu] must be a text or an integer", i);
        }
        if (json_typeof(item) != json_typeof(json_array_get(value, 0))) {
            return filter_refuse(place, value, "must be all texts or all integers");
        }
    }
    return 0;
}

static int check_match_value(place_t *place, const json_t *value)
{
    if (json_is_real(value)) {
        return filter_refuse(place, value, "cannot be a number with a fraction: use range");
    }
    return is_keyword(value)
               ? 0
               : filter_refuse(place, value, "must be a text, an integer or a boolean (several: any)");
}

static int check_match_text(place_t *place, const json_t *value)
{
    return json_is_string(value) ? 0 : filter_refuse(place, value, "must be a text");
}

static int check_match(place_t *place, const json_t *match)
{
    static const struct {
        const char *name;
        filter_check_f check;
    } ways[] = { { "value", check_match_value },   { "any", check_match_list },
                 { "except", check_match_list },   { "text", check_match_text },
                 { "text_any", check_match_text }, { "phrase", check_match_text },
                 { "prefix", check_match_text } };

    if (!json_is_object(match)) {
        return filter_refuse(place, match,
                             "must be an object such as {\"value\": \"audio\"} or {\"any\": [\"a\", \"b\"]}");
    }
    if (filter_members(place, match, "value|any|except|text|text_any|phrase|prefix")) {
        return -1;
    }
    if (json_object_size(match) != 1) {
        return filter_refuse(place, match, "needs one of value, any, except, text, text_any, phrase, prefix");
    }
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        const json_t *value = json_object_get(match, ways[i].name);
        if (value) {
            return filter_enter(place, ways[i].name, ways[i].check, value);
        }
    }
    return 0;
}

/* RFC 3339, or a part of it from the left that begins with the whole day. A number in quotes is none. */
static bool is_time(const json_t *value)
{
    const char *form = "dddd-dd-dd", *at = json_string_value(value);

    for (; at && *form; form++, at++) {
        if (*form == 'd' ? *at < '0' || *at > '9' : *at != *form) {
            return false;
        }
    }
    return at && (*at == '\0' || strchr("Tt ", *at));
}

/* Numbers, or times, but not both. */
static int check_range(place_t *place, const json_t *range)
{
    size_t numbers = 0, times = 0;
    const char *name;
    json_t *bound;

    if (filter_members(place, range, "lt|gt|lte|gte")) {
        return -1;
    }
    json_object_foreach((json_t *)range, name, bound)
    {
        numbers += json_is_number(bound);
        times += is_time(bound);
    }
    size_t count = json_object_size(range);
    if (count == 0 || (numbers != count && times != count)) {
        return filter_refuse(place, range,
                             "needs lt, gt, lte or gte: numbers without quotes, or times such as "
                             "\"2026-11-20T10:00:00Z\"");
    }
    return 0;
}

static int check_values_count(place_t *place, const json_t *range)
{
    const char *name;
    json_t *bound;

    if (filter_members(place, range, "lt|gt|lte|gte")) {
        return -1;
    }
    json_object_foreach((json_t *)range, name, bound)
    {
        if (!json_is_integer(bound) || json_integer_value(bound) < 0) {
            return filter_refuse(place, range, "takes counts: integers from 0");
        }
    }
    return json_object_size(range) > 0 ? 0 : filter_refuse(place, range, "needs lt, gt, lte or gte");
}

static bool is_within(const json_t *value, double limit)
{
    return json_is_number(value) && json_number_value(value) >= -limit && json_number_value(value) <= limit;
}

static int check_point(place_t *place, const json_t *point)
{
    if (filter_members(place, point, "lon|lat")) {
        return -1;
    }
    if (!is_within(json_object_get(point, "lon"), 180) || !is_within(json_object_get(point, "lat"), 90)) {
        return filter_refuse(place, point, "needs \"lon\" and \"lat\" in degrees");
    }
    return 0;
}

static int check_geo_radius(place_t *place, const json_t *value)
{
    const json_t *radius = json_object_get(value, "radius");

    if (filter_members(place, value, "center|radius")) {
        return -1;
    }
    if (!json_is_number(radius) || json_number_value(radius) < 0 || !json_object_get(value, "center")) {
        return filter_refuse(place, value, "needs \"center\" and \"radius\" in metres");
    }
    return filter_enter(place, "center", check_point, json_object_get(value, "center"));
}

static int check_geo_bounding_box(place_t *place, const json_t *value)
{
    const json_t *top_left = json_object_get(value, "top_left");
    const json_t *bottom_right = json_object_get(value, "bottom_right");

    if (filter_members(place, value, "top_left|bottom_right")) {
        return -1;
    }
    if (!top_left || !bottom_right) {
        return filter_refuse(place, value, "needs \"top_left\" and \"bottom_right\"");
    }
    return filter_enter(place, "top_left", check_point, top_left) ||
                   filter_enter(place, "bottom_right", check_point, bottom_right)
               ? -1
               : 0;
}

static int check_line(place_t *place, const json_t *line)
{
    const json_t *points = json_object_get(line, "points");
    size_t count = json_array_size(points);

    if (filter_members(place, line, "points")) {
        return -1;
    }
    if (count < 4 || !json_equal(json_array_get(points, 0), json_array_get(points, count - 1))) {
        return filter_refuse(place, line, "needs \"points\": at least 4, the last one the same as the first");
    }
    for (size_t i = 0; i < count; i++) {
        if (filter_enter_item(place, i, check_point, json_array_get(points, i))) {
            return -1;
        }
    }
    return 0;
}

static int check_geo_polygon(place_t *place, const json_t *value)
{
    const json_t *interiors = json_object_get(value, "interiors");

    if (filter_members(place, value, "exterior|interiors")) {
        return -1;
    }
    if (!json_object_get(value, "exterior") || (interiors && !json_is_array(interiors))) {
        return filter_refuse(place, value, "needs \"exterior\", and may have an array \"interiors\"");
    }
    for (size_t i = 0; i < json_array_size(interiors); i++) {
        if (filter_enter_item(place, i, check_line, json_array_get(interiors, i))) {
            return -1;
        }
    }
    return filter_enter(place, "exterior", check_line, json_object_get(value, "exterior"));
}

static int check_flag(place_t *place, const json_t *value)
{
    return json_is_boolean(value) ? 0 : filter_refuse(place, value, "must be true or false");
}

int filter_field(place_t *place, const json_t *condition)
{
    static const struct {
        const char *name;
        filter_check_f check;
    } tests[] = { { "match", check_match },
                  { "range", check_range },
                  { "values_count", check_values_count },
                  { "geo_radius", check_geo_radius },
                  { "geo_bounding_box", check_geo_bounding_box },
                  { "geo_polygon", check_geo_polygon },
                  { "is_empty", check_flag },
                  { "is_null", check_flag } };

    if (filter_members(
            place, condition,
            "key|match|range|values_count|geo_radius|geo_bounding_box|geo_polygon|is_empty|is_null")) {
        return -1;
    }
    if (!json_is_string(json_object_get(condition, "key")) || json_object_size(condition) < 2) {
        return filter_refuse(place, condition, "needs a \"key\", the name of a field, and one of " TESTS);
    }
    if (json_object_size(condition) > 2) { /* Qdrant would take any of them, not all */
        return filter_refuse(place, condition, "has several tests: give each a condition of its own");
    }
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        const json_t *value = json_object_get(condition, tests[i].name);
        if (value && filter_enter(place, tests[i].name, tests[i].check, value)) {
            return -1;
        }
    }
    return 0;
}
