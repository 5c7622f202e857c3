/* Which fields of a model a tool reads, with their types: without them nobody could tell a False that means
 * "empty" from one that means "no". One fields_get per call; nothing is kept, since what a user may see is
 * Odoo's to say each time. */
#pragma once

#include <jansson.h>

#include "odoo_client.h"

typedef struct {
    json_t *names; /* ["display_name", "email"] */
    json_t *types; /* {"email": {"type": "char"}} of these */
    bool has_binary;
} model_fields_t;

/* wanted: names of the caller's, or none of them for a few that say who or what a record is. A wanted one
 * that is not there fails the call with ERR_CALLER and its name, as whatever else does: the callback then
 * does not run. fields live as long as the call. */
typedef void (*model_fields_f)(void *self, const model_fields_t *fields);
void model_fields_ask(call_t *call, const char *model, const strings_t *wanted, model_fields_f cb,
                      void *self);

/* {"fields": [..]}: the options of a request for them. Of binary ones Odoo then says only how large they are,
 * unless their content is wanted. A new reference. */
json_t *model_fields_options(const model_fields_t *fields, bool with_binary);

/* Of all fields, those that are shown when none were asked for. */
json_t *model_fields_usual(const json_t *types);
