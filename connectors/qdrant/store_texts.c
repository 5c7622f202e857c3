/* store_texts: turns texts into vectors and writes both, in batches. What a batch wrote stays when a later
 * one fails; since ids are made of the texts, the same call can simply be made again. */
#include "collection_info.h"
#include "embeddings.h"
#include "mem.h"
#include "qdrant_client.h"
#include "text_points.h"

#define BATCH 16 /* so that a batch's JSON takes the loop a few milliseconds only */

typedef struct {
    const char *collection, *vector_name, *text_field;
    json_t *texts;
    bool wait;
} args_t;

#define TEXTS_SCHEMA                                                                                         \
    STRINGIZE({ "type": "array", "minItems": 1, "maxItems": 500, "items": {"anyOf": [                        \
        {"type": "object", "required": ["text"], "properties": {                                             \
            "text": {"type": "string"}, "payload": {"type": "object"},                                       \
            "id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}},                                    \
        {"type": "string"}]}})

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD(args_t, texts, .required = true, .schema = TEXTS_SCHEMA,
          .doc = "Up to 500 texts, each {\"text\": \"...\", \"payload\": {...}, \"id\": 7} or just a text. "
                 "Without an "
                 "id one is made of the text, so that the same text is kept once."),
    FIELD(args_t, text_field, .fallback = "text", .max_length = 200,
          .doc = "Field of the payload that keeps the text."),
    FIELD(args_t, vector_name, .max_length = 200,
          .doc = "Where points have named vectors: which one to write."),
    FIELD_WAIT(args_t),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    const char *vector_name; /* NULL: the collection's only one */
    const json_t *items;     /* {"text", "id", "payload"} */
    size_t count, stored;
    json_int_t size; /* of the collection's vectors */
} flow_t;

static void store_texts(call_t *call, const void *decoded);
static void on_info(void *self, const json_t *result, const err_t *err);
static void embed_next(flow_t *f);
static void on_vectors(void *self, const json_t *vectors, const err_t *err);
static void on_stored(void *self, const json_t *result, const err_t *err);
static void finish(flow_t *f);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["collection", "stored", "ids"], "properties": {
        "collection": {"type": "string"}, "stored": {"type": "integer"},
        "ids": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}}});

const tool_t store_texts_tool = {
    .name = "store_texts",
    .title = "Store texts",
    .description =
        "Turns texts into vectors with the embedding model and stores them as points, each with its text and "
        "payload, so that search_text finds them. The collection must be there, with vectors of the model's "
        "size "
        "(create_collection). A text that is stored again takes the place of itself, so the call may be "
        "repeated. "
        "Returns the ids. Reports progress.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true,
    .idempotent = true,
    .open_world = true,
    .streams = true,
    .run = store_texts,
};

static void store_texts(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    json_t *items = NULL;
    err_t err;

    if (embeddings_are_there(call, &err) ||
        text_points_read(a->texts, a->collection, *a->text_field ? a->text_field : "text", &items, &err)) {
        call_fail(call, &err);
        return;
    }
    *f = (flow_t){ .call = call,
                   .args = a,
                   .vector_name = given_text(a->vector_name),
                   .items = qdrant_keep(call, items),
                   .count = json_array_size(items) };
    json_decref(items);
    call_progress(call, "starting", 0, (double)f->count, "Looking up the collection", NULL);
    qdrant_ask(
        call,
        &(qdrant_request_t){ .method = "GET", .member = "config", .collection = a->collection, .read = true },
        on_info, f);
}

/* Asked first, so that a text is neither paid for nor half a list stored where it cannot go. */
static void on_info(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    err_t refused;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    if (collection_vector_size(result, f->args->collection, f->vector_name, &f->size, &refused)) {
        call_fail(f->call, &refused);
        return;
    }
    embed_next(f);
}

static size_t batch_end(const flow_t *f)
{
    return f->count - f->stored < BATCH ? f->count : f->stored + BATCH;
}

static void embed_next(flow_t *f)
{
    json_t *texts = json_array();

    for (size_t i = f->stored; i < batch_end(f); i++) {
        json_array_append(texts, json_object_get(json_array_get(f->items, i), "text"));
    }
    embeddings_ask(f->call, texts, on_vectors, f);
}

/* What went before is stored, and the caller should know. */
static void fail(const flow_t *f, const err_t *err)
{
    if (f->stored == 0) {
        call_fail(f->call, err);
        return;
    }
    call_failf(f->call, err->kind,
               "%s Before that, %zu of %zu texts were stored; the same call can be made again.", err->text,
               f->stored, f->count);
}

static int check_size(const flow_t *f, const json_t *vectors, err_t *err)
{
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        size_t size = json_array_size(json_array_get(vectors, i));
        if ((json_int_t)size != f->size) {
            return err_set(err, ERR_CALLER,
                           "The embedding model %s makes vectors of %zu numbers, but those of %s have "
                           "%" JSON_INTEGER_FORMAT ". Use a collection of that size (create_collection).",
                           qdrant_of(f->call)->settings->embeddings_model, size, f->args->collection,
                           f->size);
        }
    }
    return 0;
}

static void on_vectors(void *self, const json_t *vectors, const err_t *err)
{
    flow_t *f = self;
    err_t refused;

    if (err) {
        fail(f, err);
        return;
    }
    if (check_size(f, vectors, &refused)) {
        fail(f, &refused);
        return;
    }
    qdrant_ask(f->call,
               &(qdrant_request_t){
                   .method = "PUT",
                   .member = "status",
                   .collection = f->args->collection,
                   .suffix = qdrant_waiting(f->call, "/points", f->args->wait),
                   .body = text_points_batch(f->items, f->stored, batch_end(f), vectors, f->vector_name) },
               on_stored, f);
}

static void on_stored(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;

    (void)result;
    if (err) {
        fail(f, err);
        return;
    }
    f->stored = batch_end(f);
    const char *message = call_printf(f->call, "%zu of %zu texts stored", f->stored, f->count);
    call_progress(f->call, "processing", (double)f->stored, (double)f->count, message, NULL);
    if (f->stored < f->count) {
        embed_next(f);
    } else {
        finish(f);
    }
}

static void finish(flow_t *f)
{
    json_t *ids = json_array();
    AUTO_BUF text = { 0 };

    for (size_t i = 0; i < f->count; i++) {
        json_array_append(ids, json_object_get(json_array_get(f->items, i), "id"));
    }
    buf_addf(&text, "%zu text%s stored in %s.", f->count, f->count == 1 ? " was" : "s were",
             f->args->collection);
    call_finish_text(f->call,
                     json_pack("{s:s, s:I, s:o}", "collection", f->args->collection, "stored",
                               (json_int_t)f->count, "ids", ids),
                     &text);
}
