/* One exchange, as the files that carry it out see it: http_client.c its life, http_client_connect.c the way
 * to a connection, http_client_answer.c what comes back. */
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include "http_client.h"
#include "http_pool.h"
#include "http_response.h"

struct hop {
    LIST_ENTRY(hop) link; /* in pool->left */
    http_pool_t *pool;
    const hop_events_t *events;
    void *self;
    http_conn_t *conn;
    hop_web_t *web; /* instead of a connection of ours, when it is https */
    resolve_t *question;
    struct sockaddr_storage *addresses; /* of a TCP connector, tried in turn */
    size_t address_count, address_next;
    struct event timer; /* the deadline, the end of a connect, or a failure to tell */
    int64_t deadline_ms, connect_until_ms;
    buf_t head, message;   /* the request */
    loop_write_t sending;  /* waits when the connection was at hand */
    size_t sent;           /* of both, on this connection */
    struct evbuffer *body; /* of the answer */
    http_response_t response;
    err_kind_t failure_kind;
    const char *failure; /* to be told by the timer */
    bool idempotent;
    bool connecting; /* no connection is established yet */
    bool ever_sent;  /* some byte of the request, on any connection */
    bool answered;   /* some byte of an answer came */
    bool paused, telling, ended;
    bool left; /* see hop_leave() */
};

/* Both end it and tell why; the hop is gone afterwards. */
void hop_fail(hop_t *hop, const err_t *err);
void hop_fail_with(hop_t *hop, err_kind_t kind, const char *text);
/* The same from within hop_start(), whose caller has no hop yet: told by the timer. */
void hop_fail_soon(hop_t *hop, err_kind_t kind, const char *text);
/* Ended well: on_end is told, and the hop is gone afterwards. */
void hop_finish(hop_t *hop);
/* After a callback: false when it has cancelled the exchange, which is gone now. */
bool hop_goes_on(hop_t *hop);
void hop_arm_timer(hop_t *hop);

void hop_connect(hop_t *hop);
void hop_connect_writable(hop_t *hop); /* the connection is made, or not */
void hop_on_connect_timeout(hop_t *hop);

/* on_body with what has come; false as above. */
bool hop_tell_body(hop_t *hop);
bool hop_has_too_much(const hop_t *hop);
void hop_fail_too_large(hop_t *hop);

void hop_send(hop_t *hop);
bool hop_is_sent(const hop_t *hop);
