/* Nulls cut out of arguments. An input is an inputSchema, a line feed, and arguments. Whatever they are: what
 * is left is JSON, is what a plain reader with a tree leaves, and loses nothing when it is done again.
 */
#include "null_args.h"

#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "json_bytes.h"
#include "json_scan.h"
#include "mem.h"

#define MAX_SIZE 1500 /* within what is looked at */

static bool has_null(const json_t *types)
{
    size_t i;
    json_t *type;
    bool found = json_is_string(types) && strcmp(json_string_value(types), "null") == 0;

    json_array_foreach(types, i, type)
    {
        found = found || has_null(type);
    }
    return found;
}

static bool forbids_null(const json_t *schema)
{
    static const char *const doubtful[] = { "anyOf", "oneOf", "allOf", "$ref", "$dynamicRef",
                                            "not",   "if",    "const", "enum", "nullable" };
    const json_t *types = json_object_get(schema, "type");
    bool plain = true;

    for (size_t i = 0; i < COUNT_OF(doubtful); i++) {
        plain = plain && !json_object_get(schema, doubtful[i]);
    }
    return plain && (json_is_string(types) || json_is_array(types)) && !has_null(types);
}

static void strip(json_t *value, const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *items = json_object_get(schema, "prefixItems") ? NULL : json_object_get(schema, "items");
    const char *key;
    json_t *one;
    void *next;
    size_t i;

    json_object_foreach_safe(value, next, key, one)
    {
        const json_t *property = json_object_get(properties, key);
        if (json_is_null(one) && forbids_null(property)) {
            json_object_del(value, key);
        } else {
            strip(one, property);
        }
    }
    json_array_foreach(value, i, one)
    {
        strip(one, items);
    }
}

static void check_pair(span_t schema, span_t arguments, const json_t *schema_tree, json_t *tree)
{
    AUTO_BUF out = { 0 };
    AUTO_BUF again = { 0 };
    json_scan_t ignored;

    bool changed = null_args_strip(arguments, schema, &out);
    span_t left = changed ? buf_span(&out) : arguments;
    MUST(json_scan(left, NULL, &ignored, NULL) == 0);
    MUST(!null_args_strip(left, schema, &again));
    if (!json_is_object(tree)) {
        MUST(!changed);
        return;
    }
    strip(tree, schema_tree);
    json_t *read = json_loadb(left.at, left.length, JSON_REJECT_DUPLICATES, NULL);
    MUST(read && json_equal(read, tree));
    json_decref(read);
}

/* As a scan gives it, without the white space around it. */
static span_t value_in(const char *at, const char *end)
{
    at = json_skip_space(at, end);
    while (end > at && json_is_space(end[-1])) {
        end--;
    }
    return (span_t){ at, (size_t)(end - at) };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size > 0 && size < MAX_SIZE ? memchr(text, '\n', size) : NULL;
    json_scan_t ignored;

    if (!end) {
        return 0;
    }
    span_t schema = value_in(text, end);
    span_t arguments = value_in(end + 1, text + size);
    if (json_scan(schema, NULL, &ignored, NULL) || json_scan(arguments, NULL, &ignored, NULL)) {
        return 0;
    }
    json_t *schema_tree = json_loadb(schema.at, schema.length, JSON_REJECT_DUPLICATES, NULL);
    json_t *tree = json_loadb(arguments.at, arguments.length, JSON_REJECT_DUPLICATES, NULL);
    /* The gateway keeps schemas as jansson writes them: keywords without escapes. */
    if (schema_tree && tree && !memchr(schema.at, '\\', schema.length)) {
        check_pair(schema, arguments, schema_tree, tree);
    }
    json_decref(schema_tree);
    json_decref(tree);
    return 0;
}
