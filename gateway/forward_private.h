/* One call from inside: what forward.c (its life), forward_send.c (its exchanges), forward_session.c (the
 * sessions they go out in) and forward_ask.c (questions to the client) share. */
#pragma once

#include "forward.h"
#include "relay.h"
#include "sessions.h"

#define FORWARD_MAX_QUESTIONS 16
#define QUESTION_LIMIT_MS 600000 /* how long one question may wait, server.h */
#define FORWARD_MAX_REFUSALS 64  /* each is a request of ours */

typedef struct asks asks_t;

struct forward {
    LIST_ENTRY(forward) link; /* while it is at work */
    worker_t *worker;
    view_t *view;
    mcp_call_t *call; /* NULL once its client is gone */
    const catalog_entry_t *entry;
    const catalog_connector_t *connector;
    span_t own;              /* its name or URI at the connector */
    bool qualified;          /* URIs in the answer get their public form, catalog_route_t */
    mcp_revision_t revision; /* that its connector is spoken to in */
    relay_t *relay;          /* the exchange, while there is one */
    session_wait_t *opening; /* a session, before the exchange */
    asks_t *asks;            /* what the client is or was asked; NULL: nothing */
    struct event *patience;  /* while it waits for a catalog that knows its connector better */
    int stale_code;          /* why it waits; 0: to know in which era to speak to it */
    bool waited_for_wire;
    session_key_t whose;     /* session */
    session_t *session;      /* that the exchange was sent in; NULL: none */
    int64_t deadline_ms;     /* of the call */
    int64_t latest_ms;       /* no progress extends it past this */
    int64_t asking_since_ms; /* the clock of the call stands still; 0: it runs */
    int64_t sent_us, upstream_us;
    uint64_t id; /* of the request to the connector */
    buf_t lines; /* headers to its connector, once the client's request is gone */
    double last_progress;
    unsigned refusals;
    bool reopened, renewed; /* sent again for a lost session, for a stale schema: once each */
    bool wants_progress, paused;
    bool active;
    unsigned holders;
    void *companion; /* of answers that are not MCP's own */
    void (*free_companion)(void *);
};

/* forward.c */
void forward_hold(forward_t *forward);
void forward_release(forward_t *forward);
void forward_begin_work(forward_t *forward); /* from now on it can be cancelled and given up */
/* Nothing is under way any more; the work's own hold goes with it. */
void forward_end_work(forward_t *forward);
/* The end of an exchange, told by its relay. */
void forward_exchange_over(forward_t *forward);
void forward_fail(forward_t *forward, const err_t *err); /* ends work and call */
/* Its connector speaks of another schema or revision than we know: once that is known the call begins again.
 */
void forward_await_catalog(forward_t *forward, int code);
void forward_await_wire(forward_t *forward);

/* forward_send.c: opens a session where one is needed, then sends. Ends in the call's events. */
void forward_send(forward_t *forward);
int forward_send_now(forward_t *forward, err_t *err); /* in the session it has */
/* A message of ours within the call's session that needs no answer. `body` is taken. */
void forward_post(forward_t *forward, buf_t *body);
void forward_tell_cancelled(forward_t *forward);
/* Before its client's request goes: what a legacy connector must still be told has to be within its session
 * and with its user's headers. */
void forward_keep_lines(forward_t *forward);

/* forward_session.c */
/* Finds the session to send in, if it needs one. 0; then `opening` is set when it has to wait for one, which
 * sends it. -1: a header of the caller is wrong. */
int forward_enter_session(forward_t *forward, err_t *err);
/* True: this answer (code 0: it could not be read) says that our session is not known any more, and the call
 * goes on in another one, or has ended. */
bool forward_take_lost_session(forward_t *forward, int status, int code);
void forward_suspect(forward_t *forward, bool anew);                             /* see gateway_suspect() */
span_t forward_header(const void *request, const char *name, size_t *ret_count); /* fits hop_header_f */

static inline lane_t *forward_lane(const forward_t *forward)
{
    return forward->view->lanes[forward->entry->connector];
}

static inline bool forward_is_modern(const forward_t *forward)
{
    return mcp_revision_era(forward->revision) == MCP_MODERN;
}

/* forward_ask.c */
void forward_question(void *self, const relay_question_t *question); /* of a legacy connector */
/* A result that asks for input, for a client that cannot read it. True: it is being asked. */
bool forward_asks_input(forward_t *forward, const relay_answer_t *answer);
void asks_free(asks_t *asks);
/* Raw, for the request of a further round; absent: none. */
span_t asks_responses(const asks_t *asks);
span_t asks_state(const asks_t *asks);
