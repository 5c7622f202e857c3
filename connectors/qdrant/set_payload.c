/* set_payload: fields of points that are there. Three requests of Qdrant in one tool: set some fields,
 * replace all of them, or remove some. Setting a field to null cannot be said (null is absent), so removing
 * has a word of its own. */
#include "points.h"
#include "selection.h"
#include "write.h"

typedef struct {
    const char *collection;
    json_t *payload, *ids, *filter;
    strings_t remove_fields;
    bool replace, wait;
} args_t;

static const field_t args[] = {
    FIELD_COLLECTION(args_t),
    FIELD(args_t, payload, .schema = "{\"type\":\"object\"}",
          .doc =
              "Fields to set, such as {\"in_stock\": true}. Other fields stay. Give this or remove_fields."),
    FIELD(args_t, ids, .schema = IDS_SCHEMA, .doc = "Which points: their ids. Give this or filter."),
    FIELD_FILTER(args_t, "Which points: all that fit this filter, which may not be empty."),
    FIELD(args_t, replace, .doc = "The fields of payload take the place of the whole payload."),
    FIELD(args_t, remove_fields, .max_items = 100, .max_length = 200, .doc = "Names of fields to remove."),
    FIELD_WAIT(args_t),
    { 0 },
};

static void set_payload(call_t *call, const void *decoded);

const tool_t set_payload_tool = {
    .name = "set_payload",
    .title = "Change payload",
    .description =
        "Sets fields in the payload of points chosen by ids or by a filter, without touching their vectors. "
        "With "
        "replace the whole payload becomes what is given; with remove_fields (instead of payload) fields are "
        "removed.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = WRITE_SCHEMA,
    .destructive = true,
    .idempotent = true,
    .open_world = true,
    .run = set_payload,
};

static int check(const args_t *a, err_t *err)
{
    bool sets = json_object_size(a->payload) > 0;

    if (sets == (a->remove_fields.count > 0)) {
        return err_set(err, ERR_CALLER, "Give either payload, with the fields to set, or remove_fields.");
    }
    if (a->replace && !sets) {
        return err_set(err, ERR_CALLER, "replace goes with payload, not with remove_fields.");
    }
    return 0;
}

static void set_payload(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    bool removes = a->remove_fields.count > 0;
    json_auto_t *body = removes ? json_pack("{s:o}", "keys", points_names(&a->remove_fields))
                                : json_pack("{s:O}", "payload", a->payload ? a->payload : json_null());
    err_t err;

    if (check(a, &err) || selection_add(body, a->ids, a->filter, &err)) {
        call_fail(call, &err);
        return;
    }
    const char *suffix = removes ? "/points/payload/delete" : "/points/payload";
    const char *what = removes ? "Fields removed" : a->replace ? "Payload replaced" : "Fields set";
    qdrant_ask(call,
               &(qdrant_request_t){ .method = a->replace ? "PUT" : "POST",
                                    .member = "status",
                                    .collection = a->collection,
                                    .suffix = qdrant_waiting(call, suffix, a->wait),
                                    .body = json_incref(body) },
               write_on_done, write_new(call, a->collection, what));
}
