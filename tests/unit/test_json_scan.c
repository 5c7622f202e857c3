/* The scanner stands between whatever a stranger sends and everything behind it, so most of this is hostile
 * input. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "errors.h"
#include "json_scan.h"
#include "mem.h"

enum { ID = 1, METHOD, PARAMS, NAME, ARGUMENTS, META, TOKEN, RESULT };

static const json_want_t meta[] = { { "progressToken", TOKEN, NULL, false }, { 0 } };
static const json_want_t params[] = { { "name", NAME, NULL, false },
                                      { "arguments", ARGUMENTS, NULL, false },
                                      { "_meta", META, meta, false },
                                      { 0 } };
static const json_want_t message[] = { { "id", ID, NULL, false },
                                       { "method", METHOD, NULL, false },
                                       { "params", PARAMS, params, false },
                                       { "result", RESULT, NULL, true },
                                       { 0 } };

static json_scan_t found;
static err_t err;

static int scan_bytes(const char *text, size_t length)
{
    return json_scan((span_t){ text, length }, message, &found, &err);
}

static int scan(const char *text)
{
    return scan_bytes(text, strlen(text));
}

static void expect_slot(int slot, const char *value)
{
    cr_expect(span_is(found.slots[slot], value), "slot %d is %.*s, not %s", slot,
              SPAN_ARGS(found.slots[slot]), value);
}

static void expect_refused(const char *text, int code)
{
    cr_expect_eq(scan(text), -1, "accepted: %s", text);
    cr_expect_eq(err.kind, ERR_PROTOCOL);
    cr_expect_eq(err.code, code, "code %d for %s", err.code, text);
}

Test(json_scan, leaves_spans_of_what_was_wanted)
{
    cr_assert_eq(
        scan(" { \"id\" : 7 ,\"other\":[1,{\"id\":8}],\"method\":\"tools/call\",\"params\":{\"name\":\"a\","
             "\"arguments\": {\"name\":\"b\"} ,\"_meta\":{\"progressToken\":\"p\"}}}\r\n"),
        0, "%s", err.text);
    expect_slot(ID, "7");
    expect_slot(METHOD, "\"tools/call\"");
    expect_slot(NAME, "\"a\"");
    expect_slot(ARGUMENTS, "{\"name\":\"b\"}");
    expect_slot(META, "{\"progressToken\":\"p\"}");
    expect_slot(TOKEN, "\"p\"");
    cr_expect_null(found.slots[RESULT].at);
}

Test(json_scan, keeps_all_members_of_the_object_that_asks_for_it)
{
    cr_assert_eq(scan("{\"id\":1,\"result\":{\"content\":[{\"a\":1},2],\"isError\":true,\"_meta\":{}},\"x\":{"
                      "\"y\":1}}"),
                 0);
    cr_assert_eq(found.member_count, 3);
    cr_expect(span_is(found.members[0].key, "content"));
    cr_expect(span_is(found.members[0].value, "[{\"a\":1},2]"));
    cr_expect(span_is(found.members[2].key, "_meta"));
    cr_expect(span_is(found.members[2].value, "{}"));
}

Test(json_scan, forgets_what_the_scan_before_found)
{
    cr_assert_eq(scan("{\"id\":1,\"result\":{\"a\":1}}"), 0);
    cr_assert_eq(scan("{}"), 0);
    cr_expect_null(found.slots[ID].at);
    cr_expect_eq(found.member_count, 0);
}

Test(json_scan, takes_any_one_value_and_reads_levels_of_objects_only)
{
    const char *const texts[] = { "null",
                                  " true",
                                  "-0.5e+10 ",
                                  "\"x\"",
                                  "[]",
                                  "[[],{}]",
                                  "{}",
                                  "0",
                                  "[{\"id\":1}]",
                                  "{\"params\":[1]}",
                                  "{\"params\":\"x\"}",
                                  "{\"params\":null}" };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        cr_expect_eq(scan(texts[i]), 0, "%s: %s", texts[i], err.text);
        cr_expect_null(found.slots[ID].at);
        cr_expect_null(found.slots[NAME].at);
    }
}

Test(json_scan, refuses_what_is_not_json)
{
    const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1 \"b\":2}",
        "[1 2]",
        "[1}",
        "{\"a\":1]",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "0x10",
        "1_000",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"a\nb\"",
        "\"\t\"",
        "{} {}",
        "{}x",
        "1 2",
        "// c\n1",
        "/*c*/1",
        "[1]]",
        "{\"a\":1}}",
        "\v1",
        "\xEF\xBB\xBF{}",
        "{\"a\" 1}",
        "{,}",
        "[",
        "{\"a\":[}",
        "{\"a\":1,,\"b\":2}",
        "{1:2}",
        "{null:1}",
        "tru e",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ud83d\\ud83d\"",
        "\"\\ude00\\ude00\"",
        "\"\\uD800\\\"",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        expect_refused(texts[i], RPC_PARSE_ERROR);
    }
}

