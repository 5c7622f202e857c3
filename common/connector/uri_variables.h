/* Templates of resource URIs: RFC 6570 level 1, "odoo://model/{model}/fields". Expansion is the client's; a
 * connector matches. A variable stands for one or more characters without "/", "?" and "#", percent-coded
 * where they are not unreserved. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "span.h"

/* -1 with ERR_INTERNAL when it is not one: braces that do not pair, two variables side by side, none. */
int uri_variables_check(const char *uri_template, err_t *err);
/* Steps through the variables: start with the template; false at the end. */
bool uri_variables_next(const char **rest, span_t *ret_variable);

/* Each variable's value, percent-coding resolved, in the order of the template. false: uri does not match, or
 * a value is not UTF-8 text or has NUL in it. */
typedef void (*uri_variable_f)(void *self, span_t name, span_t value);
bool uri_variables_match(const char *uri_template, span_t uri, uri_variable_f each, void *self);
