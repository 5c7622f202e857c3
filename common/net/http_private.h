/* What http_server.c (listeners, deadlines, draining), http_server_conn.c (how connections are born, limited
 * and ended) and http_request.c (one request: what was asked, its answer, its stream) share. evhttp is known
 * to these three only.
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

#include "http_server.h"
#include "intake.h"
#include "mem.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

typedef enum {
    PHASE_IDLE,      /* not a byte of the next request yet */
    PHASE_HEAD,      /* its head is coming in */
    PHASE_BODY,      /* its body is */
    PHASE_OPEN,      /* the handler has it */
    PHASE_STREAMING, /* the answer has begun */
    PHASE_SENDING,   /* the answer is whole, and is being sent */
    PHASE_REFUSED,   /* answered by ourselves; what still comes is thrown away until the client closes */
} phase_t;

/* A connection is in exactly one list of its server, which says what is to be done with it. */
typedef struct conn {
    LIST_ENTRY(conn) link;
    http_server_t *server;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL until adopted */
    int fd;                          /* -1 until adopted */
    phase_t phase;
    int64_t deadline_ms; /* of the phase; sending has one too: no byte taken for idle_timeout_ms */
    int64_t started_us;  /* first byte of the request */
    intake_t intake;
    size_t body_bytes;       /* as they came, chunk framing included */
    http_request_t *request; /* while open or streaming */
    int refuse_status;       /* set: to be refused, in the list of those */
    const char *refuse_code;
    char *refuse_text;
} conn_t;

LIST_HEAD(conn_list, conn);

struct http_request {
    http_server_t *server;
    conn_t *conn;
    struct evhttp_request *evreq;
    struct event watch; /* the client's hang-up, while the answer is pending */
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
    struct evhttp *http;
    listener_t *listeners;
    size_t listener_count;
    struct event *chores, *sweep;
    unsigned sweeps;
    struct conn_list newborns, conns, refusing, doomed;
    conn_t **by_fd; /* evhttp gives no room for a pointer of ours on its connections */
    size_t by_fd_size, conn_count, request_count;
    uint64_t id_state;
    bool draining;
    int64_t drain_until_ms;
    loop_f on_drained;
    void *drained_self;
};

/* http_server_conn.c */
struct bufferevent *conn_made(struct event_base *base, void *server); /* for evhttp_set_bevcb() */
void conn_chores(http_server_t *server); /* adopts the newborns, answers the refused */
void conn_cut(conn_t *conn);             /* closes it; an open request is told */
/* Answers by ourselves and closes, in this turn but not now; evhttp sees no more of it. Takes `text`. */
void conn_refuse(conn_t *conn, int status, const char *code, char *text);
void conn_refuse_body(conn_t *conn);
void conn_sends(conn_t *conn, phase_t phase); /* an answer goes to evhttp; its progress is watched now */
size_t http_max_raw_body(const http_limits_t *limits);
void conn_limit_input(conn_t *conn); /* a client may send ahead only so much while we send */
void on_answer_sent(struct evhttp_request *evreq, void *conn);

/* http_server.c */
void http_server_check_drained(http_server_t *server);

/* http_request.c */
http_request_t *request_new(conn_t *conn, struct evhttp_request *evreq);
void request_watch(http_request_t *request);
void request_gone(http_request_t *request);                 /* tells on_gone, then frees it */
void request_beat(http_request_t *request, int64_t now_ms); /* a heartbeat, when it is time for one */
const char *conn_peer(const conn_t *conn);                  /* "" on a unix socket */
const char *http_reason(int status);
void http_new_id(http_server_t *server, char id[17]);
void http_error_json(struct evbuffer *out, const char *code, const char *message, const char *id);
#define HTTP_ALLOW "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
#define HTTP_CSP "default-src 'none'; frame-ancestors 'none'"
