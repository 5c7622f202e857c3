/* Headers and signatures; what the payload says is in test_token_claims.c. */
#include "test_token_kit.h"

#include <jwt.h>

#include "keys.h"
#include "token.h"

#define NOW 1800000000
#define PAYLOAD "{\"sub\":\"anna\",\"tenant_id\":\"demo\",\"exp\":1800000100}"
#define HS256 "{\"alg\":\"HS256\"}"

static keys_t *secret_keys(void)
{
    keys_t *keys = keys_new();

    cr_assert_eq(keys_add_secret(keys, span_of(kit_secret), NULL), 0);
    return keys;
}

static keys_t *public_keys(json_t *jwk)
{
    keys_t *keys = keys_new();
    err_t err = { 0 };
    AUTO_TEXT *set = kit_jwks(jwk, NULL);

    cr_assert_eq(keys_add_jwks(keys, span_of(set), &err), 0, "%s", err.text);
    return keys;
}

static int verify_as(token_use_t use, const keys_t *keys, const char *token, err_t *err)
{
    token_rules_t rules = { .use = use, .keys = keys, .now_unix = NOW };
    principal_t *principal = NULL;
    int64_t expires = 0;
    int rc = token_verify(&rules, span_of(token), &principal, &expires, err);

    if (rc == 0) {
        cr_assert_str_eq(principal->subject, "anna");
        cr_assert_str_eq(principal->tenant_id, "demo");
        cr_assert_eq(expires, 1800000100);
    } else {
        cr_assert_null(principal);
        cr_assert_eq(err->kind, ERR_UNAUTHORIZED);
    }
    principal_unref(principal);
    return rc;
}

static void take(const keys_t *keys, const char *token)
{
    err_t err = { 0 };

    cr_assert_eq(verify_as(TOKEN_CLIENT, keys, token, &err), 0, "%s", err.text);
}

static void refuse(const keys_t *keys, const char *token, const char *sentence)
{
    err_t err = { 0 };

    cr_assert_eq(verify_as(TOKEN_CLIENT, keys, token, &err), -1, "taken: %s", token);
    cr_assert_str_eq(err.text, sentence);
}

#define BAD_SIGNATURE "Token has a bad signature."
#define NO_KEY "Token is refused: no key here takes its algorithm."
#define UNSIGNED "Token is refused: it is unsigned or its algorithm is not supported."

Test(token, takes_hmacs_of_all_three_lengths)
{
    static const char *const digests[][2] = { { "SHA256", "{\"alg\":\"HS256\",\"typ\":\"JWT\"}" },
                                              { "SHA384", "{\"alg\":\"HS384\"}" },
                                              { "SHA512", "{\"alg\":\"HS512\"}" } };
    keys_t *keys = secret_keys();

    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        AUTO_TEXT *token = kit_hmac(digests[i][0], span_of(kit_secret), digests[i][1], PAYLOAD);
        take(keys, token);
    }
    keys_free(keys);
}

Test(token, takes_what_libjwt_signs)
{
    keys_t *keys = secret_keys();
    jwt_t *jwt;

    cr_assert_eq(jwt_new(&jwt), 0);
    jwt_add_grants_json(jwt, PAYLOAD);
    jwt_set_alg(jwt, JWT_ALG_HS384, (const unsigned char *)kit_secret, (int)strlen(kit_secret));
    AUTO_TEXT *token = jwt_encode_str(jwt);
    take(keys, token);
    jwt_free(jwt);
    keys_free(keys);
}

static void check_public(EVP_PKEY *key, const char *alg, const char *digest)
{
    AUTO_TEXT *header = mem_printf("{\"alg\":\"%s\",\"typ\":\"JWT\"}", alg);
    AUTO_TEXT *token = kit_sign(digest, key, header, PAYLOAD);
    keys_t *keys = public_keys(kit_jwk(key));

    take(keys, token);
    /* One bit of the payload: the signature must not hold any more. */
    char *dot = strchr(token, '.');
    AUTO_TEXT *other =
        kit_signed_part(header, "{\"sub\":\"anna\",\"tenant_id\":\"other\",\"exp\":1800000100}");
    AUTO_TEXT *forged = mem_printf("%s%s", other, strchr(dot + 1, '.'));
    refuse(keys, forged, BAD_SIGNATURE);
    keys_free(keys);
}

