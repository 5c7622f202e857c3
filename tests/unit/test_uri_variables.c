/* Templates of resource URIs: which are taken, what they match, what a variable says. */
#include <criterion/criterion.h>

#include "uri_variables.h"

#define FIELDS "odoo://model/{model}/fields"

static buf_t seen;

static void note(void *self, span_t name, span_t value)
{
    (void)self;
    buf_add_span(&seen, name);
    buf_add_char(&seen, '=');
    buf_add_span(&seen, value);
    buf_add_char(&seen, ';');
}

/* What was matched, "model=res.partner;", or NULL. */
static const char *match(const char *uri_template, const char *uri)
{
    buf_clear(&seen);
    return uri_variables_match(uri_template, span_of(uri), note, NULL) ? buf_text(&seen) : NULL;
}

Test(uri_variables, gives_each_variable_its_value)
{
    cr_assert_str_eq(match(FIELDS, "odoo://model/res.partner/fields"), "model=res.partner;");
    cr_assert_str_eq(match("a:{x}-{y}", "a:1-2"), "x=1;y=2;");
    cr_assert_str_eq(match("a:{x}-b", "a:1-b2-b"), "x=1-b2;", "the last literal stands at the end");
    cr_assert_str_eq(match("a:{x}", "a:1"), "x=1;");
}

Test(uri_variables, resolves_percent_coding)
{
    cr_assert_str_eq(match("a:{x}/b", "a:ol%C3%A1%2Fmundo/b"), "x=olá/mundo;");
}

Test(uri_variables, does_not_match_what_is_not_its_own)
{
    static const char *const others[] = {
        "odoo://model//fields",
        "odoo://model/a/b/fields",
        "odoo://model/a/fields/",
        "odoo://model/a",
        "odoo://models",
        "odoo://model/a?b/fields",
        "",
        "odoo://model/",
        "ODOO://model/res.partner/fields",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        cr_expect_null(match(FIELDS, others[i]), "%s", others[i]);
    }
}

Test(uri_variables, takes_no_value_that_is_not_text)
{
    cr_assert_null(match("a:{x}", "a:%00"));
    cr_assert_null(match("a:{x}", "a:%ff"));
    cr_assert_null(match("a:{x}", "a:%4"));
    cr_assert_null(match("a:{x}", "a:%zz"));
    cr_assert_null(match("a:{x}", "a:1%"));
}

Test(uri_variables, refuses_what_cannot_be_matched)
{
    static const char *const wrong[] = { "a:b", "a:{x", "a:x}", "a:{}", "a:{x}{y}", "a:{x}}", "a:{{x}}" };
    err_t err;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(uri_variables_check(wrong[i], &err), -1, "%s", wrong[i]);
    }
    cr_assert_eq(uri_variables_check(FIELDS, &err), 0);
    cr_assert_eq(uri_variables_check("{scheme}:b/{y}/", &err), 0);
}
