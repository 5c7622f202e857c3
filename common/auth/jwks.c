/* Public keys from a JSON Web Key Set (RFC 7517, 7518 section 6, 8037).
 *
 * What is not for signatures (use, key_ops, alg of encryption) or of a kind we do not know is passed over, as
 * RFC 7517 section 5 asks. What is for us and wrong is an error that names the key: a set is a file an
 * operator can mend, and a key that is left out silently becomes a "bad signature" somewhere else. Either all
 * of a set is added or nothing.
 */
#include "keys.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base64.h"
#include "file.h"
#include "key.h"
#include "mem.h"

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 16384 /* OpenSSL's own limit */
#define SET_MAX_BYTES (1024 * 1024)
#define SET_MAX_KEYS 100

AUTO_DEFINE(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free);
AUTO_DEFINE(OSSL_PARAM *, OSSL_PARAM_free);
AUTO_DEFINE(EVP_PKEY_CTX *, EVP_PKEY_CTX_free);
AUTO_DEFINE(BIGNUM *, BN_free);

/* How a key of the set is read: its place for sentences, its members. */
typedef struct {
    size_t number; /* from 1 */
    const json_t *json;
} jwk_t;

typedef enum { READ_KEY, READ_SKIPPED, READ_FAILED } read_t;

static const char *text_of(const jwk_t *jwk, const char *name)
{
    return json_string_value(json_object_get(jwk->json, name));
}

static bool is(const char *text, const char *expected)
{
    return text && strcmp(text, expected) == 0;
}

static read_t refuse(const jwk_t *jwk, const char *why, err_t *err)
{
    const char *kid = text_of(jwk, "kid");

    err_set(err, ERR_CALLER, "JWKS: key %zu%s%.60s %s.", jwk->number, kid ? ", kid " : "", kid ? kid : "",
            why);
    return READ_FAILED;
}

/* A base64url member; -1 unless it is there and has `length` bytes (0: any number). */
static int bytes_of(const jwk_t *jwk, const char *name, size_t length, buf_t *ret)
{
    const char *text = text_of(jwk, name);

    if (!text || base64url_decode(ret, span_of(text)) || ret->length == 0) {
        return -1;
    }
    return length > 0 && ret->length != length ? -1 : 0;
}

static EVP_PKEY *pkey_from(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *pkey = NULL;
    AUTO(OSSL_PARAM_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        return NULL;
    }
    AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (!check || EVP_PKEY_public_check(check) != 1) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

static BIGNUM *number_of(const jwk_t *jwk, const char *name)
{
    AUTO_BUF bytes = { 0 };

    if (bytes_of(jwk, name, 0, &bytes)) {
        return NULL;
    }
    return BN_bin2bn((const unsigned char *)bytes.data, (int)bytes.length, NULL);
}

static read_t read_rsa(const jwk_t *jwk, auth_key_t *ret, err_t *err)
{
    AUTO(BN_free) BIGNUM *n = number_of(jwk, "n");
    AUTO(BN_free) BIGNUM *e = number_of(jwk, "e");
    AUTO(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();

    if (!n || !e) {
        return refuse(jwk, "needs n and e as base64url", err);
    }
    if (BN_num_bits(n) < RSA_MIN_BITS || BN_num_bits(n) > RSA_MAX_BITS) {
        return refuse(jwk, "is an RSA key of less than 2048 or more than 16384 bits", err);
    }
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    ret->kind = KEY_RSA;
    ret->pkey = pkey_from("RSA", builder);
    return ret->pkey ? READ_KEY : refuse(jwk, "is not a sound RSA key", err);
}

static const struct curve {
    const char *crv, *group;
    key_kind_t kind;
    size_t bytes;
} curves[] = {
    { "P-256", "prime256v1", KEY_P256, 32 },
    { "P-384", "secp384r1", KEY_P384, 48 },
    { "P-521", "secp521r1", KEY_P521, 66 },
};

static const struct curve *curve_of(const jwk_t *jwk)
{
    for (size_t i = 0; i < COUNT_OF(curves); i++) {
        if (is(text_of(jwk, "crv"), curves[i].crv)) {
            return &curves[i];
        }
    }
    return NULL;
}

static read_t read_ec(const jwk_t *jwk, auth_key_t *ret, err_t *err)
{
    const struct curve *curve = curve_of(jwk);
    AUTO_BUF point = { 0 };
    AUTO_BUF x = { 0 };
    AUTO_BUF y = { 0 };
    AUTO(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();

    if (!curve) {
        return text_of(jwk, "crv") ? READ_SKIPPED : refuse(jwk, "has no crv", err);
    }
    if (bytes_of(jwk, "x", curve->bytes, &x) || bytes_of(jwk, "y", curve->bytes, &y)) {
        return refuse(jwk, "needs x and y as base64url of the curve's length", err);
    }
    buf_add_char(&point, POINT_CONVERSION_UNCOMPRESSED);
    buf_add_span(&point, buf_span(&x));
    buf_add_span(&point, buf_span(&y));
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.length);
    ret->kind = curve->kind;
    ret->pkey = pkey_from("EC", builder);
    return ret->pkey ? READ_KEY : refuse(jwk, "is not a point on its curve", err);
}

static read_t read_okp(const jwk_t *jwk, auth_key_t *ret, err_t *err)
{
    AUTO_BUF x = { 0 };

    if (!is(text_of(jwk, "crv"), "Ed25519")) {
        return text_of(jwk, "crv") ? READ_SKIPPED : refuse(jwk, "has no crv", err);
    }
    if (bytes_of(jwk, "x", 32, &x)) {
        return refuse(jwk, "needs x as base64url of 32 bytes", err);
    }
    ret->kind = KEY_ED25519;
    ret->pkey =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const unsigned char *)x.data, x.length);
    return ret->pkey ? READ_KEY : refuse(jwk, "is not a sound Ed25519 key", err);
}

