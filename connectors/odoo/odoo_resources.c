/* What of an Odoo can be read by an address: its models, and the fields of each. The same as list_models and
 * describe_model say, whole instead of in pages, with the account of who reads. */
#include "check.h"
#include "described.h"
#include "models.h"
#include "odoo.h"
#include "odoo_client.h"
#include "page.h"

#define MODELS_MAX 5000 /* an Odoo with everything installed has about 1,200 */
#define SUGGESTED_MAX 50

typedef struct {
    const char *model;
} vars_t;

static const field_t vars[] = {
    FIELD(vars_t, model, .required = true, .max_length = 128,
          .doc = "Technical name of the model, such as res.partner."),
    { 0 },
};

static void read_models(call_t *call);
static void on_models(void *self, const json_t *models, const err_t *err);
static void read_fields(call_t *call, const void *decoded);
static void on_fields(void *self, json_t *types, const err_t *err);
static void suggest_model(call_t *call, const completion_t *asked);
static void on_suggested(void *self, const json_t *models, const err_t *err);

static const resource_t models = {
    .uri = "odoo://models",
    .name = "models",
    .title = "Models of this Odoo",
    .description = "All models (kinds of records) of this Odoo: technical name and title.",
    .mime_type = "application/json",
    .read = read_models,
};

static const resource_template_t fields = {
    .uri_template = "odoo://model/{model}/fields",
    .name = "fields",
    .title = "Fields of a model",
    .description = "All fields of a model: name, label, type, whether required or read-only, the model a "
                   "relation leads to, the values a selection takes.",
    .mime_type = "application/json",
    .vars = vars,
    .vars_size = sizeof(vars_t),
    .read = read_fields,
    .complete = suggest_model,
};

const resource_t *const odoo_resources[] = { &models, NULL };
const resource_template_t *const odoo_templates[] = { &fields, NULL };

/* value: stolen. */
static void finish(call_t *call, json_t *value)
{
    json_auto_t *owned = value;
    AUTO(mem_free) char *text = json_dumps(owned, JSON_COMPACT);

    call_finish_resource(call, NULL, text);
}

static void read_models(call_t *call)
{
    models_ask(call, &(models_page_t){ .limit = MODELS_MAX }, on_models, call);
}

static void on_models(void *self, const json_t *found, const err_t *err)
{
    call_t *call = self;

    if (err) {
        call_fail(call, err);
        return;
    }
    page_t page = page_of(json_array_size(found), MODELS_MAX, 0);
    json_t *shown = json_copy((json_t *)found);
    while (json_array_size(shown) > page.count) {
        json_array_remove(shown, page.count);
    }
    finish(call, json_pack("{s:o, s:I, s:b}", "models", shown, "count", (json_int_t)page.count, "has_more",
                           page.has_more));
}

typedef struct {
    call_t *call;
    const char *model;
} flow_t;

static void read_fields(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    *f = (flow_t){ call, ((const vars_t *)decoded)->model };
    if (check_model(f->model, &refused)) {
        refused.kind = ERR_UNKNOWN; /* no model has such a name, so nothing is at this address */
        call_fail(call, &refused);
        return;
    }
    odoo_request_t request = described_request(f->model, NULL);
    request.by_address = true;
    odoo_execute(call, &request, on_fields, f);
}

static void on_fields(void *self, json_t *types, const err_t *err)
{
    const flow_t *f = self;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    json_t *described = described_fields(types, NULL);
    size_t count = json_array_size(described);
    finish(f->call,
           json_pack("{s:s, s:o, s:I}", "model", f->model, "fields", described, "count", (json_int_t)count));
}

static void suggest_model(call_t *call, const completion_t *asked)
{
    const char *query = *asked->value != '\0' ? asked->value : NULL;

    models_ask(call, &(models_page_t){ .query = query, .limit = SUGGESTED_MAX }, on_suggested, call);
}

static void on_suggested(void *self, const json_t *found, const err_t *err)
{
    call_t *call = self;
    const char *names[SUGGESTED_MAX];
    size_t count = 0;

    if (err) {
        call_fail(call, err);
        return;
    }
    while (count < SUGGESTED_MAX && count < json_array_size(found)) {
        names[count] = json_string_value(json_object_get(json_array_get(found, count), "model"));
        count++;
    }
    bool more = json_array_size(found) > count;
    call_finish_completion(call, names, count, more ? -1 : (int64_t)count, more);
}
