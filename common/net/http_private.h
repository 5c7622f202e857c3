/* What the files of the server share: http_server.c (its life, requests, deadlines), http_server_accept.c
 * (listeners, and what happens when there are too many connections), http_server_conn.c (how a connection is
 * born and ends), http_server_watch.c (hang-ups), http_server_bytes.c (what comes in and goes out),
 * http_request.c (one request: what was asked, and the stream that answers it) and http_answer.c (answers in
 * one piece). evhttp is known to these only, which tests/lint checks.
 */
#pragma once

#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <event2/http_struct.h>

#include "buf.h"
#include "http_gate.h"
#include "http_head.h"
#include "http_quota.h"
#include "http_server.h"
#include "mem.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

typedef enum {
    PHASE_IDLE,      /* not a byte of the next request yet */
    PHASE_HEAD,      /* its head is coming in */
    PHASE_BODY,      /* its body is */
    PHASE_OPEN,      /* the handler has it */
    PHASE_STREAMING, /* the answer has begun */
    PHASE_SENDING,   /* the answer is whole, and is being sent */
    PHASE_REFUSED,   /* the last answer is being sent past evhttp; what still comes is thrown away */
} phase_t;

TAILQ_HEAD(conn_queue, conn);

/* A connection is in exactly one list of its server, which says what is to be done with it; those that
 * may make room for others stand in one of two queues as well. */
typedef struct conn {
    LIST_ENTRY(conn) link;
    TAILQ_ENTRY(conn) idle_link;
    struct conn_queue *idle_in; /* which of the two; NULL: none */
    http_server_t *server;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL until adopted */
    int fd;                          /* -1 until adopted */
    phase_t phase;
    bool served;    /* has sent the head of a request once, and was not refused */
    bool counted;   /* by its address */
    bool moving;    /* the input is being changed by ourselves */
    bool cut_short; /* evhttp was shown the head alone: the body is dropped, the answer is the last one */
    int64_t deadline_ms; /* of the phase; sending has one too: no byte taken for idle_timeout_ms */
    int64_t sending_since_ms;
    int64_t started_us; /* first byte of the request */
    http_gate_t gate;
    http_head_t *head;       /* of the request that is coming in, once it is whole */
    bool local;              /* it came in on a loopback or unix listener */
    struct evbuffer *early;  /* the start of a head: evhttp is shown whole heads only. NULL: none */
    size_t held_bytes;       /* of a large body or answer, counted in the quota */
    http_request_t *request; /* while open or streaming */
    struct event watch;      /* the client's hang-up, while the answer is pending */
    bool blind;              /* the client has sent more, so the watch has ended: the sweep looks instead */
    loop_write_t sending;    /* the answer is in the output and will leave in this turn */
    struct evhttp_request *unsent; /* whose it is; NULL: none */
    struct evbuffer *farewell;     /* set: the last answer, in the list of those to be refused */
} conn_t;

LIST_HEAD(conn_list, conn);

struct http_request {
    http_server_t *server;
    conn_t *conn;
    struct evhttp_request *evreq;
    http_head_t *head;
    loop_f on_gone, on_drained;
    void *gone_self, *drained_self;
    int64_t heartbeat_ms, beat_at_ms;
    bool choked; /* more than HTTP_STREAM_HIGH_BYTES wait */
    bool ending; /* on_gone is running: nothing may be sent */
    char id[17];
};

typedef struct {
    struct evhttp_bound_socket *bound; /* NULL once closed, which draining does */
    struct sockaddr_storage at;
    bool local;
} listener_t;

struct http_server {
    loop_t *loop;
    http_limits_t limits;
    http_handler_f handler;
    void *self;
    http_head_f wants_body;
    void *wants_body_self;
    http_peer_f is_proxy;
    void *is_proxy_self;
    struct evhttp *http;
    listener_t *listeners;
    size_t listener_count;
    http_quota_t *quota, *own_quota;
    int reserve_fd; /* given up for a moment when there are no others */
    struct event *chores, *sweep;
    struct conn_list newborns, conns, refusing, doomed;
    struct conn_queue idle[2]; /* by conn->served; the one that has been there longest first */
    conn_t **by_fd;            /* evhttp gives no room for a pointer of ours on its connections */
    size_t by_fd_size, newborn_count, conn_count, conn_peak, request_count;
    size_t held_bytes; /* by its connections, of what the quota counts */
    unsigned sweeps;
    size_t resident_bytes; /* of the process, when memory was last given back */
    uint64_t id_state;
    buf_t scratch; /* of a head that is being written */
    bool closing;  /* answers say so */
    bool draining;
    int64_t drain_until_ms;
    loop_f on_drained;
    void *drained_self;
};

/* http_server_accept.c */
int http_reserve_fd(void);
void listeners_relieve(http_server_t *server); /* by the sweep, after descriptors ran out */
void listeners_close(http_server_t *server);
void listeners_pause(http_server_t *server);
void listeners_resume(http_server_t *server);
bool listeners_are_local(const http_server_t *server, int fd); /* the one that this connection came in on */
bool conn_has_room(conn_t *conn); /* when it has not, the connection is refused or over */

/* http_server_conn.c */
struct bufferevent *conn_made(struct event_base *base, void *server); /* for evhttp_set_bevcb() */
void conn_chores(http_server_t *server);    /* adopts the newborns, answers the refused */
void conn_cut(conn_t *conn);                /* closes it; an open request is told */
bool conn_hold(conn_t *conn, size_t bytes); /* notes that it holds so many; false: all together too many */
void conn_let_go(conn_t *conn);
void conn_be_idle(conn_t *conn);
void conn_be_busy(conn_t *conn);
/* Answers by ourselves and closes, in this turn but not now; evhttp sees no more of it. Takes `text`. */
void conn_refuse(conn_t *conn, int status, const char *code, char *text);
void conn_say_farewell(conn_t *conn, struct evbuffer *answer); /* the same, of any answer; taken */
const char *conn_peer(const conn_t *conn);                     /* "" on a unix socket */

/* http_server_watch.c */
void conn_watch(conn_t *conn);
void conn_unwatch(conn_t *conn);
bool conn_is_left(const conn_t *conn); /* the client of a blind one has hung up */

/* http_server_bytes.c */
void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *conn);
void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *conn);
void on_answer_sent(struct evhttp_request *evreq, void *conn);
void conn_sends(conn_t *conn, phase_t phase); /* an answer goes to evhttp; its progress is watched now */
void conn_limit_input(conn_t *conn);          /* a client may send ahead only so much while we send */

/* http_server.c */
void http_server_check_drained(http_server_t *server);

/* http_request.c */
http_request_t *request_new(conn_t *conn, struct evhttp_request *evreq);
void request_free(http_request_t *request);
void request_gone(http_request_t *request);                 /* tells on_gone, then frees it */
void request_beat(http_request_t *request, int64_t now_ms); /* a heartbeat, when it is time for one */

/* http_answer.c */
void answer_add_headers(http_request_t *request, const char *content_type); /* to those of a stream */
const char *http_reason(int status);
void http_new_id(http_server_t *server, char id[17]);
void http_error_json(struct evbuffer *out, const char *code, const char *message, const char *id);
#define HTTP_ALLOW "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
#define HTTP_CSP "default-src 'none'; frame-ancestors 'none'"
