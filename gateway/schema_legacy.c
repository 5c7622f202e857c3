/* See schema_legacy.h. Children are rewritten before what holds them. */
#include "schema_legacy.h"

#include <string.h>

#include "buf.h"
#include "mem.h"
#include "schema_legacy_parts.h"
#include "schema_words.h"

/* Words without meaning */

/* A "$ref" in data is data, but CrewAI's loader follows it, to any address. */
static bool has_ref(const json_t *value)
{
    const char *key;
    json_t *one;
    size_t i;

    if (json_is_string(json_object_get(value, "$ref"))) {
        return true;
    }
    json_array_foreach(value, i, one)
    {
        if (has_ref(one)) {
            return true;
        }
    }
    json_object_foreach((json_t *)value, key, one)
    {
        if (has_ref(one)) {
            return true;
        }
    }
    return false;
}

/* Whether this member says nothing about values: unknown, of the wrong form, or a mere remark with a $ref in
 * it. */
static bool is_dispensable(const schema_word_t *word, const char *key, const json_t *value)
{
    bool is_remark = !word || strcmp(key, "default") == 0 || strcmp(key, "examples") == 0;

    return (word && !schema_word_is_sound(word, value)) || (is_remark && has_ref(value));
}

static int drop_words(legacy_t *legacy, json_t *schema, err_t *err)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(schema, next, key, value)
    {
        const schema_word_t *word = schema_word(key);
        bool holds = word && word->holds != SCHEMA_DATA;
        if (is_dispensable(word, key, value)) {
            if (holds && (json_is_object(value) || json_array_size(value) > 0)) {
                return err_set(err, ERR_UPSTREAM, "Its schema holds something else where a schema belongs.");
            }
            json_object_del(schema, key);
            legacy->changed = true;
        } else if (!holds && has_ref(value)) {
            return err_set(err, ERR_UPSTREAM, "Its schema has a $ref in a value that it compares with.");
        }
    }
    return 0;
}

static int drop_visit(void *self, json_t *schema, err_t *err)
{
    return drop_words(self, schema, err);
}

/* Booleans */

static json_t *as_object(const json_t *boolean)
{
    return json_is_true(boolean) ? json_object() : json_pack("{s:{}}", "not");
}

static bool mend_list(json_t *list)
{
    bool changed = false;
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (json_is_boolean(one)) {
            json_array_set_new(list, i, as_object(one));
            changed = true;
        }
    }
    return changed;
}

static bool mend_map(json_t *map)
{
    bool changed = false;
    const char *name;
    json_t *one;
    void *next;

    json_object_foreach_safe(map, next, name, one)
    {
        if (json_is_boolean(one)) {
            json_object_set_new(map, name, as_object(one));
            changed = true;
        }
    }
    return changed;
}

static int mend_booleans(void *self, json_t *schema, err_t *err)
{
    legacy_t *legacy = self;
    const char *key;
    json_t *value;
    void *next;

    (void)err;
    json_object_foreach_safe(schema, next, key, value)
    {
        const schema_word_t *word = schema_word(key);
        if (!word || word->holds == SCHEMA_DATA || word->holds == SCHEMA_SWITCH) {
            continue;
        }
        /* CrewAI looks at no items that are false. */
        bool is_one = word->holds == SCHEMA_ONE || (word->holds == SCHEMA_ITEMS && json_is_true(value));
        if (is_one && json_is_boolean(value)) {
            json_object_set_new(schema, key, as_object(value));
            legacy->changed = true;
        } else if (word->holds == SCHEMA_LIST || word->holds == SCHEMA_ITEMS) {
            legacy->changed |= mend_list(value);
        } else if (word->holds == SCHEMA_MAP || word->holds == SCHEMA_MIXED) {
            legacy->changed |= mend_map(value);
        }
    }
    return 0;
}

/* Dialects */

/* Next to a $ref draft-07 ignores everything: what says nothing about values, and that arguments are an
 * object. */
static bool may_stand_by_ref(bool at_root, const char *key)
{
    static const char *const silent[] = { "$ref",     "title",   "description", "default", "examples",
                                          "$comment", "$schema", "$id",         "$defs",   "definitions" };

    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        if (strcmp(key, silent[i]) == 0) {
            return true;
        }
    }
    return !schema_word(key) || (at_root && strcmp(key, "type") == 0);
}

static bool is_switch(const json_t *schema, const char *key)
{
    return json_is_boolean(json_object_get(schema, key));
}

/* What older drafts and 2020-12 both know but mean differently, or only one knows. */
static int find_dialect(void *self, json_t *schema, err_t *err)
{
    static const char *const divided[] = { "dependencies",     "dependentRequired",    "dependentSchemas",
                                           "prefixItems",      "minContains",          "maxContains",
                                           "unevaluatedItems", "unevaluatedProperties" };
    legacy_t *legacy = self;
    const char *key;
    json_t *value;

    (void)err;
    for (size_t i = 0; i < COUNT_OF(divided); i++) {
        legacy->keeps_dialect = legacy->keeps_dialect || json_object_get(schema, divided[i]);
    }
    legacy->keeps_dialect = legacy->keeps_dialect || is_switch(schema, "exclusiveMinimum") ||
                            is_switch(schema, "exclusiveMaximum"); /* draft-04 */
    if (!json_object_get(schema, "$ref")) {
        return 0;
    }
    json_object_foreach(schema, key, value)
    {
        legacy->keeps_dialect = legacy->keeps_dialect || !may_stand_by_ref(schema == legacy->root, key);
    }
    return 0;
}

