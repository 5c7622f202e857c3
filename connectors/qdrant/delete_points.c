/* delete_points: by ids, or by a filter that has conditions. */
#include "selection.h"
#include "write.h"

typedef struct {
    const char *collection;
    json_t *ids, *filter;
    bool wait;
} args_t;

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD(args_t, ids, .schema = IDS_SCHEMA, .doc = "Ids of the points to delete. Give this or filter."),
    FIELD_FILTER(args_t, "Delete all points that fit this filter, which may not be empty."),
    FIELD_WAIT(args_t),
    { 0 },
};

static void delete_points(call_t *call, const void *decoded);

const tool_t delete_points_tool = {
    .name = "delete_points",
    .title = "Delete points",
    .description =
        "Deletes points by their ids, or all that fit a filter (count_points says how many those are). This "
        "cannot "
        "be undone. Ids that are not there are no error. A collection is emptied by delete_collection.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = WRITE_SCHEMA,
    .destructive = true,
    .idempotent = true,
    .open_world = true,
    .run = delete_points,
};

static void delete_points(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    json_auto_t *body = json_object();
    err_t err;

    if (selection_add(body, a->ids, a->filter, &err)) {
        call_fail(call, &err);
        return;
    }
    qdrant_ask(call,
               &(qdrant_request_t){ .method = "POST",
                                    .member = "status",
                                    .collection = a->collection,
                                    .suffix = qdrant_waiting(call, "/points/delete", a->wait),
                                    .body = json_incref(body) },
               write_on_done,
               write_new(call, a->collection,
                         given_json(a->ids) ? "Points with these ids deleted" : "Points that fit deleted"));
}
