/* See base64url.h. */
#include "base64url.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(buf_t *out, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint32_t bits = 0;
    unsigned waiting = 0;

    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | at[i];
        for (waiting += 8; waiting >= 6; waiting -= 6) {
            buf_add_char(out, alphabet[bits >> (waiting - 6) & 63]);
        }
    }
    if (waiting > 0) {
        buf_add_char(out, alphabet[bits << (6 - waiting) & 63]);
    }
}

static int value_of(char c)
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
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int base64url_decode(buf_t *out, span_t text)
{
    uint32_t bits = 0;
    unsigned waiting = 0;

    for (size_t i = 0; i < text.length; i++) {
        int value = value_of(text.at[i]);
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
