/* read_records: records by their ids. Odoo leaves out ids that are not there, so they are named. */
#include "answer.h"
#include "mem.h"
#include "model_fields.h"
#include "check.h"
#include "records.h"

typedef struct {
    const char *model;
    json_t *ids;
    strings_t fields;
    int64_t text_limit;
    bool with_binary;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD_IDS(args_t),
    FIELD(args_t, fields, .max_items = 100, .max_length = 128,
          .doc = "Fields to return; describe_model shows them. Without it: the name and a few usual ones."),
    FIELD(args_t, text_limit, .fallback = "4000", .min = 100, .max = 1000000,
          .doc = "Bytes of a long text that are returned; what is longer is cut."),
    FIELD(args_t, with_binary,
          .doc = "Return the content of binary fields as base64, which is large. Otherwise only their size."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    const model_fields_t *fields;
} flow_t;

static void read_records(call_t *call, const void *decoded);
static void on_fields(void *self, const model_fields_t *fields);
static void on_rows(void *self, json_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["model", "records", "count", "missing_ids"], "properties": {
        "model": {"type": "string"},
        "records": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}},
        "count": {"type": "integer"},
        "missing_ids": {"type": "array", "items": {"type": "integer"}}}});

const tool_t read_records_tool = {
    .name = "read_records",
    .title = "Read records",
    .description =
        "Reads records of an Odoo model by their ids, with long texts. missing_ids lists those that are not "
        "there. Empty fields are null, a many2one is {\"id\", \"name\"}, times are UTC.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = read_records,
};

static int check(const args_t *a, err_t *err)
{
    if (check_model(a->model, err) || check_ids(a->ids, IDS_MAX, err)) {
        return -1;
    }
    return check_field_names("fields", &a->fields, err);
}

static void read_records(call_t *call, const void *decoded)
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

static void on_fields(void *self, const model_fields_t *fields)
{
    flow_t *f = self;

    f->fields = fields;
    odoo_execute(f->call,
                 &(odoo_request_t){ .model = f->args->model,
                                    .method = "read",
                                    .args = json_pack("[O]", f->args->ids),
                                    .kwargs = model_fields_options(fields, f->args->with_binary),
                                    .reads = ODOO_ROWS },
                 on_rows, f);
}

static void add_notes(buf_t *text, const flow_t *f, const json_t *missing, bool cut)
{
    if (json_array_size(missing) > 0) {
        buf_add_text(text, "\nNot there: ");
        answer_add_json(text, missing, 2000);
        buf_add_char(text, '.');
    }
    if (cut) {
        buf_addf(text, "\nLong text was cut at %lld bytes: ask again with a larger text_limit.",
                 (long long)f->args->text_limit);
    }
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
    size_t count = json_array_size(rows);
    const records_rule_t rule = { (size_t)f->args->text_limit, f->args->with_binary };
    json_t *records = records_shape(rows, count, f->fields->types, &rule, &cut);
    json_t *missing = records_missing(f->args->ids, rows);
    answer_add_count(&text, count, "record", f->args->model);
    buf_add_text(&text, count > 0 ? ":" : ".");
    records_add_lines(&text, records, rule.text_limit);
    add_notes(&text, f, missing, cut);
    call_finish_text(f->call,
                     json_pack("{s:s, s:o, s:I, s:o}", "model", f->args->model, "records", records, "count",
                               (json_int_t)count, "missing_ids", missing),
                     &text);
}
