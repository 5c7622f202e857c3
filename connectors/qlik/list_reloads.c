/* list_reloads: how an app's reloads went, the latest first. */
#include "listing.h"
#include "reload.h"

typedef struct {
    LIST_ARGS;
    const char *app_id, *status;
} args_t;

static const field_t args[] = {
    FIELD(args_t, app_id, .required = true, .doc = "The app, from get_apps."),
    FIELD(args_t, status, .choices = "QUEUED|RELOADING|CANCELING|SUCCEEDED|FAILED|CANCELED|EXCEEDED_LIMIT",
          .doc = "Only reloads in this state."),
    FIELDS_LIST(args_t),
    { 0 },
};

static const listing_t reloads = { "reloads", "reload", "/api/v1/reloads", "next", reload_picks };

static void list_reloads(call_t *call, const void *decoded);

static const char result_schema[] = LIST_SCHEMA("reloads", RELOAD_MEMBERS);

const tool_t list_reloads_tool = {
    .name = "list_reloads",
    .title = "List reloads",
    .description = "Lists the reloads of an app, the latest first, with their state, times and error. "
                   "get_reload shows the log of one.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_reloads,
};

static void list_reloads(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    query_t *query = query_new(call, reloads.path);

    query_add(query, "appId", a->app_id);
    query_add(query, "sort", "-creationTime");
    if (a->status) {
        query_add(query, "filter", call_printf(call, "status eq \"%s\"", a->status));
    }
    listing_run(call, &reloads, query, a->limit, a->cursor);
}
