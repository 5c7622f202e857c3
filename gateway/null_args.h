/* A null that an argument's schema forbids, left out. CrewAI's adapter sends null for each argument that a
 * model did not give, and servers that check their arguments refuse the call for it. It is the only change
 * ever made to a caller's arguments, and none at all where the schema can be read as taking null.
 */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "span.h"

/* Appends the arguments without such members, every other byte as it was. False: there are none, and nothing
 * is appended. Members are looked for along `properties` and `items`. Both are checked JSON, `arguments` may
 * be absent. */
bool null_args_strip(span_t arguments, span_t input_schema, buf_t *out);
