/* A growing run of bytes, for text that is built and handed on whole: lists, log lines, metrics pages. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

typedef struct {
    char *data; /* not NUL-terminated, see buf_text(); NULL while empty */
    size_t length, size;
} buf_t;

void buf_reserve(buf_t *buf, size_t more); /* room for so many more, without moving while they are added */

/* Inline, because envelopes, headers and log lines are made of many small pieces, and the length of a literal
 * is known when it is compiled: 7,000 instructions less per call. */
static inline void buf_add(buf_t *buf, const void *bytes, size_t length)
{
    if (length == 0) {
        return;
    }
    if (length >= buf->size - buf->length) {
        buf_reserve(buf, length);
    }
    memcpy(buf->data + buf->length, bytes, length);
    buf->length += length;
}

static inline void buf_add_span(buf_t *buf, span_t span)
{
    buf_add(buf, span.at, span.length);
}

static inline void buf_add_text(buf_t *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

static inline void buf_add_char(buf_t *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_addf(buf_t *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_add_u64(buf_t *buf, uint64_t number);
void buf_add_count(buf_t *buf, size_t count, const char *what); /* "1 agent", "2 agents", "2 inboxes" */

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so the result is always valid JSON;
 * control characters, quotes and backslashes are escaped. */
void buf_add_json_string(buf_t *buf, span_t text);
/* The same in at most max_bytes (5 or more) with the quotes; what does not fit is cut with "...". */
void buf_add_json_string_cut(buf_t *buf, span_t text, size_t max_bytes);

void buf_clear(buf_t *buf);       /* keeps the memory */
void buf_free(buf_t *buf);        /* the bytes, not the struct */
const char *buf_text(buf_t *buf); /* NUL-terminated, valid until the next add */
char *buf_steal(buf_t *buf);      /* NUL-terminated, the caller's to free; buf is empty again */
span_t buf_span(const buf_t *buf);

#define AUTO_BUF __attribute__((cleanup(buf_free))) buf_t
