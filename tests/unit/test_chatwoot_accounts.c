/* Which accounts a token belongs to, for how long that is remembered, and which one a call works in. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "accounts.h"
#include "mem.h"

AUTO_DEFINE(accounts_t *, accounts_free);

static int put(accounts_t *accounts, const char *token, const char *profile, int64_t now_ms)
{
    json_auto_t *json = json_loads(profile, 0, NULL);
    accounts_key_t key = accounts_key(token);
    err_t err;

    return accounts_put(accounts, &key, json, now_ms, &err);
}

static const account_ids_t *find(accounts_t *accounts, const char *token, int64_t now_ms)
{
    accounts_key_t key = accounts_key(token);

    return accounts_find(accounts, &key, now_ms);
}

Test(accounts, are_remembered_for_minutes_by_token)
{
    AUTO(accounts_free) accounts_t *accounts = accounts_new();

    cr_expect_null(find(accounts, "ana", 1000));
    cr_expect_eq(put(accounts, "ana",
                     "{\"accounts\":[{\"id\":3},{\"id\":8,\"status\":\"suspended\"},{\"id\":4}]}", 1000),
                 0);
    const account_ids_t *ids = find(accounts, "ana", 1000 + ACCOUNTS_TTL_MS - 1);
    cr_assert_not_null(ids);
    cr_expect_eq(ids->count, 2);
    cr_expect(ids->ids[0] == 3 && ids->ids[1] == 4);
    cr_expect_null(find(accounts, "ana", 1000 + ACCOUNTS_TTL_MS), "too old");
    cr_expect_null(find(accounts, "bruno", 1000), "another token");
}

Test(accounts, a_refused_token_is_forgotten)
{
    AUTO(accounts_free) accounts_t *accounts = accounts_new();
    accounts_key_t key = accounts_key("ana");

    put(accounts, "ana", "{\"accounts\":[{\"id\":3}]}", 1000);
    put(accounts, "bruno", "{\"accounts\":[{\"id\":4}]}", 1000);
    accounts_forget(accounts, &key);
    cr_expect_null(find(accounts, "ana", 1001));
    cr_expect_not_null(find(accounts, "bruno", 1001));
}

Test(accounts, the_one_that_expires_first_makes_room)
{
    AUTO(accounts_free) accounts_t *accounts = accounts_new();
    char token[20];

    for (int i = 0; i <= ACCOUNTS_MAX_TOKENS; i++) {
        snprintf(token, sizeof(token), "token %d", i);
        put(accounts, token, "{\"accounts\":[{\"id\":3}]}", 1000 + i);
    }
    cr_expect_null(find(accounts, "token 0", 1000));
    cr_expect_not_null(find(accounts, "token 1", 1000));
    cr_expect_not_null(find(accounts, token, 1000));
}

Test(accounts, what_is_no_profile_changes_nothing)
{
    AUTO(accounts_free) accounts_t *accounts = accounts_new();

    put(accounts, "ana", "{\"accounts\":[{\"id\":3}]}", 1000);
    cr_expect_eq(put(accounts, "ana", "{\"accounts\":\"all\"}", 1000), -1);
    cr_expect_eq(put(accounts, "ana", "[]", 1000), -1);
    cr_expect_eq(find(accounts, "ana", 1000)->count, 1);
    cr_expect_eq(put(accounts, "ana", "{\"accounts\":[null,{},{\"id\":\"3\"},{\"id\":-1},7]}", 1000), 0);
    cr_expect_eq(find(accounts, "ana", 1000)->count, 0);
}

static const char *picked(account_ids_t of, int64_t asked, int64_t configured, bool is_user)
{
    static char text[sizeof(((err_t *)0)->text)];
    int64_t id;
    err_t err;

    if (accounts_pick(&of, asked, configured, is_user, &id, &err)) {
        snprintf(text, sizeof(text), "%s", err.text);
    } else {
        snprintf(text, sizeof(text), "%lld", (long long)id);
    }
    return text;
}

Test(accounts, the_account_is_the_one_asked_for_the_configured_or_the_only_one)
{
    const int64_t both[] = { 3, 4 };

    cr_expect_str_eq(picked((account_ids_t){ both, 2 }, 4, 3, true), "4");
    cr_expect_str_eq(picked((account_ids_t){ both, 2 }, 0, 3, true), "3");
    cr_expect_str_eq(picked((account_ids_t){ both, 1 }, 0, 9, true), "3");
    cr_expect_str_eq(picked((account_ids_t){ both, 1 }, 0, 0, false), "3");
}

Test(accounts, otherwise_the_sentence_says_who_must_do_what)
{
    const int64_t both[] = { 3, 4 };

    cr_expect_str_eq(picked((account_ids_t){ both, 2 }, 9, 3, true),
                     "The user's Chatwoot token does not belong to account 9. Its accounts: 3, 4.");
    cr_expect_str_eq(picked((account_ids_t){ both, 2 }, 0, 0, true),
                     "The user belongs to several Chatwoot accounts (3, 4): say which one in the header "
                     "X-Chatwoot-Account-Id.");
    cr_expect_str_eq(
        picked((account_ids_t){ both, 2 }, 0, 9, false),
        "CHATWOOT_API_KEY belongs to several Chatwoot accounts (3, 4): set CHATWOOT_ACCOUNT_ID to one of "
        "them.");
    cr_expect_str_eq(picked((account_ids_t){ NULL, 0 }, 9, 0, true),
                     "The user's Chatwoot token does not belong to account 9. Its accounts: none.");
    cr_expect_str_eq(picked((account_ids_t){ NULL, 0 }, 0, 0, true),
                     "The user's Chatwoot token belongs to no active Chatwoot account.");
}
