/* See header_value.h. */
#include "header_value.h"

#include <stdint.h>

static const char mark_begin[] = "=?base64?", mark_end[] = "?=";

static bool is_encoded(span_t value)
{
    size_t begin = sizeof(mark_begin) - 1, end = sizeof(mark_end) - 1;

    return value.length >= begin + end && memcmp(value.at, mark_begin, begin) == 0 &&
           memcmp(value.at + value.length - end, mark_end, end) == 0;
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, the last `padding` of which are '='. Bits that padding leaves over must be zero. */
static bool decode_four(const char *four, int padding, buf_t *out)
{
    uint32_t bits = 0;

    for (int i = 0; i < 4; i++) {
        int value = i < 4 - padding ? sextet(four[i]) : four[i] == '=' ? 0 : -1;
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
    }
    if ((padding == 1 && (bits & 0xFF)) || (padding == 2 && (bits & 0xFFFF))) {
        return false;
    }
    for (int i = 0; i < 3 - padding; i++) {
        buf_add_char(out, (char)(bits >> (16 - 8 * i)));
    }
    return true;
}

static bool decode_base64(span_t text, buf_t *out)
{
    if (text.length % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.length; i += 4) {
        const char *four = text.at + i;
        bool last = i + 4 == text.length;
        int padding = !last ? 0 : four[2] == '=' ? 2 : four[3] == '=' ? 1 : 0;
        if (!decode_four(four, padding, out)) {
            return false;
        }
    }
    return true;
}

bool header_value_decode(span_t value, buf_t *out)
{
    if (is_encoded(value)) {
        span_t inside = { value.at + sizeof(mark_begin) - 1,
                          value.length - sizeof(mark_begin) - sizeof(mark_end) + 2 };
        return decode_base64(inside, out);
    }
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < 0x20 || value.at[i] > 0x7E) {
            return false;
        }
    }
    buf_add_span(out, value);
    return true;
}
