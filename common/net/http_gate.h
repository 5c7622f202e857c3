/* The gate before evhttp: how one HTTP/1.1 request is framed, read strictly and as it comes (RFC 9112). It
 * takes bytes in pieces of any size, copies a few of them, allocates nothing, and knows no buffers and no
 * sockets, so it can be fuzzed and outlive evhttp. It does not interpret what it lets pass; it makes sure
 * that whoever does can read it in one way only.
 *
 *     http_gate_t gate = { 0 };
 *     used = http_gate_feed(&gate, &limits, bytes, length);
 *
 * Refused rather than guessed: bare LF, folded lines, control characters, white space around names or in the
 * target, empty lines before a request, versions other than 1.1 and 1.0, none or two Hosts, two
 * Content-Lengths (equal ones too: RFC 9110 8.6 allows it), one that is not digits, Transfer-Encoding other
 * than "chunked", beside Content-Length or in HTTP/1.0, a HEAD with a body, chunk extensions and trailers
 * (RFC 9112 7.1 allows to ignore them; no client of MCP sends any), methods that are not served.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t max_head_bytes;   /* request line and headers, with their line ends */
    size_t max_header_lines; /* without the request line and the empty one */
    uint64_t max_body_bytes; /* decoded */
} http_gate_limits_t;

typedef enum {
    HTTP_GATE_HEAD,   /* also before the first byte */
    HTTP_GATE_BODY,   /* the head is whole; a body is to come */
    HTTP_GATE_WHOLE,  /* the request is over: more bytes are the next one's */
    HTTP_GATE_REFUSED /* `refusal` says why; no byte of this connection means anything any more */
} http_gate_stage_t;

typedef struct {
    int status;
    const char *code, *text; /* a sentence */
} http_gate_refusal_t;

#define HTTP_GATE_WORD 24 /* room for what is compared: "transfer-encoding", eighteen digits */

typedef struct {
    http_gate_stage_t stage;
    const http_gate_refusal_t *refusal;
    size_t head_bytes, header_lines;     /* so far */
    uint64_t body_bytes;                 /* decoded, so far */
    uint64_t left;                       /* still to come: of the body, or of the chunk that is coming in */
    bool sized, chunked, http_1_0, head; /* Content-Length; Transfer-Encoding; the version; the method HEAD */

    /* the parser's own */
    uint8_t step, field;
    bool blank;
    uint8_t hosts;
    unsigned digits;
    size_t word_length; /* may be more than was kept */
    char word[HTTP_GATE_WORD];
} http_gate_t;

/* Takes in more; how many of the bytes belong to this request. Fewer than `length` only when it is whole or
 * refused. A gate of zeros is ready for a request. */
size_t http_gate_feed(http_gate_t *gate, const http_gate_limits_t *limits, const char *bytes, size_t length);
