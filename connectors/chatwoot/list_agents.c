/* list_agents: the people who answer. */
#include "listing.h"

static const field_t args[] = { LISTING_FIELDS("name or e-mail") };

static void list_agents(call_t *call, const void *decoded);
static json_t *show(const json_t *agent);
static void add_line(buf_t *text, const json_t *shown);

static const char *const searched[] = { "name", "email", NULL };
static const listing_t listing = {
    .path = "/agents",
    .payload = NULL,
    .name = "agents",
    .one = "agent",
    .searched = searched,
    .show = show,
    .add_line = add_line,
};

static const char result_schema[] = LISTING_SCHEMA(
    "agents",
    STRINGIZE({
    "type": "object", "required": ["agent_id", "name"], "properties": {
        "agent_id": {"type": "integer"}, "name": {"type": "string"}, "email": {"type": "string"},
        "role": {"type": "string"}, "availability": {"type": "string"}, "confirmed": {"type": "boolean"}}}));

const tool_t list_agents_tool = {
    .name = "list_agents",
    .title = "List agents",
    .description =
        "The agents of the account, with the agent_id that assign_conversation and get_report take, e-mail, "
        "role and whether they are online. When has_more is true, ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(listing_args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_agents,
};

static void list_agents(call_t *call, const void *decoded)
{
    listing_run(call, &listing, decoded);
}

static json_t *show(const json_t *agent)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:b}", "agent_id", answer_id(agent, "id"), "name",
                     answer_words(agent, "name"), "email", answer_words(agent, "email"), "role",
                     answer_words(agent, "role"), "availability", answer_words(agent, "availability_status"),
                     "confirmed", !json_is_false(json_object_get(agent, "confirmed")));
}

static void add_line(buf_t *text, const json_t *shown)
{
    answer_add_named(text, shown, "agent_id", "an agent");
    answer_add_member(text, "", shown, "email");
    answer_add_member(text, "", shown, "role");
    answer_add_member(text, "", shown, "availability");
    buf_add_text(
        text, json_is_true(json_object_get(shown, "confirmed")) ? "" : ", has not accepted the invitation");
}
