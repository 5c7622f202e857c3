/* Whether a URI could come from a template: RFC 6570 read backwards. */
#include "uri_template.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "mem.h"

static bool matches(const char *text, const char *uri)
{
    err_t err;

    cr_assert_eq(uri_template_check(span_of(text), &err), 0, "%s: %s", text, err.text);
    return uri_template_matches(span_of(text), span_of(uri));
}

static void refuse(const char *text, const char *reason)
{
    err_t err;

    cr_assert_eq(uri_template_check(span_of(text), &err), -1, "%s was taken", text);
    cr_assert(strstr(err.text, reason), "%s: %s", text, err.text);
}

Test(uri_template, takes_a_variable_for_one_segment)
{
    const char *text = "test://template/{id}/data";

    cr_assert(matches(text, "test://template/123/data"));
    cr_assert(matches(text, "test://template/a%2Fb/data"));
    cr_assert_not(matches(text, "test://template//data"), "one byte at least");
    cr_assert_not(matches(text, "test://template/1/2/data"));
    cr_assert_not(matches(text, "test://template/1?x/data"));
    cr_assert_not(matches(text, "test://template/123/data2"));
    cr_assert_not(matches(text, "test://template/123/dat"));
    cr_assert_not(matches(text, "test://templates/123/data"));
    cr_assert_not(matches(text, ""));
}

Test(uri_template, is_its_own_text_without_variables)
{
    cr_assert(matches("a://b", "a://b"));
    cr_assert_not(matches("a://b", "a://bc"));
    cr_assert_not(matches("a://b", "a://"));
    cr_assert_not(matches("", "a"));
}

Test(uri_template, takes_several_variables_between_literals)
{
    cr_assert(matches("db://{table}/{row}.{format}", "db://users/7.json"));
    cr_assert(matches("db://{table}/{row}.{format}", "db://users/7.tar.gz"));
    cr_assert_not(matches("db://{table}/{row}.{format}", "db://users/7"));
    cr_assert(matches("geo:{lat,lon}", "geo:1.5,2"));
    cr_assert(matches("x{a}{b}", "xyz"));
    cr_assert_not(matches("x{a}{b}", "xy"));
}

Test(uri_template, takes_a_reserved_variable_across_slashes)
{
    cr_assert(matches("file:///{+path}", "file:///a/b/c?d#e"));
    cr_assert_not(matches("file:///{+path}", "file:///"));
    cr_assert(matches("file:///{+path}/end", "file:///a/end/b/end"), "the last end counts");
    cr_assert_not(matches("file:///{+path}/end", "file:///a/end/b"));
}

/* What needs more than going back to the last star: {b} may not cross the second slash. */
Test(uri_template, finds_the_one_division_there_is)
{
    cr_assert(matches("{+a}x{b}", "1x2/3x4"));
    cr_assert_not(matches("{+a}x{b}", "1x2/3y4"));
}

Test(uri_template, takes_what_may_be_missing)
{
    cr_assert(matches("s://find{?q,page}", "s://find"));
    cr_assert(matches("s://find{?q,page}", "s://find?q=a/b&page=2"));
    cr_assert_not(matches("s://find{?q,page}", "s://find#x"));
    cr_assert_not(matches("s://find{?q,page}", "s://finder"));
    cr_assert(matches("s://find?a=1{&q}", "s://find?a=1&q=2"));
    cr_assert(matches("s://doc{#part}", "s://doc#a/b"));
    cr_assert(matches("s://doc{.format}", "s://doc.json"));
    cr_assert(matches("s://doc{;v}", "s://doc;v=1"));
    cr_assert_not(matches("s://doc{.format}", "s://doc.json/x"));
}

Test(uri_template, takes_a_path_of_one_segment_or_more)
{
    cr_assert(matches("s://x{/a}", "s://x"));
    cr_assert(matches("s://x{/a}", "s://x/1"));
    cr_assert_not(matches("s://x{/a}", "s://x/1/2"));
    cr_assert(matches("s://x{/a*}", "s://x/1/2/3"));
    cr_assert(matches("s://x{/a,b}", "s://x/1/2"));
    cr_assert_not(matches("s://x{/a*}", "s://x1/2"));
    cr_assert_not(matches("s://x{/a*}", "s://x/1?2"));
}

Test(uri_template, holds_no_nul)
{
    cr_assert_not(uri_template_matches(SPAN("a{+b}"), SPAN("a\0b")));
}

Test(uri_template, counts_what_is_literal)
{
    cr_assert_eq(uri_template_literals(SPAN("ab{c}de{?f}")), 4);
    cr_assert_eq(uri_template_literals(SPAN("{c}")), 0);
    cr_assert_eq(uri_template_literals(SPAN("")), 0);
}

Test(uri_template, says_what_is_wrong_with_one)
{
    refuse("a{b", "does not close");
    refuse("a}b", "not open");
    refuse("a{b{c}}", "does not know");
    refuse("a{}", "without a variable");
    refuse("a{?}", "without a variable");
    refuse("a{b c}", "does not know");
    refuse("a{\xc3\xa9}", "does not know");
    refuse("{a}{b}{c}{d}{e}{f}{g}{h}{i}{j}{k}{l}{m}", "too many");

    AUTO(mem_free) char *text = mem_alloc(URI_TEMPLATE_MAX_BYTES + 2);
    memset(text, 'a', URI_TEMPLATE_MAX_BYTES + 1);
    text[URI_TEMPLATE_MAX_BYTES + 1] = '\0';
    refuse(text, "longer than");
}

/* Reading with going back takes longer than the universe for these. */
Test(uri_template, takes_no_longer_for_a_spiteful_one)
{
    AUTO(mem_free) char *uri = mem_alloc(URI_TEMPLATE_MAX_URI + 2);
    clock_t begun = clock();

    memset(uri, 'a', URI_TEMPLATE_MAX_URI + 1);
    uri[URI_TEMPLATE_MAX_URI + 1] = '\0';
    cr_assert_not(matches("{+a}", uri), "longer than any that is looked at");
    uri[URI_TEMPLATE_MAX_URI] = '\0';
    cr_assert(matches("{+a}", uri));
    for (int i = 0; i < 20; i++) {
        cr_assert_not(matches("{+a}a{+b}a{+c}a{+d}a{+e}a{+f}a{+g}a{+h}a{+i}a{+j}a{+k}a{+l}b", uri));
    }
    cr_assert_lt(clock() - begun, 5 * CLOCKS_PER_SEC);
}
