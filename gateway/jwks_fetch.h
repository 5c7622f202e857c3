/* The key set of auth.jwks_url, fetched by the main thread: before it grows old, when a token names a key
 * that is not in it, and after a reload. A set that cannot be had, or is not wholly sound, changes nothing:
 * the last good one stays, and it is tried again with growing waits. What is known goes to the workers with
 * the catalog.
 */
#pragma once

#include <stdbool.h>

#include "catalog.h"
#include "loop.h"

typedef struct jwks_fetch jwks_fetch_t;

/* changed(self) runs on the loop when there is something new to show. */
jwks_fetch_t *jwks_fetch_new(loop_t *loop, loop_f changed, void *self);
void jwks_fetch_free(jwks_fetch_t *fetch);

/* Fetches at once; what was fetched from the same URL stays meanwhile. Without a URL nothing is fetched. */
void jwks_fetch_configure(jwks_fetch_t *fetch, config_t *config);

/* Gives a catalog of the same configuration, which nobody sees yet, its keys and what /status says of them.
 */
void jwks_fetch_show(const jwks_fetch_t *fetch, catalog_t *catalog);

/* Any thread: whether a token that names this unknown kid may have the set fetched again (jwks_rules.h). */
bool jwks_fetch_may(jwks_fetch_t *fetch, const char *kid, int64_t now_ms);
/* Fetches now, unless it is being fetched. */
void jwks_fetch_again(jwks_fetch_t *fetch);
