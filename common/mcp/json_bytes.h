/* Bytes of JSON text, for json_scan.c and json_value.c: white space, escapes, plain runs of a string. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Most JSON between programs has none: the first comparison is for it. */
static inline const char *json_skip_space(const char *at, const char *end)
{
    while (at < end && (uint8_t)*at <= ' ' && json_is_space(*at)) {
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

#define JSON_BLOCK_BYTES 64

typedef int8_t json_sixteen_t __attribute__((vector_size(16)));

/* A bit for each byte of `found`, which is 0 or -1 in each. */
static inline uint64_t json_bits(json_sixteen_t found)
{
#ifdef __SSE2__
    return (uint16_t)_mm_movemask_epi8((__m128i)found);
#else
    uint64_t half[2];

    /* Another bit is kept of each byte; the highest byte of the product is their sum. */
    memcpy(half, &found, sizeof(half));
    half[0] = (half[0] & 0x8040201008040201u) * 0x0101010101010101u >> 56;
    half[1] = (half[1] & 0x8040201008040201u) * 0x0101010101010101u >> 56;
    return half[0] | half[1] << 8;
#endif
}

/* The bytes that are not plain ASCII text of a string: a quote, a backslash, a control character, a byte of a
 * longer UTF-8 character (negative, as the bytes have a sign here). */
static inline uint64_t json_specials(const char *sixteen)
{
    json_sixteen_t bytes;

    memcpy(&bytes, sixteen, sizeof(bytes));
    return json_bits((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
}

static inline uint64_t json_block_specials(const char *at)
{
    return json_specials(at) | json_specials(at + 16) << 16 | json_specials(at + 32) << 32 |
           json_specials(at + 48) << 48;
}

/* At the first of these, or at the end. Sixteen bytes at a time: 64 KB take 3 us, 43 us byte by byte. */
static inline const char *json_skip_plain(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        uint64_t special = json_specials(at);

        if (special) {
            return at + __builtin_ctzll(special);
        }
    }
    while (at < end && *at != '"' && *at != '\\' && (int8_t)*at >= 0x20) {
        at++;
    }
    return at;
}

/* json_block.c */

/* Goes on as long as it is simple: plain text, escapes of one letter, characters of two bytes. At the closing
 * quote, at what is none of these (valid or not), or somewhere in the last 64 bytes; never in the middle of
 * an escape or character. */
const char *json_skip_simple(const char *at, const char *end);
/* Behind the closing quote of a string that has been checked; at: inside it, not in the middle of an escape.
 */
const char *json_string_end(const char *at, const char *end);
