/* See filter.h. */
#include "filter_private.h"

#include <stdarg.h>
#include <string.h>

#include "mem.h"
#include "point_id.h"
#include "utf8.h"

#define MAX_DEPTH 8
#define SHOWN_MAX_BYTES 120
#define CLAUSES "must|should|must_not|min_should"
#define EXAMPLE                                                                                              \
    "A filter looks like {\"must\": [{\"key\": \"city\", \"match\": {\"value\": \"Recife\"}}, "              \
    "{\"key\": \"price\", \"range\": {\"lte\": 200}}]}."

static int check_clauses(place_t *place, const json_t *filter);
static int check_condition(place_t *place, const json_t *condition);

int filter_refuse(place_t *place, const json_t *value, const char *format, ...)
{
    AUTO(mem_free)
    char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    AUTO_BUF what = { 0 };
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (shown) {
        size_t length = utf8_cut(span_of(shown), SHOWN_MAX_BYTES);
        buf_addf(&what, "; got %.*s%s", (int)length, shown, shown[length] ? "..." : "");
    }
    return err_set(place->err, ERR_CALLER, "%s %s%s.", buf_text(&place->path), text, buf_text(&what));
}

/* Where a whole clause or condition is something else, the model needs to see one. */
static int add_example(place_t *place)
{
    err_t said = *place->err;

    return err_set(place->err, said.kind, "%s " EXAMPLE, said.text);
}

/* Is `name` one of "a|b|c"? */
static bool is_one_of(const char *name, const char *allowed)
{
    size_t length = strlen(name);

    for (const char *at = allowed; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        if (strcspn(at, "|") == length && memcmp(at, name, length) == 0) {
            return true;
        }
    }
    return false;
}

int filter_members(place_t *place, const json_t *value, const char *allowed)
{
    const char *name;
    json_t *member;

    if (!json_is_object(value)) {
        return filter_refuse(place, value, "must be an object");
    }
    json_object_foreach((json_t *)value, name, member)
    {
        if (!is_one_of(name, allowed)) {
            return filter_refuse(place, value, "has \"%.60s\", which is none of %s", name, allowed);
        }
    }
    return 0;
}

int filter_enter(place_t *place, const char *step, filter_check_f check, const json_t *value)
{
    size_t length = place->path.length;

    buf_addf(&place->path, ".%s", step);
    int failed = check(place, value);
    place->path.length = length;
    return failed;
}

int filter_enter_item(place_t *place, size_t index, filter_check_f check, const json_t *value)
{
    size_t length = place->path.length;

    buf_addf(&place->path, "[%zu]", index);
    int failed = check(place, value);
    place->path.length = length;
    return failed;
}

/* Conditions of their own, without a key on the outside */

static int check_payload_field(place_t *place, const json_t *value)
{
    if (filter_members(place, value, "key")) {
        return -1;
    }
    return json_is_string(json_object_get(value, "key")) ? 0 : filter_refuse(place, value, "needs \"key\"");
}

static int check_has_id(place_t *place, const json_t *value)
{
    json_auto_t *ids = NULL;

    if (point_ids_read(value, buf_text(&place->path), &ids, place->err)) {
        return -1;
    }
    json_array_clear((json_t *)value); /* of a filter that filter_check() may change */
    json_array_extend((json_t *)value, ids);
    return 0;
}

static int check_has_vector(place_t *place, const json_t *value)
{
    return json_is_string(value) ? 0 : filter_refuse(place, value, "must be the name of a vector");
}

static int check_filter(place_t *place, const json_t *filter)
{
    if (place->depth == MAX_DEPTH) {
        return filter_refuse(place, NULL, "is nested too deeply: at most %d filters in one another",
                             MAX_DEPTH);
    }
    place->depth++;
    int failed = check_clauses(place, filter);
    place->depth--;
    if (!failed && filter_is_empty(filter)) {
        return filter_refuse(place, filter, "has no condition, so it would match everything");
    }
    return failed;
}

