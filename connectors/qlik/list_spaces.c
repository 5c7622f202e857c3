/* list_spaces: the spaces this user may see. */
#include "listing.h"

typedef struct {
    LIST_ARGS;
    const char *name, *type;
} args_t;

static const field_t args[] = {
    FIELD(args_t, name, .doc = "Only spaces with this in their name."),
    FIELD(args_t, type, .choices = "shared|managed|data", .doc = "Only spaces of this type."),
    FIELDS_LIST(args_t),
    { 0 },
};

static const pick_t picks[] = {
    { "space_id", "id", PICK_TEXT },
    { "name", "name", PICK_TEXT },
    { "type", "type", PICK_TEXT },
    { "description", "description", PICK_TEXT },
    { "owner_id", "ownerId", PICK_TEXT },
    { "roles", "meta.roles", PICK_TEXTS },
    { "updated_at", "updatedAt", PICK_TEXT },
    { 0 },
};

static const listing_t spaces = { "spaces", "space", "/api/v1/spaces", "next", picks };

static void list_spaces(call_t *call, const void *decoded);

static const char result_schema[] = LIST_SCHEMA(
    "spaces", STRINGIZE(
    "space_id": {"type": "string"}, "name": {"type": "string"}, "type": {"type": "string"},
    "description": {"type": "string"}, "owner_id": {"type": "string"},
    "updated_at": {"type": "string"}, "roles": {"type": "array", "items": {"type": "string"}}));

const tool_t list_spaces_tool = {
    .name = "list_spaces",
    .title = "List spaces",
    .description =
        "Lists the Qlik spaces (shared, managed, data) this user may see, by name, with the user's roles in "
        "each. The personal space is not among them: list_items calls it personal.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_spaces,
};

static void list_spaces(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    query_t *query = query_new(call, spaces.path);

    query_add(query, "name", a->name);
    query_add(query, "type", a->type);
    query_add(query, "sort", "+name");
    listing_run(call, &spaces, query, a->limit, a->cursor);
}
