/* count_records: how many records match a domain. */
#include "answer.h"
#include "domain.h"
#include "check.h"
#include "odoo_client.h"

typedef struct {
    const char *model;
    json_t *domain;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD_DOMAIN(args_t),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void count_records(call_t *call, const void *decoded);
static void on_count(void *self, json_t *count, const err_t *err);

static const char result_schema[] =
    STRINGIZE({
    "type": "object", "required": ["model", "count"], "properties": {
        "model": {"type": "string"}, "count": {"type": "integer"}}});

const tool_t count_records_tool = {
    .name = "count_records",
    .title = "Count records",
    .description = "Counts the records of an Odoo model that match a domain, without reading them.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = count_records,
};

static void count_records(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check_model(f->args->model, &refused) || domain_check(f->args->domain, &refused)) {
        call_fail(call, &refused);
        return;
    }
    odoo_execute(call,
                 &(odoo_request_t){ .model = f->args->model,
                                    .method = "search_count",
                                    .args = json_pack("[o]", answer_array(f->args->domain)),
                                    .reads = ODOO_COUNT },
                 on_count, f);
}

static void on_count(void *self, json_t *count, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    answer_add_count(&text, (size_t)json_integer_value(count), "record", f->args->model);
    buf_add_char(&text, '.');
    call_finish_text(f->call, json_pack("{s:s, s:O}", "model", f->args->model, "count", count), &text);
}
