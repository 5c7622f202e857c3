/* See formats.h. A date must exist in the calendar; an e-mail address is checked only as far as nobody can
 * disagree. */
#include "formats.h"

#include <ctype.h>
#include <stddef.h>

#include "mem.h"

#define EMAIL_MAX_BYTES 254 /* RFC 5321 4.5.3.1.3, without the angle brackets */

static int digits(const char *at, size_t count)
{
    int number = 0;

    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)at[i])) {
            return -1;
        }
        number = number * 10 + (at[i] - '0');
    }
    return number;
}

static int days_in(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool is_date(span_t text)
{
    if (text.length != 10 || text.at[4] != '-' || text.at[7] != '-') {
        return false;
    }
    int year = digits(text.at, 4), month = digits(text.at + 5, 2), day = digits(text.at + 8, 2);
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month);
}

static bool is_uuid(span_t text)
{
    if (text.length != 36) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.at[i] != '-' : !isxdigit((unsigned char)text.at[i])) {
            return false;
        }
    }
    return true;
}

static bool is_email(span_t text)
{
    size_t ats = 0;

    if (text.length < 3 || text.length > EMAIL_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= ' ' || c == 0x7F || strchr("<>,;", c)) {
            return false;
        }
        ats += c == '@';
    }
    return ats == 1 && text.at[0] != '@' && text.at[text.length - 1] != '@';
}

static const struct {
    const char *name, *takes, *plural;
    bool (*fits)(span_t text);
} formats[] = {
    { "date", "a date as YYYY-MM-DD", "dates as YYYY-MM-DD", is_date },
    { "uuid", "a UUID", "UUIDs", is_uuid },
    { "email", "an e-mail address", "e-mail addresses", is_email },
};

/* Index into formats[], or -1. */
static int find(const char *format)
{
    for (size_t i = 0; format && i < COUNT_OF(formats); i++) {
        if (strcmp(formats[i].name, format) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool formats_fit(const char *format, span_t text)
{
    int i = find(format);

    return i < 0 || formats[i].fits(text);
}

const char *formats_takes(const char *format)
{
    int i = find(format);

    return i < 0 ? NULL : formats[i].takes;
}

const char *formats_plural(const char *format)
{
    int i = find(format);

    return i < 0 ? NULL : formats[i].plural;
}
