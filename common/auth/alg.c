/* See alg.h. */
#include "alg.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static const alg_t algs[] = {
    { "HS256", KEY_SECRET, ALG_SHA256, .pss = false },
    { "HS384", KEY_SECRET, ALG_SHA384, .pss = false },
    { "HS512", KEY_SECRET, ALG_SHA512, .pss = false },
    { "RS256", KEY_RSA, ALG_SHA256, .pss = false },
    { "RS384", KEY_RSA, ALG_SHA384, .pss = false },
    { "RS512", KEY_RSA, ALG_SHA512, .pss = false },
    { "PS256", KEY_RSA, ALG_SHA256, .pss = true },
    { "PS384", KEY_RSA, ALG_SHA384, .pss = true },
    { "PS512", KEY_RSA, ALG_SHA512, .pss = true },
    { "ES256", KEY_P256, ALG_SHA256, .half_bytes = 32 },
    { "ES384", KEY_P384, ALG_SHA384, .half_bytes = 48 },
    { "ES512", KEY_P521, ALG_SHA512, .half_bytes = 66 },
    { "EdDSA", KEY_ED25519, ALG_NO_DIGEST, .pss = false },
};

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *digests[ALG_DIGESTS];
static EVP_MAC *hmac;

static void fetch(void)
{
    static const char *const names[ALG_DIGESTS] = { "SHA256", "SHA384", "SHA512" };

    for (size_t i = 0; i < ALG_DIGESTS; i++) {
        digests[i] = EVP_MD_fetch(NULL, names[i], NULL);
        if (!digests[i]) {
            abort(); /* an OpenSSL without SHA-2 cannot check anything */
        }
    }
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (!hmac) {
        abort();
    }
}

const alg_t *alg_find(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(algs); i++) {
        if (strcmp(algs[i].name, name) == 0) {
            return &algs[i];
        }
    }
    return NULL;
}

EVP_MD *alg_digest(alg_digest_t digest)
{
    pthread_once(&fetched, fetch);
    return digest == ALG_NO_DIGEST ? NULL : digests[digest];
}

EVP_MAC *alg_hmac(void)
{
    pthread_once(&fetched, fetch);
    return hmac;
}
