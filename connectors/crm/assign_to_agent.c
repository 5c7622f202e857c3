/* assign_to_agent: gives a contact to an agent. The assignment before is ended, not deleted.
 *
 * As in update_pipeline_stage, the transaction begins by touching the contact, so that two assignments of one
 * contact wait for each other. The same assignment asked for twice changes nothing the second time. */
#include <string.h>

#include "answer.h"
#include "clock.h"
#include "crm.h"
#include "ids.h"
#include "leads.h"
#include "lookup.h"
#include "mem.h"
#include "query.h"

typedef struct {
    const char *contact_id, *agent_id, *priority, *notes;
} args_t;

static const field_t args[] = {
    FIELD(args_t, contact_id, .required = true, .max_length = 200,
          .doc = "The contact (contact_id from find_contacts)."),
    FIELD(args_t, agent_id, .required = true, .max_length = 200,
          .doc = "The agent (agent_id from list_agents)."),
    FIELD(args_t, priority, .choices = "low|medium|high", .fallback = "medium", .doc = "How urgent it is."),
    FIELD(args_t, notes, .max_length = 4000, .doc = "What the agent should know."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    const db_rows_t *agent, *contact;
    db_statement_t statements[3];
    int64_t now_ms;
    char id[ID_SIZE];
} flow_t;

static void assign_to_agent(call_t *call, const void *decoded);
static void on_agent(void *self, const db_rows_t *rows, const err_t *err);
static void on_contact(void *self, const db_rows_t *rows, const err_t *err);
static void on_assigned(void *self, int missed, const db_rows_t *rows, const err_t *err);

/* Columns of the contact as it is read first. */
enum { C_ID, C_NAME, C_ASSIGNMENT, C_AGENT, C_AGENT_NAME, C_PRIORITY, C_NOTES, C_SINCE };

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["assignment_id", "contact_id", "agent", "priority", "changed"], "properties": {
        "assignment_id": {"type": "string"}, "contact_id": {"type": "string"},
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "agent": {"type": "object", "required": ["agent_id", "name"]},
        "previous_agent": {"anyOf": [{"type": "object"}, {"type": "null"}]},
        "priority": {"type": "string"}, "notes": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "changed": {"type": "boolean"}, "assigned_at": {"anyOf": [{"type": "string"}, {"type": "null"}]}}});

const tool_t assign_to_agent_tool = {
    .name = "assign_to_agent",
    .title = "Assign to an agent",
    .description = "Assigns a contact to an agent, with a priority and notes for them; an earlier assignment "
                   "of the contact ends and stays in the history. Returns the agent and the one before. The "
                   "same assignment again changes nothing (changed is false). Find the ids with "
                   "find_contacts and list_agents.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true, /* replaces what counted until now; MCP calls only pure additions not destructive */
    .idempotent = true,
    .run = assign_to_agent,
};

static void assign_to_agent(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    f->call = call;
    f->args = decoded;
    f->now_ms = clock_unix_ms();
    lookup_agent(call, f->args->agent_id, on_agent, f);
}

