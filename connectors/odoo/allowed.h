/* ODOO_ALLOWED_METHODS: "sale.order:action_confirm, sale.order:action_cancel". */
#pragma once

#include <stdbool.h>

#include "err.h"

typedef struct allowed allowed_t;

/* NULL text: an empty list. -1 with ERR_CALLER: an item that is no model:method, or a private method. */
int allowed_parse(const char *text, allowed_t **ret, err_t *err);
void allowed_free(allowed_t *allowed);
bool allowed_has(const allowed_t *allowed, const char *model, const char *method);
/* 0, or -1 with a sentence that names what is allowed. */
int allowed_check(const allowed_t *allowed, const char *model, const char *method, err_t *err);
