/* Arguments out of a query string: typed by the schema, and nothing guessed. */
#include "query_args.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "query_list.h"

static const char schema[] =
    "{\"type\":\"object\",\"required\":[\"period\"],\"properties\":{\"period\":{\"type\":\"string\"},"
    "\"limit\":{\"type\":\"integer\"},\"ratio\":{\"type\":\"number\"},\"open\":{\"type\":\"boolean\"},"
    "\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"numbers\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
    "\"maybe\":{\"type\":[\"string\",\"null\"]},\"optional\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":"
    "\"null\"}]},"
    "\"choice\":{\"enum\":[\"a\",\"b\"]},\"ref\":{\"$ref\":\"#/$defs/Level\"},"
    "\"either\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]},"
    "\"filter\":{\"type\":\"object\"},\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"array\"}},"
    "\"anything\":{},\"any\":true,\"loop\":{\"$ref\":\"#/properties/loop\"}},"
    "\"$defs\":{\"Level\":{\"type\":\"string\",\"enum\":[\"low\"]}}}";

static void reads(const char *query, const char *expected)
{
    AUTO_BUF out = { 0 };
    err_t err = { 0 };

    cr_assert_eq(query_args(schema, span_of(query), &out, &err), 0, "%s: %s", query, err.text);
    cr_assert_str_eq(buf_text(&out), expected, "%s", query);
}

static void refuses(const char *query, const char *reason)
{
    AUTO_BUF out = { 0 };
    err_t err = { 0 };

    cr_assert_eq(query_args(schema, span_of(query), &out, &err), -1, "%s gave %s", query, buf_text(&out));
    cr_assert_eq(err.kind, ERR_CALLER);
    cr_assert(strstr(err.text, reason), "%s: \"%s\" says nothing of \"%s\"", query, err.text, reason);
}

Test(query_args, types_values_by_the_schema)
{
    reads("", "{}");
    reads("&&period=today&", "{\"period\":\"today\"}");
    reads("period=5", "{\"period\":\"5\"}");
    reads("limit=5&ratio=0.5&open=true", "{\"limit\":5,\"ratio\":0.5,\"open\":true}");
    reads("limit=-7&ratio=3&open=False", "{\"limit\":-7,\"ratio\":3,\"open\":false}");
    reads("maybe=x&optional=3&choice=a&ref=low",
          "{\"maybe\":\"x\",\"optional\":3,\"choice\":\"a\",\"ref\":\"low\"}");
    reads("period=a%20b+c%2Bd%C3%A9", "{\"period\":\"a b c+d\xc3\xa9\"}");
    reads("period", "{\"period\":\"\"}");
    reads("period=a=b", "{\"period\":\"a=b\"}");
}

/* What f"{k}={v}" makes of a list, what a person types, and what browsers send. */
Test(query_args, reads_lists_in_every_usual_writing)
{
    reads("ids=['a', 'b']", "{\"ids\":[\"a\",\"b\"]}");
    reads("ids=%5B%27a%27%2C+%27b%27%5D", "{\"ids\":[\"a\",\"b\"]}");
    reads("ids=[\"a\",\"b\"]", "{\"ids\":[\"a\",\"b\"]}");
    reads("ids=a,b", "{\"ids\":[\"a\",\"b\"]}");
    reads("ids=a, b ", "{\"ids\":[\"a\",\"b\"]}");
    reads("ids=a&ids=b&ids=c", "{\"ids\":[\"a\",\"b\",\"c\"]}");
    reads("ids=one", "{\"ids\":[\"one\"]}");
    reads("ids=[]", "{\"ids\":[]}");
    reads("ids=['a',]", "{\"ids\":[\"a\"]}");
    reads("numbers=[1, -2]", "{\"numbers\":[1,-2]}");
    reads("numbers=1,2", "{\"numbers\":[1,2]}");
    reads("ids=[1, 2]", "{\"ids\":[\"1\",\"2\"]}");
    reads("ids=[\"it's\", 'say \"hi\"', 'it\\'s', '\\u00e9', '\\xe9', '\\ud83d\\ude00', '\\U0001f600']",
          "{\"ids\":[\"it's\",\"say "
          "\\\"hi\\\"\",\"it's\",\"\xc3\xa9\",\"\xc3\xa9\",\"\xf0\x9f\x98\x80\",\"\xf0\x9f\x98\x80\"]}");
}

Test(query_args, takes_none_and_nothing_as_absent)
{
    reads("limit=&open=&ids=", "{}");
    reads("limit=None&maybe=None&ids=None", "{}");
    reads("period=None", "{\"period\":\"None\"}");
    reads("maybe=", "{\"maybe\":\"\"}");
}

