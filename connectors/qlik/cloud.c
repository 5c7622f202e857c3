/* See cloud.h.
 *
 * Surprising: Qlik answers some failures with status 200 and an "errors" member, and /users/me with a 301
 * that upstream.h leaves to us.
 */
#include "cloud.h"

#include <string.h>

#include "links.h"
#include "mem.h"
#include "qlik.h"

#define AUTHORIZATION "Authorization: Bearer "

const char *const cloud_user_headers[] = { "X-Qlik-Access-Token", NULL };

typedef struct {
    call_t *call;
    upstream_request_t request;
    account_t account;
    bool is_me; /* /users/me: a redirect is what we expect */
    cloud_f cb;
    void *self;
    err_t refused; /* for a callback that must not come before its starter has returned */
} asked_t;

static void ask(asked_t *asked, const json_t *body);
static void on_reply(void *self, const upstream_reply_t *reply, const err_t *err);
static void follow_me(asked_t *asked, const upstream_reply_t *reply);

/* "." and ".." are segments that any server or proxy on the way may resolve, encoded or not. */
const char *cloud_path(call_t *call, const char *before, const char *argument, const char *id,
                       const char *after)
{
    if (*id == '\0' || strcmp(id, ".") == 0 || strcmp(id, "..") == 0) {
        call_failf(call, ERR_CALLER, "Argument \"%s\" is no id; got \"%s\".", argument, id);
        return NULL;
    }
    return call_printf(call, "%s%s%s", before, upstream_encode(call, id), after);
}

char *cloud_authorization(const char *token)
{
    return token ? mem_printf(AUTHORIZATION "%s", token) : NULL;
}

void cloud_wipe(char *authorization)
{
    if (authorization) {
        mem_wipe(authorization, strlen(authorization));
    }
}

static asked_t *asked_new(call_t *call, const char *method, const char *path, cloud_f cb, void *self)
{
    asked_t *asked = CALL_NEW(call, asked_t);

    asked->call = call;
    asked->request = (upstream_request_t){ .method = method, .path = path };
    asked->cb = cb;
    asked->self = self;
    return asked;
}

void cloud_get(call_t *call, const char *path, cloud_f cb, void *self)
{
    asked_t *asked = asked_new(call, "GET", path, cb, self);

    asked->request.repeatable = true;
    ask(asked, NULL);
}

void cloud_look(call_t *call, const char *path, int64_t timeout_ms, cloud_f cb, void *self)
{
    asked_t *asked = asked_new(call, "GET", path, cb, self);

    asked->request.repeatable = true;
    asked->request.timeout_ms = timeout_ms;
    ask(asked, NULL);
}

void cloud_question(call_t *call, const char *path, json_t *body, cloud_f cb, void *self)
{
    asked_t *asked = asked_new(call, "POST", path, cb, self);

    asked->request.repeatable = true;
    ask(asked, body);
    json_decref(body);
}

void cloud_reload(call_t *call, json_t *body, cloud_f cb, void *self)
{
    ask(asked_new(call, "POST", CLOUD_RELOADS, cb, self), body);
    json_decref(body);
}

void cloud_me(call_t *call, cloud_f cb, void *self)
{
    asked_t *asked = asked_new(call, "GET", CLOUD_ME, cb, self);

    asked->request.repeatable = true;
    asked->is_me = true;
    ask(asked, NULL);
}

static void on_refused(void *self)
{
    asked_t *asked = self;

    asked->cb(asked->self, NULL, &asked->refused);
}

