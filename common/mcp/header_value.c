/* See header_value.h. */
#include "header_value.h"

#include "base64.h"

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

bool header_value_decode(span_t value, buf_t *out)
{
    span_t encoded = encoded_part(value);

    if (encoded.at) {
        return base64_decode(out, encoded) == 0;
    }
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < 0x20 || value.at[i] > 0x7E) {
            return false;
        }
    }
    buf_add_span(out, value);
    return true;
}
