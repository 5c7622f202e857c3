/* Lists in a query string: a flat list of strings that is JSON is read as jansson reads it; whatever is taken
 * keeps to the limit, and what is not leaves nothing behind. */
#include "query_list.h"

#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"

static bool is_flat_text(const json_t *json)
{
    size_t i;
    json_t *item;

    json_array_foreach(json, i, item)
    {
        if (!json_is_string(item)) {
            return false;
        }
    }
    return json_is_array(json) && json_array_size(json) <= QUERY_LIST_MAX;
}

static void compare(const query_list_t *list, const json_t *json)
{
    MUST(list->count == json_array_size(json));
    for (size_t i = 0; i < list->count; i++) {
        const json_t *item = json_array_get(json, i);
        span_t expected = { json_string_value(item), json_string_length(item) };
        MUST(list->items[i].quoted && span_equal(query_list_text(list, i), expected));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool has_nul = size > 0 && memchr(data, '\0', size); /* jansson takes one for the end */
    json_auto_t *json = has_nul ? NULL : json_loadb((const char *)data, size, 0, NULL);
    span_t text = { (const char *)data, size };
    query_list_t list;
    err_t err = { 0 };

    if (size == 0 || text.at[0] != '[') {
        return 0;
    }
    if (query_list_parse(text, &list, &err)) {
        MUST(err.kind == ERR_CALLER && !list.items && !list.texts.data);
        MUST(!json || !is_flat_text(json));
        return 0;
    }
    MUST(list.count <= QUERY_LIST_MAX);
    if (json && is_flat_text(json)) {
        compare(&list, json);
    }
    query_list_release(&list);
    return 0;
}
