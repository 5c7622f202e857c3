/* update_records: the same new values for one or more records, in one write: all of them or none. Clearing
 * has a word of its own (clear_fields), because clients drop nulls and empty values on the way. */
#include "answer.h"
#include "check.h"
#include "odoo_client.h"

typedef struct {
    const char *model;
    json_t *ids, *values;
    strings_t clear_fields;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD_IDS(args_t),
    FIELD_VALUES(args_t, .required = false),
    FIELD(args_t, clear_fields, .max_items = 60, .max_length = 128,
          .doc = "Fields to empty, such as [\"phone\", \"country_id\"]."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void update_records(call_t *call, const void *decoded);
static void on_written(void *self, json_t *done, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["model", "updated_ids"], "properties": {
        "model": {"type": "string"}, "updated_ids": {"type": "array", "items": {"type": "integer"}}}});

const tool_t update_records_tool = {
    .name = "update_records",
    .title = "Update records",
    .description =
        "Writes the same values into one or more records of an Odoo model; all of them are changed or none. "
        "To empty fields name them in clear_fields. Give values, clear_fields or both.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true, /* overwrites what was there */
    .open_world = true,
    .run = update_records,
};

static int check(const args_t *a, err_t *err)
{
    if (check_model(a->model, err) || check_ids(a->ids, IDS_MAX, err) ||
        check_field_names("clear_fields", &a->clear_fields, err)) {
        return -1;
    }
    if (json_object_size(a->values) == 0 && a->clear_fields.count == 0) {
        return err_set(err, ERR_CALLER,
                       "There is nothing to change: give values, such as {\"phone\": \"+55 11 5555\"}, or "
                       "clear_fields with the names of fields to empty.");
    }
    for (size_t i = 0; i < a->clear_fields.count; i++) {
        if (json_object_get(a->values, a->clear_fields.at[i])) {
            return err_set(err, ERR_CALLER, "%s is in values and in clear_fields: it can only be in one.",
                           a->clear_fields.at[i]);
        }
    }
    return json_object_size(a->values) > 0 ? check_values(a->values, err) : 0;
}

/* For Odoo false is what empties a field of any type. */
static json_t *values_of(const args_t *a)
{
    json_t *values = json_object();

    if (a->values) {
        json_object_update(values, a->values);
    }
    for (size_t i = 0; i < a->clear_fields.count; i++) {
        json_object_set_new(values, a->clear_fields.at[i], json_false());
    }
    return values;
}

static void update_records(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check(f->args, &refused)) {
        call_fail(call, &refused);
        return;
    }
    odoo_execute(call,
                 &(odoo_request_t){ .model = f->args->model,
                                    .method = "write",
                                    .args = json_pack("[O, o]", f->args->ids, values_of(f->args)) },
                 on_written, f);
}

/* Which they were, because a null in values has been left out on the way. */
static void add_fields(buf_t *text, const args_t *a)
{
    const char *separator = ": wrote ", *name;
    json_t *value;

    json_object_foreach(a->values, name, value)
    {
        buf_addf(text, "%s%s", separator, name);
        separator = ", ";
    }
    separator = a->values ? "; emptied " : ": emptied ";
    for (size_t i = 0; i < a->clear_fields.count; i++) {
        buf_addf(text, "%s%s", separator, a->clear_fields.at[i]);
        separator = ", ";
    }
}

static void on_written(void *self, json_t *done, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    (void)done;
    if (err) {
        answer_write_failed(f->call, f->args->values, err);
        return;
    }
    buf_addf(&text, "Updated %s ", f->args->model);
    answer_add_json(&text, f->args->ids, 2000);
    add_fields(&text, f->args);
    buf_add_char(&text, '.');
    call_finish_text(f->call, json_pack("{s:s, s:O}", "model", f->args->model, "updated_ids", f->args->ids),
                     &text);
}
