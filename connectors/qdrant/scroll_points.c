/* scroll_points: the points of a collection page by page, in the order of their ids. */
#include "filter.h"
#include "point_id.h"
#include "points.h"
#include "qdrant_client.h"

typedef struct {
    const char *collection;
    json_t *filter, *offset;
    int64_t limit;
    bool with_payload;
    strings_t payload_fields;
} args_t;

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD_FILTER(args_t, "Only points whose payload fits."),
    FIELD(args_t, limit, .fallback = "20", .min = 1, .max = MAX_PAGE, .doc = "Points per page."),
    FIELD(args_t, offset, .schema = ID_SCHEMA,
          .doc = "Id of the first point of the page: next_offset of the page before."),
    FIELDS_PAYLOAD(args_t),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void scroll_points(call_t *call, const void *decoded);
static void on_page(void *self, const json_t *result, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["collection", "points", "count", "has_more"], "properties": {
        "collection": {"type": "string"},
        "points": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {
            "id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "payload": {"type": "object"}}}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}}});

const tool_t scroll_points_tool = {
    .name = "scroll_points",
    .title = "Scroll through points",
    .description = "Lists the points of a collection in the order of their ids, all of them or those that "
                   "fit a filter, with "
                   "their payload. Use it to read what is there; use search_text or query_points to find "
                   "what is similar. "
                   "When has_more is true, ask again with offset = next_offset, which is the id of a point.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = scroll_points,
};

static json_t *body_of(const args_t *a, json_t *offset)
{
    json_t *body = json_pack("{s:I, s:o, s:b}", "limit", (json_int_t)a->limit, "with_payload",
                             points_payload(a->with_payload, &a->payload_fields), "with_vector", 0);

    filter_add(body, a->filter);
    if (offset) {
        json_object_set_new(body, "offset", offset);
    }
    return body;
}

static void scroll_points(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    json_t *first = given_json(a->offset), *offset = NULL;
    err_t err;

    *f = (flow_t){ call, a };
    if (filter_check(a->filter, &err) || (first && point_id_read(first, "offset", &offset, &err))) {
        call_fail(call, &err);
        return;
    }
    qdrant_ask(call,
               &(qdrant_request_t){ .method = "POST",
                                    .member = "points",
                                    .collection = a->collection,
                                    .suffix = "/points/scroll",
                                    .body = body_of(a, offset),
                                    .read = true },
               on_page, f);
}

static void on_page(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    const json_t *points = json_object_get(result, "points");
    json_t *next = json_object_get(result, "next_page_offset");
    size_t count = json_array_size(points);
    bool has_more = next && !json_is_null(next);
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    buf_add_count(&text, count, "point");
    buf_addf(&text, " of %s%s", f->args->collection, count > 0 ? ":" : ".");
    points_add_text(&text, points, count);
    if (has_more) {
        buf_add_text(&text, "\nThere are more: ask again with offset ");
        point_id_add(&text, next);
        buf_add_char(&text, '.');
    }
    call_finish_text(f->call,
                     json_pack("{s:s, s:o, s:I, s:b, s:o}", "collection", f->args->collection, "points",
                               points_json(points, count), "count", (json_int_t)count, "has_more", has_more,
                               "next_offset", has_more ? json_incref(next) : json_null()),
                     &text);
}
