/* Which keys are taken from secrets and key sets, and why others are not. */
#include "test_token_kit.h"

#include <stdlib.h>
#include <unistd.h>

#include "keys.h"

static void take_set(json_t *first, json_t *second, size_t count)
{
    keys_t *keys = keys_new();
    err_t err = { 0 };
    AUTO_TEXT *set = kit_jwks(first, second);

    cr_assert_eq(keys_add_jwks(keys, span_of(set), &err), 0, "%s", err.text);
    cr_assert_eq(keys_count(keys), count);
    keys_free(keys);
}

static void refuse_text(const char *set, const char *sentence)
{
    keys_t *keys = keys_new();
    err_t err = { 0 };

    cr_assert_eq(keys_add_jwks(keys, span_of(set), &err), -1, "taken: %s", set);
    cr_assert_eq(err.kind, ERR_CALLER);
    cr_assert_str_eq(err.text, sentence);
    cr_assert_eq(keys_count(keys), 0);
    keys_free(keys);
}

static void refuse_set(json_t *first, json_t *second, const char *sentence)
{
    AUTO_TEXT *set = kit_jwks(first, second);

    refuse_text(set, sentence);
}

static json_t *with(json_t *jwk, const char *name, json_t *value)
{
    json_object_set_new(jwk, name, value);
    return jwk;
}

static json_t *good(void)
{
    AUTO_KEY *key = kit_ed25519();

    return kit_jwk(key);
}

#define NONE_USABLE "JWKS: no key in it can check a signature."

Test(keys, takes_secrets_of_32_bytes_and_more)
{
    keys_t *keys = keys_new();
    err_t err;

    cr_assert_eq(keys_add_secret(keys, SPAN("0123456789012345678901234567890"), &err), -1);
    cr_assert_str_eq(err.text, "A secret needs at least 32 bytes; this one has 31.");
    cr_assert_eq(keys_add_secret(keys, (span_t){ 0 }, &err), -1);
    cr_assert_eq(keys_add_secret(keys, SPAN("01234567890123456789012345678901"), &err), 0);
    cr_assert_eq(keys_add_secret(keys, SPAN("0123456789012345678901234567890\0"), &err), 0);
    cr_assert_eq(keys_count(keys), 2);
    keys_free(keys);
}

Test(keys, takes_public_keys_of_every_kind, .timeout = 60)
{
    AUTO_KEY *rsa = kit_rsa(2048), *p256 = kit_ec("P-256"), *p384 = kit_ec("P-384"), *p521 = kit_ec("P-521");

    take_set(kit_jwk(rsa), kit_jwk(p256), 2);
    take_set(kit_jwk(p384), kit_jwk(p521), 2);
    take_set(good(), with(good(), "use", json_string("sig")), 2);
}

Test(keys, reads_the_example_of_rfc_8037)
{
    keys_t *keys = keys_new();

    cr_assert_eq(keys_add_jwks_file(keys, TEST_DATA "/auth/rfc8037-a2.jwks.json", NULL), 0);
    cr_assert_eq(keys_count(keys), 1);
    keys_free(keys);
}

Test(keys, passes_over_what_is_not_for_signatures)
{
    take_set(good(), with(good(), "use", json_string("enc")), 1);
    take_set(good(), with(good(), "key_ops", json_pack("[s]", "encrypt")), 1);
    take_set(good(), with(good(), "key_ops", json_pack("[s, s]", "sign", "verify")), 2);
    take_set(good(), with(good(), "alg", json_string("ECDH-ES")), 1);
    take_set(good(), json_pack("{s:s}", "kty", "AKP"), 1);
    take_set(good(), json_pack("{s:s, s:s}", "kty", "EC", "crv", "secp256k1"), 1);
    take_set(good(), json_pack("{s:s, s:s}", "kty", "OKP", "crv", "X25519"), 1);
}

Test(keys, refuses_a_set_without_a_usable_key)
{
    refuse_text("{\"keys\":[]}", NONE_USABLE);
    refuse_set(with(good(), "use", json_string("enc")), NULL, NONE_USABLE);
}

Test(keys, refuses_secrets_and_private_keys_in_a_set)
{
    refuse_set(good(), json_pack("{s:s, s:s}", "kty", "oct", "k", "AAAA"),
               "JWKS: key 2 is a shared secret (kty oct), which does not belong into a JWKS.");
    refuse_set(with(with(good(), "d", json_string("AAAA")), "kid", json_string("mine")), NULL,
               "JWKS: key 1, kid mine is a private key (it has d); put the public one there.");
}

Test(keys, refuses_weak_or_broken_rsa, .timeout = 60)
{
    AUTO_KEY *weak = kit_rsa(1024), *sound = kit_rsa(2048);
    const char *bits = "JWKS: key 1 is an RSA key of less than 2048 or more than 16384 bits.";

    refuse_set(kit_jwk(weak), NULL, bits);
    refuse_set(with(kit_jwk(sound), "n", json_string("")), NULL, "JWKS: key 1 needs n and e as base64url.");
    refuse_set(with(kit_jwk(sound), "n", json_string("AQAB==")), NULL,
               "JWKS: key 1 needs n and e as base64url.");
    refuse_set(with(kit_jwk(sound), "e", json_integer(65537)), NULL,
               "JWKS: key 1 needs n and e as base64url.");
    refuse_set(with(kit_jwk(sound), "e", json_string("AQ")), NULL, "JWKS: key 1 is not a sound RSA key.");
    refuse_set(with(kit_jwk(sound), "e", json_string("AQAA")), NULL, "JWKS: key 1 is not a sound RSA key.");
    AUTO_TEXT *huge = mem_alloc(4001);
    memset(huge, '_', 4000);
    refuse_set(with(kit_jwk(sound), "n", json_string(huge)), NULL, bits);
}

