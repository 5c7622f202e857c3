/* See logins.h. Tables are searched from end to end: 512 keys of 32 bytes are a microsecond, against the
 * milliseconds of the request that follows. */
#include "logins.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

#define MAX_UIDS 512
#define MAX_FAILING 512

typedef struct {
    login_key_t key;
    int64_t uid; /* 0: a free entry */
    int64_t until_ms;
} uid_entry_t;

typedef struct {
    login_key_t key;
    int64_t since_ms;
    int count; /* 0: a free entry */
} failing_t;

struct logins {
    uid_entry_t uids[MAX_UIDS];
    failing_t failing[MAX_FAILING];
};

logins_t *logins_new(void)
{
    return NEW(logins_t);
}

void logins_free(logins_t *logins)
{
    mem_free(logins);
}

static login_key_t key_of(const char *const *parts, size_t count)
{
    AUTO_BUF text = { 0 };
    login_key_t key;

    for (size_t i = 0; i < count; i++) {
        buf_addf(&text, "%zu:%s", strlen(parts[i]), parts[i]);
    }
    EVP_Digest(text.data, text.length, key.sha256, NULL, EVP_sha256(), NULL);
    mem_wipe(text.data, text.size);
    return key;
}

login_key_t login_key(const char *db, const char *login, const char *secret)
{
    return key_of((const char *const[]){ db, login, secret }, 3);
}

static bool is_key(const login_key_t *a, const login_key_t *b)
{
    return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

static uid_entry_t *find_uid(logins_t *logins, const login_key_t *key)
{
    for (size_t i = 0; i < MAX_UIDS; i++) {
        if (logins->uids[i].uid != 0 && is_key(&logins->uids[i].key, key)) {
            return &logins->uids[i];
        }
    }
    return NULL;
}

int64_t logins_uid(logins_t *logins, const login_key_t *key, int64_t now_ms)
{
    uid_entry_t *entry = find_uid(logins, key);

    if (entry && entry->until_ms <= now_ms) {
        *entry = (uid_entry_t){ 0 };
        return 0;
    }
    return entry ? entry->uid : 0;
}

/* A free entry is the oldest of all. */
static uid_entry_t *oldest_uid(logins_t *logins)
{
    uid_entry_t *oldest = &logins->uids[0];

    for (size_t i = 1; i < MAX_UIDS; i++) {
        if (logins->uids[i].until_ms < oldest->until_ms) {
            oldest = &logins->uids[i];
        }
    }
    return oldest;
}

void logins_remember(logins_t *logins, const login_key_t *key, int64_t uid, int64_t now_ms)
{
    uid_entry_t *entry = find_uid(logins, key);

    entry = entry ? entry : oldest_uid(logins);
    *entry = (uid_entry_t){ *key, uid, now_ms + LOGINS_UID_MS };
}

void logins_forget(logins_t *logins, const login_key_t *key)
{
    uid_entry_t *entry = find_uid(logins, key);

    if (entry) {
        *entry = (uid_entry_t){ 0 };
    }
}

static login_key_t failing_key(const char *tenant, const char *login)
{
    return key_of((const char *const[]){ tenant, login }, 2);
}

static failing_t *find_failing(const logins_t *logins, const char *tenant, const char *login)
{
    login_key_t key = failing_key(tenant, login);

    for (size_t i = 0; i < MAX_FAILING; i++) {
        if (logins->failing[i].count > 0 && is_key(&logins->failing[i].key, &key)) {
            return (failing_t *)&logins->failing[i];
        }
    }
    return NULL;
}

int logins_may_try(const logins_t *logins, const char *tenant, const char *login, int64_t now_ms, err_t *err)
{
    const failing_t *failing = find_failing(logins, tenant, login);
    int64_t left_ms = failing ? failing->since_ms + LOGINS_WINDOW_MS - now_ms : 0;

    if (left_ms <= 0 || failing->count < LOGINS_MAX_FAILURES) {
        return 0;
    }
    return err_set(
        err, ERR_DENIED,
        "Odoo has refused this login %d times within a minute, so it is not asked again for %lld s. "
        "Check the login and its password or API key.",
        failing->count, (long long)(left_ms + 999) / 1000);
}

static failing_t *oldest_failing(logins_t *logins)
{
    failing_t *oldest = &logins->failing[0];

    for (size_t i = 0; i < MAX_FAILING; i++) {
        if (logins->failing[i].count == 0) {
            return &logins->failing[i];
        }
        if (logins->failing[i].since_ms < oldest->since_ms) {
            oldest = &logins->failing[i];
        }
    }
    return oldest;
}

void logins_failed(logins_t *logins, const char *tenant, const char *login, int64_t now_ms)
{
    failing_t *failing = find_failing(logins, tenant, login);

    if (!failing) {
        failing = oldest_failing(logins);
        *failing = (failing_t){ .key = failing_key(tenant, login), .since_ms = now_ms };
    }
    if (failing->since_ms + LOGINS_WINDOW_MS <= now_ms) {
        failing->since_ms = now_ms;
        failing->count = 0;
    }
    failing->count++;
}

void logins_succeeded(logins_t *logins, const char *tenant, const char *login)
{
    failing_t *failing = find_failing(logins, tenant, login);

    if (failing) {
        failing->count = 0;
    }
}
