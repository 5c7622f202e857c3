/* Who is asking: the front door's bearer token or API key, turned into a principal. One gate per worker: it
 * remembers tokens it has verified, by the SHA-256 of the whole token, until they expire but no longer than a
 * minute.
 */
#pragma once

#include "config.h"
#include "http_server.h"
#include "principal.h"

typedef struct gate gate_t;

gate_t *gate_new(config_t *config); /* takes its own reference */
void gate_free(gate_t *gate);
void gate_set_config(gate_t *gate, config_t *config); /* after a reload: forgets every token */

/* Other keys than the configuration's alone, if they are others than before: forgets every token. awaits:
 * those of auth.jwks_url are still to come. */
void gate_set_keys(gate_t *gate, keys_t *keys, bool awaits);
/* Told of a kid that no key has, where keys are fetched by URL. */
typedef void (*gate_unknown_f)(void *self, const char *kid);
void gate_on_unknown_key(gate_t *gate, gate_unknown_f cb, void *self);

/* A new reference, or -1 with ERR_UNAUTHORIZED and WWW-Authenticate added to the answer, or with
 * ERR_UNAVAILABLE and Retry-After while nobody can know whether the token holds. */
int gate_authenticate(gate_t *gate, http_request_t *request, principal_t **ret, err_t *err);

/* Adds the challenge of a modern client's 403: this scope was missing. */
void gate_challenge_scope(const gate_t *gate, http_request_t *request, const char *scope);

/* The same without HTTP, for tests. */
int gate_check(gate_t *gate, span_t authorization, size_t count, int64_t now_unix, principal_t **ret,
               err_t *err);

/* "https://mcp.example.com/.well-known/oauth-protected-resource/mcp" of this public_url. Caller frees. */
char *gate_metadata_url(const char *public_url);
