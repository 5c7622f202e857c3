/* What is written as a JSON string, whatever the bytes: jansson reads it back, the same text when it was
 * UTF-8 (bytes that are not become U+FFFD); the cut form keeps to its limit. */
#include <jansson.h>
#include <string.h>

#include "buf.h"
#include "fuzz.h"
#include "utf8.h"

static json_t *read_back(const buf_t *written)
{
    return json_loadb(written->data, written->length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

static void check_whole(span_t text)
{
    AUTO_BUF written = { 0 };

    buf_add_json_string(&written, text);
    json_auto_t *json = read_back(&written);
    span_t read = { json_string_value(json), json_string_length(json) };
    MUST(read.at);
    MUST(utf8_is_valid(text) ? span_equal(read, text)
                             : memmem(read.at, read.length, "\xef\xbf\xbd", 3) != NULL);
}

static void check_cut(span_t text, size_t max_bytes)
{
    AUTO_BUF written = { 0 };

    buf_add_json_string_cut(&written, text, max_bytes);
    json_auto_t *json = read_back(&written);
    MUST(json && written.length <= max_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };

    check_whole(text);
    for (size_t max_bytes = 5; max_bytes < 24; max_bytes++) {
        check_cut(text, max_bytes);
    }
    return 0;
}
