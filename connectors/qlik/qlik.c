/* mcp-qlik: Qlik Cloud, asked with each user's own access token.
 *
 * The token comes in X-Qlik-Access-Token with every call, is sent to the one tenant of QLIK_CLOUD_TENANT_URL
 * as a bearer token, and is held nowhere. QLIK_API_KEY is for installations without users: it serves the
 * tenants named in TENANTS, and a user's own token still wins over it.
 */
#include "qlik.h"

#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "links.h"
#include "mem.h"

#define PROBE_TIMEOUT_MS 5000

static const field_t setting_rows[] = {
    FIELD(qlik_settings_t, tenant_url, .env = "QLIK_CLOUD_TENANT_URL", .required = true,
          .group = "Qlik Cloud", .doc = "https://TENANT.REGION.qlikcloud.com: the one tenant that is asked."),
    FIELD(qlik_settings_t, api_key, .env = "QLIK_API_KEY", .secret = true, .group = "Service account",
          .doc = "An API key of Qlik for callers without a token of their own. Off when empty: every call "
                 "then needs X-Qlik-Access-Token."),
    TENANTS_FIELD(qlik_settings_t),
    { 0 },
};

static void *qlik_open(runtime_t *runtime, const void *settings, err_t *err);
static void qlik_close(void *state);
static void qlik_probe(void *state, runtime_t *runtime);
static void on_probe(void *self, const upstream_reply_t *reply, const err_t *err);
static const char *qlik_about(void *state);

static const connector_t qlik = {
    .name = "qlik",
    .title = "Qlik Cloud",
    .instructions = "Analytics apps, spaces, reloads and predictions of Qlik Cloud, as the user who asks may "
                    "see them. Ids come from get_apps, list_items and list_spaces; never make one up. Lists "
                    "come in pages: ask again with cursor = next_cursor and otherwise the same arguments.",
    .tools = qlik_tools,
    .settings = setting_rows,
    .settings_size = sizeof(qlik_settings_t),
    .open = qlik_open,
    .close = qlik_close,
    .probe = qlik_probe,
    .usual_prefix = "qlik_",
    .about = qlik_about,
};

int main(int argc, char **argv)
{
    return connector_main(&qlik, argc, argv);
}

static upstream_t *open_upstream(runtime_t *runtime, const qlik_settings_t *s, err_t *err)
{
    const upstream_options_t options = {
        .name = "Qlik",
        .url = s->tenant_url,
        .url_variable = "QLIK_CLOUD_TENANT_URL",
        .production = runtime_is_production(runtime),
    };

    if (links_check_tenant(s->tenant_url, runtime_is_production(runtime), err)) {
        return NULL;
    }
    return upstream_new(runtime_loop(runtime), &options, err);
}

static void *qlik_open(runtime_t *runtime, const void *settings, err_t *err)
{
    const qlik_settings_t *s = settings;
    tenants_t tenants = { 0 };

    if (tenants_parse(s->tenants, s->api_key != NULL, runtime_is_production(runtime), &tenants, err)) {
        return NULL;
    }
    upstream_t *upstream = open_upstream(runtime, s, err);
    if (!upstream) {
        tenants_release(&tenants);
        return NULL;
    }
    qlik_t *state = NEW(qlik_t);
    state->settings = s;
    state->runtime = runtime;
    state->upstream = upstream;
    state->tenants = tenants;
    state->accounts = (account_rule_t){
        .system = "Qlik",
        .user_headers = cloud_user_headers,
        .has_service_account = s->api_key != NULL,
        .tenants = &state->tenants,
        .missing = CLOUD_MISSING_TOKEN,
    };
    return state;
}

static void qlik_close(void *self)
{
    qlik_t *state = self;

    upstream_free(state->upstream);
    tenants_release(&state->tenants);
    free(state);
}

static const char *qlik_about(void *self)
{
    const qlik_t *state = self;

    return state->settings->api_key ? "Qlik Cloud, with a service key" : "Qlik Cloud, users' own tokens only";
}

/* Without a service key nobody is asked about: that Qlik refuses us is then the answer of a Qlik that works.
 */
static void qlik_probe(void *self, runtime_t *runtime)
{
    qlik_t *state = self;
    AUTO(mem_free) char *authorization = cloud_authorization(state->settings->api_key);
    const char *const headers[] = { authorization, NULL };
    const upstream_request_t request = {
        .method = "GET",
        .path = CLOUD_ME,
        .headers = headers,
        .repeatable = true,
        .raw = true,
    };

    (void)runtime;
    upstream_probe(state->upstream, &request, PROBE_TIMEOUT_MS, on_probe, state);
    cloud_wipe(authorization);
}

static void on_probe(void *self, const upstream_reply_t *reply, const err_t *err)
{
    qlik_t *state = self;
    err_t problem;

    if (reply && reply->status == 401 && state->settings->api_key) {
        err_set(&problem, ERR_UPSTREAM,
                "Qlik refused QLIK_API_KEY: it has expired, was revoked or is wrong.");
        err = &problem;
    } else if (reply && reply->status >= 500) {
        err_set(&problem, ERR_UPSTREAM, "Qlik answers with status %d.", reply->status);
        err = &problem;
    } else if (reply && reply->status != 401 && (reply->status < 200 || reply->status >= 400) &&
               reply->status != 429) {
        err_set(&problem, ERR_UPSTREAM,
                "What QLIK_CLOUD_TENANT_URL names does not answer like Qlik (status %d).", reply->status);
        err = &problem;
    }
    runtime_ready(state->runtime, err);
}
