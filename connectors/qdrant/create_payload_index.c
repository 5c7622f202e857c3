/* create_payload_index: makes filters on a field fast. */
#include "write.h"

typedef struct {
    const char *collection, *field, *type;
    bool wait;
} args_t;

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD(args_t, field, .required = true, .max_length = 200,
          .doc = "Name of the field of the payload; a.b for one inside another."),
    FIELD(args_t, type, .required = true, .choices = "keyword|integer|float|bool|geo|datetime|text|uuid",
          .doc = "What the field holds: keyword for texts that are compared whole, text for words in them."),
    FIELD_WAIT(args_t),
    { 0 },
};

static void create_payload_index(call_t *call, const void *decoded);

const tool_t create_payload_index_tool = {
    .name = "create_payload_index",
    .title = "Index a payload field",
    .description =
        "Creates an index on a field of the payload, so that filters on it are fast (and allowed "
        "at all, where the "
        "server is strict). An index of the same type that is there stays as it is; one of another type is "
        "replaced.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = WRITE_SCHEMA,
    .destructive = true,
    .idempotent = true,
    .open_world = true,
    .run = create_payload_index,
};

static void create_payload_index(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    const char *what = call_printf(call, "Field %s indexed as %s", a->field, a->type);

    qdrant_ask(call,
               &(qdrant_request_t){
                   .method = "PUT",
                   .member = "status",
                   .collection = a->collection,
                   .suffix = qdrant_waiting(call, "/index", a->wait),
                   .body = json_pack("{s:s, s:s}", "field_name", a->field, "field_schema", a->type) },
               write_on_done, write_new(call, a->collection, what));
}
