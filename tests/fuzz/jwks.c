/* Sets of public keys: all of a set is added or nothing; what is added came from the set, and is no secret
 * and no private key. */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "keys.h"
#include "mem.h"

AUTO_DEFINE(keys_t *, keys_free);

static void check_taken(const json_t *list, size_t count)
{
    size_t i;
    json_t *key;

    MUST(count > 0 && count <= json_array_size(list));
    json_array_foreach(list, i, key)
    {
        const char *kty = json_string_value(json_object_get(key, "kty"));
        MUST(kty && strcmp(kty, "oct") != 0 && !json_object_get(key, "d"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(keys_free) keys_t *keys = keys_new();
    json_auto_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    err_t err = { 0 };

    if (keys_add_jwks(keys, (span_t){ (const char *)data, size }, &err) == 0) {
        check_taken(json_object_get(json, "keys"), keys_count(keys));
    } else {
        MUST(keys_count(keys) == 0 && err.kind == ERR_CALLER && err.text[0]);
    }
    return 0;
}
