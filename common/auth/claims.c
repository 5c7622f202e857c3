/* What a verified payload says, and what a minted one holds. A claim of a type it cannot have makes the token
 * malformed: to pass it over would give `"tenant_id": 7` the default tenant. Sources: RFC 7519 section 4.1,
 * RFC 9068, RFC 8693 4.2.
 */
#include "claims.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "mem.h"
#include "span.h"

#define LEEWAY_SECONDS                                                                                       \
    60 /* of nbf only: a clock behind the issuer's; exp is given by whoever wants it longer */
#define NAME_MAX_BYTES 256
#define LATEST_UNIX 253402300799.0 /* the end of year 9999 */

static int unauthorized(err_t *err, const char *text)
{
    return err_set(err, ERR_UNAUTHORIZED, "%s", text);
}

static int malformed(err_t *err, const char *claim, const char *must)
{
    return err_set(err, ERR_UNAUTHORIZED, "Token is malformed: %s must be %s.", claim, must);
}

/* null is no value. */
static const json_t *claim_of(const json_t *claims, const char *name)
{
    const json_t *claim = json_object_get(claims, name);

    return json_is_null(claim) ? NULL : claim;
}

static int64_t whole_seconds(const json_t *number)
{
    double seconds = floor(json_number_value(number));

    return (int64_t)fmin(fmax(seconds, -LATEST_UNIX), LATEST_UNIX);
}

static int check_times(const token_rules_t *rules, const json_t *claims, int64_t *ret_expires, err_t *err)
{
    const json_t *exp = claim_of(claims, "exp"), *nbf = claim_of(claims, "nbf");

    if (!exp) {
        return unauthorized(err, "Token has no expiry (exp).");
    }
    if (!json_is_number(exp)) {
        return malformed(err, "exp", "a number");
    }
    if (nbf && !json_is_number(nbf)) {
        return malformed(err, "nbf", "a number");
    }
    if (whole_seconds(exp) <= rules->now_unix) {
        return unauthorized(err, "Token has expired.");
    }
    if (nbf && whole_seconds(nbf) > rules->now_unix + LEEWAY_SECONDS) {
        return unauthorized(err, "Token is not yet valid (nbf).");
    }
    *ret_expires = whole_seconds(exp);
    return 0;
}

static bool names_audience(const json_t *aud, const char *audience)
{
    size_t i;
    json_t *item;

    if (json_is_string(aud)) {
        return strcmp(json_string_value(aud), audience) == 0;
    }
    json_array_foreach(aud, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), audience) == 0) {
            return true;
        }
    }
    return false;
}

static int check_origin(const token_rules_t *rules, const json_t *claims, err_t *err)
{
    const char *iss = json_string_value(claim_of(claims, "iss"));

    if (rules->issuer && (!iss || strcmp(iss, rules->issuer) != 0)) {
        return unauthorized(err, "Token has the wrong issuer (iss).");
    }
    if (rules->audience && !names_audience(claim_of(claims, "aud"), rules->audience)) {
        return unauthorized(err, "Token has the wrong audience (aud).");
    }
    return 0;
}

/* Subjects and tenants go on into headers, cache keys and log lines. */
static bool is_name(const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7F) {
            return false;
        }
    }
    return length > 0 && length <= NAME_MAX_BYTES;
}

/* The claim's text (the caller's to free), *ret NULL when absent. user_id is a number with some issuers. */
static int name_of(const json_t *claims, const char *name, bool may_be_integer, char **ret, err_t *err)
{
    const json_t *claim = claim_of(claims, name);

    *ret = NULL;
    if (!claim) {
        return 0;
    }
    if (may_be_integer && json_is_integer(claim)) {
        *ret = mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(claim));
        return 0;
    }
    if (!json_is_string(claim) || !is_name(json_string_value(claim))) {
        return malformed(err, name, "text of 1 to 256 bytes without control characters");
    }
    *ret = mem_strdup(json_string_value(claim));
    return 0;
}

