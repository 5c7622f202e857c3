/* list_pipelines: the sales pipelines and their stages; where pipeline and stage ids come from. */
#include <string.h>

#include "answer.h"
#include "crm.h"
#include "mem.h"
#include "query.h"

#define MAX_STAGES 1000

typedef struct {
    const char *query;
    bool active_only;
} args_t;

static const field_t args[] = {
    FIELD(args_t, query, .max_length = 200, .doc = "Only pipelines with this in their name."),
    FIELD(args_t, active_only, .doc = "true: leave out pipelines and stages that are switched off."),
    { 0 },
};

typedef struct {
    call_t *call;
} flow_t;

static void list_pipelines(call_t *call, const void *decoded);
static void on_stages(void *self, const db_rows_t *rows, const err_t *err);

static const char result_schema[] =
    STRINGIZE({
    "type": "object", "required": ["pipelines", "count", "has_more"], "properties": {
        "pipelines": {"type": "array", "items": {"type": "object", "required": ["pipeline_id", "stages"], "properties": {
            "pipeline_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "active": {"type": "boolean"},
            "stages": {"type": "array", "items": {"type": "object", "required": ["stage_id"], "properties": {
                "stage_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "type": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "active": {"type": "boolean"}, "contacts": {"type": "integer"}}}}}}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"}}});

const tool_t list_pipelines_tool = {
    .name = "list_pipelines",
    .title = "List pipelines",
    .description = "The pipelines of this company and the stages of each in their order, with the "
                   "pipeline_id and stage_id that update_pipeline_stage takes, and how many contacts are in "
                   "each stage now. has_more is true when there are over 1000 stages; then narrow by query.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .run = list_pipelines,
};

static void list_pipelines(call_t *call, const void *decoded)
{
    static const char *const searched[] = { "p.name", NULL };
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    query_t *query = query_new(call);
    const char *tenant = call_tenant(call);

    f->call = call;
    query_text(query, "SELECT p.id, p.name, COALESCE(p.active, TRUE), s.id, s.name, s.status_type, "
                      "COALESCE(s.active, TRUE), COALESCE(n.contacts, 0) FROM pipelines p "
                      "LEFT JOIN pipeline_statuses s ON s.pipeline_id = p.id");
    if (a->active_only) {
        query_text(query, " AND COALESCE(s.active, TRUE)");
    }
    query_text(
        query,
        " LEFT JOIN (SELECT k.status_id, COUNT(*) AS contacts FROM contact_pipeline_statuses k "
        "JOIN contacts c ON c.id = k.contact_id AND c.tenant_id = k.tenant_id AND c.deleted_at IS NULL "
        "WHERE k.exited_at IS NULL");
    query_value(query, " AND k.tenant_id = ", DB_TEXT(tenant));
    query_value(query,
                " GROUP BY k.status_id) n ON n.status_id = s.id WHERE p.tenant_id = ", DB_TEXT(tenant));
    if (a->query) {
        query_search(query, searched, a->query);
    }
    if (a->active_only) {
        query_text(query, " AND COALESCE(p.active, TRUE)");
    }
    query_text(query, " ORDER BY p.position NULLS LAST, p.id, s.position NULLS LAST, s.id");
    query_page(query, MAX_STAGES, 0);
    query_run(query, on_stages, f);
}

static json_t *pipeline_json(const db_rows_t *rows, size_t i)
{
    return json_pack("{s:o, s:o, s:b, s:[]}", "pipeline_id", answer_text(db_text(rows, i, 0)), "name",
                     answer_text(db_text(rows, i, 1)), "active", db_bool(rows, i, 2), "stages");
}

static json_t *stage_json(const db_rows_t *rows, size_t i)
{
    return json_pack("{s:o, s:o, s:o, s:b, s:I}", "stage_id", answer_text(db_text(rows, i, 3)), "name",
                     answer_text(db_text(rows, i, 4)), "type", answer_text(db_text(rows, i, 5)), "active",
                     db_bool(rows, i, 6), "contacts", (json_int_t)db_int(rows, i, 7));
}

static void on_stages(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    page_t page = page_of(db_count(rows), MAX_STAGES, 0);
    json_t *pipelines = json_array();
    json_t *current = NULL;
    for (size_t i = 0; i < page.count; i++) {
        if (i == 0 || strcmp(db_text(rows, i, 0), db_text(rows, i - 1, 0)) != 0) {
            current = pipeline_json(rows, i);
            json_array_append_new(pipelines, current);
            buf_addf(&text, "%s%s (pipeline_id %s):", i > 0 ? "\n" : "", answer_name(db_text(rows, i, 1)),
                     db_text(rows, i, 0));
        }
        if (!db_is_null(rows, i, 3)) {
            json_array_append_new(json_object_get(current, "stages"), stage_json(rows, i));
            buf_addf(&text, "\n- %s (stage_id %s): ", answer_name(db_text(rows, i, 4)), db_text(rows, i, 3));
            buf_add_count(&text, (size_t)db_int(rows, i, 7), "contact");
        }
    }
    buf_add_text(&text, page.count == 0 ? "No pipelines." : "");
    json_t *answer =
        json_pack("{s:I, s:b}", "count", (json_int_t)json_array_size(pipelines), "has_more", page.has_more);
    json_object_set_new(answer, "pipelines", pipelines);
    call_finish_text(f->call, answer, &text);
}