static void ask(asked_t *asked, const json_t *body)
{
    const qlik_t *qlik = qlik_of(asked->call);
    const char *token = NULL;

    asked->account = account_of_call(asked->call, &qlik->accounts, &token, &asked->refused);
    if (asked->account == ACCOUNT_NONE) {
        call_defer(asked->call, on_refused, asked);
        return;
    }
    const char *bearer = asked->account == ACCOUNT_USER ? token : qlik->settings->api_key;
    AUTO(mem_free) char *authorization = cloud_authorization(bearer);
    /* The redirect of /users/me is text/html. */
    const char *const headers[] = { authorization, asked->is_me ? NULL : "Accept: application/json", NULL };
    asked->request.headers = headers;
    asked->request.json = body;
    upstream_ask(asked->call, qlik->upstream, &asked->request, on_reply, asked);
    asked->request.headers = NULL;
    asked->request.json = NULL;
    cloud_wipe(authorization);
}

/* {"errors":[{"code","title","detail"}]}: the first one that says something, in memory of the call. */
static const char *detail_of(call_t *call, const json_t *json)
{
    const json_t *error = json_array_get(json_object_get(json, "errors"), 0);
    const char *title = json_string_value(json_object_get(error, "title"));
    const char *detail = json_string_value(json_object_get(error, "detail"));

    if (title && detail && strcmp(title, detail) != 0) {
        return call_printf(call, "%s: %s", title, detail);
    }
    return detail ? detail : title ? title : error ? "it did not say why" : NULL;
}

static int refuse_token(const asked_t *asked, err_t *err)
{
    if (asked->account == ACCOUNT_SERVICE) {
        call_doubts_upstream(asked->call);
        return err_set(err, ERR_UPSTREAM,
                       "Qlik refused the service key (QLIK_API_KEY): it has expired or was revoked. Nothing "
                       "was done; the operator of the connector needs to set a new one.");
    }
    return err_set(err, ERR_DENIED,
                   "Qlik refused the access token: it has expired or was revoked. Nothing was done; the user "
                   "needs to reconnect the Qlik account.");
}

static int refuse(asked_t *asked, const upstream_reply_t *reply, err_t *err)
{
    if (reply->status == 401) {
        return refuse_token(asked, err);
    }
    /* A 429 of the rate limit says when to come back; that of POST /reloads means one is pending. */
    if (reply->status == 429 && !asked->request.repeatable && !reply->retry_after.at) {
        return err_set(err, ERR_CALLER,
                       "A reload of this app is already pending, so none was started. list_reloads shows it "
                       "and get_reload tells when it is done.");
    }
    return upstream_refused(qlik_of(asked->call)->upstream, reply, detail_of(asked->call, reply->json), err);
}

static void on_reply(void *self, const upstream_reply_t *reply, const err_t *err)
{
    asked_t *asked = self;
    err_t problem;

    if (err) {
        asked->cb(asked->self, NULL, err);
        return;
    }
    if (asked->is_me &&
        (reply->status == 301 || reply->status == 302 || reply->status == 307 || reply->status == 308)) {
        follow_me(asked, reply);
        return;
    }
    bool is_success = reply->status >= 200 && reply->status < 300 && json_is_object(reply->json) &&
                      json_array_size(json_object_get(reply->json, "errors")) == 0;
    if (is_success) {
        asked->cb(asked->self, reply->json, NULL);
        return;
    }
    refuse(asked, reply, &problem);
    asked->cb(asked->self, NULL, &problem);
}

/* One hop: the second answer is a user or a failure. */
static void follow_me(asked_t *asked, const upstream_reply_t *reply)
{
    const char *tenant_url = qlik_of(asked->call)->settings->tenant_url;
    span_t path = links_local(tenant_url, reply->location);
    static const span_t users = SPAN("/api/v1/users/");
    err_t problem;

    if (!path.at || path.length <= users.length || memcmp(path.at, users.at, users.length) != 0 ||
        memmem(path.at, path.length, "..", 2)) {
        err_set(&problem, ERR_UPSTREAM,
                "Qlik named an address outside the tenant for the user's record; it was not followed.");
        asked->cb(asked->self, NULL, &problem);
        return;
    }
    cloud_get(asked->call, call_printf(asked->call, "%.*s", SPAN_ARGS(path)), asked->cb, asked->self);
}
