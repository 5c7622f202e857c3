/* Hop keys and hop tokens: whom they name, and at which door they hold. */
#include "test_token_kit.h"

#include "buf.h"
#include "hop.h"
#include "keys.h"
#include "token.h"

#define NOW 1800000000

static principal_t *anna(void)
{
    static const char *const permissions[] = { "crm.read", "crm.write" };

    return principal_new("anna \"\xC3\xA9\"", "demo", permissions, 2);
}

static char *mint(const char *key)
{
    principal_t *principal = anna();
    char *token = hop_mint(key, "crm", principal, NOW);

    principal_unref(principal);
    return token;
}

static int verify(const char *key, const char *token, const char *audience, int64_t now, principal_t **ret,
                  err_t *err)
{
    keys_t *keys = keys_new();
    int64_t expires = 0;
    token_rules_t rules = { .use = TOKEN_HOP, .keys = keys, .audience = audience, .now_unix = now };

    cr_assert_eq(keys_add_secret(keys, span_of(key), err), 0);
    int rc = token_verify(&rules, span_of(token), ret, &expires, err);
    cr_assert(rc != 0 || expires == NOW + HOP_TTL_SECONDS);
    keys_free(keys);
    return rc;
}

/* RFC 4231 test case 2, with the key "Jefe". */
Test(hop, derives_keys_by_hmac_sha256_in_hex)
{
    char key[HOP_KEY_HEX_SIZE];

    hop_key_derive(SPAN("Jefe"), "what do ya want for nothing?", key);
    cr_assert_str_eq(key, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

Test(hop, gives_each_connector_a_key_of_its_own)
{
    char crm[HOP_KEY_HEX_SIZE], odoo[HOP_KEY_HEX_SIZE];

    hop_key_derive(SPAN("secret"), "crm", crm);
    hop_key_derive(SPAN("secret"), "odoo", odoo);
    cr_assert_str_neq(crm, odoo);
}

Test(hop, mints_what_the_connector_takes)
{
    char key[HOP_KEY_HEX_SIZE];
    principal_t *principal = NULL;
    err_t err = { 0 };

    hop_key_derive(SPAN("secret"), "crm", key);
    AUTO_TEXT *token = mint(key);
    cr_assert_eq(verify(key, token, "crm", NOW + HOP_TTL_SECONDS - 1, &principal, &err), 0, "%s", err.text);
    cr_assert_str_eq(principal->subject, "anna \"\xC3\xA9\"");
    cr_assert_str_eq(principal->tenant_id, "demo");
    cr_assert_eq(principal->permission_count, 2);
    cr_assert(principal_has(principal, "crm.write"));
    cr_assert_not(principal->from_scope);
    principal_unref(principal);
}

/* libjwt 1.10 would write typ JWT here. */
Test(hop, says_its_type_in_the_header)
{
    AUTO_TEXT *token = mint("0123456789012345678901234567890123456789012345678901234567890123");
    AUTO_TEXT *header = kit_base64url("{\"alg\":\"HS256\",\"typ\":\"guiche-hop+jwt\"}", 38);

    cr_assert_eq(strncmp(token, header, strlen(header)), 0);
    cr_assert_eq(token[strlen(header)], '.');
}

Test(hop, is_of_no_use_to_another_connector_or_later)
{
    char crm[HOP_KEY_HEX_SIZE], odoo[HOP_KEY_HEX_SIZE];
    principal_t *principal = NULL;
    err_t err;

    hop_key_derive(SPAN("secret"), "crm", crm);
    hop_key_derive(SPAN("secret"), "odoo", odoo);
    AUTO_TEXT *token = mint(crm);
    cr_assert_eq(verify(odoo, token, "odoo", NOW, &principal, &err), -1);
    cr_assert_str_eq(err.text, "Token has a bad signature.");
    cr_assert_eq(verify(crm, token, "odoo", NOW, &principal, &err), -1);
    cr_assert_str_eq(err.text, "Token has the wrong audience (aud).");
    cr_assert_eq(verify(crm, token, "crm", NOW + HOP_TTL_SECONDS, &principal, &err), -1);
    cr_assert_str_eq(err.text, "Token has expired.");
}

Test(hop, mints_for_a_principal_without_permissions)
{
    static const char key[] = "0123456789012345678901234567890123456789012345678901234567890123";
    principal_t *principal = principal_new("bert", "demo", NULL, 0), *got = NULL;
    AUTO_TEXT *token = hop_mint(key, "crm", principal, NOW);
    err_t err = { 0 };

    cr_assert_eq(verify(key, token, "crm", NOW, &got, &err), 0, "%s", err.text);
    cr_assert_eq(got->permission_count, 0);
    principal_unref(got);
    principal_unref(principal);
}

/* A scope separates its words by one byte, an array of permissions by three. */
Test(hop, carries_all_that_the_largest_client_token_grants)
{
    static const char key[] = "0123456789012345678901234567890123456789012345678901234567890123";
    AUTO_BUF payload = { 0 };
    principal_t *principal = NULL, *got = NULL;
    keys_t *keys = keys_new();
    token_rules_t rules = { .use = TOKEN_CLIENT, .keys = keys, .now_unix = NOW };
    int64_t expires = 0;
    err_t err = { 0 };

    buf_addf(&payload, "{\"sub\":\"s\",\"tenant_id\":\"t\",\"exp\":%d,\"scope\":\"", NOW + 60);
    for (unsigned i = 0; payload.length < 5900; i++) {
        buf_addf(&payload, "%x ", 0x100 + i);
    }
    buf_add_text(&payload, "\"}");
    AUTO_TEXT *token = kit_hmac("SHA256", span_of(key), "{\"alg\":\"HS256\"}", buf_text(&payload));
    cr_assert_leq(strlen(token), TOKEN_MAX_BYTES);
    cr_assert_eq(keys_add_secret(keys, span_of(key), &err), 0);
    cr_assert_eq(token_verify(&rules, span_of(token), &principal, &expires, &err), 0, "%s", err.text);
    AUTO_TEXT *hop = hop_mint(key, "crm", principal, NOW);
    cr_assert_eq(verify(key, hop, "crm", NOW, &got, &err), 0, "%s", err.text);
    cr_assert_eq(got->permission_count, principal->permission_count);
    principal_unref(got);
    principal_unref(principal);
    keys_free(keys);
}
