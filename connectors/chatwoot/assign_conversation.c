/* assign_conversation: to an agent or to a team, or to nobody.
 *
 * Chatwoot takes an id it does not know for "nobody" and unassigns without a word (assignments_controller,
 * find_by), so the id is looked up first. 0 is how its own screens say nobody. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "conversation.h"

typedef struct {
    int64_t conversation_id, agent_id, team_id;
    const char *unassign;
} args_t;

static const field_t args[] = {
    CONVERSATION_ID_FIELD(args_t),
    FIELD(args_t, agent_id, .min = 1, .doc = "The agent who gets it (agent_id from list_agents)."),
    FIELD(args_t, team_id, .min = 1, .doc = "The team that gets it (team_id from list_teams)."),
    FIELD(args_t, unassign, .choices = "agent|team", .doc = "Take it away from its agent, or from its team."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    bool is_team;
    int64_t id; /* 0: nobody */
    const char *name;
} flow_t;

static void assign_conversation(call_t *call, const void *decoded);
static void on_list(void *self, const json_t *payload, const json_t *reply);
static void assign(flow_t *f);
static void on_assigned(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] =
    "{\"type\": \"object\", \"required\": [\"conversation_id\"], \"properties\": {\"conversation_id\": "
    "{\"type\": \"integer\"}, \"agent\": " SCHEMA_OBJECT_OR_NULL ", \"team\": " SCHEMA_OBJECT_OR_NULL "}}";

const tool_t assign_conversation_tool = {
    .name = "assign_conversation",
    .title = "Assign a conversation",
    .description =
        "Gives a conversation to an agent or to a team (one of them in a call), or with unassign takes it "
        "away. Returns the agent or team it has now; null: nobody.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true, /* replaces who had it */
    .idempotent = true,
    .open_world = true,
    .run = assign_conversation,
};

static void assign_conversation(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    int given = (a->agent_id > 0) + (a->team_id > 0) + (a->unassign != NULL);

    *f = (flow_t){ .call = call, .args = a };
    if (given != 1) {
        call_failf(call, ERR_CALLER, "Give exactly one of agent_id, team_id and unassign.");
        return;
    }
    f->is_team = a->team_id > 0 || (a->unassign && strcmp(a->unassign, "team") == 0);
    f->id = f->is_team ? a->team_id : a->agent_id;
    if (a->unassign) {
        assign(f);
        return;
    }
    const chatwoot_request_t request = { .path = f->is_team ? "/teams" : "/agents", .type = JSON_ARRAY };
    chatwoot_ask(call, &request, on_list, f);
}

static void on_list(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    size_t i;
    const json_t *one;

    (void)reply;
    json_array_foreach(payload, i, one)
    {
        if (json_integer_value(json_object_get(one, "id")) == f->id) {
            f->name = call_printf(f->call, "%s", answer_words(one, "name"));
            assign(f);
            return;
        }
    }
    call_failf(f->call, ERR_CALLER,
               "Chatwoot has no %s %" PRId64 " in this account. %s shows those there are.",
               f->is_team ? "team" : "agent", f->id, f->is_team ? "list_teams" : "list_agents");
}

static void assign(flow_t *f)
{
    const chatwoot_request_t request = {
        .method = "POST",
        .path = conversation_path(f->call, f->args->conversation_id, "/assignments"),
        .json = json_pack("{s:I}", f->is_team ? "team_id" : "assignee_id", (json_int_t)f->id),
        .subject = conversation_name(f->call, f->args->conversation_id),
        .may_be_nothing = true,
    };

    chatwoot_ask(f->call, &request, on_assigned, f);
}

static void on_assigned(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    json_t *who = json_null();

    (void)reply;
    if (f->id > 0 && !payload) {
        call_failf(
            f->call, ERR_UPSTREAM,
            "Chatwoot assigned the conversation to nobody: the %s has just gone. Look with get_conversation.",
            f->is_team ? "team" : "agent");
        return;
    }
    if (f->id > 0) {
        who =
            json_pack("{s:I, s:s}", f->is_team ? "team_id" : "agent_id", (json_int_t)f->id, "name", f->name);
    }
    buf_addf(&text, "conversation_id %" PRId64 " is assigned to ", f->args->conversation_id);
    answer_add_named(&text, who, f->is_team ? "team_id" : "agent_id", f->is_team ? "no team" : "no agent");
    buf_add_char(&text, '.');
    call_finish_text(f->call,
                     json_pack("{s:I, s:o}", "conversation_id", (json_int_t)f->args->conversation_id,
                               f->is_team ? "team" : "agent", who),
                     &text);
}