static void on_agent(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (!lookup_found(f->call, rows, err, THING_AGENT, f->args->agent_id)) {
        return;
    }
    if (!db_bool(rows, 0, AGENT_ACTIVE)) {
        call_failf(f->call, ERR_CALLER,
                   "%s is not active and takes no contacts. list_agents with active_only shows who does.",
                   db_is_null(rows, 0, AGENT_NAME) ? "This agent" : db_text(rows, 0, AGENT_NAME));
        return;
    }
    f->agent = rows;
    db_query(f->call, crm_db(f->call),
             "SELECT c.id, c.name, g.id, a.id, a.name, g.priority, g.notes, g.created_at FROM contacts "
             "c" JOIN_CURRENT_AGENT " WHERE c.id = $1 AND c.tenant_id = $2 AND c.deleted_at IS NULL",
             DB_VALUES(DB_TEXT(f->args->contact_id), DB_TEXT(call_tenant(f->call))), on_contact, f);
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_assigned_so(const flow_t *f)
{
    return is_same(db_text(f->contact, 0, C_AGENT), db_text(f->agent, 0, AGENT_ID)) &&
           is_same(db_text(f->contact, 0, C_PRIORITY), f->args->priority) &&
           is_same(db_text(f->contact, 0, C_NOTES), f->args->notes);
}

static void prepare(flow_t *f)
{
    const char *tenant = call_tenant(f->call), *contact = db_text(f->contact, 0, C_ID);

    f->statements[0] = lookup_lock_contact(f->call, contact, f->now_ms);
    f->statements[1] = query_statement(f->call, false,
                                       "UPDATE contact_assignments SET ended_at = $1 WHERE contact_id = $2 "
                                       "AND tenant_id = $3 AND ended_at IS NULL",
                                       DB_VALUES(DB_TIME(f->now_ms), DB_TEXT(contact), DB_TEXT(tenant)));
    f->statements[2] = query_statement(
        f->call, true,
        "INSERT INTO contact_assignments (id, tenant_id, contact_id, agent_id, priority, notes, assigned_by, "
        "created_at) SELECT $1, c.tenant_id, c.id, a.id, $2, $3, $4, $5 FROM contacts c "
        "JOIN agents a ON a.tenant_id = c.tenant_id WHERE c.id = $6 AND a.id = $7 AND c.tenant_id = $8 "
        "AND a.deleted_at IS NULL",
        DB_VALUES(DB_TEXT(id_new(f->now_ms, f->id)), DB_TEXT(f->args->priority), DB_TEXT(f->args->notes),
                  DB_TEXT(call_principal(f->call)->subject), DB_TIME(f->now_ms), DB_TEXT(contact),
                  DB_TEXT(db_text(f->agent, 0, AGENT_ID)), DB_TEXT(tenant)));
}

static void finish(flow_t *f, bool changed)
{
    AUTO_BUF text = { 0 };
    const char *agent_id = db_text(f->agent, 0, AGENT_ID), *agent = db_text(f->agent, 0, AGENT_NAME);

    answer_add_named(&text, "contact_id", db_text(f->contact, 0, C_ID), db_text(f->contact, 0, C_NAME));
    buf_addf(&text, " is %s assigned to ", changed ? "now" : "already");
    answer_add_named(&text, "agent_id", agent_id, agent);
    buf_addf(&text, " with priority %s.", f->args->priority);
    if (changed && !db_is_null(f->contact, 0, C_AGENT)) {
        buf_add_text(&text, " Before: ");
        answer_add_named(&text, "agent_id", db_text(f->contact, 0, C_AGENT),
                         db_text(f->contact, 0, C_AGENT_NAME));
        buf_add_char(&text, '.');
    }
    json_t *answer = answer_named("contact_id", db_text(f->contact, 0, C_ID), db_text(f->contact, 0, C_NAME));
    json_object_set_new(answer, "assignment_id",
                        answer_text(changed ? f->id : db_text(f->contact, 0, C_ASSIGNMENT)));
    json_object_set_new(answer, "agent", answer_named("agent_id", agent_id, agent));
    json_object_set_new(
        answer, "previous_agent",
        answer_named("agent_id", db_text(f->contact, 0, C_AGENT), db_text(f->contact, 0, C_AGENT_NAME)));
    json_object_set_new(answer, "priority", json_string(f->args->priority));
    json_object_set_new(answer, "notes", answer_text(f->args->notes));
    json_object_set_new(answer, "changed", json_boolean(changed));
    json_object_set_new(answer, "assigned_at",
                        answer_time(changed ? f->now_ms : db_time_ms(f->contact, 0, C_SINCE)));
    call_finish_text(f->call, answer, &text);
}

static void on_contact(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (!lookup_found(f->call, rows, err, THING_CONTACT, f->args->contact_id)) {
        return;
    }
    f->contact = rows;
    if (is_assigned_so(f)) {
        finish(f, false);
        return;
    }
    prepare(f);
    db_run(f->call, crm_db(f->call), f->statements, COUNT_OF(f->statements), on_assigned, f);
}

static void on_assigned(void *self, int missed, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    (void)rows;
    if (err) {
        call_fail(f->call, err);
        return;
    }
    if (missed == 0) {
        lookup_fail(f->call, THING_CONTACT, f->args->contact_id);
        return;
    }
    if (missed > 0) {
        lookup_fail(f->call, THING_AGENT, f->args->agent_id);
        return;
    }
    finish(f, true);
}
