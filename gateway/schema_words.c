/* See schema_words.h. */
#include "schema_words.h"

#include <math.h>
#include <string.h>

#include "mem.h"

static const schema_word_t words[] = {
    { "type", SCHEMA_DATA, SCHEMA_TYPES, 0 },
    { "enum", SCHEMA_DATA, SCHEMA_VALUES, 0 },
    { "const", SCHEMA_DATA, SCHEMA_ANY, 0 },
    { "title", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "description", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "format", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "default", SCHEMA_DATA, SCHEMA_ANY, 0 },
    { "examples", SCHEMA_DATA, SCHEMA_ANY, 0 },
    { "pattern", SCHEMA_DATA, SCHEMA_TEXT, ABOUT_STRING },
    { "minLength", SCHEMA_DATA, SCHEMA_COUNT, ABOUT_STRING },
    { "maxLength", SCHEMA_DATA, SCHEMA_COUNT, ABOUT_STRING },
    { "minimum", SCHEMA_DATA, SCHEMA_NUMBER, ABOUT_NUMBER },
    { "maximum", SCHEMA_DATA, SCHEMA_NUMBER, ABOUT_NUMBER },
    { "exclusiveMinimum", SCHEMA_DATA, SCHEMA_BOUND, ABOUT_NUMBER },
    { "exclusiveMaximum", SCHEMA_DATA, SCHEMA_BOUND, ABOUT_NUMBER },
    { "multipleOf", SCHEMA_DATA, SCHEMA_NUMBER, ABOUT_NUMBER },
    { "items", SCHEMA_ITEMS, SCHEMA_ANY, ABOUT_ARRAY },
    { "prefixItems", SCHEMA_LIST, SCHEMA_ANY, ABOUT_ARRAY },
    { "additionalItems", SCHEMA_SWITCH, SCHEMA_ANY, ABOUT_ARRAY },
    { "unevaluatedItems", SCHEMA_SWITCH, SCHEMA_ANY, ABOUT_ARRAY },
    { "contains", SCHEMA_ONE, SCHEMA_ANY, ABOUT_ARRAY },
    { "minContains", SCHEMA_DATA, SCHEMA_COUNT, ABOUT_ARRAY },
    { "maxContains", SCHEMA_DATA, SCHEMA_COUNT, ABOUT_ARRAY },
    { "minItems", SCHEMA_DATA, SCHEMA_COUNT, ABOUT_ARRAY },
    { "maxItems", SCHEMA_DATA, SCHEMA_COUNT, ABOUT_ARRAY },
    { "uniqueItems", SCHEMA_DATA, SCHEMA_TRUTH, ABOUT_ARRAY },
    { "properties", SCHEMA_MAP, SCHEMA_ANY, ABOUT_OBJECT },
    { "patternProperties", SCHEMA_MAP, SCHEMA_ANY, ABOUT_OBJECT },
    { "additionalProperties", SCHEMA_SWITCH, SCHEMA_ANY, ABOUT_OBJECT },
    { "unevaluatedProperties", SCHEMA_SWITCH, SCHEMA_ANY, ABOUT_OBJECT },
    { "propertyNames", SCHEMA_ONE, SCHEMA_ANY, ABOUT_OBJECT },
    { "required", SCHEMA_DATA, SCHEMA_NAMES, ABOUT_OBJECT },
    { "minProperties", SCHEMA_DATA, SCHEMA_COUNT, ABOUT_OBJECT },
    { "maxProperties", SCHEMA_DATA, SCHEMA_COUNT, ABOUT_OBJECT },
    { "dependentRequired", SCHEMA_DATA, SCHEMA_ANY, ABOUT_OBJECT },
    { "dependentSchemas", SCHEMA_MAP, SCHEMA_ANY, ABOUT_OBJECT },
    { "dependencies", SCHEMA_MIXED, SCHEMA_ANY, ABOUT_OBJECT },
    { "allOf", SCHEMA_LIST, SCHEMA_ANY, 0 },
    { "anyOf", SCHEMA_LIST, SCHEMA_ANY, 0 },
    { "oneOf", SCHEMA_LIST, SCHEMA_ANY, 0 },
    { "not", SCHEMA_ONE, SCHEMA_ANY, 0 },
    { "if", SCHEMA_ONE, SCHEMA_ANY, 0 },
    { "then", SCHEMA_ONE, SCHEMA_ANY, 0 },
    { "else", SCHEMA_ONE, SCHEMA_ANY, 0 },
    { "$defs", SCHEMA_MAP, SCHEMA_ANY, 0 },
    { "definitions", SCHEMA_MAP, SCHEMA_ANY, 0 },
    { "contentSchema", SCHEMA_ONE, SCHEMA_ANY, 0 },
    { "$ref", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "$dynamicRef", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "$anchor", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "$dynamicAnchor", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "$id", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "$schema", SCHEMA_DATA, SCHEMA_TEXT, 0 },
    { "$comment", SCHEMA_DATA, SCHEMA_TEXT, 0 },
};

const schema_word_t *schema_word(const char *keyword)
{
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(keyword, words[i].name) == 0) {
            return &words[i];
        }
    }
    return NULL;
}

bool schema_word_holds_data(const char *keyword)
{
    const schema_word_t *word = schema_word(keyword);

    return word && word->holds == SCHEMA_DATA;
}

