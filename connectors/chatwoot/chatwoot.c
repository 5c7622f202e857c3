/* mcp-chatwoot: conversations, messages and contacts of Chatwoot, with a service account or each user's own
 * access token.
 *
 * Whether the upstream answers is asked of GET /api once (its version, and whether it is the demo's
 * stand-in), then of /api/v1/profile with the service account. */
#include "chatwoot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "refusal.h"

#define PROBE_TIMEOUT_MS 5000

static const field_t setting_rows[] = {
    FIELD(chatwoot_settings_t, url, .env = "CHATWOOT_URL", .required = true, .group = "Chatwoot",
          .doc = "Address of the Chatwoot installation, such as https://app.chatwoot.com."),
    FIELD(chatwoot_settings_t, api_key, .env = "CHATWOOT_API_KEY", .secret = true, .group = "Service account",
          .doc =
              "Access token of a Chatwoot user (Profile settings, Access token), used for callers who bring "
              "none of their own. Without it every user needs one."),
    FIELD(chatwoot_settings_t, account_id, .env = "CHATWOOT_ACCOUNT_ID", .min = 1, .group = "Service account",
          .doc = "The account to work in, where the token belongs to several; otherwise it is found by the "
                 "token. Also the one of users who belong to several and do not say which."),
    TENANTS_FIELD(chatwoot_settings_t),
    { 0 },
};

static void *chatwoot_open(runtime_t *runtime, const void *settings, err_t *err);
static void chatwoot_close(void *state);
static void chatwoot_probe(void *state, runtime_t *runtime);
static void on_version(void *self, const upstream_reply_t *reply, const err_t *err);
static void probe_account(chatwoot_t *state);
static void on_profile(void *self, const upstream_reply_t *reply, const err_t *err);
static const char *chatwoot_about(void *state);

static const connector_t chatwoot = {
    .name = "chatwoot",
    .title = "Chatwoot",
    .instructions = "Conversations with customers in Chatwoot. Ids come from list_conversations, "
                    "search_contacts, list_inboxes, "
                    "list_agents and list_teams; never make one up. Times are UTC. A message that is not "
                    "private reaches the "
                    "customer at once.",
    .tools = chatwoot_tools,
    .settings = setting_rows,
    .settings_size = sizeof(chatwoot_settings_t),
    .open = chatwoot_open,
    .close = chatwoot_close,
    .probe = chatwoot_probe,
    .usual_prefix = "chatwoot_",
    .about = chatwoot_about,
};

int main(int argc, char **argv)
{
    return connector_main(&chatwoot, argc, argv);
}

static void *chatwoot_open(runtime_t *runtime, const void *settings, err_t *err)
{
    const chatwoot_settings_t *s = settings;
    const upstream_options_t options = {
        .name = "Chatwoot",
        .url = s->url,
        .url_variable = "CHATWOOT_URL",
        .production = runtime_is_production(runtime),
    };
    tenants_t tenants;

    if (tenants_parse(s->tenants, s->api_key, options.production, &tenants, err)) {
        return NULL;
    }
    upstream_t *upstream = upstream_new(runtime_loop(runtime), &options, err);
    if (!upstream) {
        tenants_release(&tenants);
        return NULL;
    }
    chatwoot_t *state = NEW(chatwoot_t);
    state->settings = s;
    state->runtime = runtime;
    state->upstream = upstream;
    state->tenants = tenants;
    state->accounts = accounts_new();
    return state;
}

static void chatwoot_close(void *self)
{
    chatwoot_t *state = self;

    upstream_free(state->upstream);
    accounts_free(state->accounts);
    tenants_release(&state->tenants);
    free(state);
}

static const char *chatwoot_about(void *self)
{
    const chatwoot_t *state = self;

    return *state->about ? state->about : NULL;
}

static void chatwoot_probe(void *self, runtime_t *runtime)
{
    chatwoot_t *state = self;
    const upstream_request_t request = { .method = "GET", .path = "/api", .repeatable = true };

    (void)runtime;
    if (state->is_known) {
        probe_account(state);
    } else {
        upstream_probe(state->upstream, &request, PROBE_TIMEOUT_MS, on_version, state);
    }
}

/* Any answer will do: a proxy may keep /api to itself. */
static void on_version(void *self, const upstream_reply_t *reply, const err_t *err)
{
    chatwoot_t *state = self;

    if (err) {
        runtime_ready(state->runtime, err);
        return;
    }
    const char *version = json_string_value(json_object_get(reply->json, "version"));
    state->is_known = true;
    if (version) {
        bool is_demo = strstr(version, "demo");
        snprintf(state->about, sizeof(state->about), is_demo ? "demo data" : "Chatwoot %.40s", version);
    }
    probe_account(state);
}

static void probe_account(chatwoot_t *state)
{
    AUTO(mem_free) char *line = NULL;
    const char *headers[2] = { NULL };
    const upstream_request_t request = {
        .method = "GET", .path = "/api/v1/profile", .headers = headers, .repeatable = true
    };

    if (state->settings->api_key) {
        line = mem_printf("%s: %s", chatwoot_token_name(state), state->settings->api_key);
        headers[0] = line;
    }
    upstream_probe(state->upstream, &request, PROBE_TIMEOUT_MS, on_profile, state);
    if (line) {
        mem_wipe(line, strlen(line));
    }
}

/* Without a service account a 401 is the right answer; with one, only for an agent bot, which has no profile.
 */
static void on_profile(void *self, const upstream_reply_t *reply, const err_t *err)
{
    chatwoot_t *state = self;
    err_t refused;

    if (err) {
        runtime_ready(state->runtime, err);
        return;
    }
    if (state->settings->api_key && !state->hyphens && refusal_is_of_lost_token(reply)) {
        state->hyphens = true; /* see client.c */
        probe_account(state);
        return;
    }
    const refusal_t refusal = { .upstream = state->upstream, .reply = reply };
    bool is_expected = reply->status == 401 && (!state->settings->api_key || refusal_is_of_bot(reply));
    bool is_refused = !is_expected && refusal_check(&refusal, &refused);
    if (!is_expected && !is_refused && !json_is_array(json_object_get(reply->json, "accounts"))) {
        is_refused = upstream_refused(state->upstream, reply, NULL, &refused);
    }
    runtime_ready(state->runtime, is_refused ? &refused : NULL);
}
