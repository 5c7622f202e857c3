/* Checking one signature with one key. The algorithm has been chosen by then and fits the key
 * (auth_key_fits): an HMAC never sees a public key, a public key never sees an HMAC. */
#include "key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "mem.h"

#define DER_MAX_BYTES 160 /* ECDSA over P-521: two integers of 67 bytes and their heads */

AUTO_DEFINE(EVP_MAC_CTX *, EVP_MAC_CTX_free);
AUTO_DEFINE(EVP_MD_CTX *, EVP_MD_CTX_free);
AUTO_DEFINE(ECDSA_SIG *, ECDSA_SIG_free);

void auth_key_release(auth_key_t *key)
{
    mem_free(key->kid);
    EVP_PKEY_free(key->pkey);
    for (size_t i = 0; i < ALG_DIGESTS; i++) {
        EVP_MAC_CTX_free(key->macs[i]);
    }
    *key = (auth_key_t){ 0 };
}

auth_key_t auth_key_copy(const auth_key_t *key)
{
    auth_key_t copy = { .kind = key->kind, .only = key->only, .pkey = key->pkey };

    copy.kid = key->kid ? mem_strdup(key->kid) : NULL;
    if (copy.pkey) {
        EVP_PKEY_up_ref(copy.pkey);
    }
    for (size_t i = 0; i < ALG_DIGESTS && key->macs[i]; i++) {
        copy.macs[i] = EVP_MAC_CTX_dup(key->macs[i]);
        if (!copy.macs[i]) {
            abort(); /* only without memory */
        }
    }
    return copy;
}

bool auth_key_fits(const auth_key_t *key, const alg_t *alg)
{
    return key->kind == alg->kind && (!key->only || key->only == alg);
}

static bool verify_mac(const auth_key_t *key, const alg_t *alg, span_t message, span_t signature)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t length = 0;
    AUTO(EVP_MAC_CTX_free) EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(key->macs[alg->digest]);

    return ctx && EVP_MAC_update(ctx, (const unsigned char *)message.at, message.length) == 1 &&
           EVP_MAC_final(ctx, mac, &length, sizeof(mac)) == 1 && signature.length == length &&
           CRYPTO_memcmp(mac, signature.at, length) == 0;
}

/* RFC 7518 3.4: r and s side by side, each of the curve's own length. OpenSSL wants them in DER. */
static int der_from_halves(const alg_t *alg, span_t signature, unsigned char der[DER_MAX_BYTES])
{
    const unsigned char *at = (const unsigned char *)signature.at;
    AUTO(ECDSA_SIG_free) ECDSA_SIG *sig = ECDSA_SIG_new();

    if (!sig || signature.length != 2 * alg->half_bytes) {
        return -1;
    }
    BIGNUM *r = BN_bin2bn(at, (int)alg->half_bytes, NULL);
    BIGNUM *s = BN_bin2bn(at + alg->half_bytes, (int)alg->half_bytes, NULL);
    if (!r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return -1;
    }
    return i2d_ECDSA_SIG(sig, &der);
}

static bool set_padding(EVP_PKEY_CTX *ctx, const alg_t *alg)
{
    /* RFC 7518 3.5: the salt is as long as the digest; MGF1 uses the same digest (OpenSSL's default). */
    return !alg->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                         EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static bool verify_public(const auth_key_t *key, const alg_t *alg, span_t message, span_t signature)
{
    unsigned char der[DER_MAX_BYTES];
    EVP_PKEY_CTX *pkey_ctx = NULL; /* belongs to ctx */
    AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (alg->half_bytes > 0) {
        int length = der_from_halves(alg, signature, der);
        if (length <= 0) {
            return false;
        }
        signature = (span_t){ (const char *)der, (size_t)length };
    }
    bool verified = ctx &&
                    EVP_DigestVerifyInit(ctx, &pkey_ctx, alg_digest(alg->digest), NULL, key->pkey) == 1 &&
                    set_padding(pkey_ctx, alg) &&
                    EVP_DigestVerify(ctx, (const unsigned char *)signature.at, signature.length,
                                     (const unsigned char *)message.at, message.length) == 1;
    ERR_clear_error(); /* the queue is per thread and libcurl shares it: ours must not look like theirs */
    return verified;
}

bool auth_key_verify(const auth_key_t *key, const alg_t *alg, span_t message, span_t signature)
{
    return key->kind == KEY_SECRET ? verify_mac(key, alg, message, signature)
                                   : verify_public(key, alg, message, signature);
}
