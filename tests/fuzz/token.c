/* Tokens. An input is a token as it comes, or a header and a payload (JSON, with a line break between), which
 * are signed here, so that the fuzzer gets past the signature to the claims.
 *
 * What must hold: a token that is taken carries the one true HMAC in its one spelling, or is one of those
 * that were signed with the other key (its private half is not in this house); its algorithm is that key's;
 * its time has not passed; and the principal is whom the payload names.
 */
#include "token.h"

#include <jansson.h>
#include <math.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "fuzz.h"
#include "mem.h"

#define NOW 1800000000
#define SECRET "not a secret: it stands in the source of a test"
#define ISSUER "https://id.example.com"
#define AUDIENCE "https://mcp.example.com/mcp"
#define JWKS                                                                                                 \
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"far\","                                          \
    "\"x\":\"U1Q2zCgd_BHjspygUDn2qmP-WfK0wpJNdtAh9am0ou4\","                                                 \
    "\"y\":\"bmB2RFPgOwbEtqJGp-FLAUDhG9GQYmO5ki_O7VOrLaw\"}]}"
/* Of corpus/token/signed_with_es256. */
#define ES256_SIGNED_PART                                                                                    \
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImZhciIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbm5hIiwidGVuYW50X2lkI"             \
    "joiYWNtZSIsInBlcm1pc3Npb25zIjpbImNybS5yZWFkIiwiY3JtLndyaXRlIl0sImlhdCI6MTc5OTk5MDAwMCwiZXh"             \
    "wIjoxOTAwMDAwMDAwfQ"

AUTO_DEFINE(principal_t *, principal_unref);

static const keys_t *keys(void)
{
    static keys_t *all; /* made once: it is constant, and its making would take most of the time */
    err_t err;

    if (!all) {
        all = keys_new();
        MUST(keys_add_secret(all, SPAN(SECRET), &err) == 0);
        MUST(keys_add_jwks(all, SPAN(JWKS), &err) == 0);
    }
    return all;
}

static void add_signature(buf_t *token)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    HMAC(EVP_sha256(), SECRET, strlen(SECRET), (const unsigned char *)token->data, token->length, mac,
         &length);
    buf_add_char(token, '.');
    base64url_encode(token, mac, length);
}

/* Header LF payload: signed. Anything else as it is. */
static void make_token(buf_t *token, span_t input)
{
    const char *line = input.length > 0 ? memchr(input.at, '\n', input.length) : NULL;

    if (!line) {
        buf_add_span(token, input);
        return;
    }
    base64url_encode(token, input.at, (size_t)(line - input.at));
    buf_add_char(token, '.');
    base64url_encode(token, line + 1, input.length - (size_t)(line - input.at) - 1);
    add_signature(token);
}

static json_t *part(span_t text)
{
    AUTO_BUF bytes = { 0 };

    MUST(base64url_decode(&bytes, text) == 0 && !memchr(bytes.data, '\0', bytes.length));
    json_t *json = json_loadb(bytes.data, bytes.length, JSON_REJECT_DUPLICATES, NULL);
    MUST(json_is_object(json));
    return json;
}

/* The true signature of an HS256, HS384 or HS512 token. */
static void true_token(buf_t *ret, span_t signed_part, const char *alg)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const EVP_MD *digest = strcmp(alg, "HS256") == 0   ? EVP_sha256()
                           : strcmp(alg, "HS384") == 0 ? EVP_sha384()
                                                       : EVP_sha512();

    HMAC(digest, SECRET, strlen(SECRET), (const unsigned char *)signed_part.at, signed_part.length, mac,
         &length);
    buf_add_span(ret, signed_part);
    buf_add_char(ret, '.');
    base64url_encode(ret, mac, length);
}

static void check_signature(span_t token, span_t signed_part, const json_t *header)
{
    AUTO_BUF expected = { 0 };
    const char *alg = json_string_value(json_object_get(header, "alg"));

    MUST(alg && !json_object_get(header, "crit"));
    if (strncmp(alg, "HS", 2) == 0) {
        true_token(&expected, signed_part, alg);
        MUST(span_equal(buf_span(&expected), token));
    } else {
        MUST(strcmp(alg, "ES256") == 0 && span_is(signed_part, ES256_SIGNED_PART));
    }
}

static bool names(const json_t *aud, const char *audience)
{
    for (size_t i = 0; i < json_array_size(aud); i++) {
        const char *one = json_string_value(json_array_get(aud, i));
        if (one && strcmp(one, audience) == 0) {
            return true;
        }
    }
    const char *one = json_string_value(aud);
    return one && strcmp(one, audience) == 0;
}

static void check_claims(const json_t *claims, const token_rules_t *rules, const principal_t *principal,
                         int64_t expires)
{
    const json_t *sub = json_object_get(claims, "sub"), *tenant = json_object_get(claims, "tenant_id");
    const json_t *nbf = json_object_get(claims, "nbf");

    MUST(expires > NOW && expires <= json_number_value(json_object_get(claims, "exp")));
    MUST(!json_is_number(nbf) || json_number_value(nbf) < NOW + 61);
    MUST(!rules->issuer || names(json_object_get(claims, "iss"), ISSUER));
    MUST(!rules->audience || names(json_object_get(claims, "aud"), AUDIENCE));
    MUST(principal->subject[0] && principal->tenant_id[0]);
    MUST(!json_is_string(sub) || strcmp(principal->subject, json_string_value(sub)) == 0);
    MUST(json_is_string(tenant) ? strcmp(principal->tenant_id, json_string_value(tenant)) == 0
                                : rules->default_tenant && strcmp(principal->tenant_id, "house") == 0);
    for (size_t i = 1; i < principal->permission_count; i++) {
        MUST(strcmp(principal->permissions[i - 1], principal->permissions[i]) < 0);
    }
}

static void check_taken(span_t token, const token_rules_t *rules, const principal_t *principal,
                        int64_t expires)
{
    const char *first = memchr(token.at, '.', token.length);
    MUST(first);
    const char *second = memchr(first + 1, '.', (size_t)(token.at + token.length - first - 1));
    MUST(second);
    json_auto_t *header = part((span_t){ token.at, (size_t)(first - token.at) });
    json_auto_t *claims = part((span_t){ first + 1, (size_t)(second - first - 1) });
    const char *typ = json_string_value(json_object_get(header, "typ"));
    bool is_hop = typ && strcasecmp(typ, "guiche-hop+jwt") == 0;

    MUST(is_hop == (rules->use == TOKEN_HOP));
    check_signature(token, (span_t){ token.at, (size_t)(second - token.at) }, header);
    check_claims(claims, rules, principal, expires);
}

static void check(span_t token, const token_rules_t *rules)
{
    AUTO(principal_unref) principal_t *principal = NULL;
    int64_t expires = 0;
    err_t err = { 0 };

    if (token_verify(rules, token, &principal, &expires, &err) == 0) {
        MUST(principal);
        check_taken(token, rules, principal, expires);
    } else {
        MUST(!principal && err.kind == ERR_UNAUTHORIZED && err.text[0]);
        mem_free(token_unknown_kid(rules->keys, token));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const token_rules_t rules[] = {
        { TOKEN_CLIENT, keys(), NULL, NULL, "house", NOW },
        { TOKEN_CLIENT, keys(), ISSUER, AUDIENCE, NULL, NOW },
        { TOKEN_HOP, keys(), NULL, AUDIENCE, NULL, NOW },
    };
    AUTO_BUF token = { 0 };

    make_token(&token, (span_t){ (const char *)data, size });
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        check((span_t){ token.data ? token.data : "", token.length }, &rules[i]);
    }
    return 0;
}
