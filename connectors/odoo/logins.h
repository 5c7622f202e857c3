/* What is remembered of logins: the uid of credentials that held, for minutes, and how often a login has
 * failed, since Odoo itself never refuses to be asked again over XML-RPC. Soft state: a restart forgets it
 * and nobody notices. Names and secrets are kept as SHA-256 only, in tables of fixed size in which the oldest
 * entry makes room.
 */
#pragma once

#include <stdint.h>

#include "err.h"

#define LOGINS_UID_MS (5 * 60 * 1000)
#define LOGINS_MAX_FAILURES 5 /* within the next, then the login is refused here */
#define LOGINS_WINDOW_MS (60 * 1000)

typedef struct logins logins_t;
logins_t *logins_new(void);
void logins_free(logins_t *logins);

typedef struct {
    unsigned char sha256[32];
} login_key_t;

/* Of the database, the login and its secret: who has another of them has another key. */
login_key_t login_key(const char *db, const char *login, const char *secret);

int64_t logins_uid(logins_t *logins, const login_key_t *key, int64_t now_ms); /* 0: not known */
void logins_remember(logins_t *logins, const login_key_t *key, int64_t uid, int64_t now_ms);
void logins_forget(logins_t *logins, const login_key_t *key);

/* Failures are counted by login and by the tenant whose users try it ("": the service account), so that
 * nobody can lock out another tenant or the service account by wrong passwords. -1 with ERR_DENIED and how
 * long to wait. */
int logins_may_try(const logins_t *logins, const char *tenant, const char *login, int64_t now_ms, err_t *err);
void logins_failed(logins_t *logins, const char *tenant, const char *login, int64_t now_ms);
void logins_succeeded(logins_t *logins, const char *tenant, const char *login);
