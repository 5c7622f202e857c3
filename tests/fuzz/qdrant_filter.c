/* Filters of Qdrant as a model might send them: each is let through, or refused in one sentence of valid
 * UTF-8 that begins with the place. One that was let through and is not empty has a condition at its bottom.
 */
#include "filter.h"

#include <string.h>

#include "fuzz.h"
#include "utf8.h"

static bool has_condition(const json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_object_get(value, "key") || json_object_get(value, "has_id") ||
        json_object_get(value, "has_vector") || json_object_get(value, "is_empty") ||
        json_object_get(value, "is_null") || json_object_get(value, "nested")) {
        return true;
    }
    json_object_foreach((json_t *)value, name, member)
    {
        if (has_condition(member)) {
            return true;
        }
    }
    json_array_foreach(value, i, member)
    {
        if (has_condition(member)) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_auto_t *filter =
        json_loadb(size > 0 ? (const char *)data : "", size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    err_t err = { 0 };

    if (!filter) {
        return 0;
    }
    if (filter_check(filter, &err)) {
        MUST(err.kind == ERR_CALLER && strncmp(err.text, "filter", 6) == 0);
        MUST(utf8_is_valid(span_of(err.text)));
        return 0;
    }
    MUST(json_is_object(filter));
    MUST(filter_is_empty(filter) || has_condition(filter));
    return 0;
}
