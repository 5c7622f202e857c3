/* See schema_legacy_parts.h: what a schema says about single values. CrewAI hands it to pydantic, which is
 * strict about its own arguments. */
#include "schema_legacy_parts.h"

#include <math.h>
#include <string.h>

#include "mem.h"
#include "schema_words.h"

/* Values that Python cannot hash, and words that make no class */

static bool has_containers(const json_t *value)
{
    size_t i;
    json_t *one;

    json_array_foreach(value, i, one)
    {
        if (json_is_object(one) || json_is_array(one)) {
            return true;
        }
    }
    return false;
}

static bool is_integer(const json_t *schema)
{
    const char *type = json_string_value(json_object_get(schema, "type"));

    return type && strcmp(type, "integer") == 0;
}

/* Pydantic wants 3 where 3.0 is said. */
static void mend_counts(legacy_t *legacy, json_t *schema)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(schema, next, key, value)
    {
        const schema_word_t *word = schema_word(key);
        if (word && word->form == SCHEMA_COUNT && json_is_real(value)) {
            json_object_set_new(schema, key, json_integer((json_int_t)json_real_value(value)));
            legacy->changed = true;
        }
    }
}

/* Nor does it take a fraction to compare integers with. */
static void hide_fractions(legacy_t *legacy, json_t *schema)
{
    static const char *const bounds[] = { "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
                                          "multipleOf" };

    for (size_t i = 0; is_integer(schema) && i < COUNT_OF(bounds); i++) {
        double bound = json_real_value(json_object_get(schema, bounds[i]));
        if (bound != trunc(bound)) {
            legacy_hide(legacy, schema, bounds[i]);
        }
    }
}

void legacy_mend_values(legacy_t *legacy, json_t *schema)
{
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *format = json_string_value(json_object_get(schema, "format"));
    json_t *constant = json_object_get(schema, "const");

    mend_counts(legacy, schema);
    hide_fractions(legacy, schema);
    if (pattern && !schema_pattern_is_plain(pattern)) {
        legacy_hide(legacy, schema, "pattern");
    }
    if (json_is_object(constant) || json_is_array(constant)) {
        legacy_hide(legacy, schema, "const");
    }
    if (has_containers(json_object_get(schema, "enum"))) {
        legacy_hide(legacy, schema, "enum");
    }
    /* A remark (2020-12 validation 7.2.1), for which CrewAI wants a package that it does not bring. */
    if (format && strcmp(format, "email") == 0) {
        json_object_del(schema, "format");
        legacy->changed = true;
    }
}

/* Lists of types */

static size_t count_about(const json_t *types, unsigned about)
{
    size_t count = 0, i;
    json_t *type;

    json_array_foreach(types, i, type)
    {
        count += (schema_about_type(json_string_value(type)) & about) != 0;
    }
    return count;
}

/* Into the branch of its type goes what speaks of that type alone: makers of classes read a branch, and not
 * what stands around it. */
static void move_words(json_t *schema, const json_t *types, json_t *branch, unsigned about)
{
    const char *key;
    json_t *value;
    void *next;

    if (about == 0 || count_about(types, about) != 1 || json_object_get(schema, "unevaluatedProperties") ||
        json_object_get(schema, "unevaluatedItems")) {
        return;
    }
    json_object_foreach_safe(schema, next, key, value)
    {
        const schema_word_t *word = schema_word(key);
        if (word && word->about == about) {
            json_object_set(branch, key, value);
            json_object_del(schema, key);
        }
    }
}

static json_t *branches_of(legacy_t *legacy, json_t *schema, const json_t *types)
{
    json_t *branches = json_array();
    json_t *type;
    size_t i;

    json_array_foreach(types, i, type)
    {
        json_t *branch = json_pack("{s:O}", "type", type);
        move_words(schema, types, branch, schema_about_type(json_string_value(type)));
        legacy_mend_values(legacy, branch);
        json_array_append_new(branches, branch);
    }
    return branches;
}

/* A list may be long, but there are seven types. */
static json_t *without_repeats(const json_t *types)
{
    json_auto_t *seen = json_object();
    json_t *once = json_array();
    json_t *type;
    size_t i;

    json_array_foreach(types, i, type)
    {
        if (!json_object_get(seen, json_string_value(type))) {
            json_object_set_new(seen, json_string_value(type), json_true());
            json_array_append(once, type);
        }
    }
    return once;
}

void legacy_mend_types(legacy_t *legacy, json_t *schema)
{
    if (!json_is_array(json_object_get(schema, "type"))) {
        return;
    }
    json_auto_t *types = without_repeats(json_object_get(schema, "type"));
    legacy->changed = true;
    if (json_array_size(types) == 1) {
        json_object_set(schema, "type", json_array_get(types, 0));
        return;
    }
    json_object_del(schema, "type");
    json_t *branches = branches_of(legacy, schema, types);
    if (!json_object_get(schema, "anyOf")) {
        json_object_set_new(schema, "anyOf", branches);
        return;
    }
    if (!json_object_get(schema, "allOf")) {
        json_object_set_new(schema, "allOf", json_array());
    }
    json_array_append_new(json_object_get(schema, "allOf"), json_pack("{s:o}", "anyOf", branches));
}
