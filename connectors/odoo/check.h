/* Names in arguments, checked before they are sent: a wrong one gets a sentence instead of a traceback. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "fields.h"

bool check_is_field(const char *name);      /* "partner_id" */
bool check_is_field_path(const char *name); /* "partner_id.country_id.code" */
bool check_is_model(const char *name);      /* "sale.order" */

/* -1 with ERR_CALLER. */
int check_model(const char *model, err_t *err);
int check_field_names(const char *argument, const strings_t *names, err_t *err);
int check_order(const char *order, err_t *err); /* "date desc, name"; NULL and "" pass */
/* An array of ids: whole numbers above 0, each once, at most max. */
int check_ids(const json_t *ids, size_t max, err_t *err);
/* {"field": value}: at least one, all of them names of fields. */
int check_values(const json_t *values, err_t *err);
