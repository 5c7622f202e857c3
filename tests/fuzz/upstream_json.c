/* JSON of upstreams: what jansson takes reads the same, what only we take differs in large integers alone,
 * and whatever was read can be written and read again. */
#include "upstream_json.h"

#include <string.h>

#include "fuzz.h"
#include "mem.h"

#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };
    json_error_t error;
    json_auto_t *plain = json_loadb(text.at ? text.at : "", size, FLAGS, &error);
    json_auto_t *json = upstream_read_json(text);

    MUST(!plain || json_equal(plain, json));
    if (!json) {
        return 0;
    }
    MUST(plain || json_error_code(&error) == json_error_numeric_overflow);
    AUTO(mem_free) char *written = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    MUST(written);
    json_auto_t *again = json_loadb(written, strlen(written), FLAGS, NULL);
    MUST(json_equal(json, again));
    return 0;
}
