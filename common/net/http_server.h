/* The HTTP/1.1 server. evhttp stays inside the files that include http_private.h; above them there are
 * requests, replies and streams. Before evhttp stands http_gate.h: what is not framed strictly is refused.
 *
 * A request ends exactly once: by http_reply*(), by http_stream_end(), or by its on_gone callback, and is
 * invalid after. A hang-up while an answer is pending is seen by an event of our own (EV_READ + MSG_PEEK;
 * evhttp sees none) and told by on_gone; afterwards nothing may be sent and the request is freed. Errors that
 * the server finds by itself (size, method, deadline) are answered as
 * {"error":{"code","message","request_id"}}. Response headers of every answer: Date, X-Request-Id,
 * X-Content-Type-Options: nosniff, Content-Security-Policy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "loop.h"
#include "span.h"

struct evbuffer;
typedef struct http_server http_server_t;
typedef struct http_request http_request_t;

typedef struct {
    size_t max_header_bytes; /* 32 KiB */
    size_t max_header_lines; /* 100 */
    size_t max_body_bytes;   /* 4 MiB */
    /* Absolute, to a quarter of a second. A connection may be idle for idle_timeout_ms between requests
     * (header_timeout_ms before the first), and a client that takes no byte of its answer for as long is
     * given up. */
    int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms;
    /* Of all servers that share a quota. At max_connections (0: what the descriptors allow) idle ones make
     * room, else new ones get 503; so do those above max_per_address (0: no such limit; unix sockets and
     * proxies, see http_server_on_peer, are not counted). When bodies over 16 KiB and answers over 64 KiB are
     * more than max_held_bytes, requests with a large body get 503, and who takes little or nothing of its
     * answer is given up after a second. */
    size_t max_connections, max_per_address, max_held_bytes;
} http_limits_t;
#define HTTP_LIMITS_DEFAULT                                                                                  \
    {                                                                                                        \
        .max_header_bytes = 32768, .max_header_lines = 100, .max_body_bytes = 4194304,                       \
        .max_held_bytes = 268435456, .header_timeout_ms = 10000, .body_timeout_ms = 15000,                   \
        .idle_timeout_ms = 60000                                                                             \
    }

typedef void (*http_handler_f)(void *self, http_request_t *request);

http_server_t *http_server_new(loop_t *loop, const http_limits_t *limits, http_handler_f handler, void *self);
/* For what comes from now on. A connection that is open keeps what it may send where that was less. */
void http_server_set_limits(http_server_t *server, const http_limits_t *limits);
/* What servers of one process hold together; borrowed. Without it a server counts alone. */
typedef struct http_quota http_quota_t; /* http_quota.h */
void http_server_share(http_server_t *server, http_quota_t *quota);

/* Asked when a head is whole and its body is still to come: whether the body is worth waiting for. If not,
 * the handler gets the request at once, without a body, and must refuse it; it is the connection's last. */
typedef struct http_head http_head_t;
typedef bool (*http_head_f)(void *self, const http_head_t *head);
void http_server_on_head(http_server_t *server, http_head_f wants_body, void *self);
span_t http_head_header(const http_head_t *head, const char *name, size_t *ret_count); /* as http_header() */

/* Whether this address is a proxy's, behind which many clients are. */
typedef bool (*http_peer_f)(void *self, const char *peer);
void http_server_on_peer(http_server_t *server, http_peer_f is_proxy, void *self);

void http_server_accept(http_server_t *server, int listen_fd); /* takes the fd; more than one may be added */
/* From now on answers say `Connection: close`; new connections are still taken, so that /ready can tell a
 * load balancer before http_server_drain() closes the port. */
void http_server_announce_end(http_server_t *server);
/* Stops accepting, closes idle connections, answers what is open with `Connection: close`, then calls done
 * once (on the loop, never before this returns). Requests still open after drain_ms are cut: their on_gone
 * runs. */
