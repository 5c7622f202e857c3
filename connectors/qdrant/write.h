/* The end of a call that changed points. */
#pragma once

#include "qdrant_client.h"

#define WRITE_SCHEMA                                                                                         \
    STRINGIZE({ "type": "object", "required": ["collection", "status"], "properties": {                      \
        "collection": {"type": "string"}, "status": {"type": "string"}, "done": {"type": "boolean"}}})

/* The callback of qdrant_ask(); self is a write_t. {"collection", "status", "done"}: completed, or accepted
 * and not yet visible. */
typedef struct {
    call_t *call;
    const char *collection;
    const char *what; /* "3 points written": done, or to be done */
} write_t;
void write_on_done(void *self, const json_t *result, const err_t *err);
write_t *write_new(call_t *call, const char *collection, const char *what);
