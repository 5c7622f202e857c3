/* Schemas said in other words, and those that nothing can be said for. That the words mean the same is shown
 * in tests/blackbox/test_schemas.py. */
#include "schema_legacy.h"

#include <criterion/criterion.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

static json_t *parse(const char *text)
{
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    cr_assert(schema, "%s", text);
    return schema;
}

#define A(schema) "{\"type\":\"object\",\"properties\":{\"a\":" schema "}}"

static void becomes(const char *before, const char *after)
{
    json_auto_t *schema = parse(before);
    json_auto_t *wanted = parse(after);
    bool changed = false;
    err_t err;

    cr_assert_eq(schema_legacy_input(schema, &changed, &err), 0, "%s: %s", before, err.text);
    AUTO(mem_free) char *text = json_dumps(schema, JSON_COMPACT);
    cr_expect(json_equal(schema, wanted), "%s became %s", before, text);
    cr_expect_eq(changed, strcmp(before, after) != 0, "%s", before);
}

static void refuses(const char *before, const char *reason)
{
    json_auto_t *schema = parse(before);
    bool changed;
    err_t err;

    cr_assert_eq(schema_legacy_input(schema, &changed, &err), -1, "%s was taken", before);
    cr_expect(strstr(err.text, reason), "%s: %s", before, err.text);
}

Test(schema_legacy, leaves_alone_what_needs_nothing)
{
    static const char *const good[] = {
        A("{\"type\":\"string\",\"pattern\":\"^[a-z]{1,3}$\"}"),
        A("{\"type\":\"object\",\"additionalProperties\":false}"),
        A("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}"),
        "{\"type\":\"object\",\"$id\":\"https://x/y\",\"$defs\":{\"a\":{\"$anchor\":\"a\"}}}",
    };

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        becomes(good[i], good[i]);
    }
}

Test(schema_legacy, gives_each_type_its_branch_and_its_words)
{
    becomes(A("{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"},\"description\":\"d\"}"),
            A("{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"string\"}},{\"type\":\"null\"}],"
              "\"description\":\"d\"}"));
    becomes(A("{\"type\":[\"string\",\"null\"],\"maxLength\":5,\"anyOf\":[{\"minLength\":1}]}"),
            A("{\"anyOf\":[{\"minLength\":1}],\"allOf\":[{\"anyOf\":[{\"type\":\"string\",\"maxLength\":5},"
              "{\"type\":\"null\"}]}]}"));
    becomes(A("{\"type\":[\"string\"]}"), A("{\"type\":\"string\"}"));
    becomes(A("{\"type\":[\"string\",\"string\"]}"), A("{\"type\":\"string\"}"));
    becomes(A("{\"type\":[\"null\",\"string\",\"null\"]}"),
            A("{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}"));
}

Test(schema_legacy, makes_objects_of_booleans_but_for_switches)
{
    becomes(A("true"), A("{}"));
    becomes(A("false"), A("{\"not\":{}}"));
    becomes(A("{\"type\":\"object\",\"additionalProperties\":true,\"properties\":{\"b\":true}}"),
            A("{\"type\":\"object\",\"additionalProperties\":true,\"properties\":{\"b\":{}}}"));
}

/* In which exclusiveMinimum: true is about `minimum`, and would be nothing without the $schema. */
Test(schema_legacy, leaves_draft_04_its_own_words)
{
    becomes("{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"type\":\"object\",\"properties\":{"
            "\"l\":{\"items\":[{}]},\"n\":{\"minimum\":1,\"exclusiveMinimum\":true}}}",
            "{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"type\":\"object\",\"properties\":{"
            "\"l\":{\"not\":{\"not\":{\"items\":[{}]}}},\"n\":{\"minimum\":1,\"exclusiveMinimum\":true}}}");
}

Test(schema_legacy, calls_a_list_of_items_prefixItems)
{
    becomes(A("{\"items\":[{}],\"additionalItems\":false}"), A("{\"prefixItems\":[{}],\"items\":false}"));
    becomes(A("{\"items\":[{}],\"additionalItems\":true}"), A("{\"prefixItems\":[{}]}"));
    refuses(A("{\"items\":[{}],\"prefixItems\":[{}]}"), "both");
}

Test(schema_legacy, lets_references_follow_what_has_moved)
{
    becomes("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n/items/0\"}},"
            "\"$defs\":{\"n\":{\"items\":[{}]}}}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n/prefixItems/0\"}},"
            "\"$defs\":{\"n\":{\"prefixItems\":[{}]}}}");
    becomes("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#n\"}},\"$defs\":{\"~/"
            "%\":{\"$anchor\":\"n\"}}}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/~0~1%25\"}},"
            "\"$defs\":{\"~/%\":{\"$anchor\":\"n\"}}}");
    becomes("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"x:n#/$defs/m\"}},"
            "\"$defs\":{\"n\":{\"$id\":\"x:n\",\"$ref\":\"#/$defs/m\",\"$defs\":{\"m\":{}}}}}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n/$defs/m\"}},"
            "\"$defs\":{\"n\":{\"$ref\":\"#/$defs/n/$defs/m\",\"$defs\":{\"m\":{}}}}}");
}

