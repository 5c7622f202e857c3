/* One strict walk over JSON bytes, without building anything. A table says which members are wanted, at which
 * level; the walk checks the whole text and leaves spans of what was wanted.
 *
 *     static const json_want_t params[] = { { "name", NAME }, { "arguments", ARGUMENTS }, { 0 } };
 *     static const json_want_t message[] = { { "id", ID }, { "params", PARAMS, params }, { 0 } };
 *
 * Whole text: RFC 8259, UTF-8, one value, depth <= JSON_MAX_DEPTH. \u escapes that are half a surrogate pair
 * are refused: they stand for no character and no UTF-8 could be made of them. At the levels a table
 * describes: no duplicate keys, no escaped or non-ASCII keys, no key that differs from a wanted one only by
 * case (some servers match without case and would see another message than policy saw), at most
 * JSON_MAX_MEMBERS members.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "span.h"

#define JSON_MAX_DEPTH 64
#define JSON_MAX_MEMBERS 64
#define JSON_MAX_LEVELS 4 /* tables inside tables */
#define JSON_SLOTS 32

typedef struct json_want {
    const char *key;                /* NULL ends a table */
    uint8_t slot;                   /* where the value's span goes; 0 is nowhere */
    const struct json_want *inside; /* read this level too when the value is an object */
    bool keep; /* list all members of this object in json_scan_t.members (one object at most) */
} json_want_t;

typedef struct {
    span_t key;   /* without quotes */
    span_t value; /* raw JSON */
} json_member_t;

typedef struct {
    span_t slots[JSON_SLOTS]; /* raw JSON values, absent: at == NULL */
    json_member_t members[JSON_MAX_MEMBERS];
    size_t member_count;
} json_scan_t;

/* -1 with ERR_PROTOCOL and *ret undefined: code -32700 where it stops being JSON, -32600 where a rule of the
 * levels or the depth is broken, whichever comes first. */
int json_scan(span_t text, const json_want_t *wants, json_scan_t *ret, err_t *err);
/* The same with all members of the outermost object kept and none wanted. */
int json_scan_members(span_t text, json_scan_t *ret, err_t *err);

/* What follows takes values that a scan has checked. (The prefix is scan_ because jansson has a
 * json_string().) */

typedef enum {
    SCAN_NONE,
    SCAN_NULL,
    SCAN_BOOL,
    SCAN_NUMBER,
    SCAN_STRING,
    SCAN_ARRAY,
    SCAN_OBJECT
} scan_kind_t;
scan_kind_t scan_kind(span_t value); /* of a checked value, by its first byte */
bool scan_is_integer(span_t value);  /* digits only, optional minus */
bool scan_is_true(span_t value);
/* The text of a checked JSON string, escapes resolved, appended to out. false: not a string, or it contains
 * NUL. */
bool scan_string(span_t value, buf_t *out);
bool scan_string_is(span_t value, const char *text); /* compares without copying; escapes resolved */
span_t scan_plain_string(span_t value); /* the text in place; absent when it is no string or has escapes */

/* Step through a checked array or object: start with a copy of the whole value.
 *
 *     for (span_t rest = content, item; scan_next_item(&rest, &item);) { ... }
 */
bool scan_next_item(span_t *rest, span_t *ret);
bool scan_next_member(span_t *rest, json_member_t *ret); /* keys raw: escapes are not resolved */
/* The value of the member of that name in a list; absent: at == NULL. */
span_t scan_find(const json_member_t *members, size_t count, const char *key);
span_t scan_member(span_t object, const char *key); /* the first of that name; absent: at == NULL */
