/* See retry_after.h. */
#include "retry_after.h"

#include <stdio.h>
#include <time.h>

#define MAX_SECONDS 86400
#define DATE_MAX_LENGTH 40

static int64_t capped_ms(int64_t seconds)
{
    return (seconds < 0 ? 0 : seconds > MAX_SECONDS ? MAX_SECONDS : seconds) * 1000;
}

static int64_t parse_seconds(span_t value)
{
    int64_t seconds = 0;

    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return -1;
        }
        seconds = seconds > MAX_SECONDS ? seconds : seconds * 10 + (value.at[i] - '0');
    }
    return seconds;
}

/* "Fri, 20 Nov 2026 10:41:15 GMT", the one form that is still sent. */
static int64_t parse_date(span_t value)
{
    char text[DATE_MAX_LENGTH + 1];
    struct tm when = { 0 };

    if (value.length > DATE_MAX_LENGTH) {
        return -1;
    }
    snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(value));
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &when);
    return end && *end == '\0' ? (int64_t)timegm(&when) : -1;
}

int64_t retry_after_ms(span_t value, int64_t now_unix)
{
    span_t text = span_trim(value);

    if (text.length == 0) {
        return -1;
    }
    int64_t seconds = parse_seconds(text);
    if (seconds >= 0) {
        return capped_ms(seconds);
    }
    int64_t date = parse_date(text);
    return date < 0 ? -1 : capped_ms(date - now_unix);
}
