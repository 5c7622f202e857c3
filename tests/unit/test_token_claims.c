/* What a payload must say; headers and signatures are in test_token.c. */
#include "test_token_kit.h"

#include <math.h>

#include "keys.h"
#include "token.h"

#define NOW 1800000000
#define WHO "\"sub\":\"anna\",\"tenant_id\":\"demo\""
#define EXP "\"exp\":1800000100"

static keys_t *keys;

static void make_keys(void)
{
    keys = keys_new();
    keys_add_secret(keys, span_of(kit_secret), NULL);
}

static void free_keys(void)
{
    keys_free(keys);
}

TestSuite(claims, .init = make_keys, .fini = free_keys);

static token_rules_t rules(void)
{
    return (token_rules_t){ .use = TOKEN_CLIENT, .keys = keys, .now_unix = NOW };
}

static int verify(const token_rules_t *by, const char *payload, principal_t **ret, int64_t *ret_expires,
                  err_t *err)
{
    AUTO_TEXT *token = kit_hmac("SHA256", span_of(kit_secret), "{\"alg\":\"HS256\"}", payload);

    return token_verify(by, span_of(token), ret, ret_expires, err);
}

static principal_t *take_by(token_rules_t by, const char *payload)
{
    principal_t *principal = NULL;
    int64_t expires;
    err_t err = { 0 };

    cr_assert_eq(verify(&by, payload, &principal, &expires, &err), 0, "%s: %s", payload, err.text);
    return principal;
}

static principal_t *take(const char *payload)
{
    return take_by(rules(), payload);
}

static void refuse_by(token_rules_t by, const char *payload, const char *sentence)
{
    principal_t *principal = NULL;
    int64_t expires;
    err_t err = { 0 };

    cr_assert_eq(verify(&by, payload, &principal, &expires, &err), -1, "taken: %s", payload);
    cr_assert_eq(err.kind, ERR_UNAUTHORIZED);
    cr_assert_str_eq(err.text, sentence, "%s: %s", payload, err.text);
    cr_assert_null(principal);
}

static void refuse(const char *payload, const char *sentence)
{
    refuse_by(rules(), payload, sentence);
}

Test(claims, must_have_an_expiry_that_has_not_come)
{
    refuse("{" WHO "}", "Token has no expiry (exp).");
    refuse("{" WHO ",\"exp\":null}", "Token has no expiry (exp).");
    refuse("{" WHO ",\"exp\":1799999999}", "Token has expired.");
    refuse("{" WHO ",\"exp\":1800000000}", "Token has expired.");
    refuse("{" WHO ",\"exp\":1800000000.9}", "Token has expired.");
    refuse("{" WHO ",\"exp\":-1}", "Token has expired.");
    refuse("{" WHO ",\"exp\":-1e300}", "Token has expired.");
    refuse("{" WHO ",\"exp\":\"1800000100\"}", "Token is malformed: exp must be a number.");
    refuse("{" WHO ",\"exp\":[1800000100]}", "Token is malformed: exp must be a number.");
    refuse("{" WHO ",\"exp\":1e999}",
           "Token is malformed: its payload is not one JSON object without duplicate members.");
    principal_unref(take("{" WHO ",\"exp\":1800000001}"));
}

Test(claims, tell_until_when_a_token_holds)
{
    static const struct {
        const char *exp;
        int64_t expires;
    } cases[] = { { "1800000001", 1800000001 },
                  { "1800000001.9", 1800000001 },
                  { "1.8000001e9", 1800000100 },
                  { "1e300", 253402300799 },
                  { "9223372036854775807", 253402300799 } };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_TEXT *payload = mem_printf("{" WHO ",\"exp\":%s}", cases[i].exp);
        principal_t *principal = NULL;
        int64_t expires = 0;
        token_rules_t by = rules();
        cr_assert_eq(verify(&by, payload, &principal, &expires, NULL), 0);
        cr_assert_eq(expires, cases[i].expires, "%s", cases[i].exp);
        principal_unref(principal);
    }
}