Test(json_scan, refuses_bytes_that_are_not_utf8)
{
    const char *const texts[] = {
        "\"\xFF\"",
        "\"\x80\"",
        "\"\xC3\"",
        "\"\xC0\xAF\"",
        "\"\xE0\x80\xAF\"",
        "\"\xED\xA0\x80\"",
        "\"\xF4\x90\x80\x80\"",
        "\"\xE2\x82\"",
        "\"12345678\xFF\"",
        "{\"x\":\"\xC3(\"}",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        expect_refused(texts[i], RPC_PARSE_ERROR);
    }
    cr_expect_eq(scan("\"a\xC3\xA7\xC3\xA3o \xE2\x82\xAC \xF0\x9F\x98\x80 and then some more\""), 0);
    cr_expect_eq(scan("\"\\ud83d\\uDE00 \\u00e7 \\\" \\\\ \\/ \\b\\f\\n\\r\\t\""), 0);
}

Test(json_scan, refuses_nul_bytes_wherever_they_stand)
{
    static const char raw[] = "{\"id\":1,\"method\":\"a\0b\"}", behind[] = "{\"id\":1}\0",
                      key[] = "{\"id\0\":1}";

    cr_expect_eq(scan_bytes(raw, sizeof(raw) - 1), -1);
    cr_expect_eq(scan_bytes(behind, sizeof(behind) - 1), -1);
    cr_expect_eq(scan_bytes(key, sizeof(key) - 1), -1);
    cr_expect_eq(scan("{\"method\":\"a\\u0000b\"}"), 0); /* a string may hold it; scan_string() refuses it */
}

Test(json_scan, refuses_every_prefix_of_a_message)
{
    const char *text =
        "{\"id\":12,\"method\":\"tools/call\",\"params\":{\"name\":\"\\u00e7\xC3\xA7\",\"arguments\":"
        "{\"a\":[true,null,-1.5e3,{}]},\"_meta\":{\"progressToken\":1}}}";

    cr_assert_eq(scan(text), 0, "%s", err.text);
    for (size_t length = 0; length < strlen(text); length++) {
        char *copy = memcpy(mem_alloc(length > 0 ? length : 1), text, length);
        cr_expect_eq(scan_bytes(copy, length), -1, "accepted %zu bytes", length);
        mem_free(copy);
    }
}

Test(json_scan, refuses_duplicate_keys_where_it_reads)
{
    expect_refused("{\"id\":1,\"id\":2}", RPC_INVALID_REQUEST);
    expect_refused("{\"x\":1,\"x\":1}", RPC_INVALID_REQUEST);
    expect_refused("{\"params\":{\"name\":\"a\",\"name\":\"b\"}}", RPC_INVALID_REQUEST);
    expect_refused("{\"params\":{\"_meta\":{\"u\":1,\"v\":2,\"u\":3}}}", RPC_INVALID_REQUEST);
    expect_refused("{\"result\":{\"content\":[],\"content\":[1]}}", RPC_INVALID_REQUEST);
    expect_refused("{\"\":1,\"\":2}", RPC_INVALID_REQUEST);
    cr_expect_eq(scan("{\"params\":{\"arguments\":{\"a\":1,\"a\":2}}}"), 0); /* not a level that is read */
    cr_expect_eq(scan("{\"a\":1,\"b\":{\"a\":2},\"c\":3}"), 0);
}

