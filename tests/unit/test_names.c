/* Public names and globs. */
#include <criterion/criterion.h>

#include "mem.h"

#include "names.h"

static void expect_public(const char *prefix, const char *own, const char *wanted)
{
    char name[NAME_MAX_LENGTH + 1];

    name_public(prefix, span_of(own), name);
    cr_expect_str_eq(name, wanted);
    cr_expect(wanted[0] == '\0' || name_is_safe(span_of(name)), "%s is not safe", name);
}

Test(names, takes_only_what_survives_sanitising)
{
    cr_expect(name_is_safe(SPAN("odoo_search_records")));
    cr_expect(name_is_safe(SPAN("a")));
    cr_expect(name_is_safe(SPAN("1_2")));
    cr_expect(name_is_safe(SPAN("a234567890123456789012345678901234567890123456789012345678901234")));
    cr_expect_not(name_is_safe(SPAN("a2345678901234567890123456789012345678901234567890123456789012345")));
    cr_expect_not(name_is_safe(SPAN("")));
    cr_expect_not(name_is_safe(SPAN("_a")));
    cr_expect_not(name_is_safe(SPAN("a_")));
    cr_expect_not(name_is_safe(SPAN("a__b")));
    cr_expect_not(name_is_safe(SPAN("getApp")));
    cr_expect_not(name_is_safe(SPAN("get-sum")));
    cr_expect_not(name_is_safe(SPAN("a.b")));
    cr_expect_not(name_is_safe(SPAN("a\0b")));
    cr_expect_not(name_is_safe(SPAN("\xC3\xA7")));
}

Test(names, puts_the_prefix_before_a_safe_name)
{
    expect_public("odoo_", "search_records", "odoo_search_records");
    expect_public("", "search_records", "search_records");
}

Test(names, makes_any_name_safe)
{
    expect_public("qlik_", "getApp", "qlik_getapp");
    expect_public("x_", "get-sum.of/all", "x_get_sum_of_all");
    expect_public("x_", "__a__b__", "x_a_b");
    expect_public("x_", "caf\xC3\xA9 au lait!", "x_caf_au_lait");
    expect_public("_x__", "", "x");
    expect_public("", "___", "");
    expect_public("", "\xE4\xB8\xAD\xE6\x96\x87", "");
}

Test(names, shortens_long_names_without_making_two_of_them_one)
{
    const char *a = "a_very_long_name_that_goes_on_and_on_until_it_is_over_the_limit_of_one";
    const char *b = "a_very_long_name_that_goes_on_and_on_until_it_is_over_the_limit_of_two";
    char first[NAME_MAX_LENGTH + 1], again[NAME_MAX_LENGTH + 1], second[NAME_MAX_LENGTH + 1];

    name_public("odoo_", span_of(a), first);
    name_public("odoo_", span_of(a), again);
    name_public("odoo_", span_of(b), second);
    cr_expect_eq(strlen(first), NAME_MAX_LENGTH);
    cr_expect(name_is_safe(span_of(first)));
    cr_expect_str_eq(first, again);
    cr_expect_str_neq(first, second);
    cr_expect_eq(strncmp(first, "odoo_a_very_long_name_that_goes_on_and_on_until_it_is_o_", 56), 0, "%s",
                 first);
}

Test(names, leaves_no_double_underscore_where_a_long_name_was_cut)
{
    const char *own = "a23456789_a23456789_a23456789_a23456789_a23456789_abcd_and_more_of_it";
    char name[NAME_MAX_LENGTH + 1];

    name_public("", span_of(own), name); /* the 55th byte is an underscore */
    cr_expect(name_is_safe(span_of(name)), "%s", name);
    cr_expect_eq(strlen(name), NAME_MAX_LENGTH - 1);
}

Test(names, matches_globs_with_stars)
{
    cr_expect(glob_matches("*", SPAN("")));
    cr_expect(glob_matches("*", SPAN("crm_get_leads")));
    cr_expect(glob_matches("crm_get_*", SPAN("crm_get_leads")));
    cr_expect(glob_matches("crm_get_*", SPAN("crm_get_")));
    cr_expect(glob_matches("*_leads", SPAN("crm_get_leads")));
    cr_expect(glob_matches("c*g*s", SPAN("crm_get_leads")));
    cr_expect(glob_matches("**a**", SPAN("a")));
    cr_expect(glob_matches("*ab", SPAN("aab")));
    cr_expect(glob_matches("crm_compare_agents", SPAN("crm_compare_agents")));
    cr_expect_not(glob_matches("crm_get_*", SPAN("crm_set_leads")));
    cr_expect_not(glob_matches("crm_get_*", SPAN("xcrm_get_leads")));
    cr_expect_not(glob_matches("*_leads", SPAN("crm_get_leads_count")));
    cr_expect_not(glob_matches("", SPAN("a")));
    cr_expect(glob_matches("", SPAN("")));
    cr_expect_not(glob_matches("crm", SPAN("crm_x")));
    cr_expect_not(glob_matches("crm_x", SPAN("crm")));
    cr_expect_not(glob_matches("crm?x", SPAN("crm_x")), "only the star is special");
    cr_expect_not(glob_matches("a*", SPAN("A")));
}

Test(names, matches_hostile_globs_in_good_time)
{
    cr_expect_not(glob_matches("*a*a*a*a*a*a*a*a*a*a*b",
                               SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

Test(names, takes_as_valid_what_the_specification_takes)
{
    static const char *const good[] = { "a", "Get-Sum.v2/x", "_", "9" };
    static const char *const bad[] = { "", "two words", "\xc3\xa9", "a\n", "a:b", "a*" };

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        cr_assert(name_is_valid(span_of(good[i])), "%s", good[i]);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cr_assert_not(name_is_valid(span_of(bad[i])), "%s", bad[i]);
    }
    char longest[NAME_MAX_LENGTH + 2];
    memset(longest, 'A', sizeof(longest));
    cr_assert(name_is_valid((span_t){ longest, NAME_MAX_LENGTH }));
    cr_assert_not(name_is_valid((span_t){ longest, NAME_MAX_LENGTH + 1 }));
    cr_assert_not(name_is_valid((span_t){ "a\0", 2 }));
}
