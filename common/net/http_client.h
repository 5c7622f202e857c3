/* The hop: gateway to connector, HTTP/1.1 over a unix socket, TCP or TLS. The first two on plain events and
 * evbuffers (evhttp's client and libcurl cost 10 us more per call), https:// through libcurl behind the same
 * functions (hop_web.c): certificate and host name verified, no redirects, no proxy of the environment.
 *
 * Each loop has its own http_pool_t per connector: idle keep-alive connections, newest first, watched and
 * dropped on EOF, none kept longer than idle_ms. Answers are parsed strictly: Content-Length, chunked,
 * close-delimited; interim 1xx are skipped; anything ambiguous is ERR_UPSTREAM. The deadline is absolute and
 * covers connecting. Exactly one of on_end and on_error ends an exchange, never before hop_start() has
 * returned, never after hop_cancel().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "loop.h"
#include "resolve.h"
#include "span.h"

struct evbuffer;
typedef struct http_pool http_pool_t;
typedef struct hop hop_t; /* one exchange */

typedef struct {
    char *socket_path; /* unix; else NULL */
    char *host;
    uint16_t port;
    char *path;      /* "/mcp" */
    char *authority; /* Host header */
    bool tls;
    char
        *ca_file; /* tls: PEM certificates trusted instead of the system's; NULL: those. Never from the URL */
} hop_url_t;

/* "unix:/run/guiche/odoo.sock[:/path]" or "http[s]://host[:port][/path]" (no path: /mcp). -1 with a sentence.
 */
int hop_url_parse(const char *url, hop_url_t *ret, err_t *err);
void hop_url_release(hop_url_t *url);

typedef struct {
    size_t max_idle;            /* 256: fewer, and that many calls at once open connections anew */
    int64_t idle_ms;            /* 50 s: below the connectors' 75 s */
    int64_t connect_timeout_ms; /* 3 s, for the name and for each of its addresses; with TLS for all of it */
    size_t max_reply_bytes;     /* 8 MiB */
} http_pool_limits_t;
#define HTTP_POOL_LIMITS_DEFAULT                                                                             \
    {                                                                                                        \
        .max_idle = 256, .idle_ms = 50000, .connect_timeout_ms = 3000, .max_reply_bytes = 8388608            \
    }

/* `resolver` may be NULL for a unix socket and for https, whose names libcurl looks up. `url` is copied. */
http_pool_t *http_pool_new(loop_t *loop, resolver_t *resolver, const hop_url_t *url,
                           const http_pool_limits_t *limits);
void http_pool_free(http_pool_t *pool);                     /* no exchange may be open */
struct event_base *http_pool_base(const http_pool_t *pool); /* of its loop */
size_t http_pool_idle(const http_pool_t *pool); /* https: those open beyond the exchanges that run */
size_t http_pool_open(const http_pool_t *pool); /* idle and busy connections */

typedef struct {
    int status;
    span_t content_type; /* borrowed while on_head runs; the same for the headers below */
    span_t session_id;   /* Mcp-Session-Id */
    span_t retry_after;
} hop_head_t;

/* on_head and on_body may be NULL. Within any of these hop_start, hop_cancel, hop_pause and hop_extend may be
 * called, and within the two that end also http_pool_free if it was the last exchange. */
typedef struct {
    void (*on_head)(void *self, const hop_head_t *head);
    /* More of the body; take what you want out of `body` (evbuffer_add_buffer, drain). What stays counts
     * against max_reply_bytes; with streamed text/event-stream the reader drains and only what waits counts.
     */
    void (*on_body)(void *self, struct evbuffer *body);
    void (*on_end)(void *self, struct evbuffer *body); /* whole: the rest of the body */
    /* sent: at least one byte of the request was written, so the server may have acted on it. An exchange
     * whose reused connection died before any byte of an answer has by then been repeated once on a fresh
     * one, if it was idempotent or not begun to be sent. */
    void (*on_error)(void *self, const err_t *err, bool sent);
} hop_events_t;

typedef struct {
    const char *method;  /* "POST" */
    span_t headers;      /* ready lines "Name: value\r\n"; Host and Content-Length are added */
    int64_t deadline_ms; /* monotonic */
    bool idempotent;     /* may be sent again when a reused connection dies before any answer */
} hop_request_t;

/* `body` is taken and empty afterwards (NULL: none), what `request` points at is copied, `events` must live
 * as long as the exchange. */
hop_t *hop_start(http_pool_t *pool, const hop_request_t *request, buf_t *body, const hop_events_t *events,
                 void *self);
void hop_cancel(hop_t *hop); /* closes its connection; no callback follows */
/* Nobody wants the rest of the answer; no callback follows. The connection serves again when the answer ends
 * within a second, as a stream whose last event has come does; else it is closed. */
void hop_leave(hop_t *hop);
/* Stop and go on reading: back-pressure. What is read already is told. */
void hop_pause(hop_t *hop, bool paused);
void hop_extend(hop_t *hop, int64_t deadline_ms);
