/* Points as tools answer them, and the payload they ask for. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "connector.h"
#include "fields.h"

/* The first `count` of Qdrant's points as [{"id", "score", "payload", "vector"}], each with what it has. */
json_t *points_json(const json_t *points, size_t count);
/* One line each: "1. id 17, score 0.873: name: Desk Lamp LED; price: 39.9". Long texts are cut, the
 * more the more points there are, and the text then ends with how to get the rest. */
void points_add_text(buf_t *text, const json_t *points, size_t count);

json_t *points_names(const strings_t *fields); /* names of payload fields, as Qdrant takes them */
/* The value of with_payload. */
json_t *points_payload(bool with_payload, const strings_t *fields);
