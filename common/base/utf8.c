/* See utf8.h. The ranges of the second byte (RFC 3629 section 4) are what keeps overlong forms and surrogates
 * out. */
#include "utf8.h"

#include <stdint.h>

static bool is_tail(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

static bool second_fits(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return is_tail(second);
    }
}

static size_t length_by_first(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        return 3;
    }
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

size_t utf8_char(span_t text)
{
    if (text.length == 0) {
        return 0;
    }
    uint8_t first = (uint8_t)text.at[0];
    size_t length = length_by_first(first);
    if (length == 0 || length > text.length) {
        return 0;
    }
    if (length > 1 && !second_fits(first, (uint8_t)text.at[1])) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (!is_tail((uint8_t)text.at[i])) {
            return 0;
        }
    }
    return length;
}

bool utf8_is_valid(span_t text)
{
    while (text.length > 0) {
        size_t length = utf8_char(text);
        if (length == 0) {
            return false;
        }
        text.at += length;
        text.length -= length;
    }
    return true;
}

size_t utf8_cut(span_t text, size_t max_bytes)
{
    if (text.length <= max_bytes) {
        return text.length;
    }
    /* A character has at most three tail bytes; more in a row are no UTF-8 and may be cut anywhere. */
    for (size_t back = 0; back <= 3 && back <= max_bytes; back++) {
        if (!is_tail((uint8_t)text.at[max_bytes - back])) {
            return max_bytes - back;
        }
    }
    return max_bytes;
}
