/* Ids of points: unsigned integers or UUIDs. Models send numbers as text too. Ids above 2^63 - 1, which
 * jansson has no number for, are shown (as text, see upstream_json.h) but cannot be asked for. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "err.h"

/* The id as Qdrant takes it; -1 with a sentence that names `where` ("ids[2]"). */
int point_id_read(const json_t *value, const char *where, json_t **ret, err_t *err);
/* An array of them, 1 to 1000. */
int point_ids_read(const json_t *values, const char *where, json_t **ret, err_t *err);
void point_id_add(buf_t *text, const json_t *id); /* 17, or the UUID */
