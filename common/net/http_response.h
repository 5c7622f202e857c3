/* The bytes of one HTTP/1.1 answer, read strictly and as they come (RFC 9112). A parser only: it takes bytes
 * out of one evbuffer, moves the body into another and knows nothing of sockets, so that it can be fuzzed. It
 * lives inside the exchange that reads it and allocates nothing.
 *
 *     http_response_begin(&response, false);
 *     do {
 *         step = http_response_step(&response, in, body, &err);
 *     } while (step == HTTP_RESPONSE_HEAD);
 *
 * Refused rather than guessed: bare LF, folded lines, control characters, white space around names,
 * Content-Length that is not digits or not always the same, Transfer-Encoding other than "chunked" or beside
 * Content-Length, a compressed body, header blocks over 32 KiB or 100 lines. Interim answers (1xx) and
 * trailers are read over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

struct evbuffer;

#define HTTP_RESPONSE_MAX_HEAD 32768
#define HTTP_RESPONSE_MAX_LINES 100

typedef enum {
    HTTP_RESPONSE_ERROR = -1, /* *err says why; the connection is of no more use */
    HTTP_RESPONSE_MORE,       /* all of `in` that can be used is used */
    HTTP_RESPONSE_HEAD,       /* status and the spans below may be read, until the next step */
    HTTP_RESPONSE_BODY,       /* the same, and `body` has grown */
    HTTP_RESPONSE_END         /* the answer is whole; what is left in `in` nobody asked for */
} http_response_step_t;

typedef enum {
    HTTP_READING_HEAD,
    HTTP_READING_FIXED, /* Content-Length */
    HTTP_READING_CHUNK_SIZE,
    HTTP_READING_CHUNK,
    HTTP_READING_CHUNK_END,
    HTTP_READING_TRAILERS,
    HTTP_READING_TO_CLOSE,
    HTTP_READING_NOTHING
} http_reading_t;

typedef struct {
    int status;
    bool keep_alive; /* the server says that the connection may serve again */
    span_t content_type, session_id, retry_after;

    /* the parser's own */
    http_reading_t reading;
    bool bodiless, chunked, sized, http_1_0, encoded, straight, grown;
    unsigned lines, interims;
    size_t scanned, head_bytes; /* of the header block (or trailers) at the front of `in` */
    uint64_t left;              /* of the body or of the chunk */
} http_response_t;

void http_response_begin(http_response_t *response, bool bodiless); /* bodiless: it answers HEAD */
http_response_step_t http_response_step(http_response_t *response, struct evbuffer *in, struct evbuffer *body,
                                        err_t *err);
/* The body has no length: when the server closes and `in` is used up, the answer is whole. */
bool http_response_ends_at_close(const http_response_t *response);
/* How much is worth reading at once: what is known to come, one byte more, so that surplus shows. 0: not
 * known. */
uint64_t http_response_expects(const http_response_t *response);
/* What may be read past `in`, once that is used up, right into `body`: it has one piece of memory for all of
 * a long body whose length is known. 0: nothing. Tell how much it was, then step on. */
uint64_t http_response_straight(const http_response_t *response);
void http_response_took(http_response_t *response, uint64_t bytes);
