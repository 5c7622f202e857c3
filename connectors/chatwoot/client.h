/* Chatwoot's API, as the tools ask it: with the credentials of whoever calls, in their account, and with its
 * many ways of saying no turned into one sentence. Source: Chatwoot 4.10, its OpenAPI file and controllers.
 */
#pragma once

#include "chatwoot.h"

typedef struct {
    const char *method; /* NULL: GET */
    const char *path;   /* within the account, "/conversations/12?x=1"; percent-encoded, memory of the call */
    bool reports;       /* of /api/v2 instead of /api/v1 */
    json_t *json;       /* the body; stolen */
    const char *subject; /* "conversation 12": named when Chatwoot does not find it; or NULL */
    const char *payload; /* where the answer stands in the reply, "data.payload"; NULL: all of it */
    json_type type;      /* what stands there: JSON_OBJECT (0) or JSON_ARRAY */
    bool has_id;         /* what stands there has an id of its own, else it is not what we asked for */
    bool may_be_nothing; /* null or an empty body is an answer too: payload is NULL then */
} chatwoot_request_t;

/* payload: what the request described; reply: all of it. Both are borrowed while it runs. */
typedef void (*chatwoot_f)(void *self, const json_t *payload, const json_t *reply);

/* A failure ends the call with its sentence; cb is for answers only. A GET may be sent again (upstream.h),
 * everything else once, but for
 * a refusal of which it is certain that nothing was looked at. */
void chatwoot_ask(call_t *call, const chatwoot_request_t *request, chatwoot_f cb, void *self);

/* The member at "a.b" of an object; NULL when it is not there. */
const json_t *chatwoot_at(const json_t *json, const char *path);
