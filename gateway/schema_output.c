/* See schema_legacy.h: outputSchemas. Nothing is rewritten but booleans, for clients check results by them
 * in different dialects: the TypeScript SDK in draft-07 whatever $schema says, Python's in 2020-12. What the
 * two read differently, or one cannot compile, is refused.
 */
#include "schema_legacy.h"

#include <string.h>

#include "mem.h"
#include "schema_refs.h"
#include "schema_words.h"

static int unclear(err_t *err)
{
    return err_set(err, ERR_UPSTREAM, "Clients read its outputSchema differently, or not at all.");
}

static int check_words(json_t *schema, err_t *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(schema, key, value)
    {
        const schema_word_t *word = schema_word(key);
        bool id_inside = strcmp(key, "$id") == 0 || strcmp(key, "id") == 0 || strcmp(key, "nullable") == 0;
        if (id_inside || (word && !schema_word_is_sound(word, value)) ||
            (word && word->form == SCHEMA_BOUND && !json_is_number(value))) {
            return unclear(err);
        }
    }
    return 0;
}

static int check_patterns(json_t *schema, err_t *err)
{
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *name;
    json_t *value;

    if (pattern && !schema_pattern_is_plain(pattern)) {
        return unclear(err);
    }
    json_object_foreach(json_object_get(schema, "patternProperties"), name, value)
    {
        if (!schema_pattern_is_plain(name)) {
            return unclear(err);
        }
    }
    return 0;
}

static int check_visit(void *self, json_t *schema, err_t *err)
{
    static const char *const divided[] = { "prefixItems", "additionalItems", "dependencies", "$dynamicRef" };

    (void)self;
    for (size_t i = 0; i < COUNT_OF(divided); i++) {
        if (json_object_get(schema, divided[i])) {
            return unclear(err);
        }
    }
    if (json_is_array(json_object_get(schema, "items"))) {
        return unclear(err);
    }
    return check_words(schema, err) || check_patterns(schema, err) ? -1 : 0;
}

static int mend_properties(void *self, json_t *schema, err_t *err)
{
    bool *changed = self;
    const char *name;
    json_t *one;
    void *next;

    (void)err;
    json_object_foreach_safe(json_object_get(schema, "properties"), next, name, one)
    {
        if (json_is_boolean(one)) {
            json_object_set_new(json_object_get(schema, "properties"), name,
                                json_is_true(one) ? json_object() : json_pack("{s:{}}", "not"));
            *changed = true;
        }
    }
    return 0;
}

int schema_legacy_output(json_t *schema, bool *ret_changed, err_t *err)
{
    *ret_changed = false;
    if (schema_refs_check(schema, err) || schema_walk(schema, check_visit, NULL, err)) {
        return -1;
    }
    schema_walk(schema, mend_properties, ret_changed, err);
    return 0;
}
