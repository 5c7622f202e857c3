/* update_pipeline_stage: moves a contact to another stage of a pipeline: the old status is closed, the new
 * one opened, in one transaction.
 *
 * What is there is read first, because the time spent in the old stage is computed here and not in SQL. The
 * transaction begins by touching the contact, which makes two moves of one contact wait for each other; when
 * the status that was read is no longer the open one, nothing is written and the flow begins anew. */
#include <string.h>

#include "answer.h"
#include "clock.h"
#include "crm.h"
#include "ids.h"
#include "lookup.h"
#include "mem.h"
#include "query.h"

#define MAX_TRIES 5

typedef struct {
    const char *contact_id, *pipeline_id, *stage_id, *notes;
} args_t;

static const field_t args[] = {
    FIELD(args_t, contact_id, .required = true, .max_length = 200,
          .doc = "The contact (contact_id from find_contacts)."),
    FIELD(args_t, pipeline_id, .required = true, .max_length = 200,
          .doc = "The pipeline (from list_pipelines)."),
    FIELD(args_t, stage_id, .required = true, .max_length = 200,
          .doc = "The new stage, one of that pipeline."),
    FIELD(args_t, notes, .max_length = 4000, .doc = "Why, kept with the new stage."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    const db_rows_t *contact, *pipeline, *stage;
    const db_rows_t *open; /* id, entered_at, status id, its name */
    int64_t now_ms;
    int tries;
    char id[ID_SIZE];
} flow_t;

static void update_pipeline_stage(call_t *call, const void *decoded);
static void on_contact(void *self, const db_rows_t *rows, const err_t *err);
static void on_pipeline(void *self, const db_rows_t *rows, const err_t *err);
static void on_stage(void *self, const db_rows_t *rows, const err_t *err);
static void ask_open(flow_t *f);
static void on_open(void *self, const db_rows_t *rows, const err_t *err);
static void on_moved(void *self, int missed, const db_rows_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["contact_id", "changed", "stage", "previous_stage"], "properties": {
        "contact_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "changed": {"type": "boolean"},
        "pipeline": {"type": "object"}, "stage": {"type": "object"},
        "previous_stage": {"anyOf": [{"type": "object"}, {"type": "null"}]},
        "seconds_in_previous_stage": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "entered_at": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "notes": {"anyOf": [{"type": "string"}, {"type": "null"}]}}});

const tool_t update_pipeline_stage_tool = {
    .name = "update_pipeline_stage",
    .title = "Move in a pipeline",
    .description = "Moves a contact to a stage of a pipeline (or enters it there for the first time). The "
                   "stage it was in is closed and stays in the history. Returns the new and the previous "
                   "stage and how long the contact was in it. When the contact is in that stage already "
                   "nothing changes (changed is false). Find the ids with find_contacts and list_pipelines.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true, /* replaces what counted until now; MCP calls only pure additions not destructive */
    .idempotent = true,
    .run = update_pipeline_stage,
};

static void update_pipeline_stage(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    f->call = call;
    f->args = decoded;
    db_query(call, crm_db(call),
             "SELECT id, name FROM contacts WHERE id = $1 AND tenant_id = $2 AND deleted_at IS NULL",
             DB_VALUES(DB_TEXT(f->args->contact_id), DB_TEXT(call_tenant(call))), on_contact, f);
}

static void on_contact(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (!lookup_found(f->call, rows, err, THING_CONTACT, f->args->contact_id)) {
        return;
    }
    f->contact = rows;
    db_query(f->call, crm_db(f->call),
             "SELECT id, name, COALESCE(active, TRUE) FROM pipelines WHERE id = $1 AND tenant_id = $2",
             DB_VALUES(DB_TEXT(f->args->pipeline_id), DB_TEXT(call_tenant(f->call))), on_pipeline, f);
}

