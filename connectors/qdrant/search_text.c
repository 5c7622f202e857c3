/* search_text: points by the meaning of a text, which is what an agent mostly wants of Qdrant. */
#include "qdrant.h"
#include "search.h"

typedef struct {
    const char *collection, *query, *vector_name;
    json_t *filter;
    int64_t limit, offset;
    double score_threshold;
    bool with_payload;
    strings_t payload_fields;
} args_t;

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD(args_t, query, .required = true, .max_length = 32768, .doc = "What to look for, in plain words."),
    FIELD_FILTER(args_t, "Only points whose payload fits."),
    FIELDS_SEARCH(args_t),
    FIELDS_PAYLOAD(args_t),
    { 0 },
};

static void search_text(call_t *call, const void *decoded);

const tool_t search_text_tool = {
    .name = "search_text",
    .title = "Search by text",
    .description = "Finds the points of a collection that are nearest in meaning to a text, with their score "
                   "and payload. "
                   "The collection must have been filled by the same embedding model (store_texts does so). "
                   "A filter narrows "
                   "the search by payload. When has_more is true, ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = SEARCH_SCHEMA,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = search_text,
};

static void search_text(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    search_t *search = CALL_NEW(call, search_t);

    *search = (search_t){ .collection = a->collection,
                          .text = a->query,
                          .vector_name = given_text(a->vector_name),
                          .filter = a->filter,
                          .limit = a->limit,
                          .offset = a->offset,
                          .score_threshold = a->score_threshold,
                          .with_payload = a->with_payload,
                          .payload_fields = a->payload_fields };
    search_run(call, search);
}
