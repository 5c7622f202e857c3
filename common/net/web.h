/* Requests to real upstreams through libcurl's multi interface on the same loop: http and https only,
 * verified, no redirects, answers capped, absolute timeout. Proxy variables of the environment, .netrc and
 * cookies are not honoured: where a request goes is decided by configuration alone. Authorization and other
 * secret headers are given by the caller, never logged, and libcurl's verbose mode is never on. One callback,
 * never before web_start() has returned.
 */
#pragma once

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
    span_t body;  /* copied */
    int64_t timeout_ms;
    size_t max_reply_bytes; /* 0: 8 MiB */
} web_request_t;

typedef struct {
    int status;
    span_t body;         /* borrowed while the callback runs, like the others */
    span_t content_type; /* absent: at == NULL */
    span_t retry_after;
    span_t location;
} web_reply_t;

/* Any HTTP status is a reply. err: ERR_UPSTREAM (no answer, TLS, too large), ERR_TIMEOUT; reply is NULL then.
 * The text holds neither URL nor header. */
typedef void (*web_f)(void *self, const web_reply_t *reply, const err_t *err);
web_call_t *web_start(web_t *web, const web_request_t *request, web_f cb, void *self);
void web_cancel(web_call_t *call); /* no callback follows; harmless within the call's own callback */
