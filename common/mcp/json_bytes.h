/* Bytes of JSON text, for json_scan.c and json_value.c: white space, escapes, plain runs of a string. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EIGHT(byte) (0x0101010101010101ull * (byte))
#define HIGH_BITS EIGHT(0x80)

static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *json_skip_space(const char *at, const char *end)
{
    while (at < end && json_is_space(*at)) {
        at++;
    }
    return at;
}

/* Four hex digits; -1 when they are not. */
static inline int json_hex4(const char *at)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                             : -1;
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* The high bit of each byte that is zero; above the lowest such byte there may be wrong ones, below never. */
static inline uint64_t zero_bytes(uint64_t eight)
{
    return (eight - EIGHT(1)) & ~eight & HIGH_BITS;
}

/* At the first byte inside a string that is not plain ASCII text: a quote, a backslash, a control character,
 * a byte of a longer UTF-8 character; or at the end. Eight bytes at a time; both machines we run on are
 * little-endian, so the lowest bit set is the first such byte. */
static inline const char *json_skip_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t eight;
        memcpy(&eight, at, 8);
        uint64_t control = (eight - EIGHT(0x20)) & ~eight;
        uint64_t special = zero_bytes(eight ^ EIGHT('"')) | zero_bytes(eight ^ EIGHT('\\'));
        special |= (control | eight) & HIGH_BITS;
        if (special) {
            return at + (__builtin_ctzll(special) >> 3);
        }
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (uint8_t)*at >= 0x20 && (uint8_t)*at < 0x80) {
        at++;
    }
    return at;
}
