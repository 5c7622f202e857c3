/* list_teams: groups of agents. */
#include "listing.h"

static const field_t args[] = { LISTING_FIELDS("name or description") };

static void list_teams(call_t *call, const void *decoded);
static json_t *show(const json_t *team);
static void add_line(buf_t *text, const json_t *shown);

static const char *const searched[] = { "name", "description", NULL };
static const listing_t listing = {
    .path = "/teams",
    .payload = NULL,
    .name = "teams",
    .one = "team",
    .searched = searched,
    .show = show,
    .add_line = add_line,
};

static const char result_schema[] = LISTING_SCHEMA(
    "teams", STRINGIZE({
    "type": "object", "required": ["team_id", "name"], "properties": {
        "team_id": {"type": "integer"}, "name": {"type": "string"}, "description": {"type": "string"},
        "is_member": {"type": "boolean"}}}));

const tool_t list_teams_tool = {
    .name = "list_teams",
    .title = "List teams",
    .description = "The teams of the account, with the team_id that assign_conversation, list_conversations "
                   "and get_report take. When has_more is true, ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(listing_args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_teams,
};

static void list_teams(call_t *call, const void *decoded)
{
    listing_run(call, &listing, decoded);
}

static json_t *show(const json_t *team)
{
    return json_pack("{s:o, s:s, s:s, s:b}", "team_id", answer_id(team, "id"), "name",
                     answer_words(team, "name"), "description", answer_words(team, "description"),
                     "is_member", json_is_true(json_object_get(team, "is_member")));
}

static void add_line(buf_t *text, const json_t *shown)
{
    const char *description = answer_words(shown, "description");

    answer_add_named(text, shown, "team_id", "a team");
    buf_add_text(text, json_is_true(json_object_get(shown, "is_member")) ? ", the user is in it" : "");
    if (*description) {
        buf_add_text(text, ": ");
        answer_add_short(text, description, 200);
    }
}