static bool is_old(const char *dialect)
{
    return dialect && (strstr(dialect, "/draft-0") || strstr(dialect, "2019-09"));
}

/* Lists of items */

static int find_unevaluated(void *self, json_t *schema, err_t *err)
{
    legacy_t *legacy = self;

    (void)err;
    legacy->has_unevaluated_items |= json_object_get(schema, "unevaluatedItems") != NULL;
    return 0;
}

/* JSON Schema 2020-12 core, appendix "Changelog": a list of items is called prefixItems now. */
static void rename_items(legacy_t *legacy, json_t *schema)
{
    json_auto_t *first = legacy_take(schema, "items");
    json_auto_t *others = legacy_take(schema, "additionalItems");

    if (json_array_size(first) > 0) {
        json_object_set(schema, "prefixItems", first);
    }
    if (others && !json_is_true(others)) {
        json_object_set(schema, "items", others);
    }
    if (is_old(json_string_value(json_object_get(legacy->root, "$schema")))) {
        json_object_del(legacy->root, "$schema");
    }
    legacy->changed = true;
}

static int mend_items(legacy_t *legacy, json_t *schema, err_t *err)
{
    json_t *items = json_object_get(schema, "items");
    bool is_list = json_is_array(items);

    if (is_list && json_object_get(schema, "prefixItems")) {
        return err_set(err, ERR_UPSTREAM, "Its schema has both prefixItems and a list of items.");
    }
    if (is_list && !legacy->keeps_dialect) {
        rename_items(legacy, schema);
        is_list = false;
    }
    /* CrewAI makes the type of every item out of `items`. */
    bool is_rest = json_object_get(schema, "prefixItems") && json_is_object(json_object_get(schema, "items"));
    if (!is_list && !is_rest) {
        return 0;
    }
    if (legacy->has_unevaluated_items) {
        return err_set(err, ERR_UPSTREAM, "Its schema has lists that older clients cannot read.");
    }
    legacy_hide_items(legacy, schema);
    return 0;
}

/* Names */

/* Pydantic takes neither as a field. */
static bool is_reserved(const char *name)
{
    static const char *const members[] = { "model_dump", "model_dump_json", "model_validate",
                                           "model_validate_json", "model_validate_strings" };

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        if (strcmp(name, members[i]) == 0) {
            return true;
        }
    }
    return name[0] == '_';
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(schema, "required"), i, one)
    {
        if (strcmp(json_string_value(one), name) == 0) {
            return true;
        }
    }
    return false;
}

static char *pattern_of(const char *name)
{
    buf_t out = { 0 };

    buf_add_char(&out, '^');
    for (; *name; name++) {
        if (strchr("\\^$.|?*+()[]{}", *name)) {
            buf_add_char(&out, '\\');
        }
        buf_add_char(&out, *name);
    }
    buf_add_char(&out, '$');
    return buf_steal(&out);
}

/* The same property under a pattern that only its name fits. */
static int move_name(legacy_t *legacy, json_t *schema, const char *name, err_t *err)
{
    AUTO(mem_free) char *pattern = pattern_of(name);
    json_t *patterns = json_object_get(schema, "patternProperties");

    if (is_required(schema, name) || json_object_get(patterns, pattern)) {
        return err_set(err, ERR_UPSTREAM, "Its argument %.64s has a name that older clients cannot take.",
                       name);
    }
    if (!patterns) {
        patterns = json_object();
        json_object_set_new(schema, "patternProperties", patterns);
    }
    json_t *properties = json_object_get(schema, "properties");
    json_object_set(patterns, pattern, json_object_get(properties, name));
    json_object_del(properties, name);
    legacy->changed = true;
    return 0;
}

static int mend_names(legacy_t *legacy, json_t *schema, err_t *err)
{
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(json_object_get(schema, "properties"), next, name, value)
    {
        AUTO(mem_free) char *copy = is_reserved(name) ? mem_strdup(name) : NULL;
        if (copy && move_name(legacy, schema, copy, err)) {
            return -1;
        }
    }
    return 0;
}

static int mend_visit(void *self, json_t *schema, err_t *err)
{
    if (mend_items(self, schema, err) || mend_names(self, schema, err)) {
        return -1;
    }
    legacy_mend_types(self, schema);
    legacy_mend_values(self, schema);
    return 0;
}

/* All of it */

static int rewrite(legacy_t *legacy, schema_refs_t *refs, err_t *err)
{
    if (is_old(json_string_value(json_object_get(legacy->root, "$schema")))) {
        schema_walk(legacy->root, find_dialect, legacy, err);
    }
    schema_walk(legacy->root, find_unevaluated, legacy, err);
    if (schema_walk_shown(legacy->root, mend_visit, legacy, err) || legacy_cut_loops(legacy, refs, err)) {
        return -1;
    }
    return schema_refs_write(refs, &legacy->changed, err);
}

int schema_legacy_input(json_t *schema, bool *ret_changed, err_t *err)
{
    legacy_t legacy = { .root = schema };
    schema_refs_t refs;

    schema_walk(schema, mend_booleans, &legacy, err);
    if (schema_walk(schema, drop_visit, &legacy, err) || schema_refs_read(schema, &refs, err)) {
        return -1;
    }
    int rc = rewrite(&legacy, &refs, err);
    schema_refs_release(&refs);
    *ret_changed = legacy.changed;
    return rc;
}
