/* delete_records: deletes records by id. Which of them are there is asked first (archived ones too), because
 * Odoo refuses the whole of it when one is not; so a repeated call says what is gone already and fails not.
 */
#include "answer.h"
#include "check.h"
#include "odoo_client.h"
#include "records.h"

typedef struct {
    const char *model;
    json_t *ids;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD_IDS(args_t),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    json_t *there;
} flow_t;

static void delete_records(call_t *call, const void *decoded);
static void on_found(void *self, json_t *ids, const err_t *err);
static void on_deleted(void *self, json_t *done, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["model", "deleted_ids", "missing_ids"], "properties": {
        "model": {"type": "string"}, "deleted_ids": {"type": "array", "items": {"type": "integer"}},
        "missing_ids": {"type": "array", "items": {"type": "integer"}}}});

const tool_t delete_records_tool = {
    .name = "delete_records",
    .title = "Delete records",
    .description = "Deletes records of an Odoo model for good; all that are there or none. missing_ids lists "
                   "those that were not there (or that the account may not see). Many records are better "
                   "archived: update_records with {\"active\": false}.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true,
    .idempotent = true,
    .open_world = true,
    .run = delete_records,
};

static void delete_records(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check_model(f->args->model, &refused) || check_ids(f->args->ids, IDS_MAX, &refused)) {
        call_fail(call, &refused);
        return;
    }
    odoo_execute(call,
                 &(odoo_request_t){ .model = f->args->model,
                                    .method = "search",
                                    .args = json_pack("[[[s, s, O]]]", "id", "in", f->args->ids),
                                    .kwargs = json_pack("{s:{s:b}}", "context", "active_test", 0),
                                    .reads = ODOO_IDS },
                 on_found, f);
}

static void finish(flow_t *f)
{
    json_t *missing = records_missing(f->args->ids, f->there);
    AUTO_BUF text = { 0 };

    if (json_array_size(f->there) > 0) {
        buf_addf(&text, "Deleted %s ", f->args->model);
        answer_add_json(&text, f->there, 2000);
        buf_add_char(&text, '.');
    } else {
        buf_add_text(&text, "Nothing was deleted.");
    }
    if (json_array_size(missing) > 0) {
        buf_add_text(&text, " Not there: ");
        answer_add_json(&text, missing, 2000);
        buf_add_char(&text, '.');
    }
    call_finish_text(f->call,
                     json_pack("{s:s, s:O, s:o}", "model", f->args->model, "deleted_ids", f->there,
                               "missing_ids", missing),
                     &text);
}

/* Of the ids asked for those that were found, and no others whatever was answered: they are deleted next. */
static json_t *there(const json_t *asked, const json_t *found)
{
    json_auto_t *missing = records_missing(asked, found);

    return records_missing(asked, missing);
}

static void on_found(void *self, json_t *ids, const err_t *err)
{
    flow_t *f = self;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    f->there = there(f->args->ids, ids);
    odoo_keep(f->call, f->there);
    if (json_array_size(f->there) == 0) {
        finish(f);
        return;
    }
    odoo_execute(
        f->call,
        &(odoo_request_t){ .model = f->args->model, .method = "unlink", .args = json_pack("[O]", f->there) },
        on_deleted, f);
}

static void on_deleted(void *self, json_t *done, const err_t *err)
{
    flow_t *f = self;

    (void)done;
    if (err) {
        call_fail(f->call, err);
        return;
    }
    finish(f);
}
