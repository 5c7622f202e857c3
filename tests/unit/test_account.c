/* Whose credentials a call goes out with. The call is a fake that knows its headers and its tenant. */
#include "account.h"

#include <criterion/criterion.h>
#include <string.h>

#include "mem.h"
#include "span.h"

struct call {
    const char *tenant, *login, *key;
};

const char *call_header(call_t *call, const char *name)
{
    return strcmp(name, "X-Odoo-Login") == 0 ? call->login : call->key;
}

const char *call_tenant(const call_t *call)
{
    return call->tenant;
}

static const char *const user_headers[] = { "X-Odoo-Login", "X-Odoo-Api-Key", NULL };
static const char *values[2];
static tenants_t tenants;
static err_t err;

static account_rule_t rule_with(const char *list)
{
    cr_assert_eq(tenants_parse(list, true, false, &tenants, &err), 0, "%s", err.text);
    return (account_rule_t){
        .system = "Odoo", .user_headers = user_headers, .has_service_account = true, .tenants = &tenants
    };
}

static account_t account_of(call_t call, const account_rule_t *rule)
{
    account_t account = account_of_call(&call, rule, values, &err);

    tenants_release(&tenants);
    return account;
}

Test(account, is_the_users_own_when_all_headers_are_there)
{
    account_rule_t rule = rule_with("acme");

    cr_assert_eq(account_of((call_t){ "stranger", "ana", "k1" }, &rule), ACCOUNT_USER);
    cr_assert_str_eq(values[0], "ana");
    cr_assert_str_eq(values[1], "k1");
}

Test(account, is_the_service_account_for_its_tenants_only)
{
    account_rule_t rule = rule_with(" acme , globex");

    cr_assert_eq(account_of((call_t){ "globex", NULL, NULL }, &rule), ACCOUNT_SERVICE);
    cr_assert_null(values[0]);
    rule = rule_with("acme,globex");
    cr_assert_eq(account_of((call_t){ "glob", NULL, NULL }, &rule), ACCOUNT_NONE);
    cr_assert_eq(err.kind, ERR_DENIED);
    cr_assert_str_eq(err.text,
                     "The Odoo service account does not belong to your tenant. Connect your own Odoo "
                     "account (X-Odoo-Login and X-Odoo-Api-Key).");
    rule = rule_with("*");
    cr_assert_eq(account_of((call_t){ "anyone", NULL, NULL }, &rule), ACCOUNT_SERVICE);
}

Test(account, is_never_half_the_users_and_half_the_service_account)
{
    account_rule_t rule = rule_with("*");

    cr_assert_eq(account_of((call_t){ "acme", "ana", NULL }, &rule), ACCOUNT_NONE);
    cr_assert_eq(err.kind, ERR_CALLER);
    cr_assert(strstr(err.text, "X-Odoo-Api-Key is missing"), "%s", err.text);
    rule = rule_with("*");
    cr_assert_eq(account_of((call_t){ "acme", "", "k1" }, &rule), ACCOUNT_NONE);
    cr_assert(strstr(err.text, "X-Odoo-Login is missing"), "%s", err.text);
    cr_assert_not(strstr(err.text, "k1"));
}

Test(account, takes_empty_headers_for_absent_ones)
{
    account_rule_t rule = rule_with("*");

    cr_assert_eq(account_of((call_t){ "acme", "", "" }, &rule), ACCOUNT_SERVICE);
}

Test(account, says_what_to_connect_when_there_is_none)
{
    account_rule_t rule = rule_with("*");

    rule.has_service_account = false;
    cr_assert_eq(account_of((call_t){ "acme", NULL, NULL }, &rule), ACCOUNT_NONE);
    cr_assert_eq(err.kind, ERR_DENIED);
    cr_assert(strstr(err.text, "X-Odoo-Login and X-Odoo-Api-Key"), "%s", err.text);
    rule = rule_with("*");
    rule.has_service_account = false;
    rule.missing = "Missing Qlik access token. User needs to connect Qlik account.";
    cr_assert_eq(account_of((call_t){ "acme", NULL, NULL }, &rule), ACCOUNT_NONE);
    cr_assert_str_eq(err.text, rule.missing);
}

Test(account, needs_tenants_in_production_when_there_is_a_service_account)
{
    cr_assert_eq(tenants_parse(NULL, true, true, &tenants, &err), -1);
    cr_assert(strstr(err.text, "TENANTS is missing"), "%s", err.text);
    cr_assert_eq(tenants_parse("", true, true, &tenants, &err), -1);
    cr_assert_eq(tenants_parse(NULL, false, true, &tenants, &err), 0);
    tenants_release(&tenants);
    cr_assert_eq(tenants_parse(NULL, true, false, &tenants, &err), 0);
    cr_assert(tenants.all);
    tenants_release(&tenants);
}

Test(account, refuses_a_list_of_tenants_that_is_none)
{
    static const char *const lists[] = { ",", "acme,", "acme,,globex", " ", "*,acme", "acme, *" };

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        cr_assert_eq(tenants_parse(lists[i], true, false, &tenants, &err), -1, "%s", lists[i]);
        cr_assert(strstr(err.text, "TENANTS"), "%s", err.text);
    }
}