static int read_subject(const json_t *claims, char **ret, err_t *err)
{
    if (name_of(claims, "sub", false, ret, err)) {
        return -1;
    }
    if (!*ret && name_of(claims, "user_id", true, ret, err)) {
        return -1;
    }
    return *ret ? 0 : unauthorized(err, "Token has no subject (sub or user_id).");
}

static int read_tenant(const token_rules_t *rules, const json_t *claims, char **ret, err_t *err)
{
    if (name_of(claims, "tenant_id", false, ret, err)) {
        return -1;
    }
    if (!*ret && rules->default_tenant) {
        *ret = mem_strdup(rules->default_tenant);
    }
    return *ret ? 0 : unauthorized(err, "Token has no tenant (tenant_id).");
}

static void add_words(json_t *list, const char *text)
{
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        json_array_append_new(list, json_stringn(text, length));
        text += length;
    }
}

static int add_array(json_t *list, const json_t *claim, const char *name, err_t *err)
{
    size_t i;
    json_t *item;

    if (!json_is_array(claim)) {
        return malformed(err, name, "an array of strings");
    }
    json_array_foreach(claim, i, item)
    {
        if (!json_is_string(item)) {
            return malformed(err, name, "an array of strings");
        }
        json_array_append(list, item);
    }
    return 0;
}

static principal_t *make_principal(const char *subject, const char *tenant, const json_t *list,
                                   bool from_scope)
{
    size_t count = json_array_size(list);
    AUTO(mem_free) const char **permissions = NEW_ARRAY(const char *, count);

    for (size_t i = 0; i < count; i++) {
        permissions[i] = json_string_value(json_array_get(list, i));
    }
    principal_t *principal = principal_new(subject, tenant, permissions, count);
    principal->from_scope = from_scope;
    return principal;
}

static int read_scopes(const json_t *scope, const json_t *scp, json_t *list, err_t *err)
{
    if (scope && !json_is_string(scope)) {
        return malformed(err, "scope", "a string");
    }
    if (scope) {
        add_words(list, json_string_value(scope));
    }
    if (json_is_string(scp)) {
        add_words(list, json_string_value(scp));
        return 0;
    }
    return scp ? add_array(list, scp, "scp", err) : 0;
}

static int read_permissions(const json_t *claims, json_t *list, bool *ret_from_scope, err_t *err)
{
    const json_t *own = claim_of(claims, "permissions");
    const json_t *scope = claim_of(claims, "scope"), *scp = claim_of(claims, "scp");

    if (own && add_array(list, own, "permissions", err)) {
        return -1;
    }
    *ret_from_scope = json_array_size(list) == 0 && (scope || scp);
    return read_scopes(scope, scp, list, err);
}

int claims_read(const token_rules_t *rules, const json_t *claims, principal_t **ret,
                int64_t *ret_expires_unix, err_t *err)
{
    AUTO(mem_free) char *subject = NULL;
    AUTO(mem_free) char *tenant = NULL;
    json_auto_t *list = json_array();
    bool from_scope = false;
    int64_t expires = 0;

    if (check_times(rules, claims, &expires, err) || check_origin(rules, claims, err) ||
        read_subject(claims, &subject, err) || read_tenant(rules, claims, &tenant, err) ||
        read_permissions(claims, list, &from_scope, err)) {
        return -1;
    }
    *ret = make_principal(subject, tenant, list, from_scope);
    *ret_expires_unix = expires;
    return 0;
}

json_t *claims_write(const principal_t *principal, int64_t now_unix, int64_t ttl_seconds)
{
    json_t *permissions = json_array();

    for (size_t i = 0; i < principal->permission_count; i++) {
        json_array_append_new(permissions, json_string(principal->permissions[i]));
    }
    return json_pack("{s:s, s:s, s:o, s:I, s:I}", "sub", principal->subject, "tenant_id",
                     principal->tenant_id, "permissions", permissions, "iat", (json_int_t)now_unix, "exp",
                     (json_int_t)(now_unix + ttl_seconds));
}
