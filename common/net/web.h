/* Requests to real upstreams through libcurl's multi interface on the same loop: http and https only,
 * verified, no redirects, answers capped, absolute timeout. Proxy variables of the environment, .netrc and
 * cookies are not honoured: where a request goes is decided by configuration alone. Authorization and other
 * secret headers are given by the caller, never logged, and libcurl's verbose mode is never on. One callback,
 * never before web_start() has returned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "loop.h"
#include "span.h"

typedef struct web web_t; /* one per loop: its multi handle and connections */
typedef struct web_call web_call_t;

web_t *web_new(loop_t *loop);
void web_free(web_t *web); /* cancels what is open; not within a callback */

typedef struct {
    const char *method; /* "GET", "POST", ... */
    const char *url;
    const char *const
        *headers; /* "Name: value" lines, NULL-ended, or NULL; copied. A line break in one is refused */
    span_t body;  /* copied; the copies of body and headers are wiped at the end */
    int64_t timeout_ms;
    size_t max_reply_bytes; /* 0: 8 MiB */
    const char *ca_file;    /* PEM: only these authorities are believed; NULL: the system's */
    /* Sent at most once. Without it libcurl sends a request again when a kept connection dies before a byte
     * of the answer has come, whatever its method. */
    bool once;
} web_request_t;

typedef struct {
    int status;
    span_t body;         /* borrowed while the callback runs, like the others */
    span_t content_type; /* absent: at == NULL */
    span_t retry_after;
    span_t cache_control;
    span_t location;
    span_t server;
    span_t trace; /* X-B3-Traceid (Qlik) or X-Request-Id (Rails): by what the upstream's own log knows it */
} web_reply_t;

typedef enum {
    WEB_ANSWERED,
    WEB_OWN_FAULT, /* the URL or a header of ours is none */
    WEB_NO_NAME,   /* the host name could not be resolved */
    WEB_NO_CONNECTION,
    WEB_NO_TLS,
    WEB_NOT_TRUSTED, /* the certificate */
    WEB_LATE,        /* the deadline passed */
    WEB_TOO_LARGE,
    WEB_NO_ANSWER,   /* closed before it answered */
    WEB_HALF_ANSWER, /* closed in the middle of it */
    WEB_BROKEN       /* anything else, such as no valid HTTP */
} web_end_t;

/* Any HTTP status is a reply. err: ERR_UPSTREAM (no answer, TLS, too large), ERR_TIMEOUT; reply is NULL then.
 * The text holds neither URL nor header. */
typedef void (*web_f)(void *self, const web_reply_t *reply, const err_t *err);
web_call_t *web_start(web_t *web, const web_request_t *request, web_f cb, void *self);
void web_cancel(web_call_t *call); /* no callback follows; harmless within the call's own callback */

/* Within the call's own callback: how it ended, and whether some of the request may have reached the
 * upstream. */
web_end_t web_end(const web_call_t *call);
bool web_was_sent(const web_call_t *call);
