/* The connectors that are commands (`command:`), each a process of the gateway's own behind a bridge
 * (stdio_bridge.h) on a socket in a private folder. Main thread only.
 */
#pragma once

#include "config.h"
#include "err.h"
#include "loop.h"

typedef struct stdio_connectors stdio_connectors_t;

/* changed: a process has started or ended, so its connector is to be asked again. */
stdio_connectors_t *stdio_connectors_new(loop_t *loop, void (*changed)(void *self, const char *connector),
                                         void *self);
/* Fills in where the connectors of this configuration with a command are reached (hop and url), before anyone
 * shares it. A connector that is still the same keeps its process; the others' are stopped when their open
 * calls have ended. Processes start in the next turn of the loop. -1: nothing has changed. */
int stdio_connectors_configure(stdio_connectors_t *stdio, config_t *config, err_t *err);
/* Stops all, without waiting for calls; done is called once, on the loop, never before this returns. */
void stdio_connectors_stop(stdio_connectors_t *stdio, loop_f done, void *self);
void stdio_connectors_free(stdio_connectors_t *stdio); /* before its loop; kills what still runs */
