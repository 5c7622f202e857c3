/* Keys that tokens are checked with: HS256 secrets (several overlap while one is rotated) and public keys of
 * a JWKS. The algorithm follows from the key's type; a token cannot choose it. Immutable and shared by all
 * threads once filled.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "span.h"

typedef struct keys keys_t;

keys_t *keys_new(void);
keys_t *keys_ref(keys_t *keys); /* counted atomically; NULL is fine */
void keys_free(keys_t *keys);   /* gives one reference back */
size_t keys_count(const keys_t *keys);

/* All keys of another set too; it is left as it was. */
void keys_add_all(keys_t *keys, const keys_t *from);
/* HS256/384/512. Under 32 bytes is refused. */
int keys_add_secret(keys_t *keys, span_t secret, err_t *err);
/* RFC 7517: RSA (>= 2048 bits; RS*, PS*), EC P-256/384/521 (ES*), OKP Ed25519 (EdDSA). `use` other than sig
 * and unknown kty are skipped; `alg` narrows; `oct` and private members are refused; a set without a usable
 * key is an error. */
int keys_add_jwks(keys_t *keys, span_t json, err_t *err);
int keys_add_jwks_file(keys_t *keys, const char *path, err_t *err);