static void on_pipeline(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (!lookup_found(f->call, rows, err, THING_PIPELINE, f->args->pipeline_id)) {
        return;
    }
    f->pipeline = rows;
    /* Any stage of this tenant, so that one of another pipeline can be told from one that is not there. */
    db_query(f->call, crm_db(f->call),
             "SELECT s.id, s.name, COALESCE(s.active, TRUE), p.id, p.name FROM pipeline_statuses s "
             "JOIN pipelines p ON p.id = s.pipeline_id WHERE s.id = $1 AND p.tenant_id = $2",
             DB_VALUES(DB_TEXT(f->args->stage_id), DB_TEXT(call_tenant(f->call))), on_stage, f);
}

static const char *or_id(const db_rows_t *rows, int name, int id)
{
    return db_is_null(rows, 0, name) ? db_text(rows, 0, id) : db_text(rows, 0, name);
}

static int check_stage(const flow_t *f, const db_rows_t *stage, err_t *err)
{
    if (strcmp(db_text(stage, 0, 3), db_text(f->pipeline, 0, 0)) != 0) {
        return err_set(err, ERR_CALLER,
                       "The stage \"%s\" belongs to the pipeline \"%s\", not to \"%s\". list_pipelines shows "
                       "which stages each pipeline has.",
                       or_id(stage, 1, 0), or_id(stage, 4, 3), or_id(f->pipeline, 1, 0));
    }
    const db_rows_t *off = !db_bool(stage, 0, 2) ? stage : !db_bool(f->pipeline, 0, 2) ? f->pipeline : NULL;
    if (off) {
        return err_set(err, ERR_CALLER,
                       "The %s \"%s\" is switched off. list_pipelines with active_only shows those in use.",
                       off == stage ? "stage" : "pipeline", or_id(off, 1, 0));
    }
    return 0;
}

static void on_stage(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    err_t refused;

    if (!lookup_found(f->call, rows, err, THING_STAGE, f->args->stage_id)) {
        return;
    }
    if (check_stage(f, rows, &refused)) {
        call_fail(f->call, &refused);
        return;
    }
    f->stage = rows;
    ask_open(f);
}

static void ask_open(flow_t *f)
{
    f->tries++;
    db_query(f->call, crm_db(f->call),
             "SELECT k.id, k.entered_at, k.status_id, s.name FROM contact_pipeline_statuses k "
             "LEFT JOIN pipeline_statuses s ON s.id = k.status_id AND s.pipeline_id = k.pipeline_id "
             "WHERE k.contact_id = $1 AND k.pipeline_id = $2 AND k.tenant_id = $3 AND k.exited_at IS NULL "
             "ORDER BY k.entered_at DESC NULLS LAST, k.id DESC",
             DB_VALUES(DB_TEXT(db_text(f->contact, 0, 0)), DB_TEXT(db_text(f->pipeline, 0, 0)),
                       DB_TEXT(call_tenant(f->call))),
             on_open, f);
}

static int64_t seconds_in(const flow_t *f, size_t i)
{
    int64_t entered_ms = db_time_ms(f->open, i, 1);

    return entered_ms > 0 && entered_ms < f->now_ms ? (f->now_ms - entered_ms) / 1000 : 0;
}

static db_statement_t close_status(const flow_t *f, size_t i)
{
    return query_statement(
        f->call, true,
        "UPDATE contact_pipeline_statuses SET exited_at = $1, duration = $2 WHERE id = $3 AND tenant_id = $4 "
        "AND exited_at IS NULL",
        DB_VALUES(DB_TIME(f->now_ms), DB_INT(seconds_in(f, i)), DB_TEXT(db_text(f->open, i, 0)),
                  DB_TEXT(call_tenant(f->call))));
}