Test(query_args, refuses_values_of_another_type)
{
    refuses("limit=five", "limit");
    refuses("limit=5.5", "integer");
    refuses("limit= 5", "integer");
    refuses("limit=99999999999999999999", "integer");
    refuses("ratio=nan", "number");
    refuses("ratio=inf", "number");
    refuses("ratio=0x10", "number");
    refuses("ratio=1e999", "number");
    refuses("open=1", "boolean");
    refuses("numbers=1,x", "Each item");
    refuses("numbers=1,,2", "Each item");
    refuses("limit=1&limit=2", "twice");
    refuses("nothing=1", "Unknown argument \"nothing\"; this takes period, limit, ratio, open, ids,");
    refuses("period=%FF", "period");
}

Test(query_args, says_post_for_what_a_query_cannot_carry)
{
    refuses("filter={}", "POST");
    refuses("rows=[[1]]", "POST");
    refuses("anything=1", "POST");
    refuses("any=1", "POST");
    refuses("either=1", "POST");
    refuses("loop=1", "POST");
    refuses("ids=['a', ['b']]", "POST");
    refuses("ids=['a'", "POST");
    refuses("ids=['a' 'b']", "POST");
    refuses("ids=['a']x", "POST");
    refuses("ids=['a\\q']", "POST");
    refuses("ids=['\\u0000']", "POST");
    refuses("ids=['\\ud83d']", "POST");
    refuses("ids=['\\udc00']", "POST");
    refuses("ids=[,]", "POST");
    refuses("ids=[{'a': 1}]", "POST");
    refuses("ids=[__import__('os')]", "POST");
}

Test(query_args, refuses_broken_escapes_and_nul)
{
    refuses("period=%", "escape");
    refuses("period=%4", "escape");
    refuses("period=%zz", "escape");
    refuses("period=%00", "NUL");
    refuses("%00=1", "NUL");
}

Test(query_args, sees_a_token_in_whatever_dress)
{
    static const char *const with[] = { "access_token=x",  "a=1&Token=x",
                                        "api%5Fkey=x",     "JWT=",
                                        "authorization=x", "a=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln" };

    for (size_t i = 0; i < COUNT_OF(with); i++) {
        cr_assert(query_has_token(span_of(with[i])), "%s", with[i]);
    }
    cr_assert_not(query_has_token(SPAN("period=today&tokens=3&text=eyJ")));
    cr_assert_not(query_has_token((span_t){ 0 }));
}

/* The rest was dropped without a word once. */
Test(query_args, refuses_more_items_than_it_reads)
{
    AUTO_BUF query = { 0 };

    buf_add_text(&query, "ids=a");
    for (int i = 1; i < QUERY_LIST_MAX; i++) {
        buf_add_text(&query, ",a");
    }
    AUTO(mem_free) char *fits = mem_strdup(buf_text(&query));
    buf_add_text(&query, ",a");
    AUTO_BUF out = { 0 };
    cr_assert_eq(query_args(schema, span_of(fits), &out, NULL), 0);
    refuses(buf_text(&query), "use POST");
}

Test(query_list, is_bounded)
{
    AUTO_BUF text = { 0 };
    query_list_t list;
    err_t err;

    buf_add_char(&text, '[');
    for (int i = 0; i < QUERY_LIST_MAX; i++) {
        buf_add_text(&text, "1,");
    }
    AUTO(mem_free) char *fits = mem_printf("%s]", buf_text(&text));
    AUTO(mem_free) char *long_one = mem_printf("%s1]", buf_text(&text));
    cr_assert_eq(query_list_parse(span_of(fits), &list, &err), 0);
    cr_assert_eq(list.count, QUERY_LIST_MAX);
    query_list_release(&list);
    cr_assert_eq(query_list_parse(span_of(long_one), &list, &err), -1);
    cr_assert_null(list.items);
}

/* Under the sanitizers this finds what reads past the end. */
Test(query_list, survives_every_prefix_and_every_changed_byte)
{
    const char text[] = "['a\\u00e9', \"b\\n\", -1.5e3, True, '\\U0001f600']";

    for (size_t length = 0; length < sizeof(text); length++) {
        for (int change = 0; change < 256; change += 7) {
            AUTO(mem_free) char *copy = mem_strndup(text, length);
            AUTO(mem_free) char *exact = length > 0 ? memcpy(malloc(length), copy, length) : NULL;
            query_list_t list;
            err_t err;
            if (length > 0) {
                exact[length - 1] = (char)change;
            }
            if (query_list_parse((span_t){ exact ? exact : "", length }, &list, &err) == 0) {
                query_list_release(&list);
            }
        }
    }
}
