/* qualify_lead: says whether a lead is worth pursuing, with BANT scores. Each call adds a row; the latest
 * counts, the earlier ones stay as history. */
#include <math.h>
#include <string.h>

#include "answer.h"
#include "clock.h"
#include "crm.h"
#include "ids.h"
#include "leads.h"
#include "lookup.h"
#include "query.h"

#define BANT_COUNT 4
#define BANT_MAX 10

static const char *const bant_names[BANT_COUNT] = { "budget", "authority", "need", "timeline" };

typedef struct {
    const char *contact_id, *status, *reason;
    json_t *bant_scores;
} args_t;

static const char bant_schema[] = STRINGIZE({
    "type": "object", "additionalProperties": false, "properties": {
        "budget": {"type": "number", "minimum": 0, "maximum": 10, "description": "Can they pay?"},
        "authority": {"type": "number", "minimum": 0, "maximum": 10, "description": "Does the contact decide?"},
        "need": {"type": "number", "minimum": 0, "maximum": 10, "description": "How badly do they need it?"},
        "timeline": {"type": "number", "minimum": 0, "maximum": 10, "description": "How soon?"}}});

static const field_t args[] = {
    FIELD(args_t, contact_id, .required = true, .max_length = 200,
          .doc = "The lead (contact_id from find_contacts)."),
    FIELD(args_t, status, .required = true, .choices = "qualified|unqualified", .doc = "The verdict."),
    FIELD(args_t, reason, .max_length = 4000, .doc = "Why, in a sentence or two."),
    FIELD(args_t, bant_scores, .schema = bant_schema, .doc = "Scores from 0 to 10; give those you know."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    double bant[BANT_COUNT]; /* NAN: not given */
    char id[ID_SIZE];
    int64_t now_ms;
    const char *contact_id, *name, *previous; /* as the database has them */
} flow_t;

static void qualify_lead(call_t *call, const void *decoded);
static void on_contact(void *self, const db_rows_t *rows, const err_t *err);
static void on_written(void *self, int missed, const db_rows_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["qualification_id", "contact_id", "status"], "properties": {
        "qualification_id": {"type": "string"}, "contact_id": {"type": "string"},
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "status": {"type": "string"}, "previous_status": {"type": "string"},
        "reason": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "bant_scores": {"type": "object"},
        "bant_total": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "qualified_by": {"type": "string"}, "qualified_at": {"type": "string"}}});

const tool_t qualify_lead_tool = {
    .name = "qualify_lead",
    .title = "Qualify a lead",
    .description =
        "Marks a lead as qualified or unqualified, with the reason and BANT scores (budget, authority, need, "
        "timeline, 0 to 10 each). The latest qualification counts in get_leads_count and find_contacts; "
        "earlier ones stay as history. Returns the new and the previous status. Find the contact_id with "
        "find_contacts.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .run = qualify_lead,
};

static int read_bant(const json_t *scores, double ret[BANT_COUNT], err_t *err)
{
    const char *key;
    json_t *value;

    for (int i = 0; i < BANT_COUNT; i++) {
        ret[i] = NAN;
    }
    json_object_foreach((json_t *)scores, key, value)
    {
        int i = 0;
        while (i < BANT_COUNT && strcmp(bant_names[i], key) != 0) {
            i++;
        }
        if (i == BANT_COUNT) {
            return err_set(err, ERR_CALLER,
                           "bant_scores has no \"%.60s\"; it takes budget, authority, need and timeline.",
                           key);
        }
        double score = json_number_value(value);
        if (!json_is_number(value) || score < 0 || score > BANT_MAX) {
            return err_set(err, ERR_CALLER, "bant_scores.%s must be a number from 0 to %d.", key, BANT_MAX);
        }
        ret[i] = score;
    }
    return 0;
}

static void qualify_lead(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t err;

    f->call = call;
    f->args = decoded;
    f->now_ms = clock_unix_ms();
    if (read_bant(f->args->bant_scores, f->bant, &err)) {
        call_fail(call, &err);
        return;
    }
    db_query(call, crm_db(call),
             "SELECT c.id, c.name, " LEAD_STATUS " FROM contacts c" JOIN_LATEST_QUALIFICATION
             " WHERE c.id = $1 AND c.tenant_id = $2 AND c.deleted_at IS NULL",
             DB_VALUES(DB_TEXT(f->args->contact_id), DB_TEXT(call_tenant(call))), on_contact, f);
}

static void on_contact(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (!lookup_found(f->call, rows, err, THING_CONTACT, f->args->contact_id)) {
        return;
    }
    f->contact_id = db_text(rows, 0, 0);
    f->name = db_text(rows, 0, 1);
    f->previous = db_text(rows, 0, 2);
    db_statement_t *insert = CALL_NEW(f->call, db_statement_t);
    /* The tenant and the deletion are asked again: between two statements a contact can go. */
    *insert = query_statement(
        f->call, true,
        "INSERT INTO lead_qualifications (id, tenant_id, contact_id, status, reason, budget, authority, "
        "need, timeline, qualified_by, created_at) "
        "SELECT $1, c.tenant_id, c.id, $2, $3, $4, $5, $6, $7, $8, $9 FROM contacts c WHERE c.id = $10 "
        "AND c.tenant_id = $11 AND c.deleted_at IS NULL",
        DB_VALUES(DB_TEXT(id_new(f->now_ms, f->id)), DB_TEXT(f->args->status), DB_TEXT(f->args->reason),
                  DB_REAL(f->bant[0]), DB_REAL(f->bant[1]), DB_REAL(f->bant[2]), DB_REAL(f->bant[3]),
                  DB_TEXT(call_principal(f->call)->subject), DB_TIME(f->now_ms), DB_TEXT(f->contact_id),
                  DB_TEXT(call_tenant(f->call))));
    db_run(f->call, crm_db(f->call), insert, 1, on_written, f);
}

static void on_written(void *self, int missed, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    char at[PERIOD_TEXT_SIZE];
    AUTO_BUF text = { 0 };
    double total = 0;
    size_t given = 0;

    (void)rows;
    if (err) {
        call_fail(f->call, err);
        return;
    }
    if (missed >= 0) {
        lookup_fail(f->call, THING_CONTACT, f->args->contact_id);
        return;
    }
    json_t *scores = json_object();
    for (int i = 0; i < BANT_COUNT; i++) {
        if (!isnan(f->bant[i])) {
            json_object_set_new(scores, bant_names[i], answer_number(f->bant[i]));
            total += f->bant[i];
            given++;
        }
    }
    answer_add_named(&text, "contact_id", f->contact_id, f->name);
    buf_addf(&text, " is now %s, before: %s.", f->args->status, f->previous);
    if (given > 0) {
        buf_addf(&text, " BANT %g of %zu.", total, given * BANT_MAX);
    }
    json_t *answer =
        json_pack("{s:s, s:o, s:o, s:s, s:o, s:o}", "qualification_id", f->id, "contact_id",
                  answer_text(f->contact_id), "name", answer_text(f->name), "status", f->args->status,
                  "previous_status", answer_text(f->previous), "reason", answer_text(f->args->reason));
    json_object_set_new(answer, "bant_scores", scores);
    json_object_set_new(answer, "bant_total", given > 0 ? answer_number(total) : json_null());
    json_object_set_new(answer, "qualified_by", answer_text(call_principal(f->call)->subject));
    json_object_set_new(answer, "qualified_at", json_string(period_local(f->now_ms, at)));
    call_finish_text(f->call, answer, &text);
}
