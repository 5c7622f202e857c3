/* Who is asking, as proved by a token: subject, tenant, permissions. Immutable and counted, so that a token
 * cache and the calls in flight can share one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *subject;
    char *tenant_id;
    char **permissions; /* sorted, unique */
    size_t permission_count;
    int64_t expires_unix; /* of the token it came from; 0: never */
    bool from_scope;      /* from OAuth scope/scp only: a denied call is then insufficient_scope */
    /* private */
    size_t references;
} principal_t;

/* Copies all. Counting is not thread-safe: a principal stays on the thread that made it. */
principal_t *principal_new(const char *subject, const char *tenant_id, const char *const *permissions,
                           size_t count);
principal_t *principal_ref(principal_t *principal);
void principal_unref(principal_t *principal);
bool principal_has(const principal_t *principal, const char *permission); /* "*" among them has everything */
