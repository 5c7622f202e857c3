/* Ending sessions that are not needed any more: one DELETE each, on the main thread, far from any call.
 * Nobody waits for it, it is not repeated, and a connector that does not take it (405) or does not answer is
 * left in peace. Source: 2025-11-25 basic/transports "Session Management".
 */
#pragma once

#include "loop.h"
#include "resolve.h"

typedef struct session_ends session_ends_t;

session_ends_t *session_ends_new(loop_t *loop, resolver_t *resolver);
/* When the gateway stops and nobody uses a session any more: those that are still held are ended too. done,
 * never from within this, when all have been told or time is up; nothing is sent after that. */
void session_ends_finish(session_ends_t *ends, int64_t limit_ms, loop_f done, void *self);
void session_ends_close(session_ends_t *ends); /* before its loop */
void session_ends_free(session_ends_t *ends);  /* after the last session, and its loop */
