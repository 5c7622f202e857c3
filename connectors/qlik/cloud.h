/* Qlik Cloud's REST API as the tools ask it: whose token goes along, what is an answer, and what its refusals
 * mean to the person who asked. Source: Qlik's public API specifications (apps, items, reloads, users, ...).
 */
#pragma once

#include <stdint.h>
#include <jansson.h>

#include "connector.h"
#include "upstream.h"

#define CLOUD_ME "/api/v1/users/me"
#define CLOUD_APPS "/api/v1/apps"
#define CLOUD_RELOADS "/api/v1/reloads"
#define CLOUD_MISSING_TOKEN "Missing Qlik access token. User needs to connect Qlik account."

extern const char *const cloud_user_headers[]; /* X-Qlik-Access-Token; NULL-ended */

/* json: an object, borrowed while the callback runs. err: anything else, in a sentence for the user. */
typedef void (*cloud_f)(void *self, const json_t *json, const err_t *err);

void cloud_get(call_t *call, const char *path, cloud_f cb, void *self);
/* The same in less time than the call has left. */
void cloud_look(call_t *call, const char *path, int64_t timeout_ms, cloud_f cb, void *self);
/* A question in the form of a POST: changes nothing, so it may be asked again. `body` is stolen. */
void cloud_question(call_t *call, const char *path, json_t *body, cloud_f cb, void *self);
/* POST /api/v1/reloads: the one write, sent once. `body` is stolen. */
void cloud_reload(call_t *call, json_t *body, cloud_f cb, void *self);
/* The user whose token it is: /users/me answers with the address of the record, which is followed once and on
 * the tenant's own host only. */
void cloud_me(call_t *call, cloud_f cb, void *self);

/* before + id + after, with the id as one segment of the path. NULL: it is none (empty, "." or ".."), and the
 * call has been failed with a sentence about `argument`. */
const char *cloud_path(call_t *call, const char *before, const char *argument, const char *id,
                       const char *after);

/* "Authorization: Bearer ..."; NULL for NULL. Wiped by whoever frees it. */
char *cloud_authorization(const char *token);
void cloud_wipe(char *authorization);
