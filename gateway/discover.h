/* Finding out what the connectors offer, in the background on the main thread's loop: all in parallel, each
 * with its own deadline; on start, when a list has grown old, when a call smelled of change, and on reload.
 *
 * A connector that fails keeps its last good list, marked stale; one that suddenly lists nothing is believed
 * when it says so twice. Each connector's era is found out on its own: server/discover first, initialize when
 * that is not understood.
 */
#pragma once

#include "catalog.h"
#include "config.h"
#include "loop.h"
#include "resolve.h"

typedef struct discover discover_t;

/* `changed` is called, never from within these functions, when what is known has changed. */
discover_t *discover_new(loop_t *loop, resolver_t *resolver, loop_f changed, void *self);
void discover_free(discover_t *discover); /* before its loop; `changed` is not called any more */

/* Begins, or goes on with what is known of connectors that are still the same. Takes its own reference. */
void discover_configure(discover_t *discover, config_t *config);
/* anew: from the beginning, not the list alone. A legacy connector opens a session each time. */
void discover_suspect(discover_t *discover, const char *connector, bool anew);

/* One entry per connector of the configuration, borrowed until the next callback. */
void discover_found(discover_t *discover, found_t *ret);
