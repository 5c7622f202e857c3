/* One JSON object per line on a descriptor that must never stop us: lines collect in a buffer of the thread
 * that writes them and leave once per loop turn by a non-blocking write. What does not fit is dropped and
 * counted; a paused terminal costs lines, never calls. Values from outside are escaped, lines are cut at 4
 * KiB (one atomic write on a pipe).
 *
 *     if (log_begin(LOG_LEVEL_WARN, "connector answers again")) {
 *         log_str("connector", name);
 *         log_end();
 *     }
 *
 * Nothing secret is ever passed in here: tokens, keys, passwords, forwarded headers, query strings.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

typedef enum { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR } log_level_t;

/* Reopens fd without blocking (its other holders keep their mode) and names the process in each line. Before
 * this, and on threads that never call log_flush, each line is written at once. */
void log_open(int fd, const char *process, log_level_t level);
void log_set_level(log_level_t level);
int log_level_from_name(const char *name); /* "debug", "info", "warn", "error"; -1 otherwise */

bool log_begin(log_level_t level, const char *message); /* false: below the level, write nothing more */
void log_str(const char *key, const char *value);       /* a NULL value is left out */
void log_span(const char *key, span_t value);
void log_int(const char *key, int64_t value);
void log_ms(const char *key, int64_t us); /* microseconds, shown as milliseconds with three decimals */
void log_bool(const char *key, bool value);
void log_end(void);

void log_buffer_lines(void); /* this thread collects lines until log_flush() */
void log_flush(void);        /* never blocks; what does not leave waits for the next one, or for exit() */
uint64_t log_dropped(void);  /* lines dropped by all threads */