Test(claims, may_begin_a_minute_ahead_of_our_clock)
{
    principal_unref(take("{" WHO "," EXP ",\"nbf\":1800000060}"));
    principal_unref(take("{" WHO "," EXP ",\"nbf\":null}"));
    refuse("{" WHO "," EXP ",\"nbf\":1800000061}", "Token is not yet valid (nbf).");
    refuse("{" WHO "," EXP ",\"nbf\":\"soon\"}", "Token is malformed: nbf must be a number.");
}

Test(claims, must_have_the_issuer_that_is_asked_for)
{
    token_rules_t by = rules();

    by.issuer = "https://id.example.com";
    principal_unref(take_by(by, "{" WHO "," EXP ",\"iss\":\"https://id.example.com\"}"));
    refuse_by(by, "{" WHO "," EXP ",\"iss\":\"https://id.example.com/\"}",
              "Token has the wrong issuer (iss).");
    refuse_by(by, "{" WHO "," EXP "}", "Token has the wrong issuer (iss).");
    refuse_by(by, "{" WHO "," EXP ",\"iss\":[\"https://id.example.com\"]}",
              "Token has the wrong issuer (iss).");
    principal_unref(take("{" WHO "," EXP ",\"iss\":\"anybody\"}"));
}

Test(claims, must_name_the_audience_alone_or_among_others)
{
    token_rules_t by = rules();

    by.audience = "crm";
    principal_unref(take_by(by, "{" WHO "," EXP ",\"aud\":\"crm\"}"));
    principal_unref(take_by(by, "{" WHO "," EXP ",\"aud\":[\"odoo\",7,\"crm\"]}"));
    refuse_by(by, "{" WHO "," EXP ",\"aud\":\"crm2\"}", "Token has the wrong audience (aud).");
    refuse_by(by, "{" WHO "," EXP ",\"aud\":[]}", "Token has the wrong audience (aud).");
    refuse_by(by, "{" WHO "," EXP ",\"aud\":{\"crm\":\"crm\"}}", "Token has the wrong audience (aud).");
    refuse_by(by, "{" WHO "," EXP ",\"aud\":[[\"crm\"]]}", "Token has the wrong audience (aud).");
    refuse_by(by, "{" WHO "," EXP "}", "Token has the wrong audience (aud).");
}

Test(claims, name_the_subject_by_sub_or_user_id)
{
    static const char *const payloads[][2] = { { "{\"sub\":\"anna\",\"user_id\":\"bert\"", "anna" },
                                               { "{\"user_id\":\"bert\"", "bert" },
                                               { "{\"sub\":null,\"user_id\":\"bert\"", "bert" },
                                               { "{\"user_id\":42", "42" } };

    for (size_t i = 0; i < COUNT_OF(payloads); i++) {
        AUTO_TEXT *payload = mem_printf("%s,\"tenant_id\":\"demo\"," EXP "}", payloads[i][0]);
        principal_t *principal = take(payload);
        cr_assert_str_eq(principal->subject, payloads[i][1]);
        principal_unref(principal);
    }
    refuse("{\"tenant_id\":\"demo\"," EXP "}", "Token has no subject (sub or user_id).");
}

#define NAME_RULE " must be text of 1 to 256 bytes without control characters."

Test(claims, refuse_names_that_are_none)
{
    AUTO_TEXT *name = mem_alloc(258);
    memset(name, 'n', 257);
    AUTO_TEXT *longer = mem_printf("{\"sub\":\"%s\",\"tenant_id\":\"demo\"," EXP "}", name);

    refuse(longer, "Token is malformed: sub" NAME_RULE);
    refuse("{\"sub\":7,\"tenant_id\":\"demo\"," EXP "}", "Token is malformed: sub" NAME_RULE);
    refuse("{\"sub\":\"\",\"user_id\":\"x\",\"tenant_id\":\"demo\"," EXP "}",
           "Token is malformed: sub" NAME_RULE);
    refuse("{\"sub\":\"a\\nb\",\"tenant_id\":\"demo\"," EXP "}", "Token is malformed: sub" NAME_RULE);
    refuse("{\"user_id\":1.5,\"tenant_id\":\"demo\"," EXP "}", "Token is malformed: user_id" NAME_RULE);
    refuse("{\"sub\":\"a\",\"tenant_id\":\"a\\u007f\"," EXP "}", "Token is malformed: tenant_id" NAME_RULE);
}

