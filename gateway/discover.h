/* Finding out what the connectors offer, in the background on the main thread's loop: all in parallel, each
 * with its own deadline; on start, when a list has grown old, when a call smelled of change, and on reload.
 *
 * A connector that fails keeps its last good lists, marked stale; one that suddenly lists nothing of a kind
 * is believed when it says so twice. Each connector's era is found out on its own: server/discover first,
 * initialize when that is not understood.
 */
#pragma once

#include "catalog.h"
#include "config.h"
#include "loop.h"
#include "resolve.h"
#include "session_ends.h"

typedef struct discover discover_t;

/* `changed` is called, never from within these functions, when what is known has changed. */
discover_t *discover_new(loop_t *loop, resolver_t *resolver, session_ends_t *ends, loop_f changed,
                         void *self);
void discover_free(discover_t *discover); /* before its loop; `changed` is not called any more */

/* Begins, or goes on with what is known of connectors that are still the same. Takes its own reference. */
void discover_configure(discover_t *discover, config_t *config);
/* anew: from the beginning, not the lists alone. */
void discover_suspect(discover_t *discover, const char *connector, bool anew);
/* The same at once and from the beginning, for who knows that it has changed. */
void discover_anew(discover_t *discover, const char *connector);
/* A call waits: asked from the beginning within half a second, and what comes of it is told even when it is
 * the same as before. */
void discover_await(discover_t *discover, const char *connector);
/* A legacy client's call waits to know whether this modern connector speaks to it in its own way: found out
 * at once, or within half a second when that has failed before, and from now on with each new asking. */
void discover_want_legacy(discover_t *discover, const char *connector);
/* It said that these of its lists have changed (bits 1 << kind; 0: they may have): asked again at once, but
 * not more than ten times a second. */
void discover_changed(discover_t *discover, const char *connector, unsigned kinds);
/* Lists that were said to have changed and, asked for again since the last call, are the same: those who see
 * them are to be told all the same. Bits, one entry per connector. True when anything else is new, too. */
bool discover_take_said(discover_t *discover, unsigned *ret);

/* One entry per connector of the configuration, borrowed until the next callback. */
void discover_found(discover_t *discover, found_t *ret);
