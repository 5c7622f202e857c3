/* What a server that the gateway runs prints, in lines of our log: without the values that the configuration
 * put into its environment, cut, and only so many in a second, as one that complains without end must not
 * push everybody else's lines out of the log.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "span.h"

typedef struct {
    const char *connector; /* borrowed, as the next is */
    char *const *env;      /* NAME=value, NULL-ended or NULL */
    int64_t second;
    unsigned lines; /* in that second */
} stdio_log_t;

/* How much of a line to hand over: what is logged, and the rest of a value that begins in it. */
size_t stdio_log_reads_bytes(const stdio_log_t *log);

void stdio_log(stdio_log_t *log, int64_t now_ms, const char *message, span_t line);
