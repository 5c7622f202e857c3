/* get_points: points by their ids, and which of the ids are not there. */
#include "mem.h"
#include "point_id.h"
#include "points.h"
#include "qdrant_client.h"

typedef struct {
    const char *collection;
    json_t *ids;
    bool with_payload, with_vectors;
    strings_t payload_fields;
} args_t;

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD(args_t, ids, .required = true, .schema = IDS_SCHEMA, .doc = "Ids of points: integers or UUIDs."),
    FIELDS_PAYLOAD(args_t),
    FIELD(args_t, with_vectors, .doc = "Return the vectors too. They are long: only where they are needed."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    const json_t *ids; /* as they were sent */
} flow_t;

static void get_points(call_t *call, const void *decoded);
static void on_points(void *self, const json_t *result, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["collection", "points", "count", "missing"], "properties": {
        "collection": {"type": "string"},
        "points": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {
            "id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "payload": {"type": "object"},
            "vector": {"anyOf": [
                {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}},
                {"type": "object"}]}}}},
        "count": {"type": "integer"},
        "missing": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}}});

const tool_t get_points_tool = {
    .name = "get_points",
    .title = "Get points",
    .description = "Reads points by their ids, with the whole payload and, if asked for, their vectors. Ids "
                   "that are not in "
                   "the collection are listed in `missing`.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = get_points,
};

static void get_points(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    json_t *ids = NULL;
    err_t err;

    if (point_ids_read(a->ids, "ids", &ids, &err)) {
        call_fail(call, &err);
        return;
    }
    *f = (flow_t){ call, a, qdrant_keep(call, ids) };
    qdrant_ask(call,
               &(qdrant_request_t){ .method = "POST",
                                    .collection = a->collection,
                                    .suffix = "/points",
                                    .body = json_pack("{s:o, s:o, s:b}", "ids", ids, "with_payload",
                                                      points_payload(a->with_payload, &a->payload_fields),
                                                      "with_vector", a->with_vectors),
                                    .read = true },
               on_points, f);
}

/* Into a set; false when the id is in it already. */
static bool add_id(json_t *set, const json_t *id)
{
    AUTO_BUF name = { 0 };

    point_id_add(&name, id);
    if (json_object_get(set, buf_text(&name))) {
        return false;
    }
    json_object_set_new(set, buf_text(&name), json_true());
    return true;
}

/* An id that was asked for twice is missing once. */
static json_t *missing_of(const json_t *ids, const json_t *points)
{
    json_auto_t *seen = json_object();
    json_t *missing = json_array();

    for (size_t i = 0; i < json_array_size(points); i++) {
        add_id(seen, json_object_get(json_array_get(points, i), "id"));
    }
    for (size_t i = 0; i < json_array_size(ids); i++) {
        json_t *id = json_array_get(ids, i);
        if (add_id(seen, id)) {
            json_array_append(missing, id);
        }
    }
    return missing;
}

static void on_points(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    size_t count = json_array_size(result);
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    json_t *missing = missing_of(f->ids, result);
    buf_addf(&text, "%zu of %zu points of %s", count, count + json_array_size(missing), f->args->collection);
    for (size_t i = 0; i < json_array_size(missing); i++) {
        buf_add_text(&text, i == 0 ? "; not there: " : ", ");
        point_id_add(&text, json_array_get(missing, i));
    }
    points_add_text(&text, result, count);
    call_finish_text(f->call,
                     json_pack("{s:s, s:o, s:I, s:o}", "collection", f->args->collection, "points",
                               points_json(result, count), "count", (json_int_t)count, "missing", missing),
                     &text);
}