static bool verifies(const jwk_t *jwk)
{
    const char *use = text_of(jwk, "use");
    const json_t *ops = json_object_get(jwk->json, "key_ops"), *op;
    size_t i;

    if (use && strcmp(use, "sig") != 0) {
        return false;
    }
    json_array_foreach(ops, i, op)
    {
        if (is(json_string_value(op), "verify")) {
            return true;
        }
    }
    return !json_is_array(ops);
}

static read_t read_by_type(const jwk_t *jwk, auth_key_t *ret, err_t *err)
{
    const char *kty = text_of(jwk, "kty");

    if (!kty) {
        return refuse(jwk, "has no kty", err);
    }
    if (is(kty, "oct")) {
        return refuse(jwk, "is a shared secret (kty oct), which does not belong into a JWKS", err);
    }
    if (json_object_get(jwk->json, "d")) {
        return refuse(jwk, "is a private key (it has d); put the public one there", err);
    }
    if (!verifies(jwk)) {
        return READ_SKIPPED;
    }
    if (is(kty, "RSA")) {
        return read_rsa(jwk, ret, err);
    }
    if (is(kty, "EC")) {
        return read_ec(jwk, ret, err);
    }
    return is(kty, "OKP") ? read_okp(jwk, ret, err) : READ_SKIPPED;
}

/* RFC 7517 4.4: a key with `alg` is for that algorithm only. */
static read_t narrow(const jwk_t *jwk, auth_key_t *key, err_t *err)
{
    const char *alg = text_of(jwk, "alg");

    if (!alg) {
        return READ_KEY;
    }
    key->only = alg_find(alg);
    if (!key->only) {
        return READ_SKIPPED;
    }
    return key->only->kind == key->kind ? READ_KEY
                                        : refuse(jwk, "has an alg that does not fit its type", err);
}

static read_t read_jwk(const jwk_t *jwk, auth_key_t *ret, err_t *err)
{
    const json_t *kid = json_object_get(jwk->json, "kid");

    if (!json_is_object(jwk->json)) {
        return refuse(jwk, "is not an object", err);
    }
    if (kid && !json_is_string(kid)) {
        return refuse(jwk, "has a kid that is not a string", err);
    }
    read_t result = read_by_type(jwk, ret, err);
    if (result == READ_KEY) {
        result = narrow(jwk, ret, err);
    }
    if (result == READ_KEY && kid) {
        ret->kid = mem_strdup(json_string_value(kid));
    }
    return result;
}

static int read_all(const json_t *list, auth_key_t *ret, size_t *ret_count, err_t *err)
{
    size_t i;
    json_t *json;

    json_array_foreach(list, i, json)
    {
        auth_key_t key = { 0 };
        read_t result = read_jwk(&(jwk_t){ i + 1, json }, &key, err);
        if (result == READ_KEY) {
            ret[(*ret_count)++] = key;
            continue;
        }
        auth_key_release(&key);
        if (result == READ_FAILED) {
            return -1;
        }
    }
    return 0;
}

static int add_list(keys_t *keys, const json_t *list, err_t *err)
{
    auth_key_t read[SET_MAX_KEYS] = { 0 };
    size_t count = 0;
    int rc = read_all(list, read, &count, err);

    if (rc == 0 && count == 0) {
        rc = err_set(err, ERR_CALLER, "JWKS: no key in it can check a signature.");
    }
    for (size_t i = 0; i < count; i++) {
        if (rc == 0) {
            keys_append(keys, &read[i]);
        } else {
            auth_key_release(&read[i]);
        }
    }
    ERR_clear_error();
    return rc;
}

int keys_add_jwks(keys_t *keys, span_t json, err_t *err)
{
    json_error_t where;
    json_auto_t *set = json_loadb(json.at ? json.at : "", json.length, JSON_REJECT_DUPLICATES, &where);
    const json_t *list = json_object_get(set, "keys");

    if (!set) {
        return err_set(err, ERR_CALLER, "JWKS: not valid JSON (line %d: %s).", where.line, where.text);
    }
    if (!json_is_array(list)) {
        return err_set(err, ERR_CALLER, "JWKS: not an object with an array \"keys\".");
    }
    if (json_array_size(list) > SET_MAX_KEYS) {
        return err_set(err, ERR_CALLER, "JWKS: more than %d keys.", SET_MAX_KEYS);
    }
    return add_list(keys, list, err);
}

int keys_add_jwks_file(keys_t *keys, const char *path, err_t *err)
{
    size_t length;
    err_t inner;
    AUTO(mem_free) char *text = file_read(path, SET_MAX_BYTES, &length);

    if (!text && errno == EFBIG) {
        return err_set(err, ERR_CALLER, "%s is larger than 1 MiB.", path);
    }
    if (!text) {
        return err_set(err, ERR_CALLER, "Cannot read %s: %s.", path, strerror(errno));
    }
    if (keys_add_jwks(keys, (span_t){ text, length }, &inner)) {
        return err_set(err, inner.kind, "%s: %s", path, inner.text);
    }
    return 0;
}
