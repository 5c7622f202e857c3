/* See base64.h. */
#include "base64.h"

#include <stdint.h>

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(buf_t *out, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint32_t bits = 0;
    unsigned waiting = 0;

    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | at[i];
        for (waiting += 8; waiting >= 6; waiting -= 6) {
            buf_add_char(out, url_alphabet[bits >> (waiting - 6) & 63]);
        }
    }
    if (waiting > 0) {
        buf_add_char(out, url_alphabet[bits << (6 - waiting) & 63]);
    }
}

/* `last_two`: the characters for 62 and 63, in which the alphabets differ. */
static int value_of(char c, const char last_two[2])
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
    return c == last_two[0] ? 62 : c == last_two[1] ? 63 : -1;
}

static int decode(buf_t *out, span_t text, const char last_two[2])
{
    uint32_t bits = 0;
    unsigned waiting = 0;

    for (size_t i = 0; i < text.length; i++) {
        int value = value_of(text.at[i], last_two);
        if (value < 0) {
            return -1;
        }
        bits = bits << 6 | (uint32_t)value;
        waiting += 6;
        if (waiting >= 8) {
            waiting -= 8;
            buf_add_char(out, (char)(bits >> waiting & 255));
        }
    }
    /* 6 bits over: a single letter that makes no byte. 2 or 4: must be zero. */
    return waiting == 6 || (bits & ((1u << waiting) - 1)) != 0 ? -1 : 0;
}

int base64url_decode(buf_t *out, span_t text)
{
    return decode(out, text, "-_");
}

int base64_decode(buf_t *out, span_t text)
{
    if (text.length % 4 != 0) {
        return -1;
    }
    for (int padding = 0; padding < 2 && text.length > 0 && text.at[text.length - 1] == '='; padding++) {
        text.length--;
    }
    return decode(out, text, "+/");
}
