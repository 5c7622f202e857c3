/* Time: one monotonic clock for deadlines, one wall clock for what people and tokens read. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

int64_t clock_ms(void);   /* monotonic */
int64_t clock_us(void);   /* monotonic */
int64_t clock_unix(void); /* seconds since 1970 */
int64_t clock_unix_ms(void);

struct timeval clock_timeval(int64_t ms); /* as timers want it; 0 for what is past */

#define CLOCK_ISO_SIZE 25
/* "2026-11-20T10:41:15.123Z"; returns out. */
const char *clock_iso(int64_t unix_ms, char out[CLOCK_ISO_SIZE]);

/* "250ms", "25s", "2m", "24h", or bare seconds, into milliseconds; -1: none of these, or over 10 years. */
int64_t clock_parse_ms(const char *text);
