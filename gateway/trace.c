/* See trace.h. A trace of our own is named after the request id, so that log lines and traces find each
 * other. */
#include "trace.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

static char *add(char *at, const char *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

static char *add_hex(char *at, uint64_t number)
{
    for (int shift = 60; shift >= 0; shift -= 4) {
        *at++ = "0123456789abcdef"[number >> shift & 15];
    }
    return at;
}

const char *trace_next(span_t traceparent, const char *request_id, uint64_t call, char ret[TRACE_SIZE])
{
    bool goes_on = is_valid(traceparent);
    char *at = add(ret, "00-", 3);

    if (goes_on) {
        at = add(at, traceparent.at + 3, 32);
    } else {
        at = add_hex(add(at, request_id, 16), call);
    }
    at = add(add(at, "-", 1), request_id, 16);
    at = add(add(at, "-", 1), goes_on ? traceparent.at + 53 : "01", 2);
    *at = '\0';
    return ret;
}
