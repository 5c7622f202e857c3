/* A page of one of Qlik's lists: asked, turned into rows of ours, and ended with how to get the next one. The
 * cursor is opaque; the address of the next page is made by us from it, never taken from Qlik. */
#pragma once

#include <stdint.h>

#include "answer.h"
#include "connector.h"

typedef struct {
    const char *key;         /* "apps": the member of the answer */
    const char *what;        /* "app" */
    const char *path;        /* "/api/v1/items" */
    const char *cursor_name; /* what Qlik's query calls the cursor: "next", "page" */
    const pick_t *picks;     /* of one row; the id first */
} listing_t;

typedef struct query query_t;
query_t *query_new(call_t *call, const char *path);
/* name=value, percent-encoded; nothing when value is NULL or "". */
void query_add(query_t *query, const char *name, const char *value);
void query_add_int(query_t *query, const char *name, int64_t value);
const char *query_path(query_t *query);

/* Adds limit and cursor to what the tool asks for; ends the call. */
void listing_run(call_t *call, const listing_t *listing, query_t *query, int64_t limit, const char *cursor);

/* The rows of the arguments of every list. */
#define LIST_ARGS                                                                                            \
    int64_t limit;                                                                                           \
    const char *cursor
#define FIELDS_LIST(struct_type)                                                                             \
    FIELD(struct_type, limit, .fallback = "20", .min = 1, .max = 100, .doc = "Rows per page."),              \
        FIELD(struct_type, cursor,                                                                           \
              .doc = "next_cursor of the page before, with otherwise the same arguments.")

/* The schema of a list: `members` of its rows as STRINGIZE() makes them. */
#define LIST_SCHEMA(key, members)                                                                            \
    "{\"type\":\"object\",\"required\":[\"" key "\",\"count\",\"has_more\",\"next_cursor\"],"                \
    "\"properties\":{\"" key                                                                                 \
    "\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{" members                         \
    "}}},\"count\":{\"type\":\"integer\"},\"has_more\":{\"type\":\"boolean\"},"                              \
    "\"next_cursor\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}}}"
