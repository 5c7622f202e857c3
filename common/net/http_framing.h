/* What an HTTP/1.1 message is made of, as far as requests (http_gate.c) and answers (http_response.c) share
 * it: which bytes may stand where, and how the two headers that delimit a body are read. RFC 9110, RFC 9112;
 * what those let pass as doubtful is refused here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

enum {
    HTTP_TOKEN = 1,  /* RFC 9110 5.6.2: names, methods */
    HTTP_TEXT = 2,   /* RFC 9110 5.5: values. No control character but the tab; bytes above 127 are opaque */
    HTTP_TARGET = 4, /* RFC 9112 3.2: visible ASCII but '#', which never leaves a client */
    HTTP_HOST = 8,   /* RFC 3986 3.2.2 and the port: what a Host may be written with */
};
extern const uint8_t http_char_kinds[256];

static inline bool http_is(uint8_t kind, char c)
{
    return http_char_kinds[(unsigned char)c] & kind;
}

/* The first byte from `at` that is not of this kind, or `end`. */
static inline const char *http_skip(uint8_t kind, const char *at, const char *end)
{
    while (at < end && http_is(kind, *at)) {
        at++;
    }
    return at;
}

const char *http_skip_text(const char *at, const char *end); /* the same for HTTP_TEXT, eight at a time */

/* RFC 9110 8.6: digits only, at most eighteen: no list, no sign. */
bool http_read_length(span_t value, uint64_t *ret);
bool http_is_chunked(span_t value); /* RFC 9112 6.1: the one coding that is taken */

/* A chunk's size is read digit by digit: adds one, false when `c` is none or there were fifteen before. */
#define HTTP_CHUNK_DIGITS 15
bool http_add_chunk_digit(char c, unsigned *digits, uint64_t *size);
