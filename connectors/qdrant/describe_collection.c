/* describe_collection: vectors, size and the indexed fields of one collection. */
#include "collection_info.h"
#include "qdrant_client.h"

typedef struct {
    const char *collection;
} args_t;

static const field_t args[] = { FIELD_COLLECTION(args_t), { 0 } };

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void describe_collection(call_t *call, const void *decoded);
static void on_info(void *self, const json_t *result, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["collection", "status", "vectors", "sparse_vectors", "payload_indexes"],
    "properties": {
        "collection": {"type": "string"}, "status": {"type": "string"},
        "points_count": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "vectors": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "size": {"type": "integer"},
            "distance": {"type": "string"}, "on_disk": {"type": "boolean"}}}},
        "sparse_vectors": {"type": "array", "items": {"type": "string"}},
        "payload_indexes": {"type": "array", "items": {"type": "object", "properties": {
            "field": {"type": "string"}, "type": {"type": "string"}, "points": {"type": "integer"}}}}}});

const tool_t describe_collection_tool = {
    .name = "describe_collection",
    .title = "Describe a collection",
    .description = "Says how many points a collection has (about), which vectors (name, size, distance) and "
                   "which fields of "
                   "the payload are indexed. Other fields can be seen with scroll_points.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = describe_collection,
};

static void describe_collection(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    *f = (flow_t){ call, decoded };
    qdrant_ask(call,
               &(qdrant_request_t){
                   .method = "GET", .member = "config", .collection = f->args->collection, .read = true },
               on_info, f);
}

static json_t *names_of(const json_t *object)
{
    json_t *names = json_array();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        json_array_append_new(names, json_string(name));
    }
    return names;
}

static json_t *indexes_of(const json_t *schema)
{
    json_t *list = json_array();
    const char *name;
    json_t *index;

    json_object_foreach((json_t *)schema, name, index)
    {
        json_int_t points = json_integer_value(json_object_get(index, "points"));
        const char *type = json_string_value(json_object_get(index, "data_type"));
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "field", name, "type",
                                              type ? type : "unknown", "points", points));
    }
    return list;
}

static void add_vectors(buf_t *text, const json_t *vectors)
{
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        const char *name = json_string_value(json_object_get(vector, "name"));
        const char *distance = json_string_value(json_object_get(vector, "distance"));
        buf_addf(text, "\nVector %s: %" JSON_INTEGER_FORMAT " numbers, %s", name ? name : "(unnamed)",
                 json_integer_value(json_object_get(vector, "size")),
                 distance ? distance : "unknown distance");
    }
}

static void add_list(buf_t *text, const char *title, const json_t *list, const char *key, const char *more)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(key ? json_object_get(item, key) : item);
        const char *kind = more ? json_string_value(json_object_get(item, more)) : NULL;
        buf_addf(text, "%s%s%s%s%s", i == 0 ? title : ", ", name, kind ? " (" : "", kind ? kind : "",
                 kind ? ")" : "");
    }
}

static void on_info(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    const json_t *params = json_object_get(json_object_get(result, "config"), "params");
    const json_t *count = json_object_get(result, "points_count");
    const char *status = json_string_value(json_object_get(result, "status"));
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    json_t *vectors = collection_vectors(result);
    json_t *sparse = names_of(json_object_get(params, "sparse_vectors"));
    json_t *indexes = indexes_of(json_object_get(result, "payload_schema"));
    buf_addf(&text, "%s: about %" JSON_INTEGER_FORMAT " points, status %s", f->args->collection,
             json_integer_value(count), status ? status : "unknown");
    add_vectors(&text, vectors);
    add_list(&text, "\nSparse vectors: ", sparse, NULL, NULL);
    add_list(&text, "\nIndexed fields: ", indexes, "field", "type");
    call_finish_text(f->call,
                     json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "collection", f->args->collection, "status",
                               status ? status : "unknown", "points_count",
                               json_is_integer(count) ? json_incref((json_t *)count) : json_null(), "vectors",
                               vectors, "sparse_vectors", sparse, "payload_indexes", indexes),
                     &text);
}
