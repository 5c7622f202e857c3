/* search_records: rows that match a domain. First the fields of the model (their types, and which are there),
 * then one search_read with a row more than the page, which says whether there are more. */
#include "answer.h"
#include "domain.h"
#include "mem.h"
#include "model_fields.h"
#include "check.h"
#include "records.h"

#define TEXT_LIMIT 500

typedef struct {
    const char *model;
    json_t *domain;
    strings_t fields;
    int64_t limit, offset;
    const char *order;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD_DOMAIN(args_t),
    FIELD(args_t, fields, .max_items = 60, .max_length = 128,
          .doc = "Fields to return, such as [\"name\", \"email\"]; describe_model shows them. Without it: "
                 "the name and a few usual ones."),
    FIELD(args_t, limit, .fallback = "20", .min = 1, .max = 200, .doc = "Records per page."),
    FIELD_OFFSET(args_t),
    FIELD(args_t, order, .max_length = 500,
          .doc = "Sorting, such as \"create_date desc, id\". Without it: the model's own."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    const model_fields_t *fields;
} flow_t;

static void search_records(call_t *call, const void *decoded);
static void on_fields(void *self, const model_fields_t *fields);
static void on_rows(void *self, json_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["model", "records", "count", "has_more"], "properties": {
        "model": {"type": "string"},
        "records": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t search_records_tool = {
    .name = "search_records",
    .title = "Search records",
    .description =
        "Finds records of an Odoo model by a domain and returns their fields. Empty fields are null, a "
        "many2one is {\"id\", \"name\"}, one2many and many2many are lists of ids, times are UTC. Long text "
        "is cut; read_records shows all of it. When has_more is true, ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = search_records,
};

static int check(const args_t *a, err_t *err)
{
    if (check_model(a->model, err) || domain_check(a->domain, err) ||
        check_field_names("fields", &a->fields, err)) {
        return -1;
    }
    return check_order(a->order, err);
}

static void search_records(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check(f->args, &refused)) {
        call_fail(call, &refused);
        return;
    }
    model_fields_ask(call, f->args->model, &f->args->fields, on_fields, f);
}

static json_t *options(const flow_t *f)
{
    json_t *kwargs = model_fields_options(f->fields, false);

    answer_ask_page(kwargs, f->args->limit, f->args->offset, "order", f->args->order);
    return kwargs;
}

static void on_fields(void *self, const model_fields_t *fields)
{
    flow_t *f = self;

    f->fields = fields;
    odoo_execute(f->call,
                 &(odoo_request_t){ .model = f->args->model,
                                    .method = "search_read",
                                    .args = json_pack("[o]", answer_array(f->args->domain)),
                                    .kwargs = options(f),
                                    .reads = ODOO_ROWS },
                 on_rows, f);
}

static void on_rows(void *self, json_t *rows, const err_t *err)
{
    flow_t *f = self;
    bool cut = false;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    page_t page = page_of(json_array_size(rows), f->args->limit, f->args->offset);
    json_t *records = records_shape(rows, page.count, f->fields->types,
                                    &(records_rule_t){ .text_limit = TEXT_LIMIT }, &cut);
    answer_add_count(&text, page.count, "record", f->args->model);
    buf_add_text(&text, page.count > 0 ? ":" : " found.");
    records_add_lines(&text, records, TEXT_LIMIT);
    if (cut) {
        buf_add_text(&text, "\nLong text was cut: read_records shows all of it.");
    }
    json_t *answer = json_pack("{s:s, s:o}", "model", f->args->model, "records", records);
    page_add(answer, &text, &page);
    call_finish_text(f->call, answer, &text);
}
