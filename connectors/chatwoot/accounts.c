/* See accounts.h. A list of at most 256 tokens, searched from front to end: a call to Chatwoot takes
 * milliseconds. */
#include "accounts.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

#define SHOWN_IDS 20

typedef struct {
    accounts_key_t key;
    int64_t expires_ms; /* 0: free */
    account_ids_t ids;
} entry_t;

struct accounts {
    entry_t entries[ACCOUNTS_MAX_TOKENS];
};

accounts_t *accounts_new(void)
{
    return NEW(accounts_t);
}

static void clear(entry_t *entry)
{
    free((void *)entry->ids.ids);
    mem_wipe(entry, sizeof(*entry));
}

void accounts_free(accounts_t *accounts)
{
    if (!accounts) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(accounts->entries); i++) {
        clear(&accounts->entries[i]);
    }
    free(accounts);
}

accounts_key_t accounts_key(const char *token)
{
    accounts_key_t key;

    SHA256((const unsigned char *)token, strlen(token), key.bytes);
    return key;
}

static entry_t *find(accounts_t *accounts, const accounts_key_t *key)
{
    for (size_t i = 0; i < COUNT_OF(accounts->entries); i++) {
        entry_t *entry = &accounts->entries[i];
        if (entry->expires_ms > 0 && memcmp(&entry->key, key, sizeof(*key)) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* The place for a new one: a free one, else the one that expires first. */
static entry_t *make_room(accounts_t *accounts)
{
    entry_t *first = &accounts->entries[0];

    for (size_t i = 1; i < COUNT_OF(accounts->entries); i++) {
        if (accounts->entries[i].expires_ms < first->expires_ms) {
            first = &accounts->entries[i];
        }
    }
    return first;
}

static bool is_suspended(const json_t *account)
{
    const char *status = json_string_value(json_object_get(account, "status"));

    return status && strcmp(status, "suspended") == 0;
}

int accounts_put(accounts_t *accounts, const accounts_key_t *key, const json_t *profile, int64_t now_ms,
                 err_t *err)
{
    const json_t *list = json_object_get(profile, "accounts");
    size_t length = json_array_size(list);
    entry_t *entry = find(accounts, key);

    if (!json_is_array(list)) {
        return err_set(err, ERR_UPSTREAM,
                       "Chatwoot answered something that is no user's profile. CHATWOOT_URL may not be the "
                       "address of a Chatwoot.");
    }
    entry = entry ? entry : make_room(accounts);
    clear(entry);
    length = length < ACCOUNTS_MAX_IDS ? length : ACCOUNTS_MAX_IDS;
    int64_t *ids = NEW_ARRAY(int64_t, length + 1);
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        const json_t *account = json_array_get(list, i);
        int64_t id = json_integer_value(json_object_get(account, "id"));
        if (id > 0 && !is_suspended(account)) {
            ids[count++] = id;
        }
    }
    *entry = (entry_t){ *key, now_ms + ACCOUNTS_TTL_MS, { ids, count } };
    return 0;
}

const account_ids_t *accounts_find(accounts_t *accounts, const accounts_key_t *key, int64_t now_ms)
{
    const entry_t *entry = find(accounts, key);

    return entry && entry->expires_ms > now_ms ? &entry->ids : NULL;
}

void accounts_forget(accounts_t *accounts, const accounts_key_t *key)
{
    entry_t *entry = find(accounts, key);

    if (entry) {
        clear(entry);
    }
}

static bool has(const account_ids_t *of, int64_t id)
{
    for (size_t i = 0; i < of->count; i++) {
        if (of->ids[i] == id) {
            return true;
        }
    }
    return false;
}

static const char *list_ids(buf_t *out, const account_ids_t *of)
{
    for (size_t i = 0; i < of->count && i < SHOWN_IDS; i++) {
        buf_addf(out, "%s%" PRId64, i == 0 ? "" : ", ", of->ids[i]);
    }
    if (of->count > SHOWN_IDS) {
        buf_add_text(out, ", ...");
    }
    return buf_text(out);
}

static int refuse_asked(const account_ids_t *of, int64_t asked, err_t *err)
{
    AUTO_BUF ids = { 0 };

    return err_set(err, ERR_DENIED,
                   "The user's Chatwoot token does not belong to account %" PRId64 ". Its accounts: %s.",
                   asked, of->count > 0 ? list_ids(&ids, of) : "none");
}

static int refuse_several(const account_ids_t *of, bool is_user, err_t *err)
{
    AUTO_BUF ids = { 0 };

    if (is_user) {
        return err_set(err, ERR_CALLER,
                       "The user belongs to several Chatwoot accounts (%s): say which one in the header "
                       "X-Chatwoot-Account-Id.",
                       list_ids(&ids, of));
    }
    return err_set(err, ERR_UPSTREAM,
                   "CHATWOOT_API_KEY belongs to several Chatwoot accounts (%s): set CHATWOOT_ACCOUNT_ID to "
                   "one of them.",
                   list_ids(&ids, of));
}

int accounts_pick(const account_ids_t *of, int64_t asked, int64_t configured, bool is_user, int64_t *ret,
                  err_t *err)
{
    if (asked > 0 && !has(of, asked)) {
        return refuse_asked(of, asked, err);
    }
    if (of->count == 0) {
        return err_set(err, is_user ? ERR_DENIED : ERR_UPSTREAM, "%s belongs to no active Chatwoot account.",
                       is_user ? "The user's Chatwoot token" : "CHATWOOT_API_KEY");
    }
    if (asked > 0) {
        *ret = asked;
    } else if (configured > 0 && has(of, configured)) {
        *ret = configured;
    } else if (of->count == 1) {
        *ret = of->ids[0];
    } else {
        return refuse_several(of, is_user, err);
    }
    return 0;
}
