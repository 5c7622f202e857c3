/* See hop.h. The token is put together here and signed by OpenSSL, not by libjwt: libjwt 1.10 writes `typ:
 * JWT` over whatever was set, and typ is what keeps hop tokens and client tokens apart. */
#include "hop.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "buf.h"
#include "claims.h"
#include "mem.h"

#define MAC_BYTES 32

static void hmac_sha256(span_t key, span_t message, unsigned char ret[MAC_BYTES])
{
    unsigned length = 0;

    if (!HMAC(EVP_sha256(), key.at, (int)key.length, (const unsigned char *)message.at, message.length, ret,
              &length) ||
        length != MAC_BYTES) {
        abort(); /* only without memory or without SHA-256 */
    }
}

void hop_key_derive(span_t secret, const char *connector, char ret_hex[HOP_KEY_HEX_SIZE])
{
    unsigned char mac[MAC_BYTES];

    hmac_sha256(secret, span_of(connector), mac);
    for (size_t i = 0; i < sizeof(mac); i++) {
        snprintf(ret_hex + 2 * i, 3, "%02x", mac[i]);
    }
    mem_wipe(mac, sizeof(mac));
}

char *hop_mint(const char *key_hex, const char *connector, const principal_t *principal, int64_t now_unix)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"guiche-hop+jwt\"}";
    unsigned char mac[MAC_BYTES];
    AUTO_BUF token = { 0 };
    json_auto_t *claims = claims_write(principal, now_unix, HOP_TTL_SECONDS);

    json_object_set_new(claims, "aud", json_string(connector));
    AUTO(mem_free) char *payload = json_dumps(claims, JSON_COMPACT);
    base64url_encode(&token, header, sizeof(header) - 1);
    buf_add_char(&token, '.');
    base64url_encode(&token, payload, strlen(payload));
    hmac_sha256(span_of(key_hex), buf_span(&token), mac);
    buf_add_char(&token, '.');
    base64url_encode(&token, mac, sizeof(mac));
    return buf_steal(&token);
}
