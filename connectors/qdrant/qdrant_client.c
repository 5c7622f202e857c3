/* See qdrant_client.h. */
#include "qdrant_client.h"

#include <string.h>

#include "clock.h"
#include "mem.h"

#define KEY_HEADER "X-Qdrant-Api-Key"
#define CLOSED_FOR_MS 30000
#define NAMES_HINT                                                                                           \
    "describe_collection shows the names of its vectors: searches take one as vector_name, points an "       \
    "object of them."

typedef struct {
    call_t *call;
    qdrant_request_t request;
    account_t account;
    const char *key; /* NULL: a server without one */
    qdrant_f cb;
    void *self;
} ask_t;

/* Whose key goes out; NULL in *ret_key is a server without one. */
static account_t find_key(call_t *call, const char **ret_key, err_t *err)
{
    static const char *const user_headers[] = { KEY_HEADER, NULL };
    const qdrant_t *qdrant = qdrant_of(call);
    const account_rule_t rule = { .system = "Qdrant",
                                  .user_headers = user_headers,
                                  .has_service_account = true,
                                  .tenants = &qdrant->tenants };
    account_t account = account_of_call(call, &rule, ret_key, err);

    if (account == ACCOUNT_SERVICE) {
        *ret_key = qdrant->settings->api_key;
    }
    return account;
}

/* "." and ".." would be steps in a path, and a slash another place in it. */
static bool is_name(const char *name)
{
    return *name != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}

static const char *path_of(call_t *call, const qdrant_request_t *request)
{
    const char *suffix = request->suffix ? request->suffix : "";

    if (!request->collection) {
        return call_printf(call, "/collections%s", suffix);
    }
    return call_printf(call, "/collections/%s%s", upstream_encode(call, request->collection), suffix);
}

static int refuse_key(const ask_t *ask, err_t *err)
{
    if (ask->account == ACCOUNT_USER) {
        return err_set(err, ERR_DENIED,
                       "Qdrant refused the API key that was sent (" KEY_HEADER
                       "). Connect Qdrant again with a key that is valid.");
    }
    if (qdrant_of(ask->call)->settings->api_key) {
        call_doubts_upstream(ask->call);
        return err_set(
            err, ERR_UPSTREAM,
            "Qdrant refused the API key of the service account. Whoever runs this connector should "
            "check QDRANT_API_KEY.");
    }
    return err_set(err, ERR_DENIED,
                   "Qdrant asks for an API key and none is configured. Connect your own (" KEY_HEADER
                   "), or have QDRANT_API_KEY set.");
}

static int refuse_missing(const ask_t *ask, err_t *err)
{
    const char *suffix = ask->request.suffix;

    if (suffix && strstr(suffix, "/points/query")) {
        return err_set(err, ERR_UPSTREAM, "This Qdrant has no query API: version 1.10 or later is needed.");
    }
    return err_set(
        err, ERR_UPSTREAM,
        "Qdrant does not know this request (HTTP 404): QDRANT_URL should be the address of its REST "
        "API, version 1.10 or later.");
}

/* {"status":{"error":"Wrong input: ..."}} */
static const char *own_words(const json_t *reply)
{
    return json_string_value(json_object_get(json_object_get(reply, "status"), "error"));
}

/* Qdrant says what is wrong; which tool helps is ours to say. */
static const char *hint_of(const char *detail, bool read)
{
    static const struct {
        const char *words, *hint;
    } hints[] = {
        { "doesn't exist", "list_collections shows what there is." },
        { "vector name", NAMES_HINT },
        { "vector params", NAMES_HINT },
        { "Index required", "create_payload_index makes one." },
    };

    for (size_t i = 0; i < COUNT_OF(hints); i++) {
        if (strcasestr(detail, hints[i].words)) {
            return hints[i].hint;
        }
    }
    if (!read && strstr(detail, "No point with id")) {
        return "Other points of the list may have been changed; get_points says which there are.";
    }
    return NULL;
}

static void refuse(const ask_t *ask, const upstream_reply_t *reply, err_t *err)
{
    const char *detail = own_words(reply->json);
    const char *hint = detail ? hint_of(detail, ask->request.read) : NULL;
    err_t refused;

    upstream_refused(qdrant_of(ask->call)->server, reply, detail, &refused);
    if (reply->status == 401) {
        refuse_key(ask, err);
    } else if (reply->status == 404 && !detail) {
        refuse_missing(ask, err);
    } else {
        err_set(err, refused.kind, "%s%s%s", refused.text, hint ? " " : "", hint ? hint : "");
    }
}

