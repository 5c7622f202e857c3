/* describe_model: the fields of a model, required ones first. A model of Odoo has up to some hundred, so they
 * come in pages and can be searched. */
#include "answer.h"
#include "check.h"
#include "described.h"
#include "utf8.h"

#define CHOICES_SHOWN 20
#define HELP_SHOWN_BYTES 300

typedef struct {
    const char *model;
    strings_t fields;
    const char *query;
    int64_t limit, offset;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD(args_t, query, .max_length = 100, .doc = "Only fields with this in their name or label."),
    FIELD(args_t, fields, .max_items = 60, .max_length = 128,
          .doc = "Only these fields, with their help texts."),
    FIELD(args_t, limit, .fallback = "60", .min = 1, .max = 500, .doc = "Fields per page."),
    FIELD_OFFSET(args_t),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void describe_model(call_t *call, const void *decoded);
static void on_fields(void *self, json_t *types, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["model", "fields", "count", "has_more"], "properties": {
        "model": {"type": "string"},
        "fields": {"type": "array", "items": {"type": "object", "required": ["name", "type"], "properties": {
            "name": {"type": "string"}, "label": {"type": "string"}, "type": {"type": "string"},
            "required": {"type": "boolean"}, "readonly": {"type": "boolean"}, "relation": {"type": "string"},
            "selection": {"type": "array", "items": {"type": "array", "items": {"anyOf": [
                {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]}}},
            "help": {"type": "string"}}}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t describe_model_tool = {
    .name = "describe_model",
    .title = "Describe a model",
    .description =
        "Lists the fields of an Odoo model: name, label, type, whether required or read-only, the model a "
        "relation leads to, the values a selection takes. Use it before creating or updating records. "
        "Required fields come first; narrow with query, or ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = describe_model,
};

static void describe_model(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check_model(f->args->model, &refused) || check_field_names("fields", &f->args->fields, &refused)) {
        call_fail(call, &refused);
        return;
    }
    bool chosen = f->args->fields.count > 0;
    const odoo_request_t request =
        described_request(f->args->model, chosen ? answer_strings(&f->args->fields) : NULL);
    odoo_execute(call, &request, on_fields, f);
}

/* Of [["draft", "Quotation"], ["sale", "Sales Order"]] the values. */
static void add_selection(buf_t *text, const json_t *selection)
{
    size_t i;
    json_t *choice;

    json_array_foreach(selection, i, choice)
    {
        if (i == CHOICES_SHOWN) {
            buf_addf(text, "|... %zu in all", json_array_size(selection));
            return;
        }
        const char *value = json_string_value(json_array_get(choice, 0));
        buf_addf(text, "%s%s", i == 0 ? " " : "|", value ? value : "?");
    }
}

static void add_line(buf_t *text, const json_t *field)
{
    const char *relation = json_string_value(json_object_get(field, "relation"));
    const char *help = json_string_value(json_object_get(field, "help"));

    buf_addf(text, "\n- %s (%s): %s", json_string_value(json_object_get(field, "name")),
             json_string_value(json_object_get(field, "label")),
             json_string_value(json_object_get(field, "type")));
    if (relation) {
        buf_addf(text, " to %s", relation);
    }
    add_selection(text, json_object_get(field, "selection"));
    buf_add_text(text, json_is_true(json_object_get(field, "required")) ? ", required" : "");
    buf_add_text(text, json_is_true(json_object_get(field, "readonly")) ? ", read-only" : "");
    if (help) {
        buf_addf(text, ". %.*s", (int)utf8_cut(span_of(help), HELP_SHOWN_BYTES), help);
    }
}

static bool is_wanted_there(const args_t *a, const json_t *types, const char **ret_missing)
{
    for (size_t i = 0; i < a->fields.count; i++) {
        if (!json_object_get(types, a->fields.at[i])) {
            *ret_missing = a->fields.at[i];
            return false;
        }
    }
    return true;
}

static void on_fields(void *self, json_t *types, const err_t *err)
{
    flow_t *f = self;
    const char *missing = NULL;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    if (!is_wanted_there(f->args, types, &missing)) {
        call_failf(f->call, ERR_CALLER, "%s has no field \"%s\", or the account that is used may not see it.",
                   f->args->model, missing);
        return;
    }
    json_auto_t *all = described_fields(types, f->args->query);
    size_t found = json_array_size(all);
    size_t from = (size_t)f->args->offset < found ? (size_t)f->args->offset : found;
    page_t page = page_of(found - from, f->args->limit, f->args->offset);
    json_t *fields = json_array();
    buf_addf(&text, "%s, %zu of %zu fields%s", f->args->model, page.count, found, page.count > 0 ? ":" : ".");
    for (size_t i = from; i < from + page.count; i++) {
        json_t *field = json_array_get(all, i);
        add_line(&text, field);
        json_array_append(fields, field);
    }
    json_t *answer = json_pack("{s:s, s:o}", "model", f->args->model, "fields", fields);
    page_add(answer, &text, &page);
    call_finish_text(f->call, answer, &text);
}
