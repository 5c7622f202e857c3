/* list_agents: who works here; where the other tools' agent ids come from. */
#include "answer.h"
#include "crm.h"
#include "mem.h"
#include "query.h"

typedef struct {
    const char *query;
    bool active_only;
    int64_t limit, offset;
} args_t;

static const field_t args[] = {
    FIELD(args_t, query, .max_length = 200, .doc = "Only agents with this in their name or e-mail address."),
    FIELD(args_t, active_only, .doc = "true: leave out agents who are switched off."),
    FIELD(args_t, limit, .fallback = "50", .min = 1, .max = 200, .doc = "Agents per page."),
    FIELD(args_t, offset, .fallback = "0", .min = 0, .max = 1000000,
          .doc = "Agents to skip, for the next page."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void list_agents(call_t *call, const void *decoded);
static void on_agents(void *self, const db_rows_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["agents", "count", "has_more"], "properties": {
        "agents": {"type": "array", "items": {"type": "object", "required": ["agent_id"], "properties": {
            "agent_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "email": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "type": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "status": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "active": {"type": "boolean"}, "sessions_handled": {"type": "integer"},
            "last_activity_at": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t list_agents_tool = {
    .name = "list_agents",
    .title = "List agents",
    .description = "The sales and service agents of this company, in order of their names, with the agent_id "
                   "that the other tools take, e-mail, type, status and when they were last active. Use it "
                   "first when somebody names an agent. When has_more is true, ask again with offset = "
                   "next_offset.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .run = list_agents,
};

static void list_agents(call_t *call, const void *decoded)
{
    static const char *const searched[] = { "name", "email", NULL };
    flow_t *f = CALL_NEW(call, flow_t);
    query_t *query = query_new(call);

    f->call = call;
    f->args = decoded;
    query_text(query, "SELECT id, name, email, type, status, COALESCE(active, TRUE), sessions_handled, "
                      "last_activity_at FROM agents "
                      "WHERE deleted_at IS NULL");
    query_value(query, " AND tenant_id = ", DB_TEXT(call_tenant(call)));
    if (f->args->query) {
        query_search(query, searched, f->args->query);
    }
    if (f->args->active_only) {
        query_text(query, " AND COALESCE(active, TRUE)");
    }
    query_text(query, " ORDER BY name COLLATE \"C\" NULLS LAST, id");
    query_page(query, f->args->limit, f->args->offset);
    query_run(query, on_agents, f);
}

static json_t *agent_json(const db_rows_t *rows, size_t i)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:I, s:o}", "agent_id", answer_text(db_text(rows, i, 0)),
                     "name", answer_text(db_text(rows, i, 1)), "email", answer_text(db_text(rows, i, 2)),
                     "type", answer_text(db_text(rows, i, 3)), "status", answer_text(db_text(rows, i, 4)),
                     "active", db_bool(rows, i, 5), "sessions_handled", (json_int_t)db_int(rows, i, 6),
                     "last_activity_at", answer_time(db_time_ms(rows, i, 7)));
}

static void add_line(buf_t *text, const db_rows_t *rows, size_t i)
{
    buf_addf(text, "\n%s: agent_id %s, %s%s%s", answer_name(db_text(rows, i, 1)), db_text(rows, i, 0),
             db_is_null(rows, i, 3) ? "agent" : db_text(rows, i, 3), db_is_null(rows, i, 4) ? "" : ", ",
             db_is_null(rows, i, 4) ? "" : db_text(rows, i, 4));
    buf_add_text(text, db_bool(rows, i, 5) ? "" : ", not active");
}

static void on_agents(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    page_t page = page_of(db_count(rows), f->args->limit, f->args->offset);
    json_t *agents = json_array();
    buf_add_count(&text, page.count, "agent");
    buf_add_text(&text, page.count > 0 ? ":" : " found.");
    for (size_t i = 0; i < page.count; i++) {
        json_array_append_new(agents, agent_json(rows, i));
        add_line(&text, rows, i);
    }
    json_t *answer = json_pack("{s:o}", "agents", agents);
    page_add(answer, &text, &page);
    call_finish_text(f->call, answer, &text);
}
