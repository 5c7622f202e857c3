/* The strict walk against jansson. What json_scan() takes, jansson takes; what jansson takes, json_scan()
 * takes or refuses by a rule of its own (-32600), never as "no JSON"; and every span, kind, string, item and
 * member is the one that jansson's tree holds.
 *
 * Where the two may differ: jansson refuses numbers that are too large for it and keys with NUL, and takes a
 * NUL outside of a string for the end of the text.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "fuzz.h"
#include "json_scan.h"

#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

enum { OUTER = 1, NAME, INNER, RESULT };

static const json_want_t inside[] = { { "name", NAME, NULL, false }, { "inner", INNER, NULL, false }, { 0 } };
static const json_want_t wants[] = {
    { "outer", OUTER, inside, false }, { "name", NAME, NULL, false }, { "result", RESULT, NULL, true }, { 0 }
};

static json_t *parse(span_t text)
{
    return json_loadb(text.at, text.length, FLAGS, NULL);
}

/* jansson is not asked where its own limits decide. */
static bool is_beyond_jansson(const json_error_t *error)
{
    return json_error_code(error) == json_error_numeric_overflow ||
           json_error_code(error) == json_error_null_byte_in_key;
}

static scan_kind_t kind_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return SCAN_OBJECT;
    case JSON_ARRAY:
        return SCAN_ARRAY;
    case JSON_STRING:
        return SCAN_STRING;
    case JSON_NULL:
        return SCAN_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return SCAN_BOOL;
    default:
        return SCAN_NUMBER;
    }
}

static void compare(span_t value, const json_t *json);

static void compare_string(span_t value, const json_t *json)
{
    AUTO_BUF text = { 0 };
    const char *expected = json_string_value(json);
    size_t length = json_string_length(json);
    bool has_nul = memchr(expected, '\0', length) != NULL;

    MUST(scan_string(value, &text) == !has_nul);
    MUST(has_nul || span_equal(buf_span(&text), (span_t){ expected, length }));
    MUST(scan_string_is(value, expected) == !has_nul);
    span_t plain = scan_plain_string(value);
    MUST(!plain.at || span_equal(plain, (span_t){ expected, length }));
}

static void compare_array(span_t value, const json_t *json)
{
    size_t count = 0;

    for (span_t rest = value, item; scan_next_item(&rest, &item);) {
        compare(item, json_array_get(json, count++));
    }
    MUST(count == json_array_size(json));
}

static void compare_object(span_t value, const json_t *json)
{
    json_member_t member;
    size_t count = 0;

    for (span_t rest = value; scan_next_member(&rest, &member);) {
        count++;
    }
    MUST(count >= json_object_size(json));
    if (count > json_object_size(json)) {
        return; /* a member occurs twice, where that is allowed */
    }
    for (span_t rest = value; scan_next_member(&rest, &member);) {
        json_t *key = parse((span_t){ member.key.at - 1, member.key.length + 2 });
        compare(member.value, json_object_get(json, json_string_value(key)));
        json_decref(key);
    }
}

static void compare(span_t value, const json_t *json)
{
    MUST(json && scan_kind(value) == kind_of(json));
    if (json_is_string(json)) {
        compare_string(value, json);
    } else if (json_is_array(json)) {
        compare_array(value, json);
    } else if (json_is_object(json)) {
        compare_object(value, json);
    }
    MUST(scan_is_true(value) == json_is_true(json));
}

static void compare_slot(span_t slot, const json_t *expected)
{
    MUST((slot.at != NULL) == (expected != NULL));
    if (expected) {
        compare(slot, expected);
    }
}

static void compare_members(const json_scan_t *scan, const json_t *object)
{
    MUST(scan->member_count == json_object_size(object));
    for (size_t i = 0; i < scan->member_count; i++) {
        const json_member_t *member = &scan->members[i];
        char *key = strndup(member->key.at, member->key.length);
        compare(member->value, json_object_get(object, key));
        MUST(scan_find(scan->members, scan->member_count, key).at == member->value.at);
        free(key);
    }
}

static void check_taken(const json_scan_t *scan, const json_t *json)
{
    const json_t *outer = json_object_get(json, "outer"), *result = json_object_get(json, "result");
    const json_t *name = json_object_get(outer, "name");

    compare_slot(scan->slots[OUTER], outer);
    compare_slot(scan->slots[INNER], json_object_get(outer, "inner"));
    compare_slot(scan->slots[RESULT], result);
    /* Two places fill this one; the later in the text wins. */
    MUST((scan->slots[NAME].at != NULL) == (name || json_object_get(json, "name")));
    compare_members(scan, result);
}

static void check(span_t text, const json_t *json, const json_error_t *error)
{
    json_scan_t scan;
    err_t err = { 0 };

    if (json_scan(text, wants, &scan, &err) == 0) {
        MUST(json || is_beyond_jansson(error));
        if (json) {
            check_taken(&scan, json);
        }
        return;
    }
    MUST(err.kind == ERR_PROTOCOL);
    MUST(err.code == RPC_PARSE_ERROR ? !json : err.code == RPC_INVALID_REQUEST);
}

static void check_all_members(span_t text, const json_t *json)
{
    json_scan_t scan;
    err_t err;

    if (json_scan_members(text, &scan, &err) == 0 && json) {
        compare_members(&scan, json);
        compare(text, json);
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Values are handed on without the white space around them. */
static span_t trim(span_t text)
{
    while (text.length > 0 && is_space(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.at[text.length - 1])) {
        text.length--;
    }
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };
    bool has_nul = size > 0 && memchr(data, '\0', size);
    json_error_t error = { 0 };
    json_t *json = has_nul ? NULL : json_loadb((const char *)data, size, FLAGS, &error);

    check(text, json, &error);
    check_all_members(trim(text), json);
    json_decref(json);
    return 0;
}
