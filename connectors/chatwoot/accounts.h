/* Which Chatwoot accounts a token belongs to, as GET /api/v1/profile told it: remembered for minutes under
 * the SHA-256 of the token, so that a call need not ask again. Soft state: nothing is lost with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "err.h"

#define ACCOUNTS_KEY_BYTES 32
#define ACCOUNTS_TTL_MS ((int64_t)5 * 60 * 1000)
#define ACCOUNTS_MAX_TOKENS 256 /* the one that expires first makes room */
#define ACCOUNTS_MAX_IDS 1000   /* of one token; the rest is not looked at */

typedef struct {
    const int64_t *ids;
    size_t count;
} account_ids_t;

typedef struct accounts accounts_t;

accounts_t *accounts_new(void);
void accounts_free(accounts_t *accounts);

typedef struct {
    unsigned char bytes[ACCOUNTS_KEY_BYTES];
} accounts_key_t;
accounts_key_t accounts_key(const char *token);

/* Reads `accounts` of a profile; accounts that are suspended are left out. Takes the place of what was known.
 * -1 with ERR_UPSTREAM when it is no profile. */
int accounts_put(accounts_t *accounts, const accounts_key_t *key, const json_t *profile, int64_t now_ms,
                 err_t *err);
/* NULL: not known or too old. Valid until the next put. */
const account_ids_t *accounts_find(accounts_t *accounts, const accounts_key_t *key, int64_t now_ms);
void accounts_forget(accounts_t *accounts, const accounts_key_t *key);

/* The account to work in: the one asked for, which must be among them (0: none asked for); else the
 * configured one where it is among them (0: none); else the only one. -1 with the sentence for the caller. */
int accounts_pick(const account_ids_t *of, int64_t asked, int64_t configured, bool is_user, int64_t *ret,
                  err_t *err);
