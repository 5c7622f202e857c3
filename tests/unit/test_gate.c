/* Who gets in: tokens, API keys, and what is remembered of them. */
#include "gate.h"

#include <criterion/criterion.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "mem.h"
#include "mint.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW INT64_C(1795169475)

static api_key_t api_keys[2];
static config_t config = { .auth_mode = AUTH_JWT, .api_keys = api_keys, .references = 1000000 };

static void use_secret(const char *secret)
{
    err_t err;

    config.keys = keys_new();
    cr_assert_eq(keys_add_secret(config.keys, span_of(secret), &err), 0);
}

static char *token(int64_t ttl)
{
    static const char *const permissions[] = { "crm.read" };
    principal_t *principal = principal_new("anna", "demo", permissions, 1);
    AUTO(mem_free) char *jwt = mint_client_token(SPAN(SECRET), principal, NULL, NULL, NOW, ttl);

    principal_unref(principal);
    return mem_printf("Bearer %s", jwt);
}

static principal_t *enter(gate_t *gate, const char *authorization, int64_t now, err_t *err)
{
    principal_t *principal = NULL;

    return gate_check(gate, span_of(authorization), authorization ? 1 : 0, now, &principal, err) == 0
               ? principal
               : NULL;
}

Test(gate, remembers_a_token_for_a_minute_and_no_longer_than_it_holds)
{
    AUTO(mem_free) char *jwt = token(3600);
    AUTO(mem_free) char *brief = token(10);
    err_t err;

    use_secret(SECRET);
    gate_t *gate = gate_new(&config);
    principal_t *first = enter(gate, jwt, NOW, &err), *second = enter(gate, jwt, NOW + 59, &err);
    cr_assert_not_null(first);
    cr_assert_eq(first, second, "the second time it is remembered");
    principal_t *third = enter(gate, jwt, NOW + 61, &err);
    cr_assert_neq(first, third, "after a minute it is verified again");
    principal_unref(first);
    principal_unref(second);
    principal_unref(third);
    principal_unref(enter(gate, brief, NOW, &err));
    cr_assert_null(enter(gate, brief, NOW + 3600, &err));
    cr_assert(strstr(err.text, "expired"), "%s", err.text);
    gate_free(gate);
    keys_free(config.keys);
}

Test(gate, forgets_all_tokens_on_reload)
{
    AUTO(mem_free) char *jwt = token(3600);
    config_t other = config;
    err_t err;

    use_secret(SECRET);
    other.keys = keys_new();
    keys_add_secret(other.keys, SPAN("another secret of thirty-two bytes"), &err);
    gate_t *gate = gate_new(&config);
    principal_unref(enter(gate, jwt, NOW, &err));
    gate_set_config(gate, &other);
    cr_assert_null(enter(gate, jwt, NOW + 1, &err), "the secret was taken away");
    gate_free(gate);
    keys_free(config.keys);
    keys_free(other.keys);
}

Test(gate, says_what_is_missing)
{
    err_t err;

    use_secret(SECRET);
    gate_t *gate = gate_new(&config);
    cr_assert_null(enter(gate, NULL, NOW, &err));
    cr_assert_eq(err.kind, ERR_UNAUTHORIZED);
    cr_assert(strstr(err.text, "missing"));
    cr_assert_null(enter(gate, "Basic YTpi", NOW, &err));
    cr_assert(strstr(err.text, "Bearer"));
    cr_assert_null(enter(gate, "Bearer ", NOW, &err));
    cr_assert_null(enter(gate, "Bearer a.b.c", NOW, &err));
    principal_t *principal;
    cr_assert_eq(gate_check(gate, SPAN("Bearer x"), 2, NOW, &principal, &err), -1);
    cr_assert(strstr(err.text, "more than once"));
    gate_free(gate);
    keys_free(config.keys);
}