Test(keys, refuses_points_that_are_not_on_their_curve)
{
    AUTO_KEY *key = kit_ec("P-256"), *other = kit_ec("P-384");
    json_auto_t *longer = kit_jwk(other);

    refuse_set(with(kit_jwk(key), "y", json_incref(json_object_get(longer, "y"))), NULL,
               "JWKS: key 1 needs x and y as base64url of the curve's length.");
    json_t *jwk = kit_jwk(key);
    json_object_set(jwk, "y", json_object_get(jwk, "x"));
    refuse_set(jwk, NULL, "JWKS: key 1 is not a point on its curve.");
    refuse_set(with(kit_jwk(key), "crv", json_string("P-384")), NULL,
               "JWKS: key 1 needs x and y as base64url of the curve's length.");
    refuse_set(json_pack("{s:s}", "kty", "EC"), NULL, "JWKS: key 1 has no crv.");
}

Test(keys, refuses_broken_ed25519)
{
    refuse_set(with(good(), "x", json_string("AAAA")), NULL, "JWKS: key 1 needs x as base64url of 32 bytes.");
    refuse_set(with(good(), "crv", json_null()), NULL, "JWKS: key 1 has no crv.");
}

Test(keys, refuses_an_alg_of_another_type)
{
    refuse_set(with(good(), "alg", json_string("RS256")), NULL,
               "JWKS: key 1 has an alg that does not fit its type.");
    refuse_set(with(good(), "alg", json_string("HS256")), NULL,
               "JWKS: key 1 has an alg that does not fit its type.");
}

Test(keys, refuses_members_of_wrong_types)
{
    refuse_set(with(good(), "kid", json_integer(1)), NULL, "JWKS: key 1 has a kid that is not a string.");
    refuse_set(json_string("x"), NULL, "JWKS: key 1 is not an object.");
    refuse_set(json_object(), NULL, "JWKS: key 1 has no kty.");
    refuse_set(json_pack("{s:i}", "kty", 1), NULL, "JWKS: key 1 has no kty.");
    refuse_text("{\"keys\":{}}", "JWKS: not an object with an array \"keys\".");
    refuse_text("[]", "JWKS: not an object with an array \"keys\".");
    refuse_text("{}", "JWKS: not an object with an array \"keys\".");
}

Test(keys, refuses_what_is_not_json_or_says_things_twice)
{
    static const char *const wrong[] = { "", "{", "keys", "{\"keys\":[],\"keys\":[]}", "\xFF" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        keys_t *keys = keys_new();
        err_t err = { 0 };
        cr_assert_eq(keys_add_jwks(keys, span_of(wrong[i]), &err), -1);
        cr_assert_eq(strncmp(err.text, "JWKS: not valid JSON (line ", 27), 0, "%s", err.text);
        keys_free(keys);
    }
}

Test(keys, adds_all_of_a_set_or_nothing)
{
    keys_t *keys = keys_new();
    err_t err;
    AUTO_TEXT *set = kit_jwks(good(), json_object());

    keys_add_secret(keys, span_of(kit_secret), NULL);
    cr_assert_eq(keys_add_jwks(keys, span_of(set), &err), -1);
    cr_assert_eq(keys_count(keys), 1);
    keys_free(keys);
}

Test(keys, limits_the_number_of_keys)
{
    json_auto_t *set = json_pack("{s:[]}", "keys");

    for (int i = 0; i < 101; i++) {
        json_array_append_new(json_object_get(set, "keys"), json_object());
    }
    AUTO_TEXT *text = json_dumps(set, 0);
    refuse_text(text, "JWKS: more than 100 keys.");
}

Test(keys, names_the_file_that_cannot_be_used)
{
    char path[] = "/tmp/test_keys_XXXXXX";
    int fd = mkstemp(path);
    keys_t *keys = keys_new();
    err_t err;

    cr_assert_eq(write(fd, "{}", 2), 2);
    close(fd);
    cr_assert_eq(keys_add_jwks_file(keys, path, &err), -1);
    AUTO_TEXT *sentence = mem_printf("%s: JWKS: not an object with an array \"keys\".", path);
    cr_assert_str_eq(err.text, sentence);
    unlink(path);
    cr_assert_eq(keys_add_jwks_file(keys, "/nonexistent.json", &err), -1);
    cr_assert_str_eq(err.text, "Cannot read /nonexistent.json: No such file or directory.");
    cr_assert_eq(keys_add_jwks_file(keys, "/tmp", &err), -1);
    cr_assert_str_eq(err.text, "Cannot read /tmp: Is a directory.");
    cr_assert_eq(keys_add_jwks_file(keys, "/dev/zero", &err), -1);
    cr_assert_str_eq(err.text, "/dev/zero is larger than 1 MiB.");
    keys_free(keys);
}
