/* Which models there are: asked of ir.model, which is what Odoo keeps of them; where its rights keep a user
 * from reading that (employees, in some versions), get_available_models says which ones the user may read. */
#pragma once

#include <jansson.h>

#include "connector.h"

typedef struct {
    const char *query; /* only those with this in their technical name or title; NULL: all */
    int64_t limit, offset;
} models_page_t;

/* models: [{"model": "res.partner", "name": "Contact"}], by technical name; one more than the limit where
 * there are more. Lives as long as the call. */
typedef void (*models_f)(void *self, const json_t *models, const err_t *err);
void models_ask(call_t *call, const models_page_t *page, models_f cb, void *self);