Test(gate, lets_an_api_key_in_by_its_digest)
{
    char *permissions[] = { "crm.read", NULL };
    err_t err;

    use_secret(SECRET);
    api_keys[0] = (api_key_t){ .name = "etl", .tenant_id = "demo", .permissions = permissions };
    api_keys[1] = (api_key_t){ .name = "bi", .tenant_id = "other", .permissions = permissions };
    SHA256((const unsigned char *)"key one", 7, api_keys[0].sha256);
    SHA256((const unsigned char *)"key two", 7, api_keys[1].sha256);
    config.api_key_count = 2;
    gate_t *gate = gate_new(&config);
    principal_t *principal = enter(gate, "bearer key two", NOW, &err);
    cr_assert_not_null(principal, "%s", err.text);
    cr_assert_str_eq(principal->subject, "bi");
    cr_assert_str_eq(principal->tenant_id, "other");
    cr_assert(principal_has(principal, "crm.read"));
    principal_unref(principal);
    cr_assert_null(enter(gate, "Bearer key three", NOW, &err));
    gate_free(gate);
    keys_free(config.keys);
}

/* {"alg":"ES256","kid":"new"}.{}.AA */
#define UNKNOWN_KEY "Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6Im5ldyJ9.e30.AA"

static void note_kid(void *self, const char *kid)
{
    snprintf(self, 32, "%s", kid);
}

Test(gate, tells_who_fetches_keys_which_one_is_unknown)
{
    AUTO(mem_free) char *jwt = token(3600);
    char asked[32] = "";
    config_t by_url = config;
    err_t err;

    use_secret(SECRET);
    by_url.keys = config.keys;
    gate_t *gate = gate_new(&by_url);
    gate_on_unknown_key(gate, note_kid, asked);
    cr_assert_null(enter(gate, UNKNOWN_KEY, NOW, &err));
    cr_assert_str_eq(asked, "", "without a URL there is nobody to ask");
    by_url.jwks_url = "https://id.example.com/jwks";
    cr_assert_null(enter(gate, UNKNOWN_KEY, NOW, &err));
    cr_assert_eq(err.kind, ERR_UNAUTHORIZED);
    cr_assert(strstr(err.text, "not known here"), "%s", err.text);
    cr_assert_str_eq(asked, "new");
    asked[0] = '\0';
    cr_assert_null(enter(gate, "Bearer a.b.c", NOW, &err));
    cr_assert_str_eq(asked, "", "what is no token asks for nothing");
    gate_set_keys(gate, by_url.keys, true);
    cr_assert_null(enter(gate, UNKNOWN_KEY, NOW, &err));
    cr_assert_eq(err.kind, ERR_UNAVAILABLE, "nobody knows yet");
    cr_assert_str_eq(asked, "");
    principal_t *principal = enter(gate, jwt, NOW, &err);
    cr_assert_not_null(principal, "the secret is known all along");
    principal_unref(principal);
    gate_free(gate);
    keys_free(config.keys);
}

Test(gate, forgets_tokens_when_keys_change_and_only_then)
{
    AUTO(mem_free) char *jwt = token(3600);
    keys_t *none = keys_new();
    err_t err;

    use_secret(SECRET);
    gate_t *gate = gate_new(&config);
    principal_t *first = enter(gate, jwt, NOW, &err);
    gate_set_keys(gate, config.keys, false);
    principal_t *second = enter(gate, jwt, NOW, &err);
    cr_assert_eq(first, second);
    gate_set_keys(gate, none, false);
    cr_assert_null(enter(gate, jwt, NOW, &err));
    principal_unref(first);
    principal_unref(second);
    keys_free(none);
    gate_free(gate);
    keys_free(config.keys);
}

Test(gate, is_open_only_when_it_is_told_to)
{
    config_t open = config;
    err_t err;

    open.auth_mode = AUTH_NONE;
    gate_t *gate = gate_new(&open);
    principal_t *principal = enter(gate, NULL, NOW, &err);
    cr_assert_str_eq(principal->subject, "local");
    cr_assert(principal_has(principal, "anything"));
    principal_unref(principal);
    gate_free(gate);
}

Test(gate, names_metadata_after_the_public_url)
{
    AUTO(mem_free) char *with_path = gate_metadata_url("https://mcp.example.com/mcp/");
    AUTO(mem_free) char *without = gate_metadata_url("https://mcp.example.com");

    cr_assert_str_eq(with_path, "https://mcp.example.com/.well-known/oauth-protected-resource/mcp");
    cr_assert_str_eq(without, "https://mcp.example.com/.well-known/oauth-protected-resource");
}
