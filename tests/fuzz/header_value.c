/* Values of headers that mirror the body: what is encoded by the rule decodes to itself, what decodes has
 * that one spelling, and a plain value is what it says. */
#include "header_value.h"

#include <openssl/evp.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"

#define MARK "=?base64?"

static void encode(buf_t *out, span_t text)
{
    unsigned char *base64 = mem_alloc(text.length * 4 / 3 + 8);

    EVP_EncodeBlock(base64, (const unsigned char *)text.at, (int)text.length);
    buf_addf(out, MARK "%s?=", base64);
    mem_free(base64);
}

static void check_round_trip(span_t text)
{
    AUTO_BUF encoded = { 0 };
    AUTO_BUF decoded = { 0 };

    encode(&encoded, text);
    MUST(header_value_decode(buf_span(&encoded), &decoded));
    MUST(span_equal(buf_span(&decoded), text));
    buf_clear(&encoded);
    buf_clear(&decoded);
    header_value_encode(text, &encoded);
    MUST(span_equal(span_trim(buf_span(&encoded)), buf_span(&encoded)));
    MUST(encoded.length > 0 && header_value_decode(buf_span(&encoded), &decoded));
    MUST(span_equal(buf_span(&decoded), text));
}

static bool is_marked(span_t value)
{
    size_t mark = strlen(MARK);

    return value.length >= mark + 2 && memcmp(value.at, MARK, mark) == 0 &&
           memcmp(value.at + value.length - 2, "?=", 2) == 0;
}

static void check_decoding(span_t value)
{
    AUTO_BUF decoded = { 0 };
    AUTO_BUF again = { 0 };

    if (!header_value_decode(value, &decoded)) {
        return;
    }
    if (is_marked(value)) {
        encode(&again, buf_span(&decoded));
        MUST(span_equal(buf_span(&again), value));
    } else {
        MUST(span_equal(buf_span(&decoded), value));
        for (size_t i = 0; i < value.length; i++) {
            MUST((value.at[i] >= ' ' && value.at[i] <= '~') || value.at[i] == '\t');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };

    check_round_trip(text);
    check_decoding(text);
    return 0;
}
