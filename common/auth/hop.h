/* The token a connector trusts: minted by the gateway once per principal and connector, valid 60 s, signed
 * with a key derived for that connector, so that no connector can speak for the gateway to another.
 */
#pragma once

#include <stdint.h>

#include "err.h"
#include "principal.h"
#include "span.h"

#define HOP_TTL_SECONDS 60
#define HOP_KEY_HEX_SIZE 65

/* HMAC-SHA256(secret, connector name) in hex: what `guiche hop-key NAME` prints and HOP_KEY holds. */
void hop_key_derive(span_t secret, const char *connector, char ret_hex[HOP_KEY_HEX_SIZE]);

/* JWT HS256, typ guiche-hop+jwt, aud = connector, iat, exp = now + 60 s, sub, tenant_id, permissions. Caller
 * frees. The key is the hex text itself (64 bytes): keys_add_secret(keys, span_of(hex)) at the connector. */
char *hop_mint(const char *key_hex, const char *connector, const principal_t *principal, int64_t now_unix);
