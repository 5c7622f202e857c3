/* http_server.h in memory: requests made by a test, answers kept for it. Using a request after its end is a
 * failure. */
#pragma once

#include "buf.h"
#include "http_server.h"

struct http_request {
    char *method, *headers, *body; /* headers: "Name: value\n" lines */
    size_t body_length;
    bool local;       /* came in on a loopback or unix listener */
    const char *peer; /* "" is a unix socket */
    int64_t started_us;
    loop_f on_gone, on_drained;
    void *gone_self, *drained_self;

    bool over, streaming;
    int status;        /* 0: no answer yet */
    buf_t type, added; /* added: "Name: value\n" lines of http_add_header */
    buf_t sent;        /* body, or what was streamed */
    size_t waiting;    /* what http_stream_write returns */
    bool stalled;      /* the client reads nothing: what is streamed adds to waiting */
    int64_t heartbeat_ms;
};

http_request_t *fake_request(const char *method, const char *headers,
                             span_t body); /* loopback, peer 127.0.0.1 */
void fake_free(http_request_t *request);
void fake_hang_up(http_request_t *request); /* the client goes: on_gone runs */
const char *fake_sent(http_request_t *request);
