/* Asking Qdrant on behalf of a call: whose key, which path, and what its answers mean. */
#pragma once

#include "qdrant.h"

typedef struct {
    const char *method;
    const char *collection; /* NULL: /collections itself */
    const char *suffix;     /* "/points/query", may have a query; NULL: none */
    json_t *body;           /* stolen; NULL: none */
    const char *member;     /* that its `result` must have; NULL: a boolean or an array */
    bool read;              /* may be sent again */
} qdrant_request_t;

/* result: the answer's `result`, borrowed while the callback runs. Otherwise err: ERR_CALLER (Qdrant's own
 * words), ERR_DENIED, ERR_UPSTREAM, ERR_TIMEOUT. A call without credentials, and a name that is none, fail
 * here and are not told of. Source: Qdrant REST API 1.10 to 1.19. */
typedef void (*qdrant_f)(void *self, const json_t *result, const err_t *err);
void qdrant_ask(call_t *call, const qdrant_request_t *request, qdrant_f cb, void *self);

/* "?wait=true" for a suffix that changes points. */
const char *qdrant_waiting(call_t *call, const char *suffix, bool wait);
/* Keeps a part of a borrowed result as long as the call. */
const json_t *qdrant_keep(call_t *call, const json_t *value);
