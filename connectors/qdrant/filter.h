/* The shape of a filter, checked before it is sent. Qdrant's own complaint names no place ("data did not
 * match any variant of untagged enum"), and versions of it have let wrong conditions through in silence,
 * which then match everything (its issue 9524); nobody wants that of a filter to delete by.
 *
 * {"must": [...], "should": [...], "must_not": [...], "min_should": {"conditions": [...], "min_count": 1}} of
 * conditions on a field ({"key", and match, range, values_count, geo_*, is_empty or is_null}), is_empty,
 * is_null, has_id, has_vector, nested, and filters in filters. Source: Qdrant 1.19 OpenAPI, Filter.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "err.h"

/* 0, or -1 with a sentence such as: filter.must[1].match needs one of value, text, ...; got {"eq":3}.
 * NULL is fine. Ids in has_id are written anew as Qdrant takes them ("17" becomes 17). */
int filter_check(json_t *filter, err_t *err);
/* No condition in it: it would match every point. NULL is empty. */
bool filter_is_empty(const json_t *filter);
/* Into the body of a search, unless it is empty. */
void filter_add(json_t *body, json_t *filter);
