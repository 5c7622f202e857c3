/* What is remembered of logins, with a clock of our own. */
#include <criterion/criterion.h>
#include <string.h>

#include "logins.h"
#include "mem.h"
#include "odoo_client.h"

static logins_t *logins;
static err_t err;

static void set_up(void)
{
    logins = logins_new();
}

static void tear_down(void)
{
    logins_free(logins);
}

TestSuite(odoo_logins, .init = set_up, .fini = tear_down);

Test(odoo_logins, remembers_the_uid_of_credentials_for_minutes)
{
    login_key_t key = login_key("demo", "ana", "secret");

    cr_expect_eq(logins_uid(logins, &key, 0), 0);
    logins_remember(logins, &key, 7, 0);
    cr_expect_eq(logins_uid(logins, &key, LOGINS_UID_MS - 1), 7);
    cr_expect_eq(logins_uid(logins, &key, LOGINS_UID_MS), 0);
}

Test(odoo_logins, tells_credentials_apart_by_each_of_their_parts)
{
    login_key_t key = login_key("demo", "ana", "secret");
    const login_key_t others[] = { login_key("demo", "ana", "secre"), login_key("demo", "anas", "ecret"),
                                   login_key("demo2", "ana", "secret"), login_key("", "demoana", "secret") };

    logins_remember(logins, &key, 7, 0);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        cr_expect_eq(logins_uid(logins, &others[i], 1), 0, "%zu", i);
    }
}

Test(odoo_logins, forgets_when_told)
{
    login_key_t key = login_key("demo", "ana", "secret");

    logins_remember(logins, &key, 7, 0);
    logins_forget(logins, &key);
    cr_expect_eq(logins_uid(logins, &key, 1), 0);
    logins_forget(logins, &key);
}

Test(odoo_logins, keeps_a_bounded_number_and_drops_the_oldest)
{
    login_key_t first = login_key("demo", "first", "x"), last;

    logins_remember(logins, &first, 1, 0);
    for (int i = 0; i < 5000; i++) {
        AUTO(mem_free) char *name = mem_printf("user%d", i);
        last = login_key("demo", name, "x");
        logins_remember(logins, &last, i + 2, i + 1);
    }
    cr_expect_eq(logins_uid(logins, &first, 5001), 0);
    cr_expect_eq(logins_uid(logins, &last, 5001), 5001);
}

Test(odoo_logins, refuses_a_login_that_fails_too_often_until_its_minute_is_over)
{
    for (int i = 0; i < LOGINS_MAX_FAILURES; i++) {
        cr_expect_eq(logins_may_try(logins, "acme", "ana", 1000, &err), 0);
        logins_failed(logins, "acme", "ana", 1000);
    }
    cr_expect_eq(logins_may_try(logins, "acme", "ana", 11000, &err), -1);
    cr_expect_eq(err.kind, ERR_DENIED);
    cr_expect(strstr(err.text, "50 s"), "%s", err.text);
    cr_expect_not(strstr(err.text, "ana"));
    cr_expect_eq(logins_may_try(logins, "acme", "bruno", 11000, &err), 0);
    cr_expect_eq(logins_may_try(logins, "acme", "ana", 1000 + LOGINS_WINDOW_MS, &err), 0);
    logins_failed(logins, "acme", "ana", 1000 + LOGINS_WINDOW_MS);
    cr_expect_eq(logins_may_try(logins, "acme", "ana", 1000 + LOGINS_WINDOW_MS, &err), 0);
}

Test(odoo_logins, nobody_locks_out_another_tenant_or_the_service_account)
{
    for (int i = 0; i < LOGINS_MAX_FAILURES; i++) {
        logins_failed(logins, "acme", "ana", 0);
    }
    cr_expect_eq(logins_may_try(logins, "acme", "ana", 1, &err), -1);
    cr_expect_eq(logins_may_try(logins, "other", "ana", 1, &err), 0);
    cr_expect_eq(logins_may_try(logins, SERVICE_ACCOUNT, "ana", 1, &err), 0);
    cr_expect_eq(logins_may_try(logins, "acmea", "na", 1, &err), 0);
}

Test(odoo_logins, a_success_ends_the_count)
{
    for (int i = 0; i < LOGINS_MAX_FAILURES - 1; i++) {
        logins_failed(logins, "acme", "ana", 0);
    }
    logins_succeeded(logins, "acme", "ana");
    logins_failed(logins, "acme", "ana", 1);
    cr_expect_eq(logins_may_try(logins, "acme", "ana", 2, &err), 0);
}

Test(odoo_logins, many_failing_names_do_not_grow_without_bound)
{
    for (int i = 0; i < 5000; i++) {
        AUTO(mem_free) char *name = mem_printf("user%d", i);
        logins_failed(logins, "acme", name, i);
    }
    cr_expect_eq(logins_may_try(logins, "acme", "user4999", 5000, &err), 0);
}
