/* One open subscriptions/listen: an event stream on which a modern client hears that lists or resources have
 * changed. The server acknowledges it by what of the filter can be honoured, hands it to the handler, and
 * tags each message with the id of the request. It ends when the client goes or the handler ends it. Source:
 * MCP 2026-07-28 basic/patterns/subscriptions.
 */
#pragma once

#include "server.h"

const mcp_request_t *mcp_listen_request(const mcp_listen_t *listen);
/* Whether it asked for changes of the list (templates belong to resources). */
bool mcp_listen_wants(const mcp_listen_t *listen, mcp_kind_t kind);
/* The resources it wants to hear of: text, escapes resolved. */
size_t mcp_listen_uri_count(const mcp_listen_t *listen);
span_t mcp_listen_uri(const mcp_listen_t *listen, size_t index);

/* Only before it is acknowledged (admit). */
void mcp_listen_drop_uri(mcp_listen_t *listen, size_t index);

/* Both are dropped when it did not ask for them, and while the same was sent before and has not left yet: one
 * message says as much as two. */
void mcp_listen_changed(mcp_listen_t *listen, mcp_kind_t kind);
void mcp_listen_updated(mcp_listen_t *listen, span_t uri);
/* Graceful: the empty result, then the end of the stream. The listen is gone; on_gone is not told. */
void mcp_listen_end(mcp_listen_t *listen);
/* The client hung up, or mcp_server_end_listens() ends it: told once, and what it is told about is gone
 * afterwards. What is sent from there is dropped. */
void mcp_listen_on_gone(mcp_listen_t *listen, loop_f on_gone, void *self);

/* Ends all that are open gracefully, each after its on_gone has been told; those that come later end as soon
 * as they are acknowledged, and the handler does not see them. Before a drain, which would wait for them. */
void mcp_server_end_listens(mcp_server_t *server);
