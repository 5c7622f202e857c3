/* One key of a keys_t and what it can check. Private to auth. */
#pragma once

#include <stdbool.h>

#include "alg.h"
#include "buf.h"
#include "err.h"
#include "keys.h"
#include "span.h"

typedef struct {
    key_kind_t kind;
    char *kid;                      /* NULL without */
    const alg_t *only;              /* the JWK's alg; NULL: any that fits the kind */
    EVP_PKEY *pkey;                 /* public keys */
    EVP_MAC_CTX *macs[ALG_DIGESTS]; /* secrets: begun with the key, copied for each token */
} auth_key_t;

void auth_key_release(auth_key_t *key);
auth_key_t auth_key_copy(const auth_key_t *key);
bool auth_key_fits(const auth_key_t *key, const alg_t *alg);
bool auth_key_verify(const auth_key_t *key, const alg_t *alg, span_t message, span_t signature);

size_t keys_list(const keys_t *keys, const auth_key_t **ret);
void keys_append(keys_t *keys, auth_key_t *key); /* takes what key holds */
