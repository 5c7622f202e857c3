/* A list as people and programs put it into a query string: [1, 2], ["a", "b"] (JSON) or ['a', 'b'] (what
 * Python's f"{v}" makes of one). One parser for both, of one flat list; nested lists and dicts are refused.
 * Pure, and a fuzz target.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "span.h"

#define QUERY_LIST_MAX 1000

typedef struct {
    size_t start, length; /* in query_list_t.texts */
    bool quoted;          /* a string; else a number or a word as it stood there */
} query_item_t;

typedef struct {
    buf_t texts; /* of all items, escapes resolved */
    query_item_t *items;
    size_t count;
} query_list_t;

/* `text` begins with '['. -1 with ERR_CALLER and *ret released. */
int query_list_parse(span_t text, query_list_t *ret, err_t *err);
void query_list_add(query_list_t *list, span_t text, bool quoted);
span_t query_list_text(const query_list_t *list, size_t index);
void query_list_release(query_list_t *list);
