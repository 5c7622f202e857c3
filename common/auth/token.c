/* token_verify(): split, header, signature, claims, in that order; the payload is parsed only once its
 * signature holds.
 *
 * The header chooses nothing but among keys that are there: an algorithm counts only with a key of its kind
 * (RFC 8725 3.1), so "none" has no key, and HS256 made with somebody's public key meets no secret. kid
 * selects when a key has it; when none has, every key that fits is tried, because issuers rotate faster than
 * files. Texts never repeat what the token says.
 */
#include "token.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "buf.h"
#include "claims.h"
#include "key.h"
#include "mem.h"

#define TYP_HOP "guiche-hop+jwt"

typedef struct {
    span_t header, payload, signature; /* base64url */
    span_t signed_part;                /* header and payload with the dot between */
} parts_t;

static int unauthorized(err_t *err, const char *text)
{
    return err_set(err, ERR_UNAUTHORIZED, "%s", text);
}

static int split(token_use_t use, span_t token, parts_t *ret, err_t *err)
{
    size_t max_bytes = use == TOKEN_HOP ? TOKEN_HOP_MAX_BYTES : TOKEN_MAX_BYTES;

    if (token.length > max_bytes) {
        return err_set(err, ERR_UNAUTHORIZED, "Token is malformed: it is longer than %zu bytes.", max_bytes);
    }
    const char *end = token.at + token.length;
    const char *first = token.length > 0 ? memchr(token.at, '.', token.length) : NULL;
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1))) {
        return unauthorized(err, "Token is malformed: a JWT has three parts with dots between.");
    }
    ret->header = (span_t){ token.at, (size_t)(first - token.at) };
    ret->payload = (span_t){ first + 1, (size_t)(second - first - 1) };
    ret->signature = (span_t){ second + 1, (size_t)(end - second - 1) };
    ret->signed_part = (span_t){ token.at, (size_t)(second - token.at) };
    return 0;
}

/* A part as a JSON object without duplicate members: two readers may not agree which one counts. */
static int parse_part(span_t part, const char *name, json_t **ret, err_t *err)
{
    AUTO_BUF bytes = { 0 };

    if (base64url_decode(&bytes, part)) {
        return err_set(err, ERR_UNAUTHORIZED, "Token is malformed: its %s is not base64url.", name);
    }
    /* jansson takes a NUL for the end and looks at nothing behind it. */
    bool has_nul = bytes.length > 0 && memchr(bytes.data, '\0', bytes.length);
    json_t *json = has_nul ? NULL : json_loadb(buf_text(&bytes), bytes.length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(json)) {
        json_decref(json);
        return err_set(err, ERR_UNAUTHORIZED,
                       "Token is malformed: its %s is not one JSON object without duplicate members.", name);
    }
    *ret = json;
    return 0;
}

static bool is_client_typ(const char *typ)
{
    static const char *const types[] = { "JWT", "at+jwt", "application/at+jwt" };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcasecmp(typ, types[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The two uses are told apart by typ (RFC 8725 3.11), so that neither passes at the other's door. */
static int check_typ(token_use_t use, const json_t *header, err_t *err)
{
    const json_t *claim = json_object_get(header, "typ");
    const char *typ = json_string_value(claim);

    if (claim && !typ) {
        return unauthorized(err, "Token is malformed: typ must be a string.");
    }
    if (use == TOKEN_HOP) {
        return typ && strcmp(typ, TYP_HOP) == 0
                   ? 0
                   : unauthorized(err,
                                  "Token is not a hop token: a connector takes only those of its gateway.");
    }
    if (typ && strcasecmp(typ, TYP_HOP) == 0) {
        return unauthorized(err, "Token is a hop token: it is for connectors and not taken from clients.");
    }
    return !typ || is_client_typ(typ)
               ? 0
               : unauthorized(err, "Token has the wrong type: typ must be JWT or at+jwt.");
}

static int check_header(token_use_t use, const json_t *header, const alg_t **ret, err_t *err)
{
    const char *alg = json_string_value(json_object_get(header, "alg"));
    const json_t *kid = json_object_get(header, "kid");

    if (json_object_get(header, "crit")) {
        return unauthorized(err, "Token is refused: it demands extensions (crit) that are not known here.");
    }
    if (!alg || (kid && !json_is_string(kid))) {
        return unauthorized(err, "Token is malformed: alg and kid must be strings.");
    }
    if (check_typ(use, header, err)) {
        return -1;
    }
    *ret = alg_find(alg);
    return *ret ? 0
                : unauthorized(err, "Token is refused: it is unsigned or its algorithm is not supported.");
}

static bool knows_kid(const auth_key_t *list, size_t count, const char *kid)
{
    for (size_t i = 0; kid && i < count; i++) {
        if (list[i].kid && strcmp(list[i].kid, kid) == 0) {
            return true;
        }
    }
    return false;
}

static int check_signature(const keys_t *keys, const alg_t *alg, const char *kid, const parts_t *parts,
                           err_t *err)
{
    const auth_key_t *list;
    size_t count = keys_list(keys, &list), tried = 0;
    bool by_kid = knows_kid(list, count, kid);
    AUTO_BUF signature = { 0 };

    if (base64url_decode(&signature, parts->signature)) {
        return unauthorized(err, "Token is malformed: its signature is not base64url.");
    }
    for (size_t i = 0; i < count; i++) {
        if (!auth_key_fits(&list[i], alg) || (by_kid && !(list[i].kid && strcmp(list[i].kid, kid) == 0))) {
            continue;
        }
        tried++;
        if (auth_key_verify(&list[i], alg, parts->signed_part, buf_span(&signature))) {
            return 0;
        }
    }
    return unauthorized(err, tried > 0 ? "Token has a bad signature."
                                       : "Token is refused: no key here takes its algorithm.");
}

int token_verify(const token_rules_t *rules, span_t token, principal_t **ret, int64_t *ret_expires_unix,
                 err_t *err)
{
    parts_t parts;
    const alg_t *alg = NULL;
    json_auto_t *header = NULL, *claims = NULL;

    if (split(rules->use, token, &parts, err) || parse_part(parts.header, "header", &header, err) ||
        check_header(rules->use, header, &alg, err)) {
        return -1;
    }
    const char *kid = json_string_value(json_object_get(header, "kid"));
    if (check_signature(rules->keys, alg, kid, &parts, err) ||
        parse_part(parts.payload, "payload", &claims, err)) {
        return -1;
    }
    return claims_read(rules, claims, ret, ret_expires_unix, err);
}

static bool takes_alg(const auth_key_t *list, size_t count, const alg_t *alg)
{
    for (size_t i = 0; i < count; i++) {
        if (auth_key_fits(&list[i], alg)) {
            return true;
        }
    }
    return false;
}

char *token_unknown_kid(const keys_t *keys, span_t token)
{
    parts_t parts;
    const alg_t *alg = NULL;
    const auth_key_t *list;
    size_t count = keys_list(keys, &list);
    json_auto_t *header = NULL;
    err_t err;

    if (split(TOKEN_CLIENT, token, &parts, &err) || parse_part(parts.header, "header", &header, &err) ||
        check_header(TOKEN_CLIENT, header, &alg, &err) || alg->kind == KEY_SECRET) {
        return NULL;
    }
    const char *kid = json_string_value(json_object_get(header, "kid"));
    bool known = kid ? knows_kid(list, count, kid) : takes_alg(list, count, alg);
    return known ? NULL : mem_strdup(kid ? kid : "");
}
