/* What the tests of tokens and keys share: keys made on the spot, their JWKs, and JWTs signed by OpenSSL with
 * any header. Written apart from common/auth on purpose: what is checked there must not be made by the same
 * code. Strings are the caller's to free. */
#pragma once

#include <criterion/criterion.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "mem.h"
#include "span.h"

AUTO_DEFINE(EVP_PKEY *, EVP_PKEY_free);
#define AUTO_KEY AUTO(EVP_PKEY_free) EVP_PKEY
#define AUTO_TEXT AUTO(mem_free) char

static const char kit_secret[] = "a secret of more than thirty-two bytes";

static inline char *kit_base64url(const void *bytes, size_t length)
{
    char *text = mem_alloc(length * 4 / 3 + 8);

    EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
    for (char *at = text; *at; at++) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at == '=' ? '\0' : *at;
    }
    return text;
}

static inline EVP_PKEY *kit_rsa(unsigned bits)
{
    return EVP_RSA_gen(bits);
}

static inline EVP_PKEY *kit_ec(const char *curve)
{
    return EVP_EC_gen(curve);
}

static inline EVP_PKEY *kit_ed25519(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* A number parameter of a key as base64url, padded to length (0: as long as it is). */
static inline char *kit_number(EVP_PKEY *key, const char *name, size_t length)
{
    unsigned char bytes[1024];
    BIGNUM *number = NULL;

    cr_assert_eq(EVP_PKEY_get_bn_param(key, name, &number), 1);
    size_t size = length > 0 ? length : (size_t)BN_num_bytes(number);
    BN_bn2binpad(number, bytes, (int)size);
    BN_free(number);
    return kit_base64url(bytes, size);
}

static inline json_t *kit_ec_jwk(EVP_PKEY *key)
{
    size_t size = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    AUTO_TEXT *x = kit_number(key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    AUTO_TEXT *y = kit_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    const char *crv = size == 32 ? "P-256" : size == 48 ? "P-384" : "P-521";

    return json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", crv, "x", x, "y", y);
}

static inline json_t *kit_ed25519_jwk(EVP_PKEY *key)
{
    unsigned char bytes[32];
    size_t length = sizeof(bytes);

    cr_assert_eq(EVP_PKEY_get_raw_public_key(key, bytes, &length), 1);
    AUTO_TEXT *x = kit_base64url(bytes, length);
    return json_pack("{s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "x", x);
}

static inline json_t *kit_rsa_jwk(EVP_PKEY *key)
{
    AUTO_TEXT *n = kit_number(key, OSSL_PKEY_PARAM_RSA_N, 0);
    AUTO_TEXT *e = kit_number(key, OSSL_PKEY_PARAM_RSA_E, 0);

    return json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", n, "e", e);
}

static inline json_t *kit_jwk(EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return kit_rsa_jwk(key);
    case EVP_PKEY_EC:
        return kit_ec_jwk(key);
    default:
        return kit_ed25519_jwk(key);
    }
}

/* {"keys":[...]}; the JWKs are stolen. */
static inline char *kit_jwks(json_t *first, json_t *second)
{
    json_auto_t *set = json_pack("{s:[o]}", "keys", first);

    if (second) {
        json_array_append_new(json_object_get(set, "keys"), second);
    }
    return json_dumps(set, JSON_COMPACT);
}

static inline char *kit_signed_part(const char *header, const char *payload)
{
    AUTO_TEXT *head = kit_base64url(header, strlen(header));
    AUTO_TEXT *body = kit_base64url(payload, strlen(payload));

    return mem_printf("%s.%s", head, body);
}

static inline char *kit_hmac(const char *digest, span_t secret, const char *header, const char *payload)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    AUTO_TEXT *part = kit_signed_part(header, payload);

    HMAC(EVP_get_digestbyname(digest), secret.at, (int)secret.length, (const unsigned char *)part,
         strlen(part), mac, &length);
    AUTO_TEXT *signature = kit_base64url(mac, length);
    return mem_printf("%s.%s", part, signature);
}

/* The halves of an ECDSA signature side by side, as JWS has them. */
static inline size_t kit_halves(const unsigned char *der, size_t length, size_t half, unsigned char *ret)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)length);

    cr_assert(sig);
    BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, (int)half);
    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + half, (int)half);
    ECDSA_SIG_free(sig);
    return 2 * half;
}

static inline char *kit_sign_salted(const char *digest, EVP_PKEY *key, int salt, const char *header,
                                    const char *payload)
{
    unsigned char signature[1024], halves[256], *bytes = signature;
    size_t length = sizeof(signature);
    EVP_PKEY_CTX *ctx = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    AUTO_TEXT *part = kit_signed_part(header, payload);

    cr_assert_eq(EVP_DigestSignInit_ex(md, &ctx, digest, NULL, NULL, key, NULL), 1);
    if (strstr(header, "\"PS")) {
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt);
    }
    cr_assert_eq(EVP_DigestSign(md, signature, &length, (const unsigned char *)part, strlen(part)), 1);
    EVP_MD_CTX_free(md);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        length = kit_halves(signature, length, ((size_t)EVP_PKEY_get_bits(key) + 7) / 8, halves);
        bytes = halves;
    }
    AUTO_TEXT *text = kit_base64url(bytes, length);
    return mem_printf("%s.%s", part, text);
}

/* digest NULL: EdDSA. A header with "PS..." is signed with PSS. */
static inline char *kit_sign(const char *digest, EVP_PKEY *key, const char *header, const char *payload)
{
    return kit_sign_salted(digest, key, RSA_PSS_SALTLEN_DIGEST, header, payload);
}
