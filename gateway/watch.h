/* Hearing from the connectors that their lists or resources have changed, on the main thread: for each, a
 * subscriptions/listen when it is modern, the GET stream of our session when it speaks a legacy revision, and
 * nothing when it declares neither or refuses: then its lists are asked for again from time to time, as
 * discover.h does in any case.
 *
 * All is heard in the gateway's own name. What a connector with forward_headers would tell one user about a
 * resource is therefore not subscribed to.
 *
 * Sources: MCP 2026-07-28 basic/patterns/subscriptions; 2025-11-25 basic/transports "Listening for Messages
 * from the Server", server/resources "Subscriptions".
 */
#pragma once

#include "catalog.h"
#include "loop.h"
#include "resolve.h"
#include "span.h"

typedef struct watches watches_t;

/* All may be called from within callbacks of the network, so none may call back. */
typedef struct {
    /* Lists have changed (bits 1 << MCP_TOOLS, MCP_RESOURCES, MCP_PROMPTS). 0: nothing was said, but it was
     * not listened to for a while. */
    void (*said)(void *self, const char *connector, unsigned kinds);
    void (*updated)(void *self, const char *connector, span_t own_uri);
    void (*lost)(void *self, const char *connector); /* it does not know our session any more */
    /* A request to the client on the stream of a session, which belongs to no call that we could tell: a raw
     * JSON-RPC message. */
    void (*asked)(void *self, const char *connector, const char *session_id, span_t message);
    void (*state)(void *self); /* watches_state() of some connector has changed */
} watch_events_t;

watches_t *watches_new(loop_t *loop, resolver_t *resolver, const watch_events_t *events, void *self);
void watches_free(watches_t *watches); /* before its loop; events are not told any more */

/* What there is to watch now. Takes its own reference. */
void watches_show(watches_t *watches, catalog_t *catalog);
/* One listener more, or less, of a resource by its connector's own URI. */
void watches_hold(watches_t *watches, const char *connector, span_t own_uri, bool held);

const char *watches_state(const watches_t *watches, const char *connector); /* "listen", "stream", "polled" */
size_t watches_open(const watches_t *watches);                              /* streams */
