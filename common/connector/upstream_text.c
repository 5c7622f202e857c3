/* What is said of an upstream that refused, or did not answer. Every sentence names the system and says
 * whether trying again is safe; none holds its address, a header, a web page or a traceback. */
#include "upstream_private.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "retry_after.h"
#include "utf8.h"

#define UNKNOWN_OUTCOME "The outcome is unknown: check before repeating."
#define NOTHING_CHANGED "Nothing was changed."
#define SAFE_TO_REPEAT "Trying again is safe."
#define DETAIL_MAX_BYTES 300
#define SECRET_MIN_LENGTH 6 /* shorter values are words that occur anyway */

/* No answer */

static const char *advice(bool repeatable, bool may_have_happened)
{
    return repeatable ? SAFE_TO_REPEAT : may_have_happened ? UNKNOWN_OUTCOME : NOTHING_CHANGED;
}

/* before NAME between VARIABLE after; without `after` no variable. The last one is for the rest. */
static const struct {
    web_end_t how;
    const char *before, *between, *after;
} failures[] = {
    { WEB_OWN_FAULT, "The request to ", " could not be made: its address (",
      ") or the credentials cannot be sent over HTTP." },
    { WEB_NO_NAME, "", " was not found: the host name in ", " cannot be resolved." },
    { WEB_NO_CONNECTION, "", " cannot be reached: no connection to ", " could be made." },
    { WEB_NO_TLS, "No TLS connection to ", " could be made. Whoever runs this connector should check ", "." },
    { WEB_NOT_TRUSTED, "", " was not asked: its certificate is not trusted, or is not for the host in ",
      "." },
    { WEB_LATE, "", " did not answer in time.", NULL },
    { WEB_TOO_LARGE, "The answer of ", " is larger than ", NULL },
    { WEB_NO_ANSWER, "", " closed the connection without an answer.", NULL },
    { WEB_HALF_ANSWER, "", " closed the connection in the middle of its answer.", NULL },
    { WEB_BROKEN, "", " broke off the connection, or did not answer in HTTP.", NULL },
};

static void add_failure(buf_t *text, const upstream_t *upstream, web_end_t how)
{
    size_t i = 0;

    while (i < COUNT_OF(failures) - 1 && failures[i].how != how) {
        i++;
    }
    buf_addf(text, "%s%s%s", failures[i].before, upstream->name, failures[i].between);
    if (failures[i].after) {
        buf_addf(text, "%s%s", upstream->url_variable, failures[i].after);
    }
    if (how == WEB_TOO_LARGE) {
        buf_addf(text, "%.3g MiB. Ask for less at a time.", (double)upstream->max_reply_bytes / (1 << 20));
    }
}

int upstream_failed(const upstream_t *upstream, web_end_t how, bool repeatable, bool was_sent, err_t *err)
{
    AUTO_BUF text = { 0 };
    bool lasting =
        how == WEB_OWN_FAULT || how == WEB_NO_TLS || how == WEB_NOT_TRUSTED || how == WEB_TOO_LARGE;

    add_failure(&text, upstream, how);
    if (!repeatable || !lasting) {
        buf_addf(&text, " %s", advice(repeatable, was_sent));
    }
    return err_set(err, how == WEB_LATE ? ERR_TIMEOUT : ERR_UPSTREAM, "%s", buf_text(&text));
}

/* A refusal */

bool upstream_repeats_secret(span_t text, const char *const *headers)
{
    for (; headers && *headers; headers++) {
        const char *colon = strchr(*headers, ':');
        const char *value = colon ? colon + 1 + strspn(colon + 1, " ") : *headers;
        const char *token = strrchr(value, ' '); /* of "Bearer token" */
        value = token ? token + 1 : value;
        size_t length = strlen(value);
        if (length >= SECRET_MIN_LENGTH && strncasecmp(*headers, "Content-Type:", 13) != 0 &&
            memmem(text.at, text.length, value, length)) {
            return true;
        }
    }
    return false;
}

static bool is_fit_to_show(span_t text, const char *const *headers)
{
    static const char *const dumps[] = { "<html",           "<HTML",       "<!DOCTYPE", "<!doctype",  "<body",
                                         "Traceback (most", "panicked at", ".rb:",      ".py\", line" };

    for (size_t i = 0; i < COUNT_OF(dumps); i++) {
        if (memmem(text.at, text.length, dumps[i], strlen(dumps[i]))) {
            return false;
        }
    }
    return text.length > 0 && text.at[0] != '<' && !upstream_repeats_secret(text, headers);
}

static bool ends_sentence(span_t text)
{
    return text.length > 0 && strchr(".!?", text.at[text.length - 1]);
}

/* ": Collection `x` doesn't exist!", on one line, or "." */
static void add_detail(buf_t *out, const char *detail, const upstream_reply_t *reply)
{
    span_t text = span_of(detail);

    if (!detail || !is_fit_to_show(text, reply->sent_headers)) {
        buf_add_char(out, '.');
        return;
    }
    span_t shown = { text.at, utf8_cut(text, DETAIL_MAX_BYTES) };
    buf_add_text(out, ": ");
    for (size_t i = 0; i < shown.length; i++) {
        buf_add_char(out, (unsigned char)shown.at[i] < ' ' ? ' ' : shown.at[i]);
    }
    if (shown.length < text.length) {
        buf_add_text(out, "...");
    } else if (!ends_sentence(shown)) {
        buf_add_char(out, '.');
    }
}

