/* See odoo_client.h.
 *
 * One exec_t is one execute_kw with the login before it where the uid is not known. A uid that no longer
 * holds (fault 3: nothing was done) is forgotten, and the login tried once more; what fails then is the
 * answer. */
#include "odoo_client.h"

#include <string.h>

#include "buf.h"
#include "clock.h"
#include "codec.h"
#include "fault.h"
#include "mem.h"
#include "utf8.h"

#define DECODE_ON_HELPER_BYTES 32768
#define SECRET_MIN_LENGTH 6 /* shorter ones are words that occur anyway */
#define PATH_LOGIN "/xmlrpc/2/common"
#define PATH_EXECUTE "/xmlrpc/2/object"

typedef struct exec exec_t;
typedef void (*reply_f)(exec_t *e, codec_reply_t *reply);

struct exec {
    call_t *call;
    odoo_t *odoo;
    odoo_request_t request;
    odoo_f cb;
    void *self;

    const char *login, *secret; /* borrowed from the call or the settings */
    const char *tenant;         /* whose failed logins it counts among */
    login_key_t key;
    int64_t uid;
    bool logged_in; /* in this flow: the uid is fresh */
    err_t failed;
};

/* An answer on its way through the codec. */
typedef struct {
    exec_t *exec;
    reply_f cb;
    bool repeatable;
    span_t xml;
    buf_t copy; /* where a helper thread reads it */
    codec_reply_t reply;
    int rc;
    err_t err;
} reading_t;

static int choose_account(exec_t *e, err_t *err);
static void ask_login(exec_t *e);
static void on_login_answered(void *self, const upstream_reply_t *reply, const err_t *err);
static void on_login(exec_t *e, codec_reply_t *reply);
static void ask_execute(exec_t *e);
static void on_execute_answered(void *self, const upstream_reply_t *reply, const err_t *err);
static void on_executed(exec_t *e, codec_reply_t *reply);

/* The ends */

static void fail(exec_t *e, const err_t *err)
{
    e->cb(e->self, NULL, err);
}

static void on_failed(void *self)
{
    exec_t *e = self;

    fail(e, &e->failed);
}

/* For what fails before anything was asked: a callback never runs inside odoo_execute(). */
static void fail_later(exec_t *e)
{
    call_defer(e->call, on_failed, e);
}

static void free_json(void *value)
{
    json_decref(value);
}

json_t *odoo_keep(call_t *call, json_t *value)
{
    return call_own(call, value, free_json);
}

/* Requests */

json_t *odoo_login_params(const char *db, const char *login, const char *secret)
{
    return json_pack("[s, s, s, {}]", db, login, secret);
}

json_t *odoo_execute_params(const char *db, int64_t uid, const char *secret, const odoo_request_t *request)
{
    json_t *params = json_pack("[s, I, s, s, s, O]", db, (json_int_t)uid, secret, request->model,
                               request->method, request->args);

    if (params && request->kwargs) {
        json_array_append(params, request->kwargs);
    }
    return params;
}

static void wipe(buf_t *buf)
{
    if (buf->data) {
        mem_wipe(buf->data, buf->size);
    }
    buf_free(buf);
}

static upstream_request_t post(const char *path, const buf_t *body, bool repeatable)
{
    return (upstream_request_t){ .method = "POST",
                                 .path = path,
                                 .content_type = "text/xml",
                                 .bytes = buf_span(body),
                                 .repeatable = repeatable,
                                 .raw = true };
}

/* 0 when it is out. The body holds the secret. */
static int ask(exec_t *e, const char *path, const char *method, const json_t *params, bool repeatable,
               upstream_f cb)
{
    buf_t body = { 0 };

    if (!params) {
        return err_set(&e->failed, ERR_CALLER, "The arguments are not valid UTF-8.");
    }
    int rc = codec_encode(method, params, &body, &e->failed);
    if (rc == 0) {
        upstream_request_t request = post(path, &body, repeatable);
        upstream_ask(e->call, e->odoo->upstream, &request, cb, e);
    }
    wipe(&body);
    return rc;
}

/* Answers */

int odoo_check_answer(const upstream_t *upstream, const upstream_reply_t *reply, err_t *err)
{
    if (reply->status == 404 || reply->status == 405) {
        return err_set(
            err, ERR_UPSTREAM,
            "Odoo's XML-RPC was not found where ODOO_URL points (HTTP %d). Nothing was changed. Whoever "
            "runs this connector should check it: the address of Odoo itself, without /web or /odoo.",
            reply->status);
    }
    if (reply->status != 200 || upstream_is_html(reply) || reply->body.length == 0) {
        return upstream_refused(upstream, reply, NULL, err);
    }
    return 0;
}

