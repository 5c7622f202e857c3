/* create_record: one new record. Answered as soon as Odoo has given its id, so that nothing that fails later
 * could make a record that is there look as if it were not. */
#include "answer.h"
#include "check.h"
#include "odoo_client.h"

typedef struct {
    const char *model;
    json_t *values;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD_VALUES(args_t, .required = true),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void create_record(call_t *call, const void *decoded);
static void on_created(void *self, json_t *id, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["model", "id"], "properties": {
        "model": {"type": "string"}, "id": {"type": "integer"}}});

const tool_t create_record_tool = {
    .name = "create_record",
    .title = "Create a record",
    .description = "Creates one record of an Odoo model and returns its id. describe_model shows which "
                   "fields are required and what they take. A sale order with lines is created in one call: "
                   "\"order_line\": [[0,0,{\"product_id\":5,\"product_uom_qty\":2}]].",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .open_world = true,
    .run = create_record,
};

static void create_record(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check_model(f->args->model, &refused) || check_values(f->args->values, &refused)) {
        call_fail(call, &refused);
        return;
    }
    odoo_execute(call,
                 &(odoo_request_t){
                     .model = f->args->model, .method = "create", .args = json_pack("[O]", f->args->values) },
                 on_created, f);
}

static void on_created(void *self, json_t *id, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        answer_write_failed(f->call, f->args->values, err);
        return;
    }
    if (!json_is_integer(id)) {
        call_failf(f->call, ERR_UPSTREAM,
                   "Odoo created the record but did not say its id. Do not create it again; search_records "
                   "finds it.");
        return;
    }
    buf_addf(&text, "Created %s with id %lld.", f->args->model, (long long)json_integer_value(id));
    call_finish_text(f->call, json_pack("{s:s, s:O}", "model", f->args->model, "id", id), &text);
}
