/* See gate.h. A token that fails is not remembered: it may become valid (nbf), and remembering it would let
 * anybody fill the cache. API keys are compared in constant time, all of them each time, so that timing tells
 * neither which nor how much of one was right.
 */
#include "gate.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "buf.h"
#include "clock.h"
#include "lru.h"
#include "mem.h"
#include "texts.h"
#include "token.h"

#define CACHE_ENTRIES 10000
#define CACHE_SECONDS 60
#define RETRY_AFTER_SECONDS "5"

typedef struct {
    principal_t *principal;
    int64_t until_unix;
} known_t;

struct gate {
    config_t *config;
    keys_t *keys; /* a reference */
    bool awaits_keys;
    gate_unknown_f unknown; /* may be NULL */
    void *unknown_self;
    lru_t *known;
    principal_t *local; /* auth.mode: none */
    EVP_MD *sha256;     /* SHA256() fetches its algorithm anew each time: 1.1 us instead of 0.4 */
    EVP_MD_CTX *digest;
};

static void known_free(void *value)
{
    known_t *known = value;

    principal_unref(known->principal);
    mem_free(known);
}

gate_t *gate_new(config_t *config)
{
    static const char *const all[] = { "*" };
    gate_t *gate = NEW(gate_t);

    gate->config = config_ref(config);
    gate->keys = keys_ref(config->keys);
    gate->known = lru_new(CACHE_ENTRIES, SIZE_MAX, known_free);
    gate->local = principal_new("local", "local", all, COUNT_OF(all));
    gate->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    gate->digest = EVP_MD_CTX_new();
    return gate;
}

void gate_free(gate_t *gate)
{
    if (gate) {
        lru_free(gate->known);
        principal_unref(gate->local);
        EVP_MD_free(gate->sha256);
        EVP_MD_CTX_free(gate->digest);
        keys_free(gate->keys);
        config_unref(gate->config);
        mem_free(gate);
    }
}

void gate_set_config(gate_t *gate, config_t *config)
{
    config_ref(config);
    config_unref(gate->config);
    gate->config = config;
    keys_free(gate->keys);
    gate->keys = keys_ref(config->keys);
    gate->awaits_keys = false;
    lru_clear(gate->known);
}

void gate_set_keys(gate_t *gate, keys_t *keys, bool awaits)
{
    gate->awaits_keys = awaits;
    if (keys != gate->keys) {
        keys_free(gate->keys);
        gate->keys = keys_ref(keys);
        lru_clear(gate->known);
    }
}

void gate_on_unknown_key(gate_t *gate, gate_unknown_f cb, void *self)
{
    gate->unknown = cb;
    gate->unknown_self = self;
}

static span_t bearer(span_t authorization)
{
    size_t at = strlen("Bearer ");

    if (authorization.length <= at || strncasecmp(authorization.at, "Bearer ", at) != 0) {
        return (span_t){ 0 };
    }
    while (at < authorization.length && authorization.at[at] == ' ') {
        at++;
    }
    return (span_t){ authorization.at + at, authorization.length - at };
}

static principal_t *find_key(const config_t *config, const unsigned char digest[SHA256_DIGEST_LENGTH])
{
    const api_key_t *found = NULL;

    for (size_t i = 0; i < config->api_key_count; i++) {
        const api_key_t *key = &config->api_keys[i];
        if (CRYPTO_memcmp(key->sha256, digest, SHA256_DIGEST_LENGTH) == 0) {
            found = key;
        }
    }
    if (!found) {
        return NULL;
    }
    return principal_new(found->name, found->tenant_id, (const char *const *)found->permissions,
                         texts_count(found->permissions));
}

/* A key that is not here may be at its URL by now. Only public keys are: a bad HMAC stays what it is. */
static int explain_unknown(gate_t *gate, span_t token, err_t *err)
{
    AUTO(mem_free) char *kid = token_unknown_kid(gate->keys, token);

    if (!kid) {
        return -1;
    }
    if (gate->awaits_keys) {
        return err_set(err, ERR_UNAVAILABLE,
                       "The keys that tokens are checked with have not been fetched yet; try again in a "
                       "moment.");
    }
    if (gate->unknown) {
        gate->unknown(gate->unknown_self, kid);
    }
    return err_set(err, ERR_UNAUTHORIZED,
                   "Token is signed with a key that is not known here; if the key is new, try again in a "
                   "moment.");
}

static int verify(gate_t *gate, span_t token, int64_t now_unix, principal_t **ret, int64_t *ret_until,
                  err_t *err)
{
    const config_t *config = gate->config;
    token_rules_t rules = {
        .use = TOKEN_CLIENT,
        .keys = gate->keys,
        .issuer = config->issuer,
        .audience = config->audience,
        .default_tenant = config->default_tenant,
        .now_unix = now_unix,
    };
    int64_t expires = 0;

    if (token_verify(&rules, token, ret, &expires, err)) {
        return config->jwks_url ? explain_unknown(gate, token, err) : -1;
    }
    (*ret)->expires_unix = expires;
    *ret_until = expires < now_unix + CACHE_SECONDS ? expires : now_unix + CACHE_SECONDS;
    return 0;
}

