/* What counts as UTF-8 (RFC 3629), and where a text may be cut. */
#include <criterion/criterion.h>

#include "utf8.h"

static bool valid(const char *text)
{
    return utf8_is_valid(span_of(text));
}

Test(utf8, takes_the_first_and_last_character_of_each_length)
{
    cr_assert(valid(""));
    cr_assert(valid("\x01\x7F"));
    cr_assert(valid("\xC2\x80\xDF\xBF"));
    cr_assert(valid("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"));
    cr_assert(valid("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}

Test(utf8, refuses_overlong_forms)
{
    cr_assert_not(valid("\xC0\x80"));
    cr_assert_not(valid("\xC1\xBF"));
    cr_assert_not(valid("\xE0\x9F\xBF"));
    cr_assert_not(valid("\xF0\x8F\xBF\xBF"));
}

Test(utf8, refuses_surrogates_and_what_lies_above_unicode)
{
    cr_assert_not(valid("\xED\xA0\x80"));
    cr_assert_not(valid("\xED\xBF\xBF"));
    cr_assert_not(valid("\xF4\x90\x80\x80"));
    cr_assert_not(valid("\xF5\x80\x80\x80"));
    cr_assert_not(valid("\xFF"));
}

Test(utf8, refuses_cut_characters_and_lone_tails)
{
    cr_assert_not(valid("\x80"));
    cr_assert_not(valid("\xC3"));
    cr_assert_not(valid("\xE2\x82"));
    cr_assert_not(valid("\xF0\x9F\x98"));
    cr_assert_not(valid("\xE2\x82z"));
    cr_assert_not(valid("\xF0\x9F\x98z"));
}

Test(utf8, cuts_before_the_character_that_does_not_fit)
{
    span_t text = SPAN("a\xE2\x82\xAC"
                       "b");

    cr_assert_eq(utf8_cut(text, 0), 0);
    cr_assert_eq(utf8_cut(text, 1), 1);
    cr_assert_eq(utf8_cut(text, 2), 1);
    cr_assert_eq(utf8_cut(text, 3), 1);
    cr_assert_eq(utf8_cut(text, 4), 4);
    cr_assert_eq(utf8_cut(text, 5), 5);
    cr_assert_eq(utf8_cut(text, 50), 5);
}

Test(utf8, cuts_what_is_no_text_too)
{
    span_t tails = SPAN("\x80\x80\x80\x80\x80\x80\x80\x80");

    cr_assert_leq(utf8_cut(tails, 6), 6);
    cr_assert_leq(utf8_cut(tails, 2), 2);
}
