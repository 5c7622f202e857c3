/* Client tokens as `guiche token` makes them. */
#include "test_token_kit.h"

#include "keys.h"
#include "mint.h"
#include "token.h"

#define NOW 1800000000

static char *mint(const char *issuer, const char *audience)
{
    static const char *const permissions[] = { "*", "crm.read" };
    principal_t *principal = principal_new("anna", "demo", permissions, 2);
    char *token = mint_client_token(span_of(kit_secret), principal, issuer, audience, NOW, 3600);

    cr_assert(token);
    principal_unref(principal);
    return token;
}

static int verify(const char *token, const char *issuer, const char *audience, token_use_t use, int64_t now,
                  err_t *err)
{
    keys_t *keys = keys_new();
    principal_t *principal = NULL;
    int64_t expires = 0;
    token_rules_t rules = {
        .use = use, .keys = keys, .issuer = issuer, .audience = audience, .now_unix = now
    };

    keys_add_secret(keys, span_of(kit_secret), NULL);
    int rc = token_verify(&rules, span_of(token), &principal, &expires, err);
    if (rc == 0) {
        cr_assert_str_eq(principal->subject, "anna");
        cr_assert_str_eq(principal->tenant_id, "demo");
        cr_assert(principal_has(principal, "anything"));
        cr_assert_eq(expires, NOW + 3600);
    }
    principal_unref(principal);
    keys_free(keys);
    return rc;
}

Test(mint, makes_tokens_the_front_door_takes_until_they_expire)
{
    AUTO_TEXT *token = mint(NULL, NULL);
    err_t err = { 0 };

    cr_assert_eq(verify(token, NULL, NULL, TOKEN_CLIENT, NOW + 3599, &err), 0, "%s", err.text);
    cr_assert_eq(verify(token, NULL, NULL, TOKEN_CLIENT, NOW + 3600, &err), -1);
    cr_assert_str_eq(err.text, "Token has expired.");
}

Test(mint, names_issuer_and_audience)
{
    AUTO_TEXT *token = mint("https://id", "https://mcp");
    err_t err = { 0 };

    cr_assert_eq(verify(token, "https://id", "https://mcp", TOKEN_CLIENT, NOW, &err), 0, "%s", err.text);
    cr_assert_eq(verify(token, "https://id", "https://other", TOKEN_CLIENT, NOW, &err), -1);
}

Test(mint, makes_nothing_a_connector_takes)
{
    AUTO_TEXT *token = mint(NULL, NULL);
    err_t err = { 0 };

    cr_assert_eq(verify(token, NULL, NULL, TOKEN_HOP, NOW, &err), -1);
    cr_assert_str_eq(err.text, "Token is not a hop token: a connector takes only those of its gateway.");
}
