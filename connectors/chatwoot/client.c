/* See client.h. One request is three steps: whose credentials, which account (asked of /api/v1/profile once
 * in minutes, accounts.h), then the request itself. */
#include "client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "clock.h"
#include "mem.h"
#include "refusal.h"

typedef struct {
    call_t *call;
    chatwoot_request_t request;
    chatwoot_f cb;
    void *self;
    const char *token; /* borrowed from the call or the settings */
    bool is_user;
    bool hyphens; /* how the header's name was written */
    int64_t asked;
    accounts_key_t key;
    int64_t account_id;
    upstream_request_t sent;
} ask_t;

static int find_credentials(ask_t *a, err_t *err);
static void find_account(ask_t *a);
static void on_profile(void *self, const upstream_reply_t *reply, const err_t *err);
static void pick_account(ask_t *a, const account_ids_t *ids);
static void send_request(ask_t *a);
static void on_reply(void *self, const upstream_reply_t *reply, const err_t *err);

static void decref(void *json)
{
    json_decref(json);
}

void chatwoot_ask(call_t *call, const chatwoot_request_t *request, chatwoot_f cb, void *self)
{
    ask_t *a = CALL_NEW(call, ask_t);
    err_t err;

    *a = (ask_t){ .call = call, .request = *request, .cb = cb, .self = self };
    if (request->json) {
        call_own(call, request->json, decref);
    }
    if (find_credentials(a, &err)) {
        call_fail(call, &err);
        return;
    }
    find_account(a);
}

/* An account id is a number of the caller's, checked against the profile before it goes into a path. */
static int read_asked(ask_t *a, err_t *err)
{
    const char *text = call_header(a->call, CHATWOOT_ACCOUNT_HEADER);
    char *end = NULL;

    if (!text || !*text) {
        return 0;
    }
    if (!a->is_user) {
        return err_set(err, ERR_CALLER,
                       "The header " CHATWOOT_ACCOUNT_HEADER " chooses among the accounts of a user's own "
                       "token and goes with " CHATWOOT_TOKEN_HEADER ".");
    }
    a->asked = strspn(text, "0123456789") == strlen(text) ? strtoll(text, &end, 10) : 0;
    if (a->asked <= 0 || a->asked == INT64_MAX) {
        return err_set(err, ERR_CALLER, "The header " CHATWOOT_ACCOUNT_HEADER " must be a number.");
    }
    return 0;
}

static int find_credentials(ask_t *a, err_t *err)
{
    static const char *const headers[] = { CHATWOOT_TOKEN_HEADER, NULL };
    const chatwoot_t *chatwoot = chatwoot_of(a->call);
    const account_rule_t rule = {
        .system = "Chatwoot",
        .user_headers = headers,
        .has_service_account = chatwoot->settings->api_key,
        .tenants = &chatwoot->tenants,
    };
    const char *values[1] = { NULL };
    account_t account = account_of_call(a->call, &rule, values, err);

    if (account == ACCOUNT_NONE) {
        return -1;
    }
    a->is_user = account == ACCOUNT_USER;
    a->token = a->is_user ? values[0] : chatwoot->settings->api_key;
    a->key = accounts_key(a->token);
    return read_asked(a, err);
}

static void ask_upstream(ask_t *a, upstream_f cb)
{
    const chatwoot_t *chatwoot = chatwoot_of(a->call);
    const char *const headers[] = { upstream_header(a->call, chatwoot_token_name(chatwoot), a->token), NULL };

    a->hyphens = chatwoot->hyphens;
    a->sent.headers = headers;
    upstream_ask(a->call, chatwoot->upstream, &a->sent, cb, a);
    a->sent.headers = NULL;
}

/* nginx drops headers with underscores. Chatwoot then looked at nothing, so even a write may go out again,
 * and it does under the name that passes: Rails takes hyphens for underscores. */
static bool goes_again(ask_t *a, const upstream_reply_t *reply, upstream_f cb)
{
    if (a->hyphens || !refusal_is_of_lost_token(reply)) {
        return false;
    }
    chatwoot_of(a->call)->hyphens = true;
    ask_upstream(a, cb);
    return true;
}

/* With CHATWOOT_ACCOUNT_ID the service account is not asked who it is, so the token of an agent bot, which
 * may not read a profile, works as far as bots go. */
