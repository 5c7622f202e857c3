/* See http_framing.h. One table for all kinds of bytes, so that a byte costs one look. */
#include "http_framing.h"

/* clang-format off */
#define V HTTP_TEXT
#define T (HTTP_TEXT | HTTP_TARGET)
#define H (HTTP_TEXT | HTTP_TARGET | HTTP_HOST)
#define N (HTTP_TEXT | HTTP_TARGET | HTTP_TOKEN)
#define A (HTTP_TEXT | HTTP_TARGET | HTTP_TOKEN | HTTP_HOST)
#define S (HTTP_TEXT | HTTP_TOKEN) /* # */
#define V16 V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V

const uint8_t http_char_kinds[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
 /*    !  "  #  $  %  &  '  (  )  *  +  ,  -  .  / */
    V, A, T, S, A, A, A, A, H, H, A, A, T, A, A, T,
 /* 0 ...                          :  ;  <  =  >  ? */
    A, A, A, A, A, A, A, A, A, A, H, H, T, H, T, T,
 /* @  A ... */
    T, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
 /* P ...                             [  \  ]  ^  _ */
    A, A, A, A, A, A, A, A, A, A, A, H, T, H, N, A,
 /* `  a ... */
    N, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
 /* p ...                             {  |  }  ~    */
    A, A, A, A, A, A, A, A, A, A, A, T, N, T, A, 0,
    V16, V16, V16, V16, V16, V16, V16, V16,
};
/* clang-format on */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether one of eight bytes may be below ' ' or DEL. Right when it says no; a yes may be a tab. */
static bool has_control(const char *at)
{
    uint64_t bytes, deletes;

    memcpy(&bytes, at, sizeof(bytes));
    deletes = bytes ^ EACH(0x7f);
    return (((bytes - EACH(0x20)) & ~bytes) | ((deletes - EACH(1)) & ~deletes)) & EACH(0x80);
}

const char *http_skip_text(const char *at, const char *end)
{
    const char *stop;

    do {
        while (end - at >= 8 && !has_control(at)) {
            at += 8;
        }
        stop = end - at >= 8 ? at + 8 : end;
        at = http_skip(HTTP_TEXT, at, stop);
    } while (at == stop && at < end);
    return at;
}

bool http_read_length(span_t value, uint64_t *ret)
{
    uint64_t length = 0;

    if (value.length == 0 || value.length > 18) {
        return false;
    }
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return false;
        }
        length = length * 10 + (uint64_t)(value.at[i] - '0');
    }
    *ret = length;
    return true;
}

bool http_is_chunked(span_t value)
{
    return span_is_nocase(value, "chunked");
}

bool http_add_chunk_digit(char c, unsigned *digits, uint64_t *size)
{
    unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                            : 16;

    if (digit == 16 || *digits == HTTP_CHUNK_DIGITS) {
        return false;
    }
    *size = *size * 16 + digit;
    (*digits)++;
    return true;
}
