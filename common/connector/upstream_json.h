/* The JSON of upstreams, which is not always what jansson takes. */
#pragma once

#include <jansson.h>

#include "span.h"

/* NULL when it is no JSON. NUL in strings is let in; integers beyond 64 bits with sign (ids of other systems)
 * become strings of their digits, so that one of them does not cost the whole answer. Any thread. */
json_t *upstream_read_json(span_t body);
