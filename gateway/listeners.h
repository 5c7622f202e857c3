/* Clients that listen (subscriptions/listen), as one worker has them: who is told when what they see of a
 * list has changed, or a resource that they may read. A listen lasts no longer than its token, and not over a
 * reload that refuses who opened it. Source: MCP 2026-07-28 basic/patterns/subscriptions.
 */
#pragma once

#include "listen.h"
#include "span.h"

struct worker;
typedef struct listeners listeners_t;

/* At once: of all workers together; of one subject of a tenant, in each worker; and resources of one listen.
 */
#define LISTENERS_MAX 10000
#define LISTENERS_MAX_OF_ONE 2000
#define LISTENERS_MAX_URIS 100

listeners_t *listeners_new(struct worker *worker);
void listeners_free(listeners_t *listeners); /* after the server, which tells of those that are open */
size_t listeners_count(const listeners_t *listeners);

/* For mcp_handlers_t. */
int listeners_admit(listeners_t *listeners, mcp_listen_t *listen, err_t *err);
void listeners_add(listeners_t *listeners, mcp_listen_t *listen);

/* The worker has another view, or connectors have said that lists changed which look the same: bits of
 * 1 << kind, one entry per connector of the catalog; NULL: none did. */
void listeners_shown(listeners_t *listeners, const unsigned *said);
void listeners_recheck(listeners_t *listeners); /* there is a new configuration, which may refuse some */
void listeners_updated(listeners_t *listeners, const char *connector, span_t own_uri);
