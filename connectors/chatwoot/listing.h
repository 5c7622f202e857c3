/* The lists Chatwoot gives whole: inboxes, agents, teams, canned responses. Searched and cut into pages here,
 * so that a long one does not fill a model's context. */
#pragma once

#include "answer.h"
#include "client.h"

typedef struct {
    const char *query;
    int64_t limit, offset;
} listing_args_t;

typedef struct {
    const char *path;            /* "/inboxes" */
    const char *payload;         /* "payload"; NULL: the reply is the list */
    const char *name;            /* of the list in the answer: "inboxes" */
    const char *one;             /* "inbox" */
    const char *const *searched; /* members of what is shown in which `query` is looked for; NULL-ended */
    json_t *(*show)(const json_t *of);
    void (*add_line)(buf_t *text, const json_t *shown);
    void (*add_alone)(buf_t *text, const json_t *shown); /* where there is one only; NULL: as above */
} listing_t;

void listing_run(call_t *call, const listing_t *listing, const listing_args_t *args);

#define LISTING_FIELDS(where)                                                                                \
    FIELD(listing_args_t, query, .max_length = 200, .doc = "Only those with this in their " where "."),      \
        FIELD(listing_args_t, limit, .fallback = "50", .min = 1, .max = 200, .doc = "How many at most."),    \
        FIELD(listing_args_t, offset, .fallback = "0", .min = 0, .max = 1000000,                             \
              .doc = "How many to leave out, for the next page."),                                           \
    {                                                                                                        \
        0                                                                                                    \
    }

#define LISTING_SCHEMA(name, item)                                                                           \
    "{\"type\": \"object\", \"required\": [\"" name "\", \"count\", \"has_more\"], \"properties\": {\"" name \
    "\": {\"type\": \"array\", \"items\": " item "}, \"count\": {\"type\": \"integer\"}, \"has_more\": "     \
    "{\"type\": \"boolean\"}, \"next_offset\": " SCHEMA_ID_OR_NULL "}}"
