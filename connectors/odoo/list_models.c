/* list_models: which models there are. */
#include "answer.h"
#include "models.h"

typedef struct {
    const char *query;
    int64_t limit, offset;
} args_t;

static const field_t args[] = {
    FIELD(args_t, query, .max_length = 100,
          .doc = "Only models with this in their technical name or title, such as \"sale\" or \"invoice\"."),
    FIELD(args_t, limit, .fallback = "50", .min = 1, .max = 500, .doc = "Models per page."),
    FIELD_OFFSET(args_t),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void list_models(call_t *call, const void *decoded);
static void on_models(void *self, const json_t *models, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["models", "count", "has_more"], "properties": {
        "models": {"type": "array", "items": {"type": "object", "required": ["model", "name"], "properties": {
            "model": {"type": "string"}, "name": {"type": "string"}}}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t list_models_tool = {
    .name = "list_models",
    .title = "List models",
    .description = "Lists the models (kinds of records) of this Odoo: technical name and title, by name. Use "
                   "query to find the one that is meant; describe_model then shows its fields.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_models,
};

static void list_models(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);

    *f = (flow_t){ call, a };
    models_ask(call, &(models_page_t){ a->query, a->limit, a->offset }, on_models, f);
}

static void on_models(void *self, const json_t *models, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    page_t page = page_of(json_array_size(models), f->args->limit, f->args->offset);
    json_t *shown = json_array();
    buf_add_count(&text, page.count, "model");
    buf_add_text(&text, page.count > 0 ? ":" : " found.");
    for (size_t i = 0; i < page.count; i++) {
        json_t *model = json_array_get(models, i);
        json_array_append(shown, model);
        buf_addf(&text, "\n- %s: %s", json_string_value(json_object_get(model, "model")),
                 json_string_value(json_object_get(model, "name")));
    }
    json_t *answer = json_pack("{s:o}", "models", shown);
    page_add(answer, &text, &page);
    call_finish_text(f->call, answer, &text);
}