void http_server_drain(http_server_t *server, int64_t drain_ms, loop_f done, void *self);
void http_server_free(http_server_t *server); /* not from a callback of it; on_gone of open requests runs */
/* What it has at this moment. */
size_t http_server_open_requests(const http_server_t *server);
size_t http_server_connections(const http_server_t *server);
size_t http_server_held_bytes(const http_server_t *server); /* as http_limits_t.max_held_bytes counts them */

/* "127.0.0.1:8080", "localhost:8080", "[::1]:8080", "0.0.0.0:8000" (port 0: any free one) or
 * "unix:/run/guiche/crm.sock" (0660; its folder made 0750 when missing; a stale socket is removed only if
 * nobody answers on it, and ours is left behind). TCP listeners have SO_REUSEPORT when `share` is set and
 * TCP_NODELAY. The fd, or -1 with a sentence that names the address and what to do. */
int http_listen(const char *address, bool share, err_t *err);
/* `count` sockets on one address, a worker each: SO_REUSEPORT, or one unix socket under several descriptors.
 * Unlike `share` it fails when another program has the port: SO_REUSEPORT lets two processes of a user share
 * it without a word. */
int http_listen_shared(const char *address, int *fds, size_t count, err_t *err);
/* The address as it is bound (port 0 replaced): "127.0.0.1:41123". Caller frees. */
char *http_listen_address(int fd);
bool http_listen_is_local(int fd); /* loopback or unix socket */

/* What was asked. Spans and strings live as long as the request. */
const char *http_method(const http_request_t *request); /* "POST" */
span_t http_path(const http_request_t *request);        /* "/mcp": no query, percent-decoding not applied */
span_t http_query(const http_request_t *request);       /* what follows '?', raw; absent: at == NULL */
/* The value without outer white space; absent: at == NULL. *ret_count (may be NULL) tells how often the line
 * occurs. */
span_t http_header(const http_request_t *request, const char *name, size_t *ret_count);
typedef bool (*http_header_f)(void *self, span_t name, span_t value); /* false stops */
void http_each_header(const http_request_t *request, http_header_f each, void *self);
span_t http_body(http_request_t *request);                  /* whole, contiguous */
const char *http_request_id(const http_request_t *request); /* 16 hex digits; X-Request-Id of the answer */
const char *http_peer(const http_request_t *request);       /* "127.0.0.1", "" on a unix socket */
bool http_is_local_listener(const http_request_t *request); /* it came in on a loopback or unix listener */
int64_t http_started_us(const http_request_t *request);     /* monotonic: when its first byte had been read */

/* Told once if the client hangs up before the answer is complete; NULL removes it. While it runs the request
 * can still be read, answers are ignored; then it is freed. */
void http_on_gone(http_request_t *request, loop_f on_gone, void *self);

/* Extra response headers, kept until the answer is sent. Both are copied. */
void http_add_header(http_request_t *request, const char *name, const char *value);

/* The whole answer. `body` is emptied, not freed. NULL or empty: no body. content_type NULL: none. */
void http_reply(http_request_t *request, int status, const char *content_type, struct evbuffer *body);
void http_reply_bytes(http_request_t *request, int status, const char *content_type, const void *body,
                      size_t length);
/* {"error":{"code":"not_found","message":...,"request_id":...}} with a status. */
void http_reply_error(http_request_t *request, int status, const char *code, const char *message);

/* A streamed answer (SSE). http_stream_write empties `bytes` (whole events, as comments may come between two
 * writes) and returns how much waits to be sent: above HTTP_STREAM_HIGH_BYTES stop producing until
 * on_drained, which then comes once, when everything has left. Comment lines keep a quiet SSE stream alive
 * when heartbeat_ms > 0. */
#define HTTP_STREAM_HIGH_BYTES 262144
void http_stream_start(http_request_t *request, int status, const char *content_type, int64_t heartbeat_ms);
size_t http_stream_write(http_request_t *request, struct evbuffer *bytes);
void http_stream_on_drained(http_request_t *request, loop_f on_drained, void *self);
void http_stream_end(http_request_t *request);
bool http_stream_started(const http_request_t *request);
