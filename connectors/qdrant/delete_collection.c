/* delete_collection: all of it. Qdrant answers false, and no error, when there is none of that name. */
#include "qdrant_client.h"

typedef struct {
    const char *collection;
} args_t;

static const field_t args[] = { FIELD_COLLECTION(args_t), { 0 } };

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void delete_collection(call_t *call, const void *decoded);
static void on_deleted(void *self, const json_t *result, const err_t *err);

static const char result_schema[] =
    STRINGIZE({
    "type": "object", "required": ["collection", "deleted"], "properties": {
        "collection": {"type": "string"}, "deleted": {"type": "boolean"}}});

const tool_t delete_collection_tool = {
    .name = "delete_collection",
    .title = "Delete a collection",
    .description = "Deletes a collection with every point in it. This cannot be undone. `deleted` is false "
                   "when there was "
                   "none of that name.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true,
    .idempotent = true,
    .open_world = true,
    .run = delete_collection,
};

static void delete_collection(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    *f = (flow_t){ call, decoded };
    qdrant_ask(call, &(qdrant_request_t){ .method = "DELETE", .collection = f->args->collection }, on_deleted,
               f);
}

static void on_deleted(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    bool deleted = json_is_true(result);
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    buf_addf(&text,
             deleted ? "The collection %s was deleted." : "There is no collection %s; nothing was deleted.",
             f->args->collection);
    call_finish_text(f->call, json_pack("{s:s, s:b}", "collection", f->args->collection, "deleted", deleted),
                     &text);
}
