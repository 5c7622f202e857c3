/* What GET /collections/{name} says, in the parts that matter here. */
#pragma once

#include <jansson.h>

#include "err.h"

/* [{"name": null for the only, unnamed vector, "size", "distance", "on_disk"}] */
json_t *collection_vectors(const json_t *info);
/* How many numbers the vector of that name (NULL: the unnamed one) has. -1 with a sentence that names those
 * there are. */
int collection_vector_size(const json_t *info, const char *collection, const char *vector_name,
                           json_int_t *ret, err_t *err);