Test(claims, have_a_tenant_or_get_the_default_one)
{
    token_rules_t by = rules();

    refuse("{\"sub\":\"anna\"," EXP "}", "Token has no tenant (tenant_id).");
    by.default_tenant = "acme";
    principal_t *principal = take_by(by, "{\"sub\":\"anna\"," EXP "}");
    cr_assert_str_eq(principal->tenant_id, "acme");
    principal_unref(principal);
    principal = take_by(by, "{" WHO "," EXP "}");
    cr_assert_str_eq(principal->tenant_id, "demo");
    principal_unref(principal);
}

Test(claims, never_trade_a_broken_tenant_for_the_default_one)
{
    static const char *const broken[] = { "7", "\"\"", "[\"demo\"]", "{}", "true" };
    token_rules_t by = rules();

    by.default_tenant = "acme";
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        AUTO_TEXT *payload = mem_printf("{\"sub\":\"anna\",\"tenant_id\":%s," EXP "}", broken[i]);
        refuse_by(by, payload, "Token is malformed: tenant_id" NAME_RULE);
    }
}

static void check_permissions(const char *claims, const char *expected, bool from_scope)
{
    AUTO_TEXT *payload = mem_printf("{" WHO "," EXP "%s}", claims);
    principal_t *principal = take(payload);
    char list[256] = "";

    for (size_t i = 0; i < principal->permission_count; i++) {
        strcat(list, principal->permissions[i]);
        strcat(list, ";");
    }
    cr_assert_str_eq(list, expected, "%s: %s", claims, list);
    cr_assert_eq(principal->from_scope, from_scope, "%s", claims);
    principal_unref(principal);
}

Test(claims, join_permissions_scope_and_scp)
{
    check_permissions("", "", false);
    check_permissions(",\"permissions\":[\"b\",\"a\",\"b\"]", "a;b;", false);
    check_permissions(",\"scope\":\"  x   y \"", "x;y;", true);
    check_permissions(",\"scp\":\"x y\"", "x;y;", true);
    check_permissions(",\"scp\":[\"x y\",\"z\"]", "x y;z;", true);
    check_permissions(",\"permissions\":[\"a\"],\"scope\":\"x\",\"scp\":[\"y\",\"a\"]", "a;x;y;", false);
    check_permissions(",\"permissions\":[],\"scope\":\"x\"", "x;", true);
    check_permissions(",\"permissions\":null,\"scope\":null,\"scp\":null", "", false);
}

Test(claims, refuse_permissions_of_wrong_types)
{
    refuse("{" WHO "," EXP ",\"permissions\":\"*\"}",
           "Token is malformed: permissions must be an array of strings.");
    refuse("{" WHO "," EXP ",\"permissions\":[\"a\",7]}",
           "Token is malformed: permissions must be an array of strings.");
    refuse("{" WHO "," EXP ",\"scope\":[\"a\"]}", "Token is malformed: scope must be a string.");
    refuse("{" WHO "," EXP ",\"scp\":{}}", "Token is malformed: scp must be an array of strings.");
    refuse("{" WHO "," EXP ",\"scp\":[null]}", "Token is malformed: scp must be an array of strings.");
}

Test(principal, has_what_is_listed_and_everything_with_a_star)
{
    static const char *const some[] = { "crm.write", "crm.read", "crm.write" }, *const all[] = { "x", "*" };
    principal_t *few = principal_new("anna", "demo", some, 3);
    principal_t *star = principal_new("anna", "demo", all, 2);
    principal_t *none = principal_new("anna", "demo", NULL, 0);

    cr_assert_eq(few->permission_count, 2);
    cr_assert_str_eq(few->permissions[0], "crm.read");
    cr_assert(principal_has(few, "crm.write"));
    cr_assert_not(principal_has(few, "crm"));
    cr_assert_not(principal_has(few, "*"));
    cr_assert(principal_has(star, "anything"));
    cr_assert_not(principal_has(none, "x"));
    principal_unref(none);
    principal_unref(star);
    principal_unref(few);
}

Test(principal, lives_until_its_last_reference)
{
    principal_t *principal = principal_ref(principal_new("anna", "demo", NULL, 0));

    principal_unref(principal);
    cr_assert_str_eq(principal->subject, "anna");
    principal_unref(principal);
    principal_unref(NULL);
}
