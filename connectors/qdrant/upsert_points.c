/* upsert_points: writes points with their vectors; one that has the id of another takes its place. */
#include "mem.h"
#include "point_id.h"
#include "search.h"
#include "write.h"

#define MAX_POINTS 1000

typedef struct {
    const char *collection;
    json_t *points;
    bool wait;
} args_t;

#define POINTS_SCHEMA                                                                                        \
    STRINGIZE({ "type": "array", "minItems": 1, "maxItems": 1000, "items": {                                 \
        "type": "object", "required": ["id", "vector"], "properties": {                                      \
            "id": {"anyOf": [{"type": "integer"}, {"type": "string"}]},                                      \
            "vector": {"anyOf": [                                                                            \
                {"type": "array", "items": {"anyOf": [                                                       \
                    {"type": "number"}, {"type": "array", "items": {"type": "number"}}]}},                   \
                {"type": "object"}]},                                                                        \
            "payload": {"type": "object"}}}})

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD(args_t, points, .required = true, .schema = POINTS_SCHEMA,
          .doc = "Up to 1000 points such as {\"id\": 7, \"vector\": [0.1, 0.7], \"payload\": {\"name\": "
                 "\"Lamp\"}}. id: an integer or a UUID. vector: an array of numbers, or an object of named "
                 "vectors; as many numbers as describe_collection says."),
    FIELD_WAIT(args_t),
    { 0 },
};

static void upsert_points(call_t *call, const void *decoded);

const tool_t upsert_points_tool = {
    .name = "upsert_points",
    .title = "Write points",
    .description = "Writes points with their vectors and payload. A point whose id is there already is "
                   "replaced as a whole. "
                   "For plain texts use store_texts, which makes the vectors.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = WRITE_SCHEMA,
    .destructive = true,
    .idempotent = true,
    .open_world = true,
    .run = upsert_points,
};

static int check_named(const json_t *vectors, const char *place, err_t *err)
{
    const char *name;
    json_t *vector;

    json_object_foreach((json_t *)vectors, name, vector)
    {
        AUTO(mem_free) char *where = mem_printf("%s.%s", place, name);
        if (search_check_vector(vector, where, err)) {
            return -1;
        }
    }
    return json_object_size(vectors) > 0 ? 0 : search_check_vector(vectors, place, err);
}

static int read_point(const json_t *given, size_t i, json_t **ret, err_t *err)
{
    const json_t *vector = json_object_get(given, "vector"), *payload = json_object_get(given, "payload");
    AUTO(mem_free) char *where = mem_printf("points[%zu]", i);
    AUTO(mem_free) char *where_id = mem_printf("points[%zu].id", i);
    AUTO(mem_free) char *where_vector = mem_printf("points[%zu].vector", i);
    size_t known = 2 + (payload != NULL);
    json_t *id = NULL;

    if (!json_object_get(given, "id") || !vector || json_object_size(given) != known ||
        (payload && !json_is_object(payload))) {
        return err_set(err, ERR_CALLER,
                       "%s must be an object with id and vector, and may have payload, an object of fields.",
                       where);
    }
    if ((json_is_object(vector) ? check_named(vector, where_vector, err)
                                : search_check_vector(vector, where_vector, err)) ||
        point_id_read(json_object_get(given, "id"), where_id, &id, err)) {
        return -1;
    }
    *ret = json_pack("{s:o, s:O, s:O*}", "id", id, "vector", vector, "payload", payload);
    return 0;
}

static int read_points(const json_t *given, json_t **ret, err_t *err)
{
    json_auto_t *points = json_array();
    size_t count = json_array_size(given);
    json_t *point = NULL;

    if (count == 0 || count > MAX_POINTS) {
        return err_set(err, ERR_CALLER, "points must be an array of 1 to %d points.", MAX_POINTS);
    }
    for (size_t i = 0; i < count; i++) {
        if (read_point(json_array_get(given, i), i, &point, err)) {
            return -1;
        }
        json_array_append_new(points, point);
    }
    *ret = TAKE(points);
    return 0;
}

static void upsert_points(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    json_t *points = NULL;
    err_t err;

    if (read_points(a->points, &points, &err)) {
        call_fail(call, &err);
        return;
    }
    size_t count = json_array_size(points);
    const char *what = call_printf(call, "%zu point%s written", count, count == 1 ? "" : "s");
    qdrant_ask(call,
               &(qdrant_request_t){ .method = "PUT",
                                    .member = "status",
                                    .collection = a->collection,
                                    .suffix = qdrant_waiting(call, "/points", a->wait),
                                    .body = json_pack("{s:o}", "points", points) },
               write_on_done, write_new(call, a->collection, what));
}