/* Misses when another status was opened meanwhile. */
static db_statement_t open_status(flow_t *f)
{
    return query_statement(
        f->call, true,
        "INSERT INTO contact_pipeline_statuses (id, contact_id, pipeline_id, status_id, tenant_id, "
        "entered_at, notes) SELECT $1, c.id, p.id, s.id, c.tenant_id, $2, $3 FROM contacts c "
        "JOIN pipelines p ON p.tenant_id = c.tenant_id JOIN pipeline_statuses s ON s.pipeline_id = p.id "
        "WHERE c.id = $4 AND p.id = $5 AND s.id = $6 AND c.tenant_id = $7 AND c.deleted_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM contact_pipeline_statuses k WHERE k.contact_id = c.id "
        "AND k.pipeline_id = p.id AND k.tenant_id = c.tenant_id AND k.exited_at IS NULL)",
        DB_VALUES(DB_TEXT(id_new(f->now_ms, f->id)), DB_TIME(f->now_ms), DB_TEXT(f->args->notes),
                  DB_TEXT(db_text(f->contact, 0, 0)), DB_TEXT(db_text(f->pipeline, 0, 0)),
                  DB_TEXT(db_text(f->stage, 0, 0)), DB_TEXT(call_tenant(f->call))));
}

static bool is_there_already(const flow_t *f)
{
    return db_count(f->open) == 1 && strcmp(db_text(f->open, 0, 2), db_text(f->stage, 0, 0)) == 0;
}

static void finish(flow_t *f, bool changed)
{
    AUTO_BUF text = { 0 };
    bool had = db_count(f->open) > 0;
    const char *stage = or_id(f->stage, 1, 0), *pipeline = or_id(f->pipeline, 1, 0);

    answer_add_named(&text, "contact_id", db_text(f->contact, 0, 0), db_text(f->contact, 0, 1));
    if (!changed) {
        buf_addf(&text, " is in stage %s already; nothing was changed%s.", stage,
                 f->args->notes ? " and the notes were not kept" : "");
    } else if (had) {
        buf_addf(&text, " moved from stage %s to %s in pipeline %s.", or_id(f->open, 3, 2), stage, pipeline);
    } else {
        buf_addf(&text, " entered pipeline %s in stage %s.", pipeline, stage);
    }
    json_t *answer = answer_named("contact_id", db_text(f->contact, 0, 0), db_text(f->contact, 0, 1));
    json_object_set_new(answer, "changed", json_boolean(changed));
    json_object_set_new(answer, "pipeline",
                        answer_named("pipeline_id", db_text(f->pipeline, 0, 0), db_text(f->pipeline, 0, 1)));
    json_object_set_new(answer, "stage",
                        answer_named("stage_id", db_text(f->stage, 0, 0), db_text(f->stage, 0, 1)));
    json_object_set_new(answer, "previous_stage",
                        had ? answer_named("stage_id", db_text(f->open, 0, 2), db_text(f->open, 0, 3))
                            : json_null());
    json_object_set_new(answer, "seconds_in_previous_stage",
                        changed && had ? json_integer(seconds_in(f, 0)) : json_null());
    json_object_set_new(answer, "entered_at", answer_time(changed ? f->now_ms : db_time_ms(f->open, 0, 1)));
    json_object_set_new(answer, "notes", changed ? answer_text(f->args->notes) : json_null());
    call_finish_text(f->call, answer, &text);
}

static void on_open(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    size_t count = 0;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    f->open = rows;
    f->now_ms = clock_unix_ms();
    if (is_there_already(f)) {
        finish(f, false);
        return;
    }
    db_statement_t *statements = call_alloc(f->call, (db_count(rows) + 2) * sizeof(*statements));
    statements[count++] = lookup_lock_contact(f->call, db_text(f->contact, 0, 0), f->now_ms);
    for (size_t i = 0; i < db_count(rows); i++) {
        statements[count++] = close_status(f, i);
    }
    statements[count++] = open_status(f);
    db_run(f->call, crm_db(f->call), statements, count, on_moved, f);
}

static void on_moved(void *self, int missed, const db_rows_t *rows, const err_t *err)
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
    if (missed > 0 && f->tries < MAX_TRIES) {
        ask_open(f);
        return;
    }
    if (missed > 0) {
        call_failf(
            f->call, ERR_UPSTREAM,
            "Somebody else moves this contact at the same time. Nothing was changed; look where it is now "
            "(find_contacts) and try again.");
        return;
    }
    finish(f, true);
}
