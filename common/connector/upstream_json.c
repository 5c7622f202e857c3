/* See upstream_json.h. */
#include "upstream_json.h"

#include <stdbool.h>

#include "buf.h"
#include "mem.h"

#define INT64_DIGITS 19

static json_t *load(span_t body, json_error_t *error)
{
    return json_loadb(body.at ? body.at : "", body.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, error);
}

/* Length of the string that begins here, with its quotes; what is left when it does not end. */
static size_t string_length(span_t text)
{
    for (size_t i = 1; i < text.length; i++) {
        if (text.at[i] == '\\') {
            i++;
        } else if (text.at[i] == '"') {
            return i + 1;
        }
    }
    return text.length;
}

static size_t number_length(span_t text)
{
    size_t length = 0;

    while (length < text.length && text.at[length] != '\0' && strchr("+-.0123456789eE", text.at[length])) {
        length++;
    }
    return length;
}

static bool is_beyond_int64(span_t number)
{
    bool negative = number.at[0] == '-';
    span_t digits = { number.at + negative, number.length - negative };

    for (size_t i = 0; i < digits.length; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9') {
            return false;
        }
    }
    if (digits.length != INT64_DIGITS) {
        return digits.length > INT64_DIGITS;
    }
    return memcmp(digits.at, negative ? "9223372036854775808" : "9223372036854775807", INT64_DIGITS) > 0;
}

static void add_number(buf_t *out, span_t number)
{
    const char *quote = is_beyond_int64(number) ? "\"" : "";

    buf_add_text(out, quote);
    buf_add_span(out, number);
    buf_add_text(out, quote);
}

static void quote_large_integers(span_t body, buf_t *out)
{
    for (size_t i = 0, length; i < body.length; i += length) {
        span_t rest = { body.at + i, body.length - i };
        length = *rest.at == '"' ? string_length(rest) : number_length(rest);
        if (*rest.at != '"' && length > 0) {
            add_number(out, (span_t){ rest.at, length });
        } else {
            length = length > 0 ? length : 1;
            buf_add(out, rest.at, length);
        }
    }
}

json_t *upstream_read_json(span_t body)
{
    json_error_t error;
    AUTO_BUF quoted = { 0 };
    json_t *json = load(body, &error);

    if (json || json_error_code(&error) != json_error_numeric_overflow) {
        return json;
    }
    quote_large_integers(body, &quoted);
    return load(buf_span(&quoted), &error);
}
