/* The signature algorithms of RFC 7518 section 3 and RFC 8037 that are taken, each bound to one kind of key.
 * "none" is not among them. Private to auth.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <openssl/evp.h>

typedef enum { KEY_SECRET, KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519 } key_kind_t;
typedef enum { ALG_SHA256, ALG_SHA384, ALG_SHA512, ALG_DIGESTS, ALG_NO_DIGEST = ALG_DIGESTS } alg_digest_t;

typedef struct {
    const char *name; /* "RS256" */
    key_kind_t kind;
    alg_digest_t digest;
    bool pss;
    size_t half_bytes; /* ES*: of r and of s in the signature */
} alg_t;

const alg_t *alg_find(const char *name); /* NULL: unknown, or none */

/* Fetched from OpenSSL once per process: a fetch per token costs more than the HMAC itself. */
EVP_MD *alg_digest(alg_digest_t digest); /* NULL for ALG_NO_DIGEST */
EVP_MAC *alg_hmac(void);
