/* See answer.h. */
#include "answer.h"

#include <math.h>
#include <string.h>

#include "mem.h"
#include "utf8.h"

#define DATE_LENGTH 10

json_t *answer_text(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    if (value) {
        return value;
    }
    AUTO(mem_free) char *clean = mem_strdup(text); /* SQLite stores whatever it was given */
    for (char *at = clean; *at != '\0';) {
        size_t length = utf8_char(span_of(at));
        if (length == 0) {
            *at = '?';
            length = 1;
        }
        at += length;
    }
    return json_string(clean);
}

double round_to(double number, int digits)
{
    double unit = pow(10, digits);

    return round(number * unit) / unit;
}

json_t *answer_number(double number)
{
    return isfinite(number) ? json_real(round_to(number, 9)) : json_null();
}

json_t *answer_time(int64_t unix_ms)
{
    char text[PERIOD_TEXT_SIZE];

    return unix_ms != 0 ? json_string(period_local(unix_ms, text)) : json_null();
}

json_t *answer_period(const period_t *period, int64_t now_ms)
{
    char to[PERIOD_TEXT_SIZE];

    /* An end that is excluded is shown as the last moment that is included. */
    period_local(period->has_to ? period->to_ms - 1 : now_ms, to);
    json_t *from = period->has_from ? answer_time(period->from_ms) : json_null();
    return json_pack("{s:o, s:s, s:s}", "from", from, "to", to, "timezone", period_zone());
}

json_t *answer_named(const char *id_key, const char *id, const char *name)
{
    return id ? json_pack("{s:o, s:o}", id_key, answer_text(id), "name", answer_text(name)) : json_null();
}

const char *answer_name(const char *name)
{
    return name && *name != '\0' ? name : "(no name)";
}

void answer_add_named(buf_t *text, const char *id_key, const char *id, const char *name)
{
    if (name && *name != '\0') {
        buf_addf(text, "%s (%s %s)", name, id_key, id);
    } else {
        buf_addf(text, "%s %s", id_key, id);
    }
}

void answer_add_period(buf_t *text, const period_t *period, int64_t now_ms)
{
    char from[PERIOD_TEXT_SIZE], to[PERIOD_TEXT_SIZE];

    if (!period->has_from && !period->has_to) {
        buf_add_text(text, "all time");
        return;
    }
    period_local(period->from_ms, from);
    period_local(period->has_to ? period->to_ms - 1 : now_ms, to);
    if (!period->has_from) {
        buf_add_text(text, "up to ");
    } else if (strncmp(from, to, DATE_LENGTH) != 0) {
        buf_addf(text, "%.*s to ", DATE_LENGTH, from);
    }
    buf_addf(text, "%.*s (%s)", DATE_LENGTH, to, period_zone());
}