Test(token, takes_rsa_with_both_paddings, .timeout = 60)
{
    AUTO_KEY *key = kit_rsa(2048);

    check_public(key, "RS256", "SHA256");
    check_public(key, "RS384", "SHA384");
    check_public(key, "RS512", "SHA512");
    check_public(key, "PS256", "SHA256");
    check_public(key, "PS384", "SHA384");
    check_public(key, "PS512", "SHA512");
}

Test(token, takes_ecdsa_on_each_curve_with_its_own_digest)
{
    AUTO_KEY *p256 = kit_ec("P-256"), *p384 = kit_ec("P-384"), *p521 = kit_ec("P-521");

    check_public(p256, "ES256", "SHA256");
    check_public(p384, "ES384", "SHA384");
    check_public(p521, "ES512", "SHA512");
}

Test(token, takes_eddsa)
{
    AUTO_KEY *key = kit_ed25519();

    check_public(key, "EdDSA", NULL);
}

Test(token, refuses_an_algorithm_of_another_key_type, .timeout = 60)
{
    static const char *const pairs[][2] = { { "ES256", "SHA256" },
                                            { "ES384", "SHA384" },
                                            { "ES512", "SHA512" } };
    AUTO_KEY *key = kit_ec("P-256");
    keys_t *keys = public_keys(kit_jwk(key));

    for (size_t i = 1; i < COUNT_OF(pairs); i++) {
        AUTO_TEXT *header = mem_printf("{\"alg\":\"%s\"}", pairs[i][0]);
        AUTO_TEXT *token = kit_sign(pairs[i][1], key, header, PAYLOAD);
        refuse(keys, token, NO_KEY);
    }
    AUTO_TEXT *as_rsa = kit_sign("SHA256", key, "{\"alg\":\"RS256\"}", PAYLOAD);
    refuse(keys, as_rsa, NO_KEY);
    keys_free(keys);
}

Test(token, refuses_one_padding_under_the_name_of_the_other, .timeout = 60)
{
    AUTO_KEY *key = kit_rsa(2048);
    keys_t *keys = public_keys(kit_jwk(key));
    AUTO_TEXT *rs = kit_sign("SHA256", key, "{\"alg\":\"RS256\"}", PAYLOAD);
    AUTO_TEXT *ps = kit_signed_part("{\"alg\":\"PS256\"}", PAYLOAD);
    AUTO_TEXT *mixed = mem_printf("%s%s", ps, strrchr(rs, '.'));

    refuse(keys, mixed, BAD_SIGNATURE);
    AUTO_TEXT *short_salt = kit_sign_salted("SHA256", key, 8, "{\"alg\":\"PS256\"}", PAYLOAD);
    refuse(keys, short_salt, BAD_SIGNATURE);
    keys_free(keys);
}

Test(token, refuses_an_hmac_made_with_the_public_key, .timeout = 60)
{
    AUTO_KEY *key = kit_rsa(2048);
    keys_t *keys = public_keys(kit_jwk(key));
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;

    PEM_write_bio_PUBKEY(bio, key);
    long length = BIO_get_mem_data(bio, &pem);
    AUTO_TEXT *forged = kit_hmac("SHA256", (span_t){ pem, (size_t)length }, HS256, PAYLOAD);
    refuse(keys, forged, NO_KEY);
    keys_add_secret(keys, span_of(kit_secret), NULL); /* with a secret beside it too */
    refuse(keys, forged, BAD_SIGNATURE);
    BIO_free(bio);
    keys_free(keys);
}

Test(token, refuses_none_in_every_spelling)
{
    static const char *const spellings[] = { "none", "None", "NONE", "nOnE", "" };
    keys_t *keys = secret_keys();

    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        AUTO_TEXT *header = mem_printf("{\"alg\":\"%s\"}", spellings[i]);
        AUTO_TEXT *part = kit_signed_part(header, PAYLOAD);
        AUTO_TEXT *empty = mem_printf("%s.", part);
        refuse(keys, empty, UNSIGNED);
        AUTO_TEXT *signature = kit_hmac("SHA256", span_of(kit_secret), header, PAYLOAD);
        refuse(keys, signature, UNSIGNED);
    }
    keys_free(keys);
}