Test(json_scan, refuses_keys_that_another_reader_could_take_for_ours)
{
    expect_refused("{\"Id\":1}", RPC_INVALID_REQUEST);
    expect_refused("{\"id\":1,\"ID\":2}", RPC_INVALID_REQUEST);
    expect_refused("{\"params\":{\"name\":\"a\",\"Name\":\"b\"}}", RPC_INVALID_REQUEST);
    expect_refused("{\"params\":{\"_META\":{}}}", RPC_INVALID_REQUEST);
    expect_refused("{\"params\":{\"_meta\":{\"progresstoken\":1}}}", RPC_INVALID_REQUEST);
    expect_refused("{\"params\":{\"n\\u0061me\":\"b\"}}", RPC_INVALID_REQUEST);
    expect_refused("{\"m\\u0065thod\":\"b\"}", RPC_INVALID_REQUEST);
    expect_refused("{\"x\\/y\":\"b\"}", RPC_INVALID_REQUEST);
    expect_refused("{\"\xC3\xA7\":1}", RPC_INVALID_REQUEST);
    expect_refused("{\"params\":{\"name\xE2\x80\x8B\":\"b\"}}", RPC_INVALID_REQUEST);
    cr_expect_eq(scan("{\"ident\":1,\"i\":2,\"params\":{\"names\":1,\"nam\":2,\"Other\":3,\"OTHER\":4}}"), 0);
    cr_expect_eq(scan("{\"params\":{\"arguments\":{\"Name\":1,\"n\\u0061me\":2,\"\xC3\xA7\":3}}}"), 0);
}

static span_t nested(buf_t *out, unsigned depth, const char *open, const char *inner, const char *close)
{
    buf_clear(out);
    for (unsigned i = 0; i < depth; i++) {
        buf_add_text(out, open);
    }
    buf_add_text(out, inner);
    for (unsigned i = 0; i < depth; i++) {
        buf_add_text(out, close);
    }
    return buf_span(out);
}

Test(json_scan, goes_64_levels_deep_and_no_deeper)
{
    AUTO_BUF text = { 0 };

    cr_expect_eq(json_scan(nested(&text, 64, "[", "", "]"), message, &found, &err), 0, "%s", err.text);
    cr_expect_eq(json_scan(nested(&text, 63, "{\"a\":", "[1]", "}"), message, &found, &err), 0);
    cr_expect_eq(json_scan(nested(&text, 65, "[", "", "]"), message, &found, &err), -1);
    cr_expect_eq(err.code, RPC_INVALID_REQUEST);
    cr_expect_eq(json_scan(nested(&text, 64, "{\"a\":", "[]", "}"), message, &found, &err), -1);
    cr_expect_eq(json_scan(nested(&text, 1000000, "[", "", ""), message, &found, &err), -1);
}

Test(json_scan, tells_brackets_apart_at_every_depth)
{
    AUTO_BUF text = { 0 };

    nested(&text, 31, "{\"a\":[", "1", "]}");
    cr_expect_eq(json_scan(buf_span(&text), message, &found, &err), 0);
    for (size_t i = text.length - 62; i < text.length; i++) {
        char was = text.data[i];
        text.data[i] = was == ']' ? '}' : ']';
        cr_expect_eq(json_scan(buf_span(&text), message, &found, &err), -1, "bracket at %zu", i);
        text.data[i] = was;
    }
}