/* Something else that answers with a `result` must not look like a Qdrant in which there is nothing. */
static bool is_promised(const qdrant_request_t *request, const json_t *result)
{
    if (request->member) {
        const json_t *member = json_object_get(result, request->member);
        return member && !json_is_null(member);
    }
    return json_is_boolean(result) || json_is_array(result);
}

static void on_reply(void *self, const upstream_reply_t *reply, const err_t *err)
{
    ask_t *ask = self;
    const json_t *result = reply ? json_object_get(reply->json, "result") : NULL;
    err_t refused;

    if (err) {
        ask->cb(ask->self, NULL, err);
    } else if (reply->status == 200 && is_promised(&ask->request, result)) {
        ask->cb(ask->self, result, NULL);
    } else {
        refuse(ask, reply, &refused);
        ask->cb(ask->self, NULL, &refused);
    }
}

static void send_it(ask_t *ask)
{
    call_t *call = ask->call;
    const char *const headers[] = { ask->key ? upstream_header(call, "api-key", ask->key) : NULL, NULL };

    upstream_ask(call, qdrant_of(call)->server,
                 &(upstream_request_t){ .method = ask->request.method,
                                        .path = path_of(call, &ask->request),
                                        .headers = headers,
                                        .json = ask->request.body,
                                        .repeatable = ask->request.read },
                 on_reply, ask);
}

/* A server that asks for no key takes any word for one, so there a key of the user's own proves nothing. */
static bool may_need_no_key(const ask_t *ask)
{
    const qdrant_t *qdrant = qdrant_of(ask->call);

    return ask->account == ACCOUNT_USER && !tenants_include(&qdrant->tenants, call_tenant(ask->call)) &&
           clock_ms() >= qdrant->closed_until_ms;
}

static void on_keyless_reply(void *self, const upstream_reply_t *reply, const err_t *err)
{
    ask_t *ask = self;
    err_t refused;

    if (err) {
        ask->cb(ask->self, NULL, err);
    } else if (reply->status == 401 || reply->status == 403) {
        qdrant_of(ask->call)->closed_until_ms = clock_ms() + CLOSED_FOR_MS;
        send_it(ask);
    } else if (reply->status == 200 && json_object_get(reply->json, "result")) {
        err_set(&refused, ERR_DENIED,
                "This Qdrant asks for no API key, so a key of your own does not open it: it belongs to other "
                "tenants than yours. Whoever runs this connector can add your tenant to TENANTS, or have "
                "Qdrant ask for keys.");
        ask->cb(ask->self, NULL, &refused);
    } else {
        upstream_refused(qdrant_of(ask->call)->server, reply, NULL, &refused);
        ask->cb(ask->self, NULL, &refused);
    }
}

static void ask_without_key(ask_t *ask)
{
    call_t *call = ask->call;

    if (ask->request.body) {
        qdrant_keep(call, ask->request.body);
    }
    upstream_ask(call, qdrant_of(call)->server,
                 &(upstream_request_t){ .method = "GET", .path = "/collections", .repeatable = true },
                 on_keyless_reply, ask);
}

void qdrant_ask(call_t *call, const qdrant_request_t *request, qdrant_f cb, void *self)
{
    ask_t *ask = CALL_NEW(call, ask_t);
    err_t err;

    *ask = (ask_t){ .call = call, .request = *request, .cb = cb, .self = self };
    ask->account = find_key(call, &ask->key, &err);
    if (ask->account == ACCOUNT_NONE) {
        call_fail(call, &err);
    } else if (request->collection && !is_name(request->collection)) {
        call_failf(call, ERR_CALLER, "\"%s\" cannot be the name of a collection.", request->collection);
    } else if (may_need_no_key(ask)) {
        ask_without_key(ask);
    } else {
        send_it(ask);
    }
    json_decref(request->body); /* sent by now, or kept by the call */
}

const char *qdrant_waiting(call_t *call, const char *suffix, bool wait)
{
    return call_printf(call, "%s?wait=%s", suffix, wait ? "true" : "false");
}

static void drop_json(void *value)
{
    json_decref(value);
}

const json_t *qdrant_keep(call_t *call, const json_t *value)
{
    return call_own(call, json_incref((json_t *)value), drop_json);
}
