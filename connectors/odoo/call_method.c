/* call_method: a method of the business, such as confirming an order; only those that whoever runs the
 * connector has listed. What it does is Odoo's to know, so it counts as the most a tool can do. */
#include "answer.h"
#include "check.h"
#include "odoo_client.h"

#define RESULT_SHOWN_BYTES 4000

/* A method takes and returns what it likes. Every type by its name, see SCHEMA_DOMAIN. */
#define SCHEMA_ANY                                                                                           \
    STRINGIZE({ "anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"},  \
                          {"type": "null"}, {"type": "array"}, {"type": "object"}]})

typedef struct {
    const char *model, *method;
    json_t *ids, *args, *kwargs;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD(args_t, method, .required = true, .max_length = 128,
          .doc = "Name of the method, such as action_confirm."),
    FIELD_IDS(args_t),
    FIELD(args_t, args, .schema = "{\"type\":\"array\",\"items\":" SCHEMA_ANY "}",
          .doc = "Further positional arguments, after the ids."),
    FIELD(args_t, kwargs, .schema = "{\"type\":\"object\"}", .doc = "Named arguments."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void call_method(call_t *call, const void *decoded);
static void on_called(void *self, json_t *result, const err_t *err);

static const char result_schema[] =
    "{\"type\": \"object\", \"required\": [\"model\", \"method\", \"ids\", \"result\"], \"properties\": {"
    "\"model\": {\"type\": \"string\"}, \"method\": {\"type\": \"string\"}, "
    "\"ids\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"}}, "
    "\"result\": " SCHEMA_ANY "}}";

const tool_t call_method_tool = {
    .name = "call_method",
    .title = "Call a method",
    .description =
        "Calls a method of an Odoo model on records, such as action_confirm of sale.order, which confirms "
        "quotations. Only methods that the operator has allowed; the refusal names them. result is null when "
        "the method is done and returned nothing, or nothing that can be sent.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true,
    .open_world = true,
    .run = call_method,
};

static int check(call_t *call, const args_t *a, err_t *err)
{
    if (check_model(a->model, err) || allowed_check(odoo_of(call)->allowed, a->model, a->method, err)) {
        return -1;
    }
    return check_ids(a->ids, IDS_MAX, err);
}

static json_t *positional(const args_t *a)
{
    json_t *list = json_pack("[O]", a->ids);

    if (a->args) {
        json_array_extend(list, a->args);
    }
    return list;
}

static void call_method(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check(call, f->args, &refused)) {
        call_fail(call, &refused);
        return;
    }
    odoo_execute(call,
                 &(odoo_request_t){ .model = f->args->model,
                                    .method = f->args->method,
                                    .args = positional(f->args),
                                    .kwargs = json_incref(f->args->kwargs) },
                 on_called, f);
}

static void on_called(void *self, json_t *result, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    buf_addf(&text, "%s of %s ", f->args->method, f->args->model);
    answer_add_json(&text, f->args->ids, 2000);
    if (json_is_null(result)) {
        buf_add_text(&text, " is done; it gave no result.");
    } else {
        buf_add_text(&text, " is done and returned ");
        answer_add_json(&text, result, RESULT_SHOWN_BYTES);
        buf_add_char(&text, '.');
    }
    call_finish_text(f->call,
                     json_pack("{s:s, s:s, s:O, s:O}", "model", f->args->model, "method", f->args->method,
                               "ids", f->args->ids, "result", result),
                     &text);
}