Test(token, refuses_algorithms_it_does_not_know)
{
    static const char *const names[] = { "hs256", "HS256 ", "RS1", "ES256K", "A128KW", "HS128" };
    keys_t *keys = secret_keys();

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        AUTO_TEXT *header = mem_printf("{\"alg\":\"%s\"}", names[i]);
        AUTO_TEXT *token = kit_hmac("SHA256", span_of(kit_secret), header, PAYLOAD);
        refuse(keys, token, UNSIGNED);
    }
    keys_free(keys);
}

Test(token, refuses_the_wrong_secret_and_empty_or_cut_signatures)
{
    keys_t *keys = secret_keys();
    AUTO_TEXT *wrong = kit_hmac("SHA256", SPAN("another secret of thirty-two bytes"), HS256, PAYLOAD);
    AUTO_TEXT *token = kit_hmac("SHA256", span_of(kit_secret), HS256, PAYLOAD);
    AUTO_TEXT *part = kit_signed_part(HS256, PAYLOAD);
    AUTO_TEXT *empty = mem_printf("%s.", part);

    refuse(keys, wrong, BAD_SIGNATURE);
    refuse(keys, empty, BAD_SIGNATURE);
    token[strlen(token) - 3] = '\0'; /* 40 letters: 30 bytes */
    refuse(keys, token, BAD_SIGNATURE);
    keys_free(keys);
}

Test(token, refuses_ecdsa_in_der_and_of_the_wrong_length_and_all_zero)
{
    AUTO_KEY *key = kit_ec("P-256");
    keys_t *keys = public_keys(kit_jwk(key));
    AUTO_TEXT *part = kit_signed_part("{\"alg\":\"ES256\"}", PAYLOAD);
    unsigned char bytes[96] = { 0 };

    for (size_t length = 0; length <= sizeof(bytes); length += 8) {
        AUTO_TEXT *signature = kit_base64url(bytes, length);
        AUTO_TEXT *token = mem_printf("%s.%s", part, signature);
        refuse(keys, token, BAD_SIGNATURE);
    }
    memset(bytes, 0xFF, sizeof(bytes));
    AUTO_TEXT *large = kit_base64url(bytes, 64);
    AUTO_TEXT *token = mem_printf("%s.%s", part, large);
    refuse(keys, token, BAD_SIGNATURE);
    keys_free(keys);
}

Test(token, takes_old_and_new_secret_while_they_overlap)
{
    static const char newer[] = "the newer secret, which came after it";
    keys_t *keys = secret_keys();
    AUTO_TEXT *with_old = kit_hmac("SHA256", span_of(kit_secret), HS256, PAYLOAD);
    AUTO_TEXT *with_new = kit_hmac("SHA512", span_of(newer), "{\"alg\":\"HS512\"}", PAYLOAD);

    refuse(keys, with_new, BAD_SIGNATURE);
    keys_add_secret(keys, span_of(newer), NULL);
    take(keys, with_old);
    take(keys, with_new);
    keys_free(keys);
}

static json_t *named(EVP_PKEY *key, const char *kid)
{
    json_t *jwk = kit_jwk(key);

    if (kid) {
        json_object_set_new(jwk, "kid", json_string(kid));
    }
    return jwk;
}

Test(token, uses_the_key_that_kid_names)
{
    AUTO_KEY *a = kit_ec("P-256"), *b = kit_ec("P-256");
    keys_t *keys = keys_new();
    AUTO_TEXT *set = kit_jwks(named(a, "a"), named(b, "b"));
    AUTO_TEXT *right = kit_sign("SHA256", b, "{\"alg\":\"ES256\",\"kid\":\"b\"}", PAYLOAD);
    AUTO_TEXT *wrong = kit_sign("SHA256", b, "{\"alg\":\"ES256\",\"kid\":\"a\"}", PAYLOAD);

    cr_assert_eq(keys_add_jwks(keys, span_of(set), NULL), 0);
    take(keys, right);
    refuse(keys, wrong, BAD_SIGNATURE);
    keys_free(keys);
}