Test(schema_legacy, hides_what_clients_need_not_see)
{
    becomes(A("{\"type\":\"string\",\"pattern\":\"(?=a)\"}"),
            A("{\"type\":\"string\",\"not\":{\"not\":{\"pattern\":\"(?=a)\"}}}"));
    becomes(A("{\"const\":[1],\"not\":{\"minItems\":2}}"),
            A("{\"not\":{\"anyOf\":[{\"minItems\":2},{\"not\":{\"const\":[1]}}]}}"));
    becomes(
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"}},\"$defs\":{\"n\":{\"anyOf\":["
        "{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/n\"}}]}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"}},\"$defs\":{\"n\":{\"anyOf\":["
        "{\"type\":\"string\"},{\"type\":\"array\",\"not\":{\"not\":{\"items\":{\"$ref\":\"#/$defs/"
        "n\"}}}}]}}}");
}

Test(schema_legacy, moves_names_that_clients_cannot_take_under_a_pattern)
{
    becomes(A("{\"properties\":{\"_x.\":{\"type\":\"string\"},\"b\":{}}}"),
            A("{\"properties\":{\"b\":{}},\"patternProperties\":{\"^_x\\\\.$\":{\"type\":\"string\"}}}"));
    refuses(A("{\"properties\":{\"_x\":{}},\"required\":[\"_x\"]}"), "_x");
}

Test(schema_legacy, refuses_what_cannot_be_said_otherwise)
{
    refuses(A("{\"const\":{\"$ref\":\"http://127.0.0.1:9/\"}}"), "$ref");
    refuses(A("{\"anyOf\":[5]}"), "something else");
    refuses("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"}},"
            "\"$defs\":{\"n\":{\"$ref\":\"#/$defs/n\"}}}",
            "itself");
    refuses("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/words/n\"}},\"words\":{\"n\":{}}}",
            "no schema");
}

/* A connector may be hostile: neither time nor depth is without measure. */
Test(schema_legacy, refuses_references_without_measure)
{
    AUTO_BUF chain = { 0 };
    AUTO_BUF anchors = { 0 };

    buf_add_text(&chain, "{\"type\":\"object\",\"$defs\":{");
    for (int i = 0; i < 3000; i++) {
        buf_addf(&chain, "\"%d\":{\"$ref\":\"#/$defs/%d\"},", i, i + 1);
    }
    buf_add_text(&chain, "\"3000\":{}}}");
    refuses(buf_text(&chain), "too long");
    buf_add_text(&anchors, "{\"type\":\"object\",\"allOf\":[");
    for (int i = 0; i < 3000; i++) {
        buf_add_text(&anchors, "{\"$ref\":\"#a\"},");
    }
    buf_add_text(&anchors, "{\"$anchor\":\"a\"}]}");
    refuses(buf_text(&anchors), "more than");
}

Test(schema_legacy, knows_patterns_that_every_engine_reads)
{
    static const char *const plain[] = { "",           "^[a-z0-9_]+$", "\\d{4}-\\d{2}-\\d{2}", "^(?:a|b)*?$",
                                         "^[^\\]/-]$", "a{2,}b",       "^.{1,100}$",           "\\b\\w+\\b" };
    static const char *const other[] = { "(?=a)", "(a)\\1",   "[",         "]",        "(",       ")",
                                         "a**",   "{1}",      "^*",        "\\p{L}",   "\\-",     "[a[]",
                                         "[&&]",  "[]a]",     "[^]",       "a{x}",     "a{1",     "\\",
                                         "[\\",   "a{300}",   "(a{9}){9}", "\xc3\xa7", "(?<n>a)", "a}",
                                         "\\b*",  "a{1,2}{3}" };

    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        cr_expect(schema_pattern_is_plain(plain[i]), "%s", plain[i]);
    }
    for (size_t i = 0; i < COUNT_OF(other); i++) {
        cr_expect_not(schema_pattern_is_plain(other[i]), "%s", other[i]);
    }
}

static int output(const char *text)
{
    json_auto_t *schema = parse(text);
    bool changed;

    return schema_legacy_output(schema, &changed, NULL);
}

Test(schema_legacy, takes_output_schemas_that_clients_read_alike)
{
    cr_expect_eq(output(A("{\"type\":[\"string\",\"null\"],\"maxLength\":3}")), 0);
    cr_expect_eq(output(A("true")), 0);
    cr_expect_eq(output(A("{\"items\":[{}]}")), -1);
    cr_expect_eq(output(A("{\"prefixItems\":[{}]}")), -1);
    cr_expect_eq(output(A("{\"pattern\":\"(?=a)\"}")), -1);
    cr_expect_eq(output(A("{\"patternProperties\":{\"[\":{}}}")), -1);
    cr_expect_eq(output(A("{\"type\":\"any\"}")), -1);
    cr_expect_eq(output(A("{\"id\":\"x\"}")), -1);
    cr_expect_eq(output(A("{\"$ref\":\"#/none\"}")), -1);
}
