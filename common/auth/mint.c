/* See mint.h. Only calls that libjwt has in 1.10 (Debian 12) and in 1.17 (Debian 13) alike. */
#include "mint.h"

#include <jansson.h>
#include <jwt.h>
#include <stdlib.h>

#include "claims.h"
#include "mem.h"

AUTO_DEFINE(jwt_t *, jwt_free);

static char *claims_text(const principal_t *principal, const char *issuer, const char *audience,
                         int64_t now_unix, int64_t ttl_seconds)
{
    json_auto_t *claims = claims_write(principal, now_unix, ttl_seconds);

    if (issuer) {
        json_object_set_new(claims, "iss", json_string(issuer));
    }
    if (audience) {
        json_object_set_new(claims, "aud", json_string(audience));
    }
    return json_dumps(claims, JSON_COMPACT);
}

char *mint_client_token(span_t secret, const principal_t *principal, const char *issuer, const char *audience,
                        int64_t now_unix, int64_t ttl_seconds)
{
    jwt_t *made = NULL;
    AUTO(mem_free) char *claims = claims_text(principal, issuer, audience, now_unix, ttl_seconds);

    if (jwt_new(&made)) {
        abort(); /* out of memory */
    }
    AUTO(jwt_free) jwt_t *jwt = made;
    if (!claims || jwt_add_grants_json(jwt, claims) ||
        jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret.at, (int)secret.length)) {
        return NULL;
    }
    return jwt_encode_str(jwt);
}
