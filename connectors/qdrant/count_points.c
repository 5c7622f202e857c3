/* count_points: how many points there are, or how many fit a filter. */
#include "filter.h"
#include "qdrant_client.h"

typedef struct {
    const char *collection;
    json_t *filter;
    bool exact;
} args_t;

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD_FILTER(args_t, "Only points whose payload fits."),
    FIELD(args_t, exact, .fallback = "true", .doc = "false: a quick estimate, for large collections."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void count_points(call_t *call, const void *decoded);
static void on_count(void *self, const json_t *result, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["collection", "count", "exact"], "properties": {
        "collection": {"type": "string"}, "count": {"type": "integer"}, "exact": {"type": "boolean"}}});

const tool_t count_points_tool = {
    .name = "count_points",
    .title = "Count points",
    .description = "Counts the points of a collection, all of them or those that fit a filter.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = count_points,
};

static void count_points(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    err_t err;

    *f = (flow_t){ call, a };
    if (filter_check(a->filter, &err)) {
        call_fail(call, &err);
        return;
    }
    json_t *body = json_pack("{s:b}", "exact", a->exact);
    filter_add(body, a->filter);
    qdrant_ask(call,
               &(qdrant_request_t){ .method = "POST",
                                    .member = "count",
                                    .collection = a->collection,
                                    .suffix = "/points/count",
                                    .body = body,
                                    .read = true },
               on_count, f);
}

static void on_count(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    json_int_t count = json_integer_value(json_object_get(result, "count"));
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    buf_add_text(&text, f->args->exact ? "" : "About ");
    buf_add_count(&text, (size_t)count, "point");
    buf_addf(&text, " of %s.", f->args->collection);
    call_finish_text(f->call,
                     json_pack("{s:s, s:I, s:b}", "collection", f->args->collection, "count", count, "exact",
                               f->args->exact),
                     &text);
}
