/* See moment.h. */
#include "moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400
#define LATEST_S 253402300799 /* 9999-12-31T23:59:59Z */

const char *moment_iso(int64_t unix_s, char out[MOMENT_SIZE])
{
    time_t seconds = (time_t)(unix_s < 0 ? 0 : unix_s > LATEST_S ? LATEST_S : unix_s);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(out, MOMENT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

/* `length` digits at *at, as a number from min to max; *at goes on behind them. -1: they are not there. */
static int read_digits(const char **at, int length, int min, int max)
{
    int value = 0;

    for (int i = 0; i < length; i++) {
        if (**at < '0' || **at > '9') {
            return -1;
        }
        value = value * 10 + (*(*at)++ - '0');
    }
    return value >= min && value <= max ? value : -1;
}

static bool read_char(const char **at, const char *one_of)
{
    if (**at == '\0' || !strchr(one_of, **at)) {
        return false;
    }
    (*at)++;
    return true;
}

/* timegm() takes 2026-02-30 for the 2nd of March; what it makes of the parts must be what was written. */
static bool read_day(const char **at, int64_t *ret_s)
{
    int year = read_digits(at, 4, 1970, 9999);
    int month = year >= 0 && read_char(at, "-") ? read_digits(at, 2, 1, 12) : -1;
    int day = month >= 0 && read_char(at, "-") ? read_digits(at, 2, 1, 31) : -1;
    struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };

    if (day < 0) {
        return false;
    }
    *ret_s = timegm(&tm);
    return tm.tm_mday == day;
}

static bool read_time(const char **at, int64_t *s)
{
    int hour = read_digits(at, 2, 0, 23);
    int minute = hour >= 0 && read_char(at, ":") ? read_digits(at, 2, 0, 59) : -1;
    int second = 0;

    if (minute < 0) {
        return false;
    }
    if (read_char(at, ":")) {
        second = read_digits(at, 2, 0, 59);
        if (second >= 0 && read_char(at, ".,")) {
            *at += strspn(*at, "0123456789");
        }
    }
    *s += hour * 3600 + minute * 60 + second;
    return second >= 0;
}

static bool read_zone(const char **at, int64_t *s)
{
    char sign = **at;

    if (sign == '\0' || read_char(at, "Zz")) {
        return true;
    }
    if (!read_char(at, "+-")) {
        return false;
    }
    int hours = read_digits(at, 2, 0, 14);
    read_char(at, ":");
    int minutes = hours >= 0 ? read_digits(at, 2, 0, 59) : -1;
    *s -= (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return minutes >= 0;
}

int moment_parse(const char *argument, const char *text, bool ends, int64_t *ret, err_t *err)
{
    const char *at = text;
    int64_t s = 0;
    bool is_fine = read_day(&at, &s);

    if (is_fine && *at == '\0') {
        s += ends ? DAY_S - 1 : 0;
    } else if (is_fine) {
        is_fine = read_char(&at, "Tt ") && read_time(&at, &s) && read_zone(&at, &s) && *at == '\0';
    }
    if (!is_fine || s < 0) {
        return err_set(err, ERR_CALLER,
                       "Argument \"%s\" must be a day as YYYY-MM-DD or a time such as 2026-11-20T10:41:00Z.",
                       argument);
    }
    *ret = s;
    return 0;
}
