/* Borrowed bytes. Everything the hot path reads out of a request is a span of the request's own body. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

typedef struct {
    const char *at; /* not NUL-terminated; NULL when absent */
    size_t length;
} span_t;

#define SPAN(literal) ((span_t){ "" literal, sizeof(literal) - 1 })
#define SPAN_ARGS(span) (int)(span).length, (span).at /* for "%.*s" */

static inline span_t span_of(const char *text)
{
    return text ? (span_t){ text, strlen(text) } : (span_t){ 0 };
}

static inline bool span_is(span_t span, const char *text)
{
    return span.at && span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

static inline bool span_equal(span_t a, span_t b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

/* FNV-1a: for tables in which only that many names or addresses of somebody's own fill one chain. */
static inline uint32_t span_hash(span_t span)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < span.length; i++) {
        hash = (hash ^ (unsigned char)span.at[i]) * 16777619u;
    }
    return hash;
}

/* Without the blanks and tabs around it. */
static inline span_t span_trim(span_t span)
{
    while (span.length > 0 && (span.at[0] == ' ' || span.at[0] == '\t')) {
        span.at++;
        span.length--;
    }
    while (span.length > 0 && (span.at[span.length - 1] == ' ' || span.at[span.length - 1] == '\t')) {
        span.length--;
    }
    return span;
}

static inline bool span_is_nocase(span_t span, const char *text)
{
    return span.at && span.length == strlen(text) && strncasecmp(span.at, text, span.length) == 0;
}
