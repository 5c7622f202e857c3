/* Shared by watch.c, watch_listen.c and watch_session.c alone. */
#pragma once

#include <sys/queue.h>

#include "json_scan.h"
#include "watch.h"
#include "watch_stream.h"
#include "watch_topics.h"

/* What is to be open to one connector, as the catalog has it. */
typedef struct {
    bool listen, session; /* the listen; the GET stream */
    unsigned kinds;       /* lists whose changes it tells */
    bool subscribe;
    mcp_revision_t revision; /* of the session */
    session_t *held;         /* a reference; NULL: it keeps none */
} plan_t;

struct watch;

/* The GET stream of one session. */
typedef struct watch_session {
    LIST_ENTRY(watch_session) link; /* of those that were left */
    struct watch *watch;
    watch_stream_t *stream;
    session_t *session; /* a reference; NULL: the connector keeps none */
    mcp_revision_t revision;
    bool opened; /* the stream, once at least */
    bool left;   /* there is a newer one */
} watch_session_t;

typedef struct watch {
    LIST_ENTRY(watch) link;
    watches_t *watches;
    char *name;
    const catalog_connector_t *connector; /* of the catalog */
    plan_t plan;
    http_pool_t *pool;
    uint64_t last_id;                /* of requests */
    topics_t *topics;                /* of its name; borrowed */
    struct watch_listen *listen;     /* NULL: none is tried */
    struct watch_listen *coming;     /* with another filter, to take its place */
    struct event *refilter, *retell; /* timers */
    watch_session_t *session;
    LIST_HEAD(, watch_session) left; /* open until the last call in them has ended */
    struct event *look;              /* whether it has */
    bool session_opened;             /* once at least: what comes next follows a gap */
    bool listen_opened;
    unsigned told_state;
    LIST_HEAD(, post) posts;
    size_t post_count;
    bool subscribing; /* a request is under way; one at a time */
} watch_t;

struct watches {
    loop_t *loop;
    resolver_t *resolver;
    const watch_events_t *events;
    void *self;
    catalog_t *catalog;
    LIST_HEAD(, watch) all;
    LIST_HEAD(, held) held;
};

typedef struct {
    span_t id, method, uri; /* raw id; method and uri text */
} watch_message_t;
/* -1: it is no message. *text holds the uri when it has escapes. */
int watch_read(span_t data, buf_t *text, watch_message_t *ret);

/* A notification of either stream. */
void watch_take(watch_t *watch, const watch_message_t *message);
void watch_catch_up(watch_t *watch); /* nobody has listened for a while */
void watch_tell_state(watch_t *watch);

watch_stream_t *watch_open_stream(watch_t *watch, bool in_session, const watch_stream_events_t *events,
                                  void *self);
/* The header lines of a message to it; session: within that, NULL: of the modern era. */
void watch_headers(const watch_t *watch, const watch_session_t *session, const char *method, buf_t *out);

void watch_listen_start(watch_t *watch);
void watch_listen_refilter(watch_t *watch); /* the set of resources is another one */
void watch_listen_stop(watch_t *watch);
bool watch_listen_is_open(const watch_t *watch);

void watch_session_start(watch_t *watch);
/* Calls may still be under way in it: what is asked of them there is still heard. */
void watch_session_leave(watch_t *watch);
void watch_session_look(watch_t *watch); /* closes those left in which no call is under way any more */
void watch_session_stop(watch_t *watch); /* all of them */
bool watch_session_is_open(const watch_t *watch);
/* Tells it of resources that it was not told of yet, when it is to be told in the session and can answer on
 * its stream. */
void watch_session_subscribe(watch_t *watch);
