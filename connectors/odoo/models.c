/* See models.h. */
#include "models.h"

#include <string.h>

#include "answer.h"
#include "odoo_client.h"

typedef struct {
    call_t *call;
    models_page_t page;
    models_f cb;
    void *self;
    err_t denied;
} ask_t;

static void on_rows(void *self, json_t *rows, const err_t *err);
static void on_available(void *self, json_t *rows, const err_t *err);

static json_t *domain_of(const char *query)
{
    if (!query) {
        return json_pack("[[s, s, b]]", "transient", "=", 0);
    }
    return json_pack("[[s, s, b], s, [s, s, s], [s, s, s]]", "transient", "=", 0, "|", "model", "ilike",
                     query, "name", "ilike", query);
}

static json_t *options(const models_page_t *page)
{
    json_t *kwargs = json_pack("{s:[s, s]}", "fields", "model", "name");

    answer_ask_page(kwargs, page->limit, page->offset, "order", "model");
    return kwargs;
}

void models_ask(call_t *call, const models_page_t *page, models_f cb, void *self)
{
    ask_t *ask = CALL_NEW(call, ask_t);

    *ask = (ask_t){ .call = call, .page = *page, .cb = cb, .self = self };
    odoo_execute(call,
                 &(odoo_request_t){ .model = "ir.model",
                                    .method = "search_read",
                                    .args = json_pack("[o]", domain_of(page->query)),
                                    .kwargs = options(page),
                                    .reads = ODOO_ROWS },
                 on_rows, ask);
}

static const char *text_of(const json_t *row, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text ? text : otherwise;
}

static json_t *model_of(const json_t *row)
{
    const char *model = text_of(row, "model", "?");

    return json_pack("{s:s, s:s}", "model", model, "name",
                     text_of(row, "name", text_of(row, "display_name", model)));
}

static void on_rows(void *self, json_t *rows, const err_t *err)
{
    ask_t *ask = self;
    size_t i;
    json_t *row;

    if (!err) {
        json_t *models = odoo_keep(ask->call, json_array());
        json_array_foreach(rows, i, row)
        {
            json_array_append_new(models, model_of(row));
        }
        ask->cb(ask->self, models, NULL);
        return;
    }
    if (err->kind != ERR_DENIED || !odoo_is_logged_in(ask->call)) {
        ask->cb(ask->self, NULL, err);
        return;
    }
    ask->denied = *err;
    odoo_execute(
        ask->call,
        &(odoo_request_t){
            .model = "ir.model", .method = "get_available_models", .args = json_array(), .reads = ODOO_ROWS },
        on_available, ask);
}

static bool matches(const json_t *row, const char *query)
{
    return !query || strcasestr(text_of(row, "model", ""), query) ||
           strcasestr(text_of(row, "display_name", ""), query);
}

/* Odoo before 15 does not know the method; what it said of the first question is then the answer. */
static void on_available(void *self, json_t *rows, const err_t *err)
{
    ask_t *ask = self;
    int64_t found = 0;
    size_t i;
    json_t *row;

    if (err || !json_is_array(rows)) {
        ask->cb(ask->self, NULL, &ask->denied);
        return;
    }
    json_t *models = odoo_keep(ask->call, json_array());
    json_array_foreach(rows, i, row)
    {
        if (matches(row, ask->page.query) && found++ >= ask->page.offset &&
            json_array_size(models) <= (size_t)ask->page.limit) {
            json_array_append_new(models, model_of(row));
        }
    }
    ask->cb(ask->self, models, NULL);
}
