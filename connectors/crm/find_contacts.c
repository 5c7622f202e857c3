/* find_contacts: who the leads are; where the other tools' contact ids come from.
 *
 * Two statements: the page of contacts with status and assignment, then the pipeline stages of just those
 * contacts. */
#include <string.h>

#include "answer.h"
#include "crm.h"
#include "leads.h"
#include "lookup.h"
#include "mem.h"
#include "query.h"

#define MAX_PAGE 100

typedef struct {
    const char *query, *status, *agent_id;
    int64_t limit, offset;
} args_t;

static const field_t args[] = {
    FIELD(args_t, query, .max_length = 200,
          .doc = "Only contacts with this in their name, e-mail, phone or external id. Without it: all, "
                 "latest first."),
    FIELD(args_t, status, .choices = "all|qualified|unqualified", .fallback = "all",
          .doc = "Only leads with this status."),
    FIELD(args_t, agent_id, .max_length = 200,
          .doc = "Only contacts now assigned to this agent (see list_agents)."),
    FIELD(args_t, limit, .fallback = "20", .min = 1, .max = MAX_PAGE, .doc = "Contacts per page."),
    FIELD(args_t, offset, .fallback = "0", .min = 0, .max = 1000000,
          .doc = "Contacts to skip, for the next page."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    const db_rows_t *contacts;
    page_t page;
} flow_t;

static void find_contacts(call_t *call, const void *decoded);
static void on_agent(void *self, const db_rows_t *rows, const err_t *err);
static void on_contacts(void *self, const db_rows_t *rows, const err_t *err);
static void on_stages(void *self, const db_rows_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["contacts", "count", "has_more"], "properties": {
        "contacts": {"type": "array", "items": {"type": "object", "required": ["contact_id", "status"], "properties": {
            "contact_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "email": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "phone": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "external_id": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "source_channel": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "language": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "tags": {"type": "array"}, "status": {"type": "string"},
            "assigned_to": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            "stages": {"type": "array", "items": {"type": "object"}},
            "created_at": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "last_interaction_at": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t find_contacts_tool = {
    .name = "find_contacts",
    .title = "Find contacts",
    .description =
        "Finds contacts (leads) by a part of their name, e-mail, phone number or external id, by status or "
        "by the agent they are assigned to; latest interaction first. Returns their contact_id, which "
        "qualify_lead, update_pipeline_stage and assign_to_agent take, their status, current stage in each "
        "pipeline and assigned agent. When has_more is true, ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .run = find_contacts,
};

static void ask_contacts(flow_t *f)
{
    static const char *const searched[] = { "c.name", "c.email", "c.phone", "c.external_id", NULL };
    query_t *query = query_new(f->call);

    query_text(query,
               "SELECT c.id, c.name, c.email, c.phone, c.external_id, c.source_channel, c.language, "
               "c.tags, " LEAD_STATUS
               ", a.id, a.name, c.created_at, c.last_interaction_at FROM contacts c" JOIN_LATEST_QUALIFICATION
                   JOIN_CURRENT_AGENT " WHERE c.deleted_at IS NULL");
    query_value(query, " AND c.tenant_id = ", DB_TEXT(call_tenant(f->call)));
    if (f->args->query) {
        query_search(query, searched, f->args->query);
    }
    if (strcmp(f->args->status, "all") != 0) {
        query_value(query, " AND " LEAD_STATUS " = ", DB_TEXT(f->args->status));
    }
    if (f->args->agent_id) {
        query_value(query, " AND a.id = ", DB_TEXT(f->args->agent_id));
    }
    query_text(query, " ORDER BY c.last_interaction_at DESC NULLS LAST, c.id");
    query_page(query, f->args->limit, f->args->offset);
    query_run(query, on_contacts, f);
}

static void find_contacts(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    f->call = call;
    f->args = decoded;
    if (!f->args->agent_id) {
        ask_contacts(f);
        return;
    }
    lookup_agent(call, f->args->agent_id, on_agent, f);
}

static void on_agent(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (!lookup_found(f->call, rows, err, THING_AGENT, f->args->agent_id)) {
        return;
    }
    ask_contacts(f);
}

static void on_contacts(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    const char *ids[MAX_PAGE];

    if (err) {
        call_fail(f->call, err);
        return;
    }
    f->contacts = rows;
    f->page = page_of(db_count(rows), f->args->limit, f->args->offset);
    if (f->page.count == 0) {
        on_stages(f, rows, NULL);
        return;
    }
    for (size_t i = 0; i < f->page.count; i++) {
        ids[i] = db_text(rows, i, 0);
    }
    query_t *query = query_new(f->call);
    query_text(
        query,
        "SELECT k.contact_id, p.id, p.name, s.id, s.name, k.entered_at FROM contact_pipeline_statuses k "
        "JOIN pipelines p ON p.id = k.pipeline_id AND p.tenant_id = k.tenant_id "
        "JOIN pipeline_statuses s ON s.id = k.status_id AND s.pipeline_id = p.id WHERE k.exited_at IS NULL");
    query_value(query, " AND k.tenant_id = ", DB_TEXT(call_tenant(f->call)));
    query_in(query, "k.contact_id", ids, f->page.count);
    query_text(query, " ORDER BY p.position, p.id, k.entered_at, k.id");
    query_run(query, on_stages, f);
}

static json_t *tags_json(const char *text)
{
    json_t *tags = text ? json_loads(text, 0, NULL) : NULL;

    if (json_is_array(tags)) {
        return tags;
    }
    json_decref(tags);
    return json_array();
}

static json_t *contact_json(const db_rows_t *rows, size_t i)
{
    static const char *const names[] = { "contact_id",  "name",           "email",   "phone",
                                         "external_id", "source_channel", "language" };
    json_t *contact = json_object();

    for (int column = 0; column < (int)COUNT_OF(names); column++) {
        json_object_set_new(contact, names[column], answer_text(db_text(rows, i, column)));
    }
    json_object_set_new(contact, "tags", tags_json(db_text(rows, i, 7)));
    json_object_set_new(contact, "status", answer_text(db_text(rows, i, 8)));
    json_object_set_new(contact, "assigned_to",
                        answer_named("agent_id", db_text(rows, i, 9), db_text(rows, i, 10)));
    json_object_set_new(contact, "stages", json_array());
    json_object_set_new(contact, "created_at", answer_time(db_time_ms(rows, i, 11)));
    json_object_set_new(contact, "last_interaction_at", answer_time(db_time_ms(rows, i, 12)));
    return contact;
}

static void add_line(buf_t *text, const db_rows_t *rows, size_t i)
{
    buf_addf(text, "\n%s: contact_id %s, %s", answer_name(db_text(rows, i, 1)), db_text(rows, i, 0),
             db_text(rows, i, 8));
    for (int column = 2; column <= 3; column++) {
        if (!db_is_null(rows, i, column)) {
            buf_addf(text, ", %s", db_text(rows, i, column));
        }
    }
    if (!db_is_null(rows, i, 9)) {
        buf_add_text(text, ", assigned to ");
        answer_add_named(text, "agent_id", db_text(rows, i, 9), db_text(rows, i, 10));
    }
}

static void add_stages(json_t *contact, buf_t *text, const char *contact_id, const db_rows_t *stages)
{
    json_t *list = json_object_get(contact, "stages");

    for (size_t i = 0; i < db_count(stages); i++) {
        if (strcmp(db_text(stages, i, 0), contact_id) != 0) {
            continue;
        }
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "pipeline_id", answer_text(db_text(stages, i, 1)),
                            "pipeline", answer_text(db_text(stages, i, 2)), "stage_id",
                            answer_text(db_text(stages, i, 3)), "stage", answer_text(db_text(stages, i, 4)),
                            "entered_at", answer_time(db_time_ms(stages, i, 5))));
        buf_addf(text, ", %s: %s", db_is_null(stages, i, 2) ? "pipeline" : db_text(stages, i, 2),
                 db_is_null(stages, i, 4) ? "?" : db_text(stages, i, 4));
    }
}

static void on_stages(void *self, const db_rows_t *stages, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    json_t *contacts = json_array();
    buf_add_count(&text, f->page.count, "contact");
    buf_add_text(&text, f->page.count > 0 ? ":" : " found.");
    for (size_t i = 0; i < f->page.count; i++) {
        json_t *contact = contact_json(f->contacts, i);
        add_line(&text, f->contacts, i);
        add_stages(contact, &text, db_text(f->contacts, i, 0), stages);
        json_array_append_new(contacts, contact);
    }
    json_t *answer = json_pack("{s:o}", "contacts", contacts);
    page_add(answer, &text, &f->page);
    call_finish_text(f->call, answer, &text);
}
