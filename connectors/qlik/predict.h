/* Rows of features, as agents write them, in and out of the shape Qlik's predictions have. */
#pragma once

#include <jansson.h>

#include "err.h"

/* {"schema":[{"name"}],"rows":[[...]]} from an array of objects: the names in the order in which they first
 * occur, every value as text, null where a row lacks one. -1 with ERR_CALLER: a row that is none. */
int predict_body(const json_t *rows, json_t **ret, err_t *err);

/* An array of objects from {"schema":[{"name"}],"rows":[[...]]}; NULL: not that. */
json_t *predict_rows(const json_t *result);
