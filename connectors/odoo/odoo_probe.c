/* Whether Odoo answers and accepts the service account, for /ready. A login is asked for once; while its uid
 * holds a cheap question is asked instead, because every login is written into Odoo's own records. */
#include "odoo_client.h"

#include <string.h>

#include "buf.h"
#include "clock.h"
#include "codec.h"
#include "fault.h"
#include "mem.h"

#define TIMEOUT_MS 10000

struct odoo_probe {
    odoo_t *odoo;
    runtime_t *runtime;
    int64_t uid; /* of the service account, once it was accepted */
    bool asked_login;
};
typedef struct odoo_probe odoo_probe_t;

static void ask_version(odoo_probe_t *p);
static void ask_login(odoo_probe_t *p);
static void ask_users(odoo_probe_t *p);
static void on_answer(void *self, const upstream_reply_t *reply, const err_t *err);

static void ask(odoo_probe_t *p, const char *path, const char *method, json_t *stolen_params)
{
    json_auto_t *params = stolen_params;
    buf_t body = { 0 };
    err_t err;

    if (codec_encode(method, params, &body, &err)) {
        runtime_ready(p->runtime, &err);
    } else {
        upstream_probe(p->odoo->upstream,
                       &(upstream_request_t){ .method = "POST",
                                              .path = path,
                                              .content_type = "text/xml",
                                              .bytes = buf_span(&body),
                                              .repeatable = true,
                                              .raw = true },
                       TIMEOUT_MS, on_answer, p);
        mem_wipe(body.data, body.size);
    }
    buf_free(&body);
}

static void ask_version(odoo_probe_t *p)
{
    p->asked_login = false;
    ask(p, "/xmlrpc/2/common", "version", json_array());
}

static void ask_login(odoo_probe_t *p)
{
    const odoo_settings_t *s = p->odoo->settings;
    err_t refused;

    if (logins_may_try(p->odoo->logins, SERVICE_ACCOUNT, s->username, clock_ms(), &refused)) {
        runtime_ready(p->runtime, &refused);
        return;
    }
    p->asked_login = true;
    ask(p, "/xmlrpc/2/common", "authenticate", odoo_login_params(s->db, s->username, s->password));
}

static void ask_users(odoo_probe_t *p)
{
    const odoo_settings_t *s = p->odoo->settings;
    json_auto_t *args = json_pack("[[[s, s, I]]]", "id", "=", (json_int_t)p->uid);
    odoo_request_t request = {
        .model = "res.users", .method = "search_count", .args = args, .reads = ODOO_COUNT
    };

    p->asked_login = false;
    ask(p, "/xmlrpc/2/object", "execute_kw", odoo_execute_params(s->db, p->uid, s->password, &request));
}

static int read_login(odoo_probe_t *p, const codec_reply_t *reply, err_t *err)
{
    const odoo_settings_t *s = p->odoo->settings;

    if (json_integer_value(reply->value) > 0) {
        login_key_t key = login_key(s->db, s->username, s->password);
        p->uid = json_integer_value(reply->value);
        logins_succeeded(p->odoo->logins, SERVICE_ACCOUNT, s->username);
        logins_remember(p->odoo->logins, &key, p->uid, clock_ms());
        return 0;
    }
    logins_failed(p->odoo->logins, SERVICE_ACCOUNT, s->username, clock_ms());
    return err_set(err, ERR_UPSTREAM,
                   "Odoo refuses the service account: check ODOO_DB, ODOO_USERNAME and ODOO_PASSWORD.");
}

/* 1: ask again, with a login. */
static int read_reply(odoo_probe_t *p, const codec_reply_t *reply, err_t *err)
{
    if (!reply->value && p->uid != 0 && fault_is_login(reply->fault_code, reply->fault_text, p->uid)) {
        p->uid = 0;
        return 1;
    }
    if (!reply->value) {
        return fault_refuse(reply->fault_code, reply->fault_text, err);
    }
    return p->asked_login ? read_login(p, reply, err) : 0;
}

static int read_answer(odoo_probe_t *p, const upstream_reply_t *reply, err_t *err)
{
    codec_reply_t decoded = { 0 };

    if (odoo_check_answer(p->odoo->upstream, reply, err) || codec_decode(reply->body, &decoded, err)) {
        return -1;
    }
    int rc = read_reply(p, &decoded, err);
    codec_reply_release(&decoded);
    return rc;
}

static void on_answer(void *self, const upstream_reply_t *reply, const err_t *err)
{
    odoo_probe_t *p = self;
    err_t refused;

    if (err) {
        runtime_ready(p->runtime, err);
        return;
    }
    int rc = read_answer(p, reply, &refused);
    if (rc > 0) {
        ask_login(p);
        return;
    }
    runtime_ready(p->runtime, rc < 0 ? &refused : NULL);
}

void odoo_probe(void *state, runtime_t *runtime)
{
    odoo_t *odoo = state;

    if (!odoo->probe) {
        odoo->probe = NEW(odoo_probe_t);
        *odoo->probe = (odoo_probe_t){ .odoo = odoo, .runtime = runtime };
    }
    if (!odoo->settings->username) {
        ask_version(odoo->probe);
    } else if (odoo->probe->uid != 0) {
        ask_users(odoo->probe);
    } else {
        ask_login(odoo->probe);
    }
}