bool schema_word_holds_names(const char *keyword)
{
    const schema_word_t *word = schema_word(keyword);

    return word && (word->holds == SCHEMA_MAP || word->holds == SCHEMA_MIXED);
}

static const struct {
    const char *name;
    unsigned about;
} types[] = {
    { "string", ABOUT_STRING },
    { "number", ABOUT_NUMBER },
    { "integer", ABOUT_NUMBER },
    { "array", ABOUT_ARRAY },
    { "object", ABOUT_OBJECT },
    { "boolean", 0 },
    { "null", 0 },
};

unsigned schema_about_type(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(type, types[i].name) == 0) {
            return types[i].about;
        }
    }
    return 0;
}

bool schema_type_exists(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(type, types[i].name) == 0) {
            return true;
        }
    }
    return false;
}

/* Forms */

static bool is_schema(const json_t *value)
{
    return json_is_object(value) || json_is_boolean(value);
}

static bool is_list_of_schemas(const json_t *value)
{
    size_t i;
    json_t *one;

    json_array_foreach(value, i, one)
    {
        if (!is_schema(one)) {
            return false;
        }
    }
    return json_array_size(value) > 0;
}

static bool is_map_of_schemas(const json_t *value)
{
    const char *name;
    json_t *one;

    json_object_foreach((json_t *)value, name, one)
    {
        if (!is_schema(one)) {
            return false;
        }
    }
    return json_is_object(value);
}

static bool is_count(const json_t *value)
{
    double number = json_number_value(value);

    return json_is_number(value) && number >= 0 && number == trunc(number) && number < 1e15;
}

static bool is_list_of_strings(const json_t *value)
{
    size_t i;
    json_t *one;

    json_array_foreach(value, i, one)
    {
        if (!json_is_string(one)) {
            return false;
        }
    }
    return json_is_array(value);
}

static bool is_types(const json_t *value)
{
    size_t i;
    json_t *one;

    if (json_is_string(value)) {
        return schema_type_exists(json_string_value(value));
    }
    json_array_foreach(value, i, one)
    {
        if (!json_is_string(one) || !schema_type_exists(json_string_value(one))) {
            return false;
        }
    }
    return json_array_size(value) > 0;
}

static bool has_form(schema_form_t form, const json_t *value)
{
    switch (form) {
    case SCHEMA_TEXT:
        return json_is_string(value);
    case SCHEMA_NUMBER:
        return json_is_number(value);
    case SCHEMA_BOUND:
        return json_is_number(value) || json_is_boolean(value);
    case SCHEMA_COUNT:
        return is_count(value);
    case SCHEMA_TRUTH:
        return json_is_boolean(value);
    case SCHEMA_NAMES:
        return is_list_of_strings(value);
    case SCHEMA_VALUES:
        return json_array_size(value) > 0;
    case SCHEMA_TYPES:
        return is_types(value);
    default:
        return true;
    }
}

bool schema_word_is_sound(const schema_word_t *word, const json_t *value)
{
    switch (word->holds) {
    case SCHEMA_ONE:
    case SCHEMA_SWITCH:
        return is_schema(value);
    case SCHEMA_LIST:
        return is_list_of_schemas(value);
    case SCHEMA_ITEMS:
        return is_schema(value) || is_list_of_schemas(value) ||
               (json_is_array(value) && json_array_size(value) == 0);
    case SCHEMA_MAP:
        return is_map_of_schemas(value);
    case SCHEMA_MIXED:
        return json_is_object(value);
    default:
        return has_form(word->form, value);
    }
}

/* Walking */

typedef struct {
    schema_visit_f visit;
    void *self;
    bool shown_only;
} walk_t;

static int walk(const walk_t *w, json_t *schema, err_t *err);

static int walk_list(const walk_t *w, json_t *list, err_t *err)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (walk(w, one, err)) {
            return -1;
        }
    }
    return 0;
}

static int walk_map(const walk_t *w, json_t *map, err_t *err)
{
    const char *name;
    json_t *one;

    json_object_foreach(map, name, one)
    {
        if (walk(w, one, err)) {
            return -1;
        }
    }
    return 0;
}

static int walk_word(const walk_t *w, const schema_word_t *word, json_t *value, err_t *err)
{
    switch (word->holds) {
    case SCHEMA_ONE:
    case SCHEMA_SWITCH:
        return walk(w, value, err);
    case SCHEMA_LIST:
    case SCHEMA_ITEMS:
        return json_is_array(value) ? walk_list(w, value, err) : walk(w, value, err);
    case SCHEMA_MAP:
    case SCHEMA_MIXED:
        return walk_map(w, value, err);
    default:
        return 0;
    }
}

static int walk(const walk_t *w, json_t *schema, err_t *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(schema)) {
        return 0;
    }
    json_object_foreach(schema, key, value)
    {
        const schema_word_t *word = schema_word(key);
        bool skip = !word || (w->shown_only && strcmp(key, "not") == 0);
        if (!skip && walk_word(w, word, value, err)) {
            return -1;
        }
    }
    return w->visit(w->self, schema, err);
}

int schema_walk(json_t *schema, schema_visit_f visit, void *self, err_t *err)
{
    return walk(&(walk_t){ visit, self, false }, schema, err);
}

int schema_walk_shown(json_t *schema, schema_visit_f visit, void *self, err_t *err)
{
    return walk(&(walk_t){ visit, self, true }, schema, err);
}
