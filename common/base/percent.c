/* See percent.h. Neither way depends on the locale. */
#include "percent.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_unreserved(char c)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    return memchr(plain, c, sizeof(plain) - 1);
}

void percent_encode(buf_t *out, span_t text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_unreserved(text.at[i])) {
            buf_add_char(out, text.at[i]);
        } else {
            buf_add(out, (char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
        }
    }
}

int percent_at(span_t text)
{
    if (text.length < 3 || text.at[0] != '%') {
        return -1;
    }
    int high = digit_of(text.at[1]), low = digit_of(text.at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}