/* An answer nobody can read says nothing of what was done. */
static int refuse_unreadable(const reading_t *r, err_t *err)
{
    return err_set(err, r->err.kind, "Odoo: %s %s", r->err.text,
                   r->repeatable ? "Trying again is safe."
                                 : "The outcome is unknown: check before repeating.");
}

static void decode(void *self)
{
    reading_t *r = self;

    r->rc = codec_decode(r->xml, &r->reply, &r->err);
}

static void on_decoded(void *self)
{
    reading_t *r = self;

    if (r->rc != 0) {
        err_t refused;
        refuse_unreadable(r, &refused);
        fail(r->exec, &refused);
        return;
    }
    r->cb(r->exec, &r->reply);
}

static void dispose(void *self)
{
    reading_t *r = self;

    codec_reply_release(&r->reply);
    buf_free(&r->copy);
    mem_free(r);
}

/* Reads the answer, a large one on a helper thread, then calls back. */
static void read_answer(exec_t *e, const upstream_reply_t *reply, reply_f cb)
{
    err_t refused;

    if (odoo_check_answer(e->odoo->upstream, reply, &refused)) {
        fail(e, &refused);
        return;
    }
    reading_t *r = NEW(reading_t);
    *r = (reading_t){ .exec = e, .cb = cb, .repeatable = reply->repeatable, .xml = reply->body };
    if (reply->body.length > DECODE_ON_HELPER_BYTES) {
        buf_add_span(&r->copy, reply->body);
        r->xml = buf_span(&r->copy);
        call_offload(e->call, decode, on_decoded, dispose, r);
        return;
    }
    decode(r);
    on_decoded(r);
    dispose(r);
}

/* The account */

/* Headers are bytes. The settings are checked at start. */
static int check_utf8(const exec_t *e, err_t *err)
{
    if (utf8_is_valid(span_of(e->login)) && utf8_is_valid(span_of(e->secret))) {
        return 0;
    }
    return err_set(err, ERR_CALLER, "X-Odoo-Login and X-Odoo-Api-Key must be UTF-8 text.");
}

static int choose_account(exec_t *e, err_t *err)
{
    static const char *const headers[] = { "X-Odoo-Login", "X-Odoo-Api-Key", NULL };
    const odoo_settings_t *settings = e->odoo->settings;
    const account_rule_t rule = { .system = "Odoo",
                                  .user_headers = headers,
                                  .has_service_account = settings->username != NULL,
                                  .tenants = &e->odoo->tenants };
    const char *values[2] = { settings->username, settings->password };
    account_t account = account_of_call(e->call, &rule, values, err);

    if (account == ACCOUNT_NONE) {
        return -1;
    }
    e->login = account == ACCOUNT_USER ? values[0] : settings->username;
    e->secret = account == ACCOUNT_USER ? values[1] : settings->password;
    e->tenant = account == ACCOUNT_USER ? call_tenant(e->call) : SERVICE_ACCOUNT;
    e->key = login_key(settings->db, e->login, e->secret);
    return check_utf8(e, err);
}

bool odoo_is_logged_in(call_t *call)
{
    exec_t e = { .call = call, .odoo = odoo_of(call) };
    err_t refused;

    return choose_account(&e, &refused) == 0 && logins_uid(e.odoo->logins, &e.key, clock_ms()) != 0;
}

/* What Odoo says may be a text of anybody's, the credentials among it. */
static int refuse_fault(const exec_t *e, const codec_reply_t *reply, err_t *err)
{
    fault_refuse(reply->fault_code, reply->fault_text, err);
    if (err->kind == ERR_UNKNOWN && !e->request.by_address) {
        err->kind = ERR_CALLER; /* an argument of a tool, which is there */
    }
    if (strlen(e->secret) >= SECRET_MIN_LENGTH && strstr(err->text, e->secret)) {
        err_set(err, err->kind, "Odoo refused it, with a text that cannot be shown. Nothing was changed.");
    }
    return -1;
}

/* Logging in */

static int refuse_login(const exec_t *e, err_t *err)
{
    if (e->login != e->odoo->settings->username) {
        return err_set(
            err, ERR_DENIED,
            "Odoo refused the login of the user's own account. The user should check the login and "
            "the API key they connected: it may have expired or been removed.");
    }
    call_doubts_upstream(e->call);
    return err_set(err, ERR_DENIED,
                   "Odoo refused the service account. Whoever runs this connector should check ODOO_USERNAME "
                   "and ODOO_PASSWORD; an account with two-factor login needs an API key.");
}

