/* What can be known of a request before evhttp has parsed it: how long its head is, how many lines it has,
 * where it ends, and how much body it declares. A counter of bytes in pieces of any size, not a parser: what
 * is malformed is evhttp's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t bytes, lines; /* of the head so far, the request line and the empty line included */
    bool ended;
    unsigned lengths;        /* how many Content-Length lines there are */
    uint64_t content_length; /* of the last one; 0 when it is no number */
    size_t column;           /* bytes of the line that is being read */
    char start[40];          /* the first of them: room for "Content-Length:" and twenty digits */
} intake_t;

/* Takes in more of the head; how many of the bytes belonged to it. The rest is body, or the next request. */
size_t intake_feed(intake_t *intake, const char *bytes, size_t length);