Test(token, tries_every_key_that_fits_when_kid_is_absent_or_unknown)
{
    AUTO_KEY *a = kit_ec("P-256"), *b = kit_ec("P-256");
    keys_t *keys = keys_new();
    AUTO_TEXT *set = kit_jwks(named(a, "a"), named(b, NULL));
    AUTO_TEXT *without = kit_sign("SHA256", b, "{\"alg\":\"ES256\"}", PAYLOAD);
    AUTO_TEXT *unknown = kit_sign("SHA256", a, "{\"alg\":\"ES256\",\"kid\":\"../../etc/passwd\"}", PAYLOAD);

    cr_assert_eq(keys_add_jwks(keys, span_of(set), NULL), 0);
    take(keys, without);
    take(keys, unknown);
    keys_free(keys);
}

Test(token, honours_the_alg_of_a_jwk, .timeout = 60)
{
    AUTO_KEY *key = kit_rsa(2048);
    json_t *jwk = kit_jwk(key);
    AUTO_TEXT *ps = kit_sign("SHA256", key, "{\"alg\":\"PS256\"}", PAYLOAD);
    AUTO_TEXT *rs = kit_sign("SHA256", key, "{\"alg\":\"RS256\"}", PAYLOAD);

    json_object_set_new(jwk, "alg", json_string("PS256"));
    keys_t *keys = public_keys(jwk);
    take(keys, ps);
    refuse(keys, rs, NO_KEY);
    keys_free(keys);
}

Test(token, does_not_use_the_key_that_a_header_carries)
{
    AUTO_KEY *ours = kit_ec("P-256"), *theirs = kit_ec("P-256");
    keys_t *keys = public_keys(kit_jwk(ours));
    json_auto_t *jwk = kit_jwk(theirs);
    AUTO_TEXT *text = json_dumps(jwk, JSON_COMPACT);
    AUTO_TEXT *header = mem_printf("{\"alg\":\"ES256\",\"jwk\":%s,\"jku\":\"https://evil\"}", text);
    AUTO_TEXT *token = kit_sign("SHA256", theirs, header, PAYLOAD);

    refuse(keys, token, BAD_SIGNATURE);
    keys_free(keys);
}

static char *with_header(const char *header)
{
    return kit_hmac("SHA256", span_of(kit_secret), header, PAYLOAD);
}

Test(token, takes_the_types_of_access_tokens)
{
    static const char *const types[] = { "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt" };
    keys_t *keys = secret_keys();

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        AUTO_TEXT *header = mem_printf("{\"alg\":\"HS256\",\"typ\":\"%s\"}", types[i]);
        AUTO_TEXT *token = with_header(header);
        take(keys, token);
    }
    keys_free(keys);
}

Test(token, refuses_other_types)
{
    static const char *const types[] = { "dpop+jwt", "logout+jwt", "JOSE", "", "at+jwt " };
    keys_t *keys = secret_keys();

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        AUTO_TEXT *header = mem_printf("{\"alg\":\"HS256\",\"typ\":\"%s\"}", types[i]);
        AUTO_TEXT *token = with_header(header);
        refuse(keys, token, "Token has the wrong type: typ must be JWT or at+jwt.");
    }
    AUTO_TEXT *number = with_header("{\"alg\":\"HS256\",\"typ\":1}");
    refuse(keys, number, "Token is malformed: typ must be a string.");
    keys_free(keys);
}

