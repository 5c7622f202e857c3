/* One connector with a `command:`: a small MCP server over HTTP, on a unix socket of its own, that hands each
 * message on to the process behind it and brings its lines back. So workers and discovery need not know that
 * the connector has no address: for them it is one more server, of either era.
 *
 *     POST    one message: a request is answered as JSON, or as a stream when something comes before its
 *             answer; 202 for the others; 503 while the process is down, 502 when it ends meanwhile
 *     GET     the stream of what belongs to no request (2025-11-25 transports, "Listening for Messages")
 *     DELETE  204: the session is the process's, and stays
 *
 * All who initialize share the process's one session: it is initialized once, and the others get the same
 * answer. A new process has a new session, and the old one's id gets 404.
 */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "err.h"
#include "loop.h"

typedef struct stdio_bridge stdio_bridge_t;

typedef struct {
    void (*on_changed)(
        void *self, const stdio_bridge_t *bridge); /* its process started or ended, or is modern after all */
    void (*on_freed)(void *self);                  /* once, after stdio_bridge_stop() */
} stdio_bridge_events_t;

/* `connector` is copied. NULL with a sentence when the socket cannot be made. */
stdio_bridge_t *stdio_bridge_new(loop_t *loop, const char *socket_path, const connector_config_t *connector,
                                 const stdio_bridge_events_t *events, void *self, err_t *err);
void stdio_bridge_limit(stdio_bridge_t *bridge, const config_t *config);
void stdio_bridge_free(stdio_bridge_t *bridge); /* kills; on_freed is not called */

const char *stdio_bridge_name(const stdio_bridge_t *bridge);
const char *stdio_bridge_socket(const stdio_bridge_t *bridge);
bool stdio_bridge_serves(const stdio_bridge_t *bridge, const connector_config_t *connector); /* the same */

/* Open calls have drain_ms to end (none: 0), then the process is stopped, and the bridge is gone. */
void stdio_bridge_stop(stdio_bridge_t *bridge, int64_t drain_ms);