static void find_account(ask_t *a)
{
    const chatwoot_t *chatwoot = chatwoot_of(a->call);
    const account_ids_t *ids = accounts_find(chatwoot->accounts, &a->key, clock_ms());

    if (!a->is_user && chatwoot->settings->account_id > 0) {
        a->account_id = chatwoot->settings->account_id;
        send_request(a);
        return;
    }
    if (ids) {
        pick_account(a, ids);
        return;
    }
    a->sent = (upstream_request_t){ .method = "GET", .path = "/api/v1/profile", .repeatable = true };
    ask_upstream(a, on_profile);
}

/* Fills *err and returns -1 for everything that is not a success. */
static int check_status(ask_t *a, const upstream_reply_t *reply, const char *subject, err_t *err)
{
    chatwoot_t *chatwoot = chatwoot_of(a->call);
    const refusal_t refusal = {
        .upstream = chatwoot->upstream,
        .reply = reply,
        .subject = subject,
        .is_user = a->is_user,
        .account_id = a->account_id,
    };

    if (reply->status == 401) {
        accounts_forget(chatwoot->accounts, &a->key);
    }
    if (reply->status == 401 && !a->is_user) {
        call_doubts_upstream(a->call);
    }
    return refusal_check(&refusal, err);
}

static void on_profile(void *self, const upstream_reply_t *reply, const err_t *err)
{
    ask_t *a = self;
    chatwoot_t *chatwoot = chatwoot_of(a->call);
    int64_t now_ms = clock_ms();
    err_t refused;

    if (err) {
        call_fail(a->call, err);
        return;
    }
    if (goes_again(a, reply, on_profile)) {
        return;
    }
    if (check_status(a, reply, NULL, &refused) ||
        accounts_put(chatwoot->accounts, &a->key, reply->json, now_ms, &refused)) {
        call_fail(a->call, &refused);
        return;
    }
    pick_account(a, accounts_find(chatwoot->accounts, &a->key, now_ms));
}

static void pick_account(ask_t *a, const account_ids_t *ids)
{
    int64_t configured = chatwoot_of(a->call)->settings->account_id;
    err_t err;

    if (accounts_pick(ids, a->asked, configured, a->is_user, &a->account_id, &err)) {
        call_fail(a->call, &err);
        return;
    }
    send_request(a);
}

static void send_request(ask_t *a)
{
    const char *method = a->request.method ? a->request.method : "GET";

    a->sent = (upstream_request_t){
        .method = method,
        .path = call_printf(a->call, "/api/v%d/accounts/%" PRId64 "%s", a->request.reports ? 2 : 1,
                            a->account_id, a->request.path),
        .json = a->request.json,
        .repeatable = strcmp(method, "GET") == 0,
    };
    ask_upstream(a, on_reply);
}

const json_t *chatwoot_at(const json_t *json, const char *path)
{
    char name[64];

    while (json && *path) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof(name)) {
            return NULL;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        json = json_object_get(json, name);
        path += length + (path[length] == '.');
    }
    return json;
}

static int read_payload(const ask_t *a, const upstream_reply_t *reply, const json_t **ret, err_t *err)
{
    const json_t *payload = chatwoot_at(reply->json, a->request.payload ? a->request.payload : "");
    bool is_nothing = reply->json ? json_is_null(reply->json) : reply->body.length == 0;

    *ret = NULL;
    if (a->request.may_be_nothing && is_nothing) {
        return 0;
    }
    bool is_lost = a->request.has_id && !answer_has_id(payload);
    if (!payload || json_typeof(payload) != a->request.type || is_lost) {
        return upstream_refused(chatwoot_of(a->call)->upstream, reply, NULL, err);
    }
    *ret = payload;
    return 0;
}

static void on_reply(void *self, const upstream_reply_t *reply, const err_t *err)
{
    ask_t *a = self;
    const json_t *payload;
    err_t refused;

    if (err) {
        call_fail(a->call, err);
        return;
    }
    if (goes_again(a, reply, on_reply)) {
        return;
    }
    if (check_status(a, reply, a->request.subject, &refused) || read_payload(a, reply, &payload, &refused)) {
        call_fail(a->call, &refused);
        return;
    }
    a->cb(a->self, payload, reply->json);
}
