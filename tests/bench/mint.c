/* mint: makes an ES256 key and tokens of it, each different, for callers the gateway has never seen.
 *
 *     mint JWKS_FILE COUNT CLAIMS     CLAIMS is a JSON object without jti; tokens come one per line
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HALF_BYTES 32 /* of a P-256 signature */
#define HEADER "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"bench\"}"

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "mint: %s\n", what);
    exit(2);
}

/* Appends base64url without padding; `out` has room. */
static void add_encoded(char *out, const unsigned char *data, size_t length)
{
    char *at = out + strlen(out);

    EVP_EncodeBlock((unsigned char *)at, data, (int)length);
    for (char *c = at; *c; c++) {
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
    at[strcspn(at, "=")] = '\0';
}

static void coordinate(EVP_PKEY *key, const char *name, char *ret)
{
    BIGNUM *number = NULL;
    unsigned char bytes[HALF_BYTES];

    if (!EVP_PKEY_get_bn_param(key, name, &number) || BN_bn2binpad(number, bytes, HALF_BYTES) < 0) {
        fail("no public key");
    }
    BN_free(number);
    *ret = '\0';
    add_encoded(ret, bytes, HALF_BYTES);
}

static void write_jwks(const char *path, EVP_PKEY *key)
{
    char x[64], y[64];
    FILE *file = fopen(path, "we");

    if (!file) {
        fail(path);
    }
    coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, x);
    coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, y);
    fprintf(
        file,
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"bench\","
        "\"x\":\"%s\",\"y\":\"%s\"}]}\n",
        x, y);
    fclose(file);
}

/* JWS wants r and s side by side, OpenSSL gives them in DER. */
static void raw_signature(const unsigned char *der, size_t length, unsigned char raw[2 * HALF_BYTES])
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)length);

    if (!signature) {
        fail("no signature");
    }
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, HALF_BYTES);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + HALF_BYTES, HALF_BYTES);
    ECDSA_SIG_free(signature);
}

static void sign(EVP_PKEY *key, char *token)
{
    unsigned char der[128], raw[2 * HALF_BYTES];
    size_t length = sizeof(der);
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (!EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) ||
        !EVP_DigestSign(context, der, &length, (const unsigned char *)token, strlen(token))) {
        fail("cannot sign");
    }
    EVP_MD_CTX_free(context);
    raw_signature(der, length, raw);
    strcat(token, ".");
    add_encoded(token, raw, sizeof(raw));
}

static void print_token(EVP_PKEY *key, const char *claims, long number)
{
    char all[1024], token[2048] = "";

    snprintf(all, sizeof(all), "%.*s,\"jti\":\"%ld\"}", (int)strlen(claims) - 1, claims, number);
    add_encoded(token, (const unsigned char *)HEADER, strlen(HEADER));
    strcat(token, ".");
    add_encoded(token, (const unsigned char *)all, strlen(all));
    sign(key, token);
    puts(token);
}

int main(int argc, char **argv)
{
    EVP_PKEY *key = argc == 4 ? EVP_EC_gen("P-256") : NULL;

    if (!key || strlen(argv[3]) > 900) {
        fail("usage: mint JWKS_FILE COUNT CLAIMS");
    }
    write_jwks(argv[1], key);
    for (long i = 0; i < atol(argv[2]); i++) {
        print_token(key, argv[3], i);
    }
    EVP_PKEY_free(key);
    return 0;
}
