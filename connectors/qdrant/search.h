/* The nearest points: what query_points and search_text have in common. POST /points/query, Qdrant 1.10. */
#pragma once

#include <jansson.h>

#include "connector.h"
#include "fields.h"

typedef struct {
    const char *collection;
    const char *text; /* one of these three */
    json_t *vector, *point_id;
    const char *vector_name;
    json_t *filter;
    int64_t limit, offset;
    double score_threshold; /* NAN: none */
    bool with_payload;
    strings_t payload_fields;
} search_t;

#define SEARCH_SCHEMA                                                                                        \
    STRINGIZE({ "type": "object", "required": ["collection", "points", "count", "has_more"], "properties": { \
        "collection": {"type": "string"},                                                                    \
        "points": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {          \
            "id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "score": {"type": "number"},         \
            "payload": {"type": "object"}}}},                                                                \
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},                                       \
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}})

#define FIELDS_SEARCH(struct_type)                                                                           \
    FIELD(struct_type, limit, .fallback = "10", .min = 1, .max = MAX_PAGE, .doc = "Points per page."),       \
        FIELD(struct_type, offset, .fallback = "0", .min = 0, .max = 100000,                                 \
              .doc = "Points to skip, for the next page."),                                                  \
        FIELD(struct_type, score_threshold,                                                                  \
              .doc = "Only points that score better than this (of a distance: are nearer)."),                \
        FIELD(struct_type, vector_name, .max_length = 200,                                                   \
              .doc = "Which of a point's named vectors to compare (see describe_collection).")

/* `search` lives as long as the call. */
void search_run(call_t *call, const search_t *search);

/* What is sent; query: a vector or the id of a point, stolen. One point more than the page is asked for, to
 * know whether there are more. */
json_t *search_body(const search_t *search, json_t *query);
bool search_is_dense(const json_t *value); /* an array of numbers, at least one */
/* A dense vector, several of one (a multivector), or {"indices", "values"} of a sparse one. */
int search_check_vector(const json_t *vector, const char *where, err_t *err);
