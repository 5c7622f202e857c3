/* The set of keys and its secrets; public keys come from jwks.c. See keys.h. */
#include "keys.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "key.h"
#include "mem.h"

#define SECRET_MIN_BYTES 32 /* RFC 7518 3.2: at least as long as the hash */

struct keys {
    auth_key_t *list;
    size_t count;
    int references;
};

keys_t *keys_new(void)
{
    keys_t *keys = NEW(keys_t);

    keys->references = 1;
    return keys;
}

keys_t *keys_ref(keys_t *keys)
{
    if (keys) {
        __atomic_add_fetch(&keys->references, 1, __ATOMIC_RELAXED);
    }
    return keys;
}

void keys_free(keys_t *keys)
{
    if (!keys || __atomic_sub_fetch(&keys->references, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    for (size_t i = 0; i < keys->count; i++) {
        auth_key_release(&keys->list[i]);
    }
    mem_free(keys->list);
    mem_free(keys);
}

size_t keys_count(const keys_t *keys)
{
    return keys->count;
}

size_t keys_list(const keys_t *keys, const auth_key_t **ret)
{
    *ret = keys->list;
    return keys->count;
}

void keys_append(keys_t *keys, auth_key_t *key)
{
    keys->list = mem_resize(keys->list, (keys->count + 1) * sizeof(*keys->list));
    keys->list[keys->count++] = *key;
    *key = (auth_key_t){ 0 };
}

void keys_add_all(keys_t *keys, const keys_t *from)
{
    for (size_t i = 0; i < from->count; i++) {
        auth_key_t copy = auth_key_copy(&from->list[i]);
        keys_append(keys, &copy);
    }
}

static EVP_MAC_CTX *begin_mac(span_t secret, alg_digest_t digest)
{
    char *name = (char *)EVP_MD_get0_name(alg_digest(digest));
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                            OSSL_PARAM_construct_end() };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(alg_hmac());

    if (ctx && EVP_MAC_init(ctx, (const unsigned char *)secret.at, secret.length, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

int keys_add_secret(keys_t *keys, span_t secret, err_t *err)
{
    auth_key_t key = { .kind = KEY_SECRET };

    if (secret.length < SECRET_MIN_BYTES) {
        return err_set(err, ERR_CALLER, "A secret needs at least %d bytes; this one has %zu.",
                       SECRET_MIN_BYTES, secret.length);
    }
    for (int i = 0; i < ALG_DIGESTS; i++) {
        key.macs[i] = begin_mac(secret, (alg_digest_t)i);
        if (!key.macs[i]) {
            auth_key_release(&key);
            return err_set(err, ERR_INTERNAL, "OpenSSL cannot make an HMAC.");
        }
    }
    keys_append(keys, &key);
    return 0;
}
