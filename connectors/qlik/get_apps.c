/* get_apps: the apps this user may see, a page at a time. Qlik has no list of apps of its own: they are items
 * of the type app, whose resourceId is the app's id. */
#include "listing.h"

typedef struct {
    LIST_ARGS;
    const char *name;
} args_t;

static const field_t args[] = {
    FIELD(args_t, name, .doc = "Only apps with this in their name; case does not matter."),
    FIELDS_LIST(args_t),
    { 0 },
};

static const pick_t picks[] = {
    { "app_id", "resourceId", PICK_TEXT },
    { "name", "name", PICK_TEXT },
    { "description", "description", PICK_TEXT },
    { "space_id", "spaceId", PICK_TEXT },
    { "owner_id", "ownerId", PICK_TEXT },
    { "updated_at", "resourceUpdatedAt", PICK_TEXT },
    { "last_reload_status", "resourceReloadStatus", PICK_TEXT },
    { "last_reload_at", "resourceReloadEndTime", PICK_TEXT },
    { 0 },
};

static const listing_t apps = { "apps", "app", "/api/v1/items", "next", picks };

static void get_apps(call_t *call, const void *decoded);

static const char result_schema[] = LIST_SCHEMA(
    "apps", STRINGIZE(
    "app_id": {"type": "string"}, "name": {"type": "string"}, "description": {"type": "string"},
    "space_id": {"type": "string"}, "owner_id": {"type": "string"},
    "updated_at": {"type": "string"}, "last_reload_status": {"type": "string"},
    "last_reload_at": {"type": "string"}));

const tool_t get_apps_tool = {
    .name = "get_apps",
    .title = "Get apps",
    .description =
        "Lists the Qlik apps this user may see, the latest changed first: app_id, name, description, space, "
        "owner and how its last reload ended. Every tool that takes an app_id takes it from here.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = get_apps,
};

static void get_apps(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    query_t *query = query_new(call, apps.path);

    query_add(query, "resourceType", "app");
    query_add(query, "sort", "-updatedAt");
    query_add(query, "noActions", "true");
    query_add(query, "name", a->name);
    listing_run(call, &apps, query, a->limit, a->cursor);
}
