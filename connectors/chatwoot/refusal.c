/* See refusal.h. */
#include "refusal.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

static int refuse_401(const refusal_t *refusal, const char *detail, err_t *err);

/* One item of `errors`: a text, or an object with a message. */
static const char *item_text(const json_t *item)
{
    return json_string_value(json_is_object(item) ? json_object_get(item, "message") : item);
}

static void add_items(buf_t *text, const json_t *list)
{
    size_t i;
    const json_t *item;

    json_array_foreach(list, i, item)
    {
        if (item_text(item)) {
            buf_addf(text, "%s%s", text->length > 0 ? ", " : "", item_text(item));
        }
    }
}

char *refusal_detail(const json_t *json)
{
    static const char *const names[] = { "error", "message", "description" };
    AUTO_BUF text = { 0 };

    for (size_t i = 0; i < COUNT_OF(names) && text.length == 0; i++) {
        const char *value = json_string_value(json_object_get(json, names[i]));
        buf_add_text(&text, value ? value : "");
    }
    if (text.length == 0) {
        add_items(&text, json_object_get(json, "errors"));
    }
    return text.length > 0 ? buf_steal(&text) : NULL;
}

static bool says(const char *detail, const char *words)
{
    return detail && strcasestr(detail, words);
}

bool refusal_is_of_lost_token(const upstream_reply_t *reply)
{
    AUTO(mem_free) char *detail = reply->status == 401 ? refusal_detail(reply->json) : NULL;

    return says(detail, "sign in");
}

bool refusal_is_of_bot(const upstream_reply_t *reply)
{
    AUTO(mem_free) char *detail = reply->status == 401 ? refusal_detail(reply->json) : NULL;

    return says(detail, "for bots");
}

static bool is_success(const upstream_reply_t *reply)
{
    return reply->status >= 200 && reply->status < 300;
}

/* Some proxies and one version of Chatwoot or another put an error into a 200. A payload of ours never has a
 * text under "error". */
static bool has_error_inside(const json_t *json)
{
    return json_is_string(json_object_get(json, "error"));
}

static int refuse_404(const refusal_t *refusal, err_t *err)
{
    return err_set(err, ERR_CALLER,
                   "Chatwoot has no %s in account %" PRId64 ", or this account may not see it. Check the id.",
                   refusal->subject, refusal->account_id);
}

int refusal_check(const refusal_t *refusal, err_t *err)
{
    const upstream_reply_t *reply = refusal->reply;

    if (is_success(reply) && !has_error_inside(reply->json)) {
        return 0;
    }
    AUTO(mem_free) char *detail = refusal_detail(reply->json);
    if (reply->status == 401) {
        return refuse_401(refusal, detail, err);
    }
    if (reply->status == 404 && refusal->subject && json_is_object(reply->json)) {
        return refuse_404(refusal, err);
    }
    return upstream_refused(refusal->upstream, reply, detail, err);
}

static int refuse_token(bool is_user, err_t *err)
{
    if (is_user) {
        return err_set(
            err, ERR_DENIED,
            "Chatwoot refused the user's access token: it is wrong or was reset. The user needs to "
            "connect Chatwoot again with the token of their profile settings.");
    }
    return err_set(
        err, ERR_UPSTREAM,
        "Chatwoot refused CHATWOOT_API_KEY: it is wrong or was reset. The operator needs to set the "
        "access token of a Chatwoot user's profile settings.");
}

static int refuse_401(const refusal_t *refusal, const char *detail, err_t *err)
{
    const char *who = refusal->is_user ? "The user" : "The Chatwoot user of CHATWOOT_API_KEY";

    if (says(detail, "invalid access token")) {
        return refuse_token(refusal->is_user, err);
    }
    if (says(detail, "sign in")) {
        return err_set(err, ERR_UPSTREAM,
                       "Chatwoot did not see the access token, neither as api_access_token nor as "
                       "Api-Access-Token. A proxy in front of it drops the header: nginx needs "
                       "underscores_in_headers on.");
    }
    if (says(detail, "for bots")) {
        return err_set(err, ERR_DENIED,
                       "Chatwoot does not let agent bots do this, and this is the token of one. It takes the "
                       "access token of a user.");
    }
    if (says(detail, "access this account")) {
        return err_set(err, refusal->is_user ? ERR_DENIED : ERR_UPSTREAM,
                       "%s does not belong to Chatwoot account %" PRId64 ".", who, refusal->account_id);
    }
    if (says(detail, "do this action")) {
        return err_set(err, ERR_DENIED,
                       "%s may not do this in Chatwoot: reports need an administrator, conversations and "
                       "inboxes need membership.",
                       who);
    }
    return err_set(err, ERR_DENIED,
                   "Chatwoot refused this with 401, which it says for a wrong or reset token, for a token a "
                   "proxy dropped (nginx needs underscores_in_headers on), for a foreign account and for a "
                   "missing right alike. Trying again will not help.");
}
