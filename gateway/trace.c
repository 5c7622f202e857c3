/* See trace.h. A trace of our own is named after the request id, so that log lines and traces find each
 * other. */
#include "trace.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static bool is_hex(const char *text, size_t length)
{
    bool zero = true;

    for (size_t i = 0; i < length; i++) {
        if (!isxdigit((unsigned char)text[i]) || isupper((unsigned char)text[i])) {
            return false;
        }
        zero = zero && text[i] == '0';
    }
    return !zero;
}

/* "00-<32 hex>-<16 hex>-<2 hex>"; all zeros are no id. */
static bool is_valid(span_t text)
{
    return text.length == 55 && memcmp(text.at, "00-", 3) == 0 && is_hex(text.at + 3, 32) &&
           text.at[35] == '-' && is_hex(text.at + 36, 16) && text.at[52] == '-' &&
           isxdigit((unsigned char)text.at[53]) && isxdigit((unsigned char)text.at[54]);
}

const char *trace_next(span_t traceparent, const char *request_id, uint64_t call, char ret[TRACE_SIZE])
{
    if (is_valid(traceparent)) {
        snprintf(ret, TRACE_SIZE, "00-%.32s-%.16s-%.2s", traceparent.at + 3, request_id, traceparent.at + 53);
    } else {
        snprintf(ret, TRACE_SIZE, "00-%.16s%016" PRIx64 "-%.16s-01", request_id, call, request_id);
    }
    return ret;
}
