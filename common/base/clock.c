/* See clock.h. */
#include "clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mem.h"

#define TEN_YEARS_MS (INT64_C(3653) * 24 * 3600 * 1000)
#define YEAR_10000_MS INT64_C(253402300800000)

static int64_t read_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_ms(void)
{
    return clock_us() / 1000;
}

int64_t clock_unix_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_unix(void)
{
    return clock_unix_ms() / 1000;
}

struct timeval clock_timeval(int64_t ms)
{
    int64_t wait_ms = ms > 0 ? ms : 0;

    return (struct timeval){ .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
}

const char *clock_iso(int64_t unix_ms, char out[CLOCK_ISO_SIZE])
{
    struct tm date;

    /* Four-digit years only: what lies outside is a mistake and shown as the nearest time that fits. */
    if (unix_ms < 0) {
        unix_ms = 0;
    }
    if (unix_ms >= YEAR_10000_MS) {
        unix_ms = YEAR_10000_MS - 1;
    }
    time_t seconds = (time_t)(unix_ms / 1000);
    unsigned ms = (unsigned)(unix_ms % 1000);
    gmtime_r(&seconds, &date);
    strftime(out, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &date);
    snprintf(out + 19, CLOCK_ISO_SIZE - 19, ".%03uZ", ms % 1000);
    return out;
}

static int64_t unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strcmp(unit, units[i].name) == 0) {
            return units[i].ms;
        }
    }
    return -1;
}

int64_t clock_parse_ms(const char *text)
{
    int64_t number = 0, ms;
    const char *at = text;

    while (isdigit((unsigned char)*at)) {
        if (number > TEN_YEARS_MS) {
            return -1;
        }
        number = number * 10 + (*at++ - '0');
    }
    if (at == text) {
        return -1;
    }
    int64_t unit = unit_ms(at);
    if (unit < 0 || __builtin_mul_overflow(number, unit, &ms) || ms > TEN_YEARS_MS) {
        return -1;
    }
    return ms;
}
