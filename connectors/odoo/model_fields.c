/* See model_fields.h. */
#include "model_fields.h"

#include <string.h>

#include "answer.h"
#include "mem.h"

#define USUAL_MAX 8

/* Shown when none were asked for, as far as they are there: who or what a record is, and how it stands. */
static const char *const usual[] = {
    "display_name", "model",           "default_code",     "email",        "phone",      "state",
    "stage_id",     "partner_id",      "user_id",          "product_id",   "list_price", "amount_total",
    "price_unit",   "product_uom_qty", "expected_revenue", "invoice_date", "date_order", "date_deadline",
    "code",         "create_date",
};

typedef struct {
    call_t *call;
    const char *model;
    const strings_t *wanted;
    model_fields_f cb;
    void *self;
    model_fields_t fields;
} ask_t;

static void on_fields(void *self, json_t *types, const err_t *err);

/* fields_get passes over those that are not there. */
static json_t *usual_names(void)
{
    json_t *names = json_array();

    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        json_array_append_new(names, json_string(usual[i]));
    }
    return names;
}

void model_fields_ask(call_t *call, const char *model, const strings_t *wanted, model_fields_f cb, void *self)
{
    ask_t *ask = CALL_NEW(call, ask_t);

    *ask = (ask_t){ .call = call, .model = model, .wanted = wanted, .cb = cb, .self = self };
    json_t *names = wanted->count > 0 ? answer_strings(wanted) : usual_names();
    odoo_execute(call,
                 &(odoo_request_t){ .model = model,
                                    .method = "fields_get",
                                    .args = json_pack("[o]", names),
                                    .kwargs = json_pack("{s:[s]}", "attributes", "type"),
                                    .reads = ODOO_FIELDS },
                 on_fields, ask);
}

static int refuse_unknown(const ask_t *ask, const char *name, err_t *err)
{
    return err_set(err, ERR_CALLER,
                   "%s has no field \"%s\", or the account that is used may not see it. describe_model shows "
                   "which there are.",
                   ask->model, name);
}

static int check_wanted(const ask_t *ask, const json_t *types, err_t *err)
{
    for (size_t i = 0; i < ask->wanted->count; i++) {
        if (!json_object_get(types, ask->wanted->at[i])) {
            return refuse_unknown(ask, ask->wanted->at[i], err);
        }
    }
    return 0;
}

json_t *model_fields_usual(const json_t *types)
{
    json_t *names = json_array();

    for (size_t i = 0; i < COUNT_OF(usual) && json_array_size(names) < USUAL_MAX; i++) {
        if (json_object_get(types, usual[i])) {
            json_array_append_new(names, json_string(usual[i]));
        }
    }
    if (json_array_size(names) == 0) {
        json_array_append_new(names, json_string("id"));
    }
    return names;
}

static bool has_binary(const json_t *names, const json_t *types)
{
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name)
    {
        const char *type =
            json_string_value(json_object_get(json_object_get(types, json_string_value(name)), "type"));
        if (type && strcmp(type, "binary") == 0) {
            return true;
        }
    }
    return false;
}

static void on_fields(void *self, json_t *types, const err_t *err)
{
    ask_t *ask = self;
    err_t unknown;

    if (err) {
        call_fail(ask->call, err);
        return;
    }
    if (check_wanted(ask, types, &unknown)) {
        call_fail(ask->call, &unknown);
        return;
    }
    json_t *names = ask->wanted->count > 0 ? answer_strings(ask->wanted) : model_fields_usual(types);
    odoo_keep(ask->call, names);
    ask->fields = (model_fields_t){ names, types, has_binary(names, types) };
    ask->cb(ask->self, &ask->fields);
}

json_t *model_fields_options(const model_fields_t *fields, bool with_binary)
{
    json_t *options = json_pack("{s:O}", "fields", fields->names);

    if (fields->has_binary && !with_binary) {
        json_object_set_new(options, "context", json_pack("{s:b}", "bin_size", 1));
    }
    return options;
}
