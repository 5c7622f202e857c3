/* Opening a session with a connector of a legacy revision: initialize, then notifications/initialized
 * (2025-11-25 basic/lifecycle "Initialization"). Discovery opens one to list, calls open further ones when it
 * is lost or when each user has one of their own.
 *
 * We declare what legacy clients can be asked, because our capabilities stand for those of all of them.
 */
#pragma once

#include "catalog.h"
#include "http_client.h"
#include "session.h"

typedef struct handshake handshake_t;

/* Spans are copied; the pool is borrowed until the end. */
typedef struct {
    http_pool_t *pool;
    const catalog_connector_t *connector; /* its configuration counts */
    config_t *config;                     /* a reference is kept: it holds that */
    session_ends_t *ends;                 /* of what is opened; NULL: nobody ends it */
    span_t principal;                     /* hop token of a trusted connector; absent: none */
    span_t forwarded;                     /* ready lines of a user's own headers; absent: none */
    uint64_t id;                          /* of the request */
    int64_t deadline_ms;
    size_t max_event_bytes;
} handshake_request_t;

/* Borrowed while the callback runs. */
typedef struct {
    mcp_revision_t revision;
    session_t *session;  /* NULL: it keeps none */
    span_t capabilities; /* raw JSON; absent: none were declared */
} handshake_result_t;

/* Once, never before handshake_start() has returned; exactly one of result and err. */
typedef void (*handshake_f)(void *self, const handshake_result_t *result, const err_t *err);
handshake_t *handshake_start(const handshake_request_t *request, handshake_f done, void *self);
void handshake_cancel(handshake_t *handshake); /* done is not called */
