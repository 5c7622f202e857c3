/* Text that is built: growth, JSON strings from any bytes, cuts. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

Test(buf, grows_and_keeps_what_it_has)
{
    AUTO_BUF buf = { 0 };

    for (int i = 0; i < 10000; i++) {
        buf_addf(&buf, "%d,", i % 10);
    }
    cr_assert_eq(buf.length, 20000);
    cr_assert_eq(memcmp(buf.data + 19990, "5,6,7,8,9,", 10), 0);
}

static void expect_count(size_t count, const char *what, const char *text)
{
    AUTO_BUF buf = { 0 };

    buf_add_count(&buf, count, what);
    cr_expect_str_eq(buf_text(&buf), text);
}

Test(buf, counts_as_people_do)
{
    expect_count(0, "agent", "0 agents");
    expect_count(1, "agent", "1 agent");
    expect_count(2, "agent", "2 agents");
    expect_count(1, "inbox", "1 inbox");
    expect_count(2, "inbox", "2 inboxes");
    expect_count(2, "canned response", "2 canned responses");
}

Test(buf, formats_text_longer_than_its_room)
{
    AUTO_BUF buf = { 0 };
    char text[5000];

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    buf_addf(&buf, "<%s>", text);
    cr_assert_eq(buf.length, sizeof(text) + 1);
    cr_assert_eq(buf.data[0], '<');
    cr_assert_eq(buf.data[buf.length - 1], '>');
}

Test(buf, writes_numbers)
{
    AUTO_BUF buf = { 0 };

    buf_add_u64(&buf, 0);
    buf_add_char(&buf, ' ');
    buf_add_u64(&buf, UINT64_MAX);
    cr_assert_str_eq(buf_text(&buf), "0 18446744073709551615");
}

Test(buf, is_text_even_when_empty)
{
    AUTO_BUF buf = { 0 };

    cr_assert_str_eq(buf_text(&buf), "");
    buf_add(&buf, NULL, 0);
    buf_add_span(&buf, (span_t){ 0 });
    cr_assert_str_eq(buf_text(&buf), "");
}

Test(buf, hands_its_bytes_over)
{
    buf_t buf = { 0 };

    buf_add_text(&buf, "mine");
    AUTO(mem_free) char *text = buf_steal(&buf);
    cr_assert_str_eq(text, "mine");
    cr_assert_null(buf.data);
    cr_assert_eq(buf.length, 0);
    AUTO(mem_free) char *nothing = buf_steal(&buf);
    cr_assert_str_eq(nothing, "");
}

Test(buf, clears_but_keeps_the_memory)
{
    AUTO_BUF buf = { 0 };

    buf_add_text(&buf, "something");
    const char *data = buf.data;
    buf_clear(&buf);
    cr_assert_eq(buf_span(&buf).length, 0);
    buf_add_text(&buf, "else");
    cr_assert_eq(buf.data, data);
}

Test(buf, escapes_json_strings)
{
    AUTO_BUF buf = { 0 };

    buf_add_json_string(&buf, (span_t){ "a\"b\\c\n\t\r\x01\0\x7F/\xC3\xA9", 14 });
    cr_assert_str_eq(buf_text(&buf), "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u0000\\u007f/\xC3\xA9\"");
}

Test(buf, makes_valid_json_of_any_bytes)
{
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            AUTO_BUF buf = { 0 };
            char bytes[] = { (char)first, (char)second, 'x' };

            buf_add_json_string(&buf, (span_t){ bytes, sizeof(bytes) });
            json_auto_t *value = json_loadb(buf.data, buf.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            cr_assert(json_is_string(value), "%02x %02x", first, second);
        }
    }
}

Test(buf, replaces_what_is_not_utf8)
{
    AUTO_BUF buf = { 0 };

    buf_add_json_string(&buf, SPAN("a\xFF\xE2\x82"));
    cr_assert_str_eq(buf_text(&buf), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

Test(buf, cuts_json_strings_to_a_size_and_keeps_them_valid)
{
    for (size_t max = 5; max < 40; max++) {
        AUTO_BUF buf = { 0 };

        buf_add_json_string_cut(&buf, SPAN("one \"two\" \x01 \xE2\x82\xAC three, four"), max);
        cr_assert_leq(buf.length, max);
        json_auto_t *value = json_loadb(buf.data, buf.length, JSON_DECODE_ANY, NULL);
        cr_assert(json_is_string(value), "cut to %zu: %s", max, buf_text(&buf));
    }
}

Test(buf, does_not_cut_what_fits)
{
    AUTO_BUF buf = { 0 };

    buf_add_json_string_cut(&buf, SPAN("12345"), 10);
    cr_assert_str_eq(buf_text(&buf), "\"12345\"");
    buf_clear(&buf);
    buf_add_json_string_cut(&buf, SPAN("123456"), 10);
    cr_assert_str_eq(buf_text(&buf), "\"12345...\"");
}
