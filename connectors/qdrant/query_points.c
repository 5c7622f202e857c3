/* query_points: the nearest points to a vector, to another point, or to a text. */
#include "qdrant.h"
#include "search.h"

typedef struct {
    const char *collection, *text, *vector_name;
    json_t *vector, *point_id, *filter;
    int64_t limit, offset;
    double score_threshold;
    bool with_payload;
    strings_t payload_fields;
} args_t;

#define VECTOR_SCHEMA                                                                                        \
    STRINGIZE({ "anyOf": [                                                                                   \
        {"type": "array", "items": {"anyOf": [                                                               \
            {"type": "number"}, {"type": "array", "items": {"type": "number"}}]}},                           \
        {"type": "object", "required": ["indices", "values"],                                                \
        "properties": {"indices": {"type": "array", "items": {"type": "integer"}},                           \
                       "values": {"type": "array", "items": {"type": "number"}}}}]})

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD(
        args_t, vector, .schema = VECTOR_SCHEMA,
        .doc =
            "The vector to compare with: an array of numbers, or {\"indices\", \"values\"} of a sparse one. "
            "Give this, point_id or text."),
    FIELD(args_t, point_id, .schema = ID_SCHEMA,
          .doc = "Compare with the vector of this point of the collection."),
    FIELD(args_t, text, .max_length = 32768,
          .doc = "Compare with the meaning of this text (needs an embedding model)."),
    FIELD_FILTER(args_t, "Only points whose payload fits."),
    FIELDS_SEARCH(args_t),
    FIELDS_PAYLOAD(args_t),
    { 0 },
};

static void query_points(call_t *call, const void *decoded);

const tool_t query_points_tool = {
    .name = "query_points",
    .title = "Query points",
    .description =
        "Finds the points of a collection that are nearest to a vector, to another point (point_id) or to a "
        "text, with their score and payload. A filter narrows the search by payload. When has_more is true, "
        "ask "
        "again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = SEARCH_SCHEMA,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = query_points,
};

static void query_points(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    search_t *search = CALL_NEW(call, search_t);

    *search = (search_t){ .collection = a->collection,
                          .text = given_text(a->text),
                          .vector = given_json(a->vector),
                          .point_id = given_json(a->point_id),
                          .vector_name = given_text(a->vector_name),
                          .filter = a->filter,
                          .limit = a->limit,
                          .offset = a->offset,
                          .score_threshold = a->score_threshold,
                          .with_payload = a->with_payload,
                          .payload_fields = a->payload_fields };
    search_run(call, search);
}
