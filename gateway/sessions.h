/* Sessions with one connector of a legacy revision, as one worker uses them. They are the gateway's, never a
 * client's: calls of everybody share one, unless the connector is given headers of each user; then each user
 * has one. The one that discovery opened serves until it is lost and is not among these.
 * Source: 2025-11-25 basic/transports "Session Management".
 */
#pragma once

#include "handshake.h"
#include "span.h"

typedef struct sessions sessions_t;
typedef struct session_wait session_wait_t;

/* Whose session: all zero is everybody's. */
typedef struct {
    unsigned char bytes[32];
} session_key_t;

sessions_t *sessions_new(struct event_base *base);
void sessions_free(sessions_t *sessions); /* nobody may wait */

session_t *sessions_find(sessions_t *sessions, const session_key_t *key); /* borrowed; NULL: none is open */
/* This one does not serve any more. */
void sessions_lose(sessions_t *sessions, const session_key_t *key, const session_t *session);

/* Opens one, or waits with the others for the one that is being opened, until request->deadline_ms. `session`
 * is borrowed; NULL without an error: the connector keeps none now. Once, never before this has returned. A
 * session that nobody waits for any more is not opened. */
typedef void (*session_f)(void *self, session_t *session, const err_t *err);
session_wait_t *sessions_open(sessions_t *sessions, const session_key_t *key,
                              const handshake_request_t *request, session_f on_open, void *self);
void session_wait_cancel(session_wait_t *wait); /* on_open is not called */