static void ask_login(exec_t *e)
{
    const char *db = e->odoo->settings->db;

    if (logins_may_try(e->odoo->logins, e->tenant, e->login, clock_ms(), &e->failed)) {
        fail_later(e);
        return;
    }
    json_auto_t *params = odoo_login_params(db, e->login, e->secret);
    if (ask(e, PATH_LOGIN, "authenticate", params, true, on_login_answered)) {
        fail_later(e);
    }
}

static void on_login_answered(void *self, const upstream_reply_t *reply, const err_t *err)
{
    exec_t *e = self;

    if (err) {
        fail(e, err);
        return;
    }
    read_answer(e, reply, on_login);
}

/* False instead of a uid: the login or its secret is wrong. */
static int read_login(exec_t *e, const codec_reply_t *reply, err_t *err)
{
    if (!reply->value) {
        return refuse_fault(e, reply, err);
    }
    if (json_is_integer(reply->value) && json_integer_value(reply->value) > 0) {
        e->uid = json_integer_value(reply->value);
        logins_succeeded(e->odoo->logins, e->tenant, e->login);
        logins_remember(e->odoo->logins, &e->key, e->uid, clock_ms());
        return 0;
    }
    logins_failed(e->odoo->logins, e->tenant, e->login, clock_ms());
    return refuse_login(e, err);
}

static void on_login(exec_t *e, codec_reply_t *reply)
{
    err_t refused;

    if (read_login(e, reply, &refused)) {
        fail(e, &refused);
        return;
    }
    e->logged_in = true;
    ask_execute(e);
}

/* Executing */

static void ask_execute(exec_t *e)
{
    json_auto_t *params = odoo_execute_params(e->odoo->settings->db, e->uid, e->secret, &e->request);

    if (ask(e, PATH_EXECUTE, "execute_kw", params, e->request.reads, on_execute_answered)) {
        fail_later(e);
    }
}

static void on_execute_answered(void *self, const upstream_reply_t *reply, const err_t *err)
{
    exec_t *e = self;

    if (err) {
        fail(e, err);
        return;
    }
    read_answer(e, reply, on_executed);
}

static bool is_array_of(const json_t *value, json_type type)
{
    size_t i;
    json_t *item;

    json_array_foreach(value, i, item)
    {
        if (json_typeof(item) != type) {
            return false;
        }
    }
    return json_is_array(value);
}

static bool is_object_of_objects(const json_t *value)
{
    const char *name;
    json_t *item;

    json_object_foreach((json_t *)value, name, item)
    {
        if (!json_is_object(item)) {
            return false;
        }
    }
    return json_is_object(value);
}

static bool is_promised(const json_t *value, odoo_reads_t reads)
{
    switch (reads) {
    case ODOO_ROWS:
        return is_array_of(value, JSON_OBJECT);
    case ODOO_IDS:
        return is_array_of(value, JSON_INTEGER);
    case ODOO_COUNT:
        return json_is_integer(value);
    case ODOO_FIELDS:
        return is_object_of_objects(value);
    default:
        return true;
    }
}

static void give(exec_t *e, json_t *value)
{
    err_t refused;

    odoo_keep(e->call, value);
    if (is_promised(value, e->request.reads)) {
        e->cb(e->self, value, NULL);
        return;
    }
    err_set(&refused, ERR_UPSTREAM, "Odoo's answer to %s of %s is not what that method returns.",
            e->request.method, e->request.model);
    fail(e, &refused);
}

static void on_executed(exec_t *e, codec_reply_t *reply)
{
    err_t refused;

    if (reply->value) {
        give(e, TAKE(reply->value));
        return;
    }
    if (fault_is_unwritable_result(reply->fault_code, reply->fault_text)) {
        give(e, json_null());
        return;
    }
    if (fault_is_login(reply->fault_code, reply->fault_text, e->uid)) {
        logins_forget(e->odoo->logins, &e->key);
        if (!e->logged_in) {
            ask_login(e);
            return;
        }
    }
    refuse_fault(e, reply, &refused);
    fail(e, &refused);
}

void odoo_execute(call_t *call, const odoo_request_t *request, odoo_f cb, void *self)
{
    exec_t *e = CALL_NEW(call, exec_t);

    *e = (exec_t){ .call = call, .odoo = odoo_of(call), .request = *request, .cb = cb, .self = self };
    odoo_keep(call, request->args);
    odoo_keep(call, request->kwargs);
    if (choose_account(e, &e->failed)) {
        fail_later(e);
        return;
    }
    e->uid = logins_uid(e->odoo->logins, &e->key, clock_ms());
    if (e->uid == 0) {
        ask_login(e);
        return;
    }
    ask_execute(e);
}
