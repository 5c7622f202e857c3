/* The one place where a signed token is checked, for the front door and for the hop, on OpenSSL. (libjwt only
 * mints: in 1.10 it takes an HS256 token signed with an RSA public key, ignores exp, and refuses at+jwt.)
 *
 * Refused with one sentence that says why: not three base64url parts, duplicate members, unknown crit, alg
 * none or an algorithm the key's type does not allow, wrong typ, bad signature, expired (to the second), not
 * yet valid (60 s leeway), wrong issuer or audience, no exp, neither sub nor user_id, no tenant, a claim of a
 * type it cannot have. Thread-safe. Sources: RFC 7515, 7519, 8725, 9068.
 */
#pragma once

#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "principal.h"
#include "span.h"

typedef enum { TOKEN_CLIENT, TOKEN_HOP } token_use_t; /* typ JWT or at+jwt or absent; typ guiche-hop+jwt */

typedef struct {
    token_use_t use;
    const keys_t *keys;
    const char *issuer;         /* NULL: any */
    const char *audience;       /* NULL: any. `aud` may be a string or an array */
    const char *default_tenant; /* NULL: a token without tenant_id is refused */
    int64_t now_unix;
} token_rules_t;

#define TOKEN_MAX_BYTES 8192
/* A hop token lists the permissions of a client token, which takes more room than a scope does. */
#define TOKEN_HOP_MAX_BYTES (2 * TOKEN_MAX_BYTES)

/* The principal (a new reference) and until when the token holds; -1 with ERR_UNAUTHORIZED. Permissions are
 * permissions[] plus scope (space separated) and scp (string or array). */
int token_verify(const token_rules_t *rules, span_t token, principal_t **ret, int64_t *ret_expires_unix,
                 err_t *err);

/* Of a client token that was refused: the kid it names when it is signed with a public key that is not among
 * these ("" when it names none and no key here takes its algorithm); NULL when what it needs is here, or when
 * it is no token. Caller frees. */
char *token_unknown_kid(const keys_t *keys, span_t token);
