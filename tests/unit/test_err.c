/* An error is always one sentence of valid UTF-8, whatever went into it. */
#include <criterion/criterion.h>
#include <string.h>

#include "err.h"
#include "mem.h"
#include "span.h"
#include "utf8.h"

Test(err, fails_in_one_line)
{
    err_t err;

    cr_assert_eq(err_set(&err, ERR_UPSTREAM, "Odoo refused the login for %s.", "anna"), -1);
    cr_assert_eq(err.kind, ERR_UPSTREAM);
    cr_assert_eq(err.code, 0);
    cr_assert_str_eq(err.text, "Odoo refused the login for anna.");
    cr_assert_eq(err_set(NULL, ERR_CALLER, "nobody listens"), -1);
}

Test(err, may_be_built_from_its_own_text)
{
    err_t err;

    err_set(&err, ERR_TIMEOUT, "inner");
    err_set(&err, err.kind, "outer: %s", err.text);
    cr_assert_str_eq(err.text, "outer: inner");
}

Test(err, cuts_long_text_between_characters_and_says_so)
{
    err_t err;
    AUTO(mem_free) char *pad = NULL;

    /* The two-byte character falls on every offset around the end. */
    for (size_t length = 480; length < 530; length++) {
        mem_free(pad);
        pad = mem_alloc(length + 1);
        memset(pad, 'x', length);
        err_set(&err, ERR_CALLER, "%s\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9%s", pad, pad);
        cr_assert(utf8_is_valid(span_of(err.text)), "at %zu", length);
        cr_assert_str_eq(err.text + strlen(err.text) - 3, "...");
        cr_assert_geq(strlen(err.text), 505);
    }
}

Test(err, keeps_text_of_exactly_its_size)
{
    err_t err;
    char text[512];

    memset(text, 'y', 511);
    text[511] = '\0';
    err_set(&err, ERR_CALLER, "%s", text);
    cr_assert_str_eq(err.text, text);
}

Test(err, shows_bytes_that_are_not_utf8_as_question_marks)
{
    err_t err;

    err_set(&err, ERR_CALLER, "got %s", "\xFF\xC3z\xED\xA0\x80");
    cr_assert_str_eq(err.text, "got ??z???");
}

Test(err, has_a_code_of_its_own_or_that_of_its_kind)
{
    err_t err;

    err_set_code(&err, ERR_PROTOCOL, -32020, "header mismatch");
    cr_assert_eq(err_rpc_code(&err), -32020);
    err_set(&err, ERR_PROTOCOL, "no request");
    cr_assert_eq(err_rpc_code(&err), -32600);
}

Test(err, maps_each_kind_to_its_statuses)
{
    err_t err;

    err_set(&err, ERR_UNKNOWN, "x");
    cr_assert_eq(err_modern_status(&err), 200);
    cr_assert_eq(err_rest_status(ERR_UNKNOWN), 404);
    cr_assert_eq(err_rest_status(ERR_TIMEOUT), 504);
    cr_assert_eq(err_rest_status(ERR_UPSTREAM), 502);
    cr_assert_eq(err_rest_status(ERR_UNAUTHORIZED), 401);
}

Test(err, finds_kinds_by_name)
{
    cr_assert_str_eq(err_name(ERR_DENIED), "denied");
    for (int kind = ERR_CALLER; kind <= ERR_INTERNAL; kind++) {
        cr_assert_eq(err_from_name(err_name((err_kind_t)kind)), kind);
    }
    cr_assert_eq(err_from_name("nonsense"), -1);
    cr_assert_eq(err_from_name(NULL), -1);
}
