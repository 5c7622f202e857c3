/* list_items: everything a user may see in the hub, of one type or all: apps, datasets, automations, ML
 * deployments, notes, ... */
#include "listing.h"

typedef struct {
    LIST_ARGS;
    const char *resource_type, *space_id, *query;
} args_t;

static const field_t args[] = {
    FIELD(args_t, resource_type,
          .choices = "app|qlikview|qvapp|genericlink|sharingservicetask|note|dataasset|dataset|automation|"
                     "automl-experiment|automl-deployment|assistant|dataproduct|dataqualityrule|glossary|"
                     "knowledgebase|script|semantictype|page",
          .doc = "Only items of this type; all types when absent."),
    FIELD(args_t, space_id, .doc = "Only items of this space (from list_spaces), or personal."),
    FIELD(args_t, query, .doc = "Only items with this in their name or description."),
    FIELDS_LIST(args_t),
    { 0 },
};

static const pick_t picks[] = {
    { "item_id", "id", PICK_TEXT },
    { "name", "name", PICK_TEXT },
    { "resource_type", "resourceType", PICK_TEXT },
    { "resource_id", "resourceId", PICK_TEXT },
    { "description", "description", PICK_TEXT },
    { "space_id", "spaceId", PICK_TEXT },
    { "owner_id", "ownerId", PICK_TEXT },
    { "updated_at", "updatedAt", PICK_TEXT },
    { 0 },
};

static const listing_t items = { "items", "item", "/api/v1/items", "next", picks };

static void list_items(call_t *call, const void *decoded);

static const char result_schema[] = LIST_SCHEMA(
    "items",
    STRINGIZE(
    "item_id": {"type": "string"}, "name": {"type": "string"}, "resource_type": {"type": "string"},
    "resource_id": {"type": "string"}, "description": {"type": "string"},
    "space_id": {"type": "string"}, "owner_id": {"type": "string"},
    "updated_at": {"type": "string"}));

const tool_t list_items_tool = {
    .name = "list_items",
    .title = "List items",
    .description = "Lists what this user may see in Qlik Cloud, of one type or of all, the latest changed "
                   "first. resource_id is the id that other tools take: the app_id of an app, the "
                   "deployment_id of an automl-deployment.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_items,
};

static void list_items(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    query_t *query = query_new(call, items.path);

    query_add(query, "resourceType", a->resource_type);
    query_add(query, "spaceId", a->space_id);
    query_add(query, "query", a->query);
    query_add(query, "sort", "-updatedAt");
    query_add(query, "noActions", "true");
    listing_run(call, &items, query, a->limit, a->cursor);
}