bool upstream_is_html(const upstream_reply_t *reply)
{
    span_t type = reply->content_type;

    return type.length >= 9 && strncasecmp(type.at, "text/html", 9) == 0;
}

static const char *what_it_is(const upstream_reply_t *reply)
{
    if (upstream_is_html(reply)) {
        return "a web page";
    }
    if (reply->body.length == 0) {
        return "nothing";
    }
    return reply->json ? "something else than its API promises" : "something that is not JSON";
}

static int refuse_2xx(const upstream_t *upstream, const upstream_reply_t *reply, const char *detail,
                      err_t *err)
{
    AUTO_BUF text = { 0 };

    if (detail) {
        buf_addf(&text, "%s reported an error", upstream->name);
        add_detail(&text, detail, reply);
    } else {
        buf_addf(&text, "%s answered with %s. Whoever runs this connector should check %s.", upstream->name,
                 what_it_is(reply), upstream->url_variable);
    }
    if (detail || !reply->repeatable) {
        buf_addf(&text, " %s", advice(reply->repeatable, true));
    }
    return err_set(err, ERR_UPSTREAM, "%s", buf_text(&text));
}

int upstream_refuse_demo(const upstream_t *upstream, err_t *err)
{
    return err_set(err, ERR_UPSTREAM,
                   "%s in %s is a stand-in for demonstrations, which ENVIRONMENT=production refuses.",
                   upstream->name, upstream->url_variable);
}

static int refuse_redirect(const upstream_t *upstream, const upstream_reply_t *reply, err_t *err)
{
    return err_set(
        err, ERR_UPSTREAM,
        "%s answered with a redirect (HTTP %d), which is not followed. Nothing was changed. Whoever "
        "runs this connector should check %s.",
        upstream->name, reply->status, upstream->url_variable);
}

static int refuse_busy(const upstream_t *upstream, const upstream_reply_t *reply, err_t *err)
{
    AUTO_BUF text = { 0 };
    int64_t wait_ms = retry_after_ms(reply->retry_after, clock_unix());
    bool limited = reply->status == 429; /* refused before anything was done */

    buf_addf(&text,
             limited ? "%s has had too many requests (HTTP 429)" : "%s is not available now (HTTP 503)",
             upstream->name);
    if (wait_ms >= 0) {
        buf_addf(&text, " and asks to wait %" PRId64 " s", wait_ms / 1000);
    }
    buf_add_text(&text, wait_ms < 0 && limited ? ": wait a little before the next one. " : ". ");
    buf_add_text(&text, advice(reply->repeatable, !limited));
    return err_set(err, ERR_UPSTREAM, "%s", buf_text(&text));
}

typedef struct {
    int status;
    err_kind_t kind;
    bool undone; /* it is certain that nothing was changed */
    const char *text;
} refusal_t;

static refusal_t refusal_of(int status)
{
    static const refusal_t known[] = {
        { 401, ERR_DENIED, true, "refused the credentials (HTTP 401)" },
        { 403, ERR_DENIED, true, "does not allow this with these credentials (HTTP 403)" },
        { 404, ERR_CALLER, true, "did not find what was asked for (HTTP 404)" },
        { 408, ERR_TIMEOUT, false, "took too long over the request (HTTP 408)" },
        { 409, ERR_CALLER, true, "refused the request, which conflicts with what is there (HTTP 409)" },
        { 413, ERR_CALLER, true, "refused the request as too large (HTTP 413)" },
        { 504, ERR_TIMEOUT, false, "did not answer its own proxy in time (HTTP 504)" },
        { 507, ERR_UPSTREAM, false, "has no space left (HTTP 507)" },
    };

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (known[i].status == status) {
            return known[i];
        }
    }
    if (status >= 400 && status < 500) {
        return (refusal_t){ status, ERR_CALLER, true, "refused the request" };
    }
    return (refusal_t){ status, ERR_UPSTREAM, false, "failed" };
}

int upstream_refused(const upstream_t *upstream, const upstream_reply_t *reply, const char *detail,
                     err_t *err)
{
    AUTO_BUF text = { 0 };
    refusal_t refusal = refusal_of(reply->status);

    if (reply->status >= 200 && reply->status < 300) {
        return refuse_2xx(upstream, reply, detail, err);
    }
    if (reply->status >= 300 && reply->status < 400) {
        return refuse_redirect(upstream, reply, err);
    }
    if (reply->status == 429 || reply->status == 503) {
        return refuse_busy(upstream, reply, err);
    }
    buf_addf(&text, "%s %s", upstream->name, refusal.text);
    if (!strchr(refusal.text, '(')) {
        buf_addf(&text, " (HTTP %d)", reply->status);
    }
    add_detail(&text, detail, reply);
    if (!refusal.undone) {
        buf_addf(&text, " %s", advice(reply->repeatable, true));
    }
    return err_set(err, refusal.kind, "%s", buf_text(&text));
}
