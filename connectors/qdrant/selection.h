/* Which points a write is for: ids, or a filter that has conditions. One of them, never neither: Qdrant would
 * take an empty filter for all points. */
#pragma once

#include <jansson.h>

#include "err.h"

/* Adds "points" or "filter" to the body; -1 with ERR_CALLER. */
int selection_add(json_t *body, const json_t *ids, json_t *filter, err_t *err);