static principal_t *remember(gate_t *gate, span_t digest, principal_t *principal, int64_t until_unix)
{
    known_t *known = NEW(known_t);

    known->principal = principal;
    known->until_unix = until_unix;
    lru_put(gate->known, digest, known, 1);
    return principal_ref(principal);
}

static void digest_of(const gate_t *gate, span_t token, unsigned char ret[SHA256_DIGEST_LENGTH])
{
    if (!EVP_DigestInit_ex2(gate->digest, gate->sha256, NULL) ||
        !EVP_DigestUpdate(gate->digest, token.at, token.length) ||
        !EVP_DigestFinal_ex(gate->digest, ret, NULL)) {
        abort(); /* only without memory or without SHA-256 */
    }
}

static int check_token(gate_t *gate, span_t token, int64_t now_unix, principal_t **ret, err_t *err)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    int64_t until_unix = now_unix + CACHE_SECONDS;

    digest_of(gate, token, digest);
    span_t key = { (const char *)digest, sizeof(digest) };
    const known_t *known = lru_get(gate->known, key);
    if (known && now_unix < known->until_unix) {
        *ret = principal_ref(known->principal);
        return 0;
    }
    principal_t *principal = find_key(gate->config, digest);
    if (!principal && verify(gate, token, now_unix, &principal, &until_unix, err)) {
        return -1;
    }
    *ret = remember(gate, key, principal, until_unix);
    return 0;
}

int gate_check(gate_t *gate, span_t authorization, size_t count, int64_t now_unix, principal_t **ret,
               err_t *err)
{
    if (gate->config->auth_mode == AUTH_NONE) {
        *ret = principal_ref(gate->local);
        return 0;
    }
    if (!authorization.at) {
        return err_set(err, ERR_UNAUTHORIZED,
                       "The token is missing: send it as \"Authorization: Bearer TOKEN\".");
    }
    if (count > 1) {
        return err_set(err, ERR_UNAUTHORIZED, "The Authorization header was sent more than once.");
    }
    span_t token = bearer(authorization);
    if (token.length == 0) {
        return err_set(err, ERR_UNAUTHORIZED, "The Authorization header must say \"Bearer\" and a token.");
    }
    return check_token(gate, token, now_unix, ret, err);
}

/* "https://host" of "https://host/path", and the path without a slash at its end. */
char *gate_metadata_url(const char *public_url)
{
    const char *scheme = strstr(public_url, "://");
    const char *host = scheme ? scheme + 3 : public_url;
    size_t host_end = (size_t)(host - public_url) + strcspn(host, "/");
    span_t path = span_of(public_url + host_end);

    while (path.length > 0 && path.at[path.length - 1] == '/') {
        path.length--;
    }
    return mem_printf("%.*s/.well-known/oauth-protected-resource%.*s", (int)host_end, public_url,
                      SPAN_ARGS(path));
}

/* RFC 6750 section 3, RFC 9728 section 5.1. The metadata is named only when there is an authorization server
 * to find in it: clients would otherwise start an OAuth dance that cannot end. */
static void challenge(const gate_t *gate, http_request_t *request, const char *error)
{
    const config_t *config = gate->config;
    AUTO_BUF value = { 0 };

    buf_addf(&value, "Bearer%s%s", *error ? " " : "", error);
    if (config->authorization_servers && *config->authorization_servers && config->public_url) {
        AUTO(mem_free) char *url = gate_metadata_url(config->public_url);
        buf_addf(&value, "%sresource_metadata=\"%s\"", *error ? ", " : " ", url);
    }
    http_add_header(request, "WWW-Authenticate", buf_text(&value));
}

void gate_challenge_scope(const gate_t *gate, http_request_t *request, const char *scope)
{
    AUTO(mem_free) char *error = mem_printf("error=\"insufficient_scope\", scope=\"%s\"", scope);

    challenge(gate, request, error);
}

int gate_authenticate(gate_t *gate, http_request_t *request, principal_t **ret, err_t *err)
{
    size_t count = 0;
    span_t authorization = http_header(request, "Authorization", &count);

    if (gate_check(gate, authorization, count, clock_unix(), ret, err) == 0) {
        return 0;
    }
    if (err->kind == ERR_UNAVAILABLE) {
        http_add_header(request, "Retry-After", RETRY_AFTER_SECONDS);
    } else {
        challenge(gate, request, authorization.at ? "error=\"invalid_token\"" : "");
    }
    return -1;
}
