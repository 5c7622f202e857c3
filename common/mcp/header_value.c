/* See header_value.h. */
#include "header_value.h"

#include <openssl/evp.h>

#include "base64.h"
#include "mem.h"

static const char mark_begin[] = "=?base64?", mark_end[] = "?=";

/* What stands between the marks; absent when they are not there. */
static span_t encoded_part(span_t value)
{
    size_t begin = sizeof(mark_begin) - 1, end = sizeof(mark_end) - 1;

    if (value.length < begin + end || memcmp(value.at, mark_begin, begin) != 0 ||
        memcmp(value.at + value.length - end, mark_end, end) != 0) {
        return (span_t){ 0 };
    }
    return (span_t){ value.at + begin, value.length - begin - end };
}

/* RFC 9110 5.5 lets a tab stand inside a value, and the TypeScript SDK sends it so. */
static bool is_readable(char c)
{
    return (c >= 0x20 && c <= 0x7E) || c == '\t';
}

bool header_value_decode(span_t value, buf_t *out)
{
    span_t encoded = encoded_part(value);

    if (encoded.at) {
        return base64_decode(out, encoded) == 0;
    }
    for (size_t i = 0; i < value.length; i++) {
        if (!is_readable(value.at[i])) {
            return false;
        }
    }
    buf_add_span(out, value);
    return true;
}

static bool is_plain(span_t text)
{
    if (text.length == 0 || text.at[0] == ' ' || text.at[text.length - 1] == ' ' || encoded_part(text).at) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < 0x20 || text.at[i] > 0x7E) {
            return false;
        }
    }
    return true;
}

void header_value_encode(span_t text, buf_t *out)
{
    if (is_plain(text)) {
        buf_add_span(out, text);
        return;
    }
    AUTO(mem_free) unsigned char *base64 = mem_alloc(text.length / 3 * 4 + 5);
    EVP_EncodeBlock(base64, (const unsigned char *)text.at, (int)text.length);
    buf_addf(out, "%s%s%s", mark_begin, (const char *)base64, mark_end);
}