static int check_nested(place_t *place, const json_t *value)
{
    if (filter_members(place, value, "key|filter")) {
        return -1;
    }
    if (!json_is_string(json_object_get(value, "key")) || !json_object_get(value, "filter")) {
        return filter_refuse(place, value, "needs \"key\" and \"filter\"");
    }
    return filter_enter(place, "filter", check_filter, json_object_get(value, "filter"));
}

static const struct {
    const char *name;
    filter_check_f check;
} standalone[] = { { "is_empty", check_payload_field },
                   { "is_null", check_payload_field },
                   { "has_id", check_has_id },
                   { "has_vector", check_has_vector },
                   { "nested", check_nested } };

static int check_standalone(place_t *place, const json_t *condition, size_t kind)
{
    if (json_object_size(condition) > 1) {
        return filter_refuse(place, condition, "must have nothing beside \"%s\"", standalone[kind].name);
    }
    return filter_enter(place, standalone[kind].name, standalone[kind].check,
                        json_object_get(condition, standalone[kind].name));
}

static int check_condition(place_t *place, const json_t *condition)
{
    const char *first = json_object_iter_key(json_object_iter((json_t *)condition));

    if (!json_is_object(condition) || !first) {
        filter_refuse(place, condition, "must be a condition");
        return add_example(place);
    }
    if (json_object_get(condition, "key")) {
        return filter_field(place, condition);
    }
    for (size_t i = 0; i < COUNT_OF(standalone); i++) {
        if (json_object_get(condition, standalone[i].name)) {
            return check_standalone(place, condition, i);
        }
    }
    if (is_one_of(first, CLAUSES)) {
        return check_filter(place, condition);
    }
    filter_refuse(place, condition, "has no \"key\"");
    return add_example(place);
}

/* Clauses */

static int check_conditions(place_t *place, const json_t *value)
{
    if (!json_is_array(value)) { /* Qdrant 1.18 takes a condition without its array and ignores it (9419) */
        filter_refuse(place, value, "must be an array of conditions");
        return add_example(place);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (filter_enter_item(place, i, check_condition, json_array_get(value, i))) {
            return -1;
        }
    }
    return 0;
}

static int check_min_should(place_t *place, const json_t *value)
{
    const json_t *count = json_object_get(value, "min_count"),
                 *conditions = json_object_get(value, "conditions");

    if (filter_members(place, value, "conditions|min_count")) {
        return -1;
    }
    if (!json_is_integer(count) || json_integer_value(count) < 1 || json_array_size(conditions) == 0) {
        return filter_refuse(place, value, "needs \"conditions\" and a \"min_count\" of at least 1");
    }
    return filter_enter(place, "conditions", check_conditions, conditions);
}

static int check_clauses(place_t *place, const json_t *filter)
{
    const char *name;
    json_t *clause;

    if (filter_members(place, filter, CLAUSES)) {
        return add_example(place);
    }
    json_object_foreach((json_t *)filter, name, clause)
    {
        filter_check_f check = strcmp(name, "min_should") == 0 ? check_min_should : check_conditions;
        if (filter_enter(place, name, check, clause)) {
            return -1;
        }
    }
    return 0;
}

int filter_check(json_t *filter, err_t *err)
{
    place_t place = { .err = err };

    if (!filter) {
        return 0;
    }
    buf_add_text(&place.path, "filter");
    int failed = check_clauses(&place, filter);
    buf_free(&place.path);
    return failed;
}

bool filter_is_empty(const json_t *filter)
{
    const char *name;
    json_t *clause;

    json_object_foreach((json_t *)filter, name, clause)
    {
        if (json_is_array(clause) ? json_array_size(clause) > 0 : json_object_size(clause) > 0) {
            return false;
        }
    }
    return true;
}

void filter_add(json_t *body, json_t *filter)
{
    if (!filter_is_empty(filter)) {
        json_object_set(body, "filter", filter);
    }
}
