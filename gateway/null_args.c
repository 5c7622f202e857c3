/* See null_args.h. No JSON tree: arguments and schema are walked side by side. What is surprising: a property
 * that is declared in other ways too (a reference, anyOf, conditions around it) is left alone, because then
 * nobody can tell by looking at one place what null means.
 */
#include "null_args.h"

#include <string.h>

#include "json_scan.h"
#include "mem.h"

/* Of schemas in one call, some milliseconds: what a property means is looked up in all that stand beside it.
 * What comes later stays as it is. */
#define MAX_READ_BYTES (4 * 1024 * 1024)

typedef struct {
    const char *at; /* of the arguments: copied up to here */
    buf_t *out;
    size_t read_bytes;
} copy_t;

static void strip_value(copy_t *copy, span_t value, span_t schema);

static span_t quoted(span_t key)
{
    return (span_t){ key.at - 1, key.length + 2 };
}

/* The schema of the property that a member is named for; absent: it has none. */
static span_t property_of(copy_t *copy, span_t properties, span_t key)
{
    AUTO_BUF name = { 0 };
    json_member_t member;

    copy->read_bytes += 2 * properties.length; /* to find it, and to read what is found */
    if (copy->read_bytes > MAX_READ_BYTES || !scan_string(quoted(key), &name)) {
        return (span_t){ 0 };
    }
    for (span_t rest = properties; scan_next_member(&rest, &member);) {
        if (scan_string_is(quoted(member.key), buf_text(&name))) {
            return member.value;
        }
    }
    return (span_t){ 0 };
}

static bool takes_null(span_t types)
{
    span_t type;

    if (scan_kind(types) == SCAN_STRING) {
        return scan_string_is(types, "null");
    }
    for (span_t rest = types; scan_kind(types) == SCAN_ARRAY && scan_next_item(&rest, &type);) {
        if (scan_string_is(type, "null")) {
            return true;
        }
    }
    return false;
}

/* Keywords by which a schema may mean more than its type says. A false alarm only leaves a null where it
 * was. */
static bool is_doubtful(span_t keyword)
{
    static const char *const doubtful[] = { "anyOf", "oneOf", "allOf", "$ref", "$dynamicRef",
                                            "not",   "if",    "const", "enum", "nullable" };

    for (size_t i = 0; i < COUNT_OF(doubtful); i++) {
        if (scan_string_is(quoted(keyword), doubtful[i])) {
            return true;
        }
    }
    return false;
}

static bool forbids_null(span_t schema)
{
    span_t types = { 0 };
    json_member_t member;

    if (scan_kind(schema) != SCAN_OBJECT) {
        return false;
    }
    for (span_t rest = schema; scan_next_member(&rest, &member);) {
        if (is_doubtful(member.key)) {
            return false;
        }
        types = scan_string_is(quoted(member.key), "type") ? member.value : types;
    }
    bool has_types = scan_kind(types) == SCAN_STRING || scan_kind(types) == SCAN_ARRAY;
    return has_types && !takes_null(types);
}

static void copy_up_to(copy_t *copy, const char *at)
{
    buf_add(copy->out, copy->at, (size_t)(at - copy->at));
    copy->at = at;
}

/* Where an object is: behind the last member that stays; in front of the first one that does, after some that
 * went. */
typedef struct {
    const char *kept;
    bool cutting_first;
} place_t;

/* A member goes with the comma before it, and the first one with the comma behind it. */
static void cut(copy_t *copy, place_t *place, const json_member_t *member)
{
    if (place->kept && copy->at <= place->kept) {
        copy_up_to(copy, place->kept);
    } else if (!place->kept && !place->cutting_first) {
        copy_up_to(copy, member->key.at - 1);
        place->cutting_first = true;
    }
    copy->at = member->value.at + member->value.length;
}

static void keep(copy_t *copy, place_t *place, const json_member_t *member)
{
    if (place->cutting_first) {
        copy->at = member->key.at - 1;
        place->cutting_first = false;
    }
    place->kept = member->value.at + member->value.length;
}

static void strip_object(copy_t *copy, span_t object, span_t schema)
{
    span_t properties = scan_member(schema, "properties");
    place_t place = { 0 };
    json_member_t member;

    if (scan_kind(properties) != SCAN_OBJECT) {
        return;
    }
    for (span_t rest = object; scan_next_member(&rest, &member);) {
        bool concerns_us = memmem(member.value.at, member.value.length, "null", 4);
        span_t property = concerns_us ? property_of(copy, properties, member.key) : (span_t){ 0 };
        if (scan_kind(member.value) == SCAN_NULL && forbids_null(property)) {
            cut(copy, &place, &member);
        } else {
            keep(copy, &place, &member);
            strip_value(copy, member.value, property);
        }
    }
}

static void strip_array(copy_t *copy, span_t array, span_t schema)
{
    span_t items = scan_member(schema, "items");
    span_t item;

    if (scan_kind(items) != SCAN_OBJECT || scan_member(schema, "prefixItems").at) {
        return;
    }
    for (span_t rest = array; scan_next_item(&rest, &item);) {
        strip_value(copy, item, items);
    }
}

/* A null in a list stays: its place may mean something. */
static void strip_value(copy_t *copy, span_t value, span_t schema)
{
    if (scan_kind(schema) != SCAN_OBJECT || !memmem(value.at, value.length, "null", 4)) {
        return;
    }
    if (scan_kind(value) == SCAN_OBJECT) {
        strip_object(copy, value, schema);
    } else if (scan_kind(value) == SCAN_ARRAY) {
        strip_array(copy, value, schema);
    }
}

bool null_args_strip(span_t arguments, span_t input_schema, buf_t *out)
{
    copy_t copy = { .at = arguments.at, .out = out };

    if (scan_kind(arguments) != SCAN_OBJECT || !memmem(arguments.at, arguments.length, "null", 4)) {
        return false;
    }
    strip_value(&copy, arguments, input_schema);
    if (copy.at == arguments.at) {
        return false;
    }
    copy_up_to(&copy, arguments.at + arguments.length);
    return true;
}