static void many_members(buf_t *out, unsigned count)
{
    buf_clear(out);
    buf_add_text(out, "{\"params\":{");
    for (unsigned i = 0; i < count; i++) {
        buf_addf(out, "%s\"k%u\":%u", i > 0 ? "," : "", i, i);
    }
    buf_add_text(out, "}}");
}

Test(json_scan, reads_at_most_64_members_of_a_level)
{
    AUTO_BUF text = { 0 };

    many_members(&text, 64);
    cr_expect_eq(json_scan(buf_span(&text), message, &found, &err), 0);
    many_members(&text, 65);
    cr_expect_eq(json_scan(buf_span(&text), message, &found, &err), -1);
    cr_expect_eq(err.code, RPC_INVALID_REQUEST);
}

Test(json_scan, finds_specials_at_every_offset_of_its_eight_byte_steps)
{
    for (size_t before = 0; before < 20; before++) {
        char text[64];
        snprintf(text, sizeof(text), "\"%.*s\\\"%.*s\"", (int)before, "abcdefghijklmnopqrstuvwxyz",
                 (int)(20 - before), "abcdefghijklmnopqrstuvwxyz");
        cr_expect_eq(scan(text), 0, "%s", text);
        text[1 + before] = '\n';
        cr_expect_eq(scan(text), -1);
        text[1 + before] = '\x1F';
        cr_expect_eq(scan(text), -1);
        text[1 + before] = '\x7F';
        cr_expect_eq(scan(text), -1, "the quote behind it ends the string early");
    }
}

Test(json_scan, takes_a_string_of_a_megabyte)
{
    AUTO_BUF text = { 0 };

    buf_add_text(&text, "{\"method\":\"");
    for (size_t i = 0; i < 1048576; i++) {
        buf_add_char(&text, "abc\x7F"[i % 4]);
    }
    buf_add_text(&text, "\"}");
    cr_assert_eq(json_scan(buf_span(&text), message, &found, &err), 0);
    cr_expect_eq(found.slots[METHOD].length, 1048578);
}

Test(json_scan, survives_random_damage)
{
    const char *whole = "{\"id\":\"x\",\"method\":\"tools/"
                        "call\",\"params\":{\"name\":\"\\ud83d\\ude00\",\"arguments\":{\"a\":"
                        "[1,2.5e-3,\"\xC3\xA7\"]},\"_meta\":{\"progressToken\":1}}}";
    size_t length = strlen(whole);
    uint32_t random = 1;

    for (int round = 0; round < 50000; round++) {
        char *copy =
            memcpy(mem_alloc(length), whole, length); /* exactly as long, so that ASan sees a byte too far */
        for (int i = 0; i < 3; i++) {
            random = random * 1664525 + 1013904223;
            copy[(random >> 8) % length] = (char)(random >> 24);
        }
        json_scan_t scratch;
        if (json_scan((span_t){ copy, length }, message, &scratch, NULL) == 0) {
            AUTO_BUF name = { 0 };
            json_member_t member;
            scan_string(scratch.slots[NAME], &name);
            span_t rest = scratch.slots[ARGUMENTS];
            while (scan_kind(scratch.slots[ARGUMENTS]) == SCAN_OBJECT && scan_next_member(&rest, &member)) {
            }
        }
        mem_free(copy);
    }
}

Test(json_scan, lists_the_members_of_one_object)
{
    cr_assert_eq(json_scan_members(SPAN("{ \"a\" : [1] , \"b\":\"x\" }"), &found, &err), 0);
    cr_assert_eq(found.member_count, 2);
    cr_expect(span_is(found.members[0].value, "[1]"));
    cr_expect(span_is(found.members[1].key, "b"));
    cr_assert_eq(json_scan_members(SPAN("[1]"), &found, &err), 0);
    cr_expect_eq(found.member_count, 0);
}

static span_t checked(const char *text)
{
    cr_assert_eq(scan(text), 0, "%s", text);
    return span_of(text);
}