Test(token, tells_hop_tokens_and_client_tokens_apart)
{
    keys_t *keys = secret_keys();
    err_t err = { 0 };
    AUTO_TEXT *hop = with_header("{\"alg\":\"HS256\",\"typ\":\"guiche-hop+jwt\"}");
    AUTO_TEXT *client = with_header("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    AUTO_TEXT *untyped = with_header(HS256);

    refuse(keys, hop, "Token is a hop token: it is for connectors and not taken from clients.");
    cr_assert_eq(verify_as(TOKEN_HOP, keys, hop, &err), 0);
    cr_assert_eq(verify_as(TOKEN_HOP, keys, client, &err), -1);
    cr_assert_str_eq(err.text, "Token is not a hop token: a connector takes only those of its gateway.");
    cr_assert_eq(verify_as(TOKEN_HOP, keys, untyped, &err), -1);
    keys_free(keys);
}

Test(token, refuses_extensions_it_is_told_to_understand)
{
    keys_t *keys = secret_keys();
    AUTO_TEXT *crit = with_header("{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}");
    AUTO_TEXT *b64 = with_header("{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}");
    AUTO_TEXT *empty = with_header("{\"alg\":\"HS256\",\"crit\":null}");

    refuse(keys, crit, "Token is refused: it demands extensions (crit) that are not known here.");
    refuse(keys, b64, "Token is refused: it demands extensions (crit) that are not known here.");
    refuse(keys, empty, "Token is refused: it demands extensions (crit) that are not known here.");
    keys_free(keys);
}

Test(token, refuses_duplicate_members)
{
    keys_t *keys = secret_keys();
    AUTO_TEXT *header = with_header("{\"alg\":\"none\",\"alg\":\"HS256\"}");
    AUTO_TEXT *payload =
        kit_hmac("SHA256", span_of(kit_secret), HS256,
                 "{\"sub\":\"a\",\"tenant_id\":\"x\",\"exp\":1800000100,\"tenant_id\":\"demo\"}");
    AUTO_TEXT *deep =
        kit_hmac("SHA256", span_of(kit_secret), HS256,
                 "{\"sub\":\"a\",\"tenant_id\":\"x\",\"exp\":1800000100,\"z\":{\"a\":1,\"a\":2}}");

    refuse(keys, header, "Token is malformed: its header is not one JSON object without duplicate members.");
    refuse(keys, payload,
           "Token is malformed: its payload is not one JSON object without duplicate members.");
    refuse(keys, deep, "Token is malformed: its payload is not one JSON object without duplicate members.");
    keys_free(keys);
}

Test(token, refuses_headers_of_wrong_types)
{
    static const char *const headers[] = { "{}", "{\"alg\":1}", "{\"alg\":null}", "{\"alg\":[\"HS256\"]}",
                                           "{\"alg\":\"HS256\",\"kid\":7}" };
    keys_t *keys = secret_keys();

    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        AUTO_TEXT *token = with_header(headers[i]);
        refuse(keys, token, "Token is malformed: alg and kid must be strings.");
    }
    keys_free(keys);
}

Test(token, refuses_parts_that_are_no_object)
{
    static const char *const parts[] = {
        "[]", "\"x\"", "", "{", "{}x", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xFF\"}"
    };
    keys_t *keys = secret_keys();

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        AUTO_TEXT *header = with_header(parts[i]);
        AUTO_TEXT *payload = kit_hmac("SHA256", span_of(kit_secret), HS256, parts[i]);
        refuse(keys, header,
               "Token is malformed: its header is not one JSON object without duplicate members.");
        refuse(keys, payload,
               "Token is malformed: its payload is not one JSON object without duplicate members.");
    }
    keys_free(keys);
}

Test(token, refuses_what_has_not_three_parts)
{
    static const char *const wrong[] = { "", "x", ".", "a.b", "a.b.c.d", "....." };
    keys_t *keys = secret_keys();

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        refuse(keys, wrong[i], "Token is malformed: a JWT has three parts with dots between.");
    }
    refuse(keys, "..", "Token is malformed: its header is not one JSON object without duplicate members.");
    keys_free(keys);
}

Test(token, refuses_a_token_without_end)
{
    keys_t *keys = secret_keys();
    AUTO_TEXT *token = mem_alloc(TOKEN_MAX_BYTES + 2);

    memset(token, 'A', TOKEN_MAX_BYTES + 1);
    refuse(keys, token, "Token is malformed: it is longer than 8192 bytes.");
    keys_free(keys);
}

Test(token, reads_base64url_strictly)
{
    keys_t *keys = secret_keys();
    AUTO_TEXT *token = kit_hmac("SHA256", span_of(kit_secret), HS256, PAYLOAD);
    AUTO_TEXT *padded = mem_printf("%s=", token);
    AUTO_TEXT *spaced = mem_printf("%s\n", token);
    AUTO_TEXT *header = mem_printf("+%s", token);

    refuse(keys, padded, "Token is malformed: its signature is not base64url.");
    refuse(keys, spaced, "Token is malformed: its signature is not base64url.");
    refuse(keys, header, "Token is malformed: its header is not base64url.");
    /* 32 bytes are 43 letters, the last of which has two bits over: another spelling of the same bytes is
     * refused. */
    char *last = token + strlen(token) - 1;
    *last = *last == 'Z' ? 'a' : *last == 'z' ? '0' : *last == '9' ? '-' : (char)(*last + 1);
    refuse(keys, token, "Token is malformed: its signature is not base64url.");
    keys_free(keys);
}

