/* A business system behind HTTP, as the tools of a connector ask it: libcurl on the loop (net/web.h) tied to
 * the call that asks. The call is held while the request is out, the request ends when the call does, its
 * time is the call's, and its answer is read as JSON, a large one on a helper thread.
 *
 * A repeatable request that is refused with 429 or 503 and Retry-After waits and asks again while the call
 * has time; every other request is sent once. A redirect is an answer like any other and never followed.
 *
 * What refuses with a trace id is written down with it (and the call's id), for those who ask the vendor.
 *
 * Sentences name the system ("Qdrant"), never its address, and say whether trying again is safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "connector.h"
#include "err.h"
#include "loop.h"
#include "span.h"

typedef struct upstream upstream_t; /* one per connector: base URL and kept connections */

typedef struct {
    const char *name;         /* "Qdrant" */
    const char *url;          /* base, may have a path; http or https */
    const char *url_variable; /* "QDRANT_URL": what the operator mends */
    size_t max_reply_bytes;   /* 0: 8 MiB */
    bool production;          /* refuses the stand-ins of tests/upstreams */
} upstream_options_t;

/* NULL with ERR_CALLER when the URL is none, or holds a user, a query or a fragment. Options are copied. */
upstream_t *upstream_new(loop_t *loop, const upstream_options_t *options, err_t *err);
void upstream_free(upstream_t *upstream); /* cancels what is open; not within a callback */

typedef struct {
    const char *method;
    const char *path;           /* "/collections/a%20b?x=1": percent-encoded by the caller; begins with '/' */
    const char *const *headers; /* "Name: value" lines, NULL-ended, or NULL; copied, wiped after */
    const json_t *json;         /* the body; borrowed until upstream_ask() returns. NULL: none */
    const char *content_type;   /* of `bytes`, where the body is not JSON */
    span_t bytes;
    int64_t timeout_ms; /* 0: what the call has left */
    bool repeatable;    /* reads only: may be sent again. What is not is never sent twice, nor by libcurl */
    bool raw;           /* the answer is not read as JSON */
} upstream_request_t;

typedef struct {
    int status;
    const json_t *json; /* the answer, or NULL: it is no JSON, it is empty, or the request was raw */
    span_t body;        /* these are borrowed while the callback runs, as json is */
    span_t content_type, location, retry_after;
    const char *const *sent_headers; /* what it was asked with: none of it may stand in a sentence */
    bool repeatable;                 /* as it was asked: decides what a sentence says of trying again */
} upstream_reply_t;

/* "Api-Key: secret" as memory of the call that is wiped with it. */
char *upstream_header(call_t *call, const char *name, const char *value);

/* reply: any status. err (reply is NULL): no answer, too large, half an answer, a certificate that does not
 * hold, the deadline. Not called once the call has ended; never before upstream_ask() has returned. */
typedef void (*upstream_f)(void *self, const upstream_reply_t *reply, const err_t *err);
void upstream_ask(call_t *call, upstream_t *upstream, const upstream_request_t *request, upstream_f cb,
                  void *self);

/* The same without a call, for probes; `timeout_ms` bounds it. One at a time: a probe that is still out when
 * the next one is asked for ends with ERR_TIMEOUT. */
void upstream_probe(upstream_t *upstream, const upstream_request_t *request, int64_t timeout_ms,
                    upstream_f cb, void *self);

/* The sentence for an answer that is not a success, from its status; of a 2xx, for one that is not what the
 * API promises (a web page, no JSON, an error inside). `detail`: what the system itself said of it, or NULL;
 * it is cut, and left out when it looks like HTML or a traceback, or repeats a header we sent. 400, 404, 409,
 * 413, 422 and the like are ERR_CALLER, 401 and 403 ERR_DENIED, 408 and 504 ERR_TIMEOUT, the rest
 * ERR_UPSTREAM. Returns -1. */
int upstream_refused(const upstream_t *upstream, const upstream_reply_t *reply, const char *detail,
                     err_t *err);

/* A web page: what answers instead of an API that is not there. */
bool upstream_is_html(const upstream_reply_t *reply);

/* Percent-encodes one path segment or query value; memory of the call. */
char *upstream_encode(call_t *call, const char *text);