Test(json_value, knows_kinds_and_integers)
{
    cr_expect_eq(scan_kind((span_t){ 0 }), SCAN_NONE);
    cr_expect_eq(scan_kind(SPAN("-1")), SCAN_NUMBER);
    cr_expect_eq(scan_kind(SPAN("null")), SCAN_NULL);
    cr_expect(scan_is_integer(SPAN("-12345678901234567890123")));
    cr_expect(scan_is_integer(SPAN("0")));
    cr_expect_not(scan_is_integer(SPAN("1.0")));
    cr_expect_not(scan_is_integer(SPAN("1e3")));
    cr_expect_not(scan_is_integer(SPAN("\"1\"")));
    cr_expect_not(scan_is_integer((span_t){ 0 }));
    cr_expect(scan_is_true(SPAN("true")));
    cr_expect_not(scan_is_true(SPAN("false")));
}

Test(json_value, resolves_escapes_of_a_string)
{
    AUTO_BUF out = { 0 };
    span_t value = checked("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e7\\u20AC\\ud83d\\ude00z\"");

    cr_assert(scan_string(value, &out));
    cr_expect_str_eq(buf_text(&out), "a\"\\/\b\f\n\r\tA\xC3\xA7\xE2\x82\xAC\xF0\x9F\x98\x80z");
    cr_expect(scan_string_is(value, "a\"\\/\b\f\n\r\tA\xC3\xA7\xE2\x82\xAC\xF0\x9F\x98\x80z"));
    cr_expect_not(scan_string_is(value, "a"));
    cr_expect_not(scan_string_is(SPAN("\"ab\""), "abc"));
    cr_expect_not(scan_string_is(SPAN("\"abc\""), "ab"));
    cr_expect(scan_string_is(SPAN("\"\""), ""));
    cr_expect_not(scan_string_is(SPAN("1"), "1"));
}

Test(json_value, takes_no_string_with_a_nul_in_it)
{
    AUTO_BUF out = { 0 };

    cr_expect_not(scan_string(checked("\"a\\u0000b\""), &out));
    cr_expect_not(scan_string_is(checked("\"a\\u0000b\""), "a"));
    cr_expect_not(scan_string(SPAN("12"), &out));
    cr_expect_not(scan_string((span_t){ 0 }, &out));
}

Test(json_value, steps_through_arrays_and_objects)
{
    span_t rest = checked("[ 1 , \"a,]\\\"\" ,{\"x\":[1,2]}, [] ,null ]"), item;
    const char *const items[] = { "1", "\"a,]\\\"\"", "{\"x\":[1,2]}", "[]", "null" };
    json_member_t member;
    size_t count = 0;

    while (scan_next_item(&rest, &item)) {
        cr_expect(span_is(item, items[count]), "%.*s", SPAN_ARGS(item));
        count++;
    }
    cr_expect_eq(count, COUNT_OF(items));
    rest = checked("{ \"a\" : 1 , \"b}\" :{\"c\":\"\xC3\xA7\"},\"d\":\"\" }");
    cr_assert(scan_next_member(&rest, &member));
    cr_expect(span_is(member.key, "a") && span_is(member.value, "1"));
    cr_assert(scan_next_member(&rest, &member));
    cr_expect(span_is(member.key, "b}") && span_is(member.value, "{\"c\":\"\xC3\xA7\"}"));
    cr_assert(scan_next_member(&rest, &member));
    cr_expect(span_is(member.key, "d") && span_is(member.value, "\"\""));
    cr_expect_not(scan_next_member(&rest, &member));
    rest = SPAN("{}");
    cr_expect_not(scan_next_member(&rest, &member));
    rest = SPAN("[ ]");
    cr_expect_not(scan_next_item(&rest, &item));
}

Test(json_value, finds_a_member_by_name)
{
    cr_expect(span_is(scan_member(SPAN("{\"b\":{\"a\":1},\"a\":2}"), "a"), "2"));
    cr_expect_null(scan_member(SPAN("{\"b\":{\"a\":1}}"), "a").at);
    cr_expect_null(scan_member(SPAN("[1]"), "a").at);
}
