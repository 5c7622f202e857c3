/* create_collection: with one unnamed vector, or several named ones. */
#include <string.h>

#include "mem.h"
#include "qdrant_client.h"

#define DISTANCES "Cosine|Dot|Euclid|Manhattan"
#define MAX_SIZE 65536

typedef struct {
    const char *collection, *distance;
    int64_t size;
    bool on_disk;
    json_t *vectors;
} args_t;

#define VECTORS_SCHEMA                                                                                       \
    STRINGIZE({ "type": "object", "additionalProperties": {"type": "object", "required": ["size"],           \
        "properties": {"size": {"type": "integer", "minimum": 1, "maximum": 65536},                          \
                       "distance": {"type": "string", "enum": ["Cosine", "Dot", "Euclid", "Manhattan"]},     \
                       "on_disk": {"type": "boolean"}}}})

static const field_t args[] = {
    FIELD(args_t, collection, .required = true, .max_length = 255, .doc = "Name of the new collection."),
    FIELD(args_t, size, .min = 1, .max = MAX_SIZE,
          .doc = "How many numbers each vector has: those of the embedding model. Give this or vectors."),
    FIELD(args_t, distance, .choices = DISTANCES, .fallback = "Cosine", .doc = "How vectors are compared."),
    FIELD(args_t, on_disk,
          .doc = "Keep vectors on disk rather than in memory: slower, for large collections."),
    FIELD(args_t, vectors, .schema = VECTORS_SCHEMA,
          .doc = "Several named vectors for each point, such as {\"title\": {\"size\": 384, \"distance\": "
                 "\"Cosine\"}, \"image\": {\"size\": 512}}."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void create_collection(call_t *call, const void *decoded);
static void on_created(void *self, const json_t *result, const err_t *err);

static const char result_schema[] =
    STRINGIZE({
    "type": "object", "required": ["collection", "created"], "properties": {
        "collection": {"type": "string"}, "created": {"type": "boolean"}}});

const tool_t create_collection_tool = {
    .name = "create_collection",
    .title = "Create a collection",
    .description = "Creates a collection, with one vector for each point (size, distance) or several named "
                   "ones (vectors). "
                   "Fails when there is one of that name; nothing is changed then.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .open_world = true,
    .run = create_collection,
};

static json_t *vector_params(int64_t size, const char *distance, bool on_disk)
{
    json_t *params = json_pack("{s:I, s:s}", "size", (json_int_t)size, "distance", distance);

    if (on_disk) {
        json_object_set_new(params, "on_disk", json_true());
    }
    return params;
}

static bool is_distance(const char *text)
{
    return strcmp(text, "Cosine") == 0 || strcmp(text, "Dot") == 0 || strcmp(text, "Euclid") == 0 ||
           strcmp(text, "Manhattan") == 0;
}

static int named_vector(const char *name, const json_t *given, const args_t *a, json_t **ret, err_t *err)
{
    const json_t *size = json_object_get(given, "size"), *distance = json_object_get(given, "distance");
    const json_t *on_disk = json_object_get(given, "on_disk");
    size_t known = 1 + (distance != NULL) + (on_disk != NULL);

    if (!json_is_integer(size) || json_integer_value(size) < 1 || json_integer_value(size) > MAX_SIZE ||
        json_object_size(given) != known || (on_disk && !json_is_boolean(on_disk)) ||
        (distance && !(json_is_string(distance) && is_distance(json_string_value(distance))))) {
        return err_set(
            err, ERR_CALLER,
            "vectors.%s must be an object with size (1 to %d), and may have distance (Cosine, Dot, "
            "Euclid or Manhattan) and on_disk (true or false).",
            name, MAX_SIZE);
    }
    *ret = vector_params(json_integer_value(size), distance ? json_string_value(distance) : a->distance,
                         on_disk ? json_is_true(on_disk) : a->on_disk);
    return 0;
}

static int vectors_of(const args_t *a, json_t **ret, err_t *err)
{
    json_auto_t *vectors = json_object();
    const char *name;
    json_t *given, *params = NULL;

    if ((a->size > 0) == (json_object_size(a->vectors) > 0)) {
        return err_set(err, ERR_CALLER,
                       "Give either size, for one vector, or vectors, for several named ones.");
    }
    if (a->size > 0) {
        *ret = vector_params(a->size, a->distance, a->on_disk);
        return 0;
    }
    json_object_foreach(a->vectors, name, given)
    {
        if (named_vector(name, given, a, &params, err)) {
            return -1;
        }
        json_object_set_new(vectors, name, params);
    }
    *ret = TAKE(vectors);
    return 0;
}

static void create_collection(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    json_t *vectors = NULL;
    err_t err;

    *f = (flow_t){ call, decoded };
    if (vectors_of(f->args, &vectors, &err)) {
        call_fail(call, &err);
        return;
    }
    qdrant_ask(call,
               &(qdrant_request_t){ .method = "PUT",
                                    .collection = f->args->collection,
                                    .body = json_pack("{s:o}", "vectors", vectors) },
               on_created, f);
}

static void on_created(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    bool created = json_is_true(result);
    buf_addf(&text, created ? "The collection %s was created." : "Qdrant did not create the collection %s.",
             f->args->collection);
    call_finish_text(f->call, json_pack("{s:s, s:b}", "collection", f->args->collection, "created", created),
                     &text);
}