Test(token, survives_every_cut_and_every_changed_letter, .timeout = 60)
{
    keys_t *keys = secret_keys();
    AUTO_TEXT *token = kit_hmac("SHA256", span_of(kit_secret), HS256, PAYLOAD);
    err_t err;

    for (size_t i = 0; token[i]; i++) {
        AUTO_TEXT *changed = mem_strdup(token);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        cr_assert_eq(verify_as(TOKEN_CLIENT, keys, changed, &err), -1, "letter %zu", i);
        AUTO_TEXT *cut = mem_strndup(token, i);
        cr_assert_eq(verify_as(TOKEN_CLIENT, keys, cut, &err), -1, "cut at %zu", i);
    }
    keys_free(keys);
}

Test(token, takes_nothing_without_keys)
{
    keys_t *keys = keys_new();
    AUTO_TEXT *token = kit_hmac("SHA256", span_of(""), HS256, PAYLOAD);

    refuse(keys, token, NO_KEY);
    keys_free(keys);
}

static void unknown(const keys_t *keys, const char *header, const char *expected)
{
    AUTO_TEXT *token = kit_hmac("SHA256", span_of(kit_secret), header, PAYLOAD);
    AUTO_TEXT *kid = token_unknown_kid(keys, span_of(token));

    cr_expect_eq(!kid, !expected, "%s", header);
    cr_expect(!kid || !expected || strcmp(kid, expected) == 0, "%s: %s", header, kid);
}

Test(token, tells_which_public_key_it_would_have_needed)
{
    AUTO_KEY *key = kit_ed25519();
    json_t *jwk = kit_jwk(key);
    json_object_set_new(jwk, "kid", json_string("here"));
    keys_t *keys = public_keys(jwk), *none = secret_keys();

    unknown(keys, "{\"alg\":\"EdDSA\",\"kid\":\"new\"}", "new");
    unknown(keys, "{\"alg\":\"RS256\",\"kid\":\"new\"}", "new");
    unknown(keys, "{\"alg\":\"EdDSA\",\"kid\":\"here\"}", NULL);
    unknown(keys, "{\"alg\":\"EdDSA\"}", NULL);
    unknown(keys, "{\"alg\":\"ES256\"}", "");
    unknown(none, "{\"alg\":\"EdDSA\"}", "");
    unknown(none, "{\"alg\":\"HS256\",\"kid\":\"new\"}", NULL);
    unknown(none, "{\"alg\":\"none\",\"kid\":\"new\"}", NULL);
    unknown(none, "{\"alg\":\"EdDSA\",\"kid\":7}", NULL);
    unknown(none, "{\"alg\":\"EdDSA\",\"kid\":\"new\",\"typ\":\"guiche-hop+jwt\"}", NULL);
    cr_assert_null(token_unknown_kid(none, SPAN("no token")));
    keys_free(keys);
    keys_free(none);
}

Test(token, holds_with_a_copy_of_its_key_when_the_first_set_is_gone)
{
    AUTO_KEY *key = kit_ed25519();
    AUTO_TEXT *signed_one = kit_sign(NULL, key, "{\"alg\":\"EdDSA\"}", PAYLOAD);
    AUTO_TEXT *hmac = kit_hmac("SHA256", span_of(kit_secret), HS256, PAYLOAD);
    keys_t *first = public_keys(kit_jwk(key)), *second = secret_keys(), *both = keys_new();

    keys_add_all(both, first);
    keys_add_all(both, second);
    cr_assert_eq(keys_count(both), 2);
    keys_free(first);
    keys_free(second);
    take(both, signed_one);
    take(both, hmac);
    keys_t *again = keys_ref(both);
    keys_free(both);
    take(again, hmac);
    keys_free(again);
}
