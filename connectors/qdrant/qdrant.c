/* mcp-qdrant: collections, points and semantic search of a Qdrant server (1.10 or later).
 *
 * Without QDRANT_API_KEY the server is asked without a key. Such an open server is a service account like any
 * other: TENANTS says whose it is, and no key of a user's own opens it (qdrant_client.c). So is the account
 * at the embeddings service. Where it refuses us for want of a key we still count as ready, since users
 * may bring their own. */
#include "qdrant.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define PROBE_TIMEOUT_MS 5000

static const field_t setting_rows[] = {
    FIELD(qdrant_settings_t, url, .env = "QDRANT_URL", .required = true, .group = "Qdrant",
          .doc = "Address of the Qdrant server's REST API, such as https://qdrant.example.com:6333."),
    FIELD(qdrant_settings_t, api_key, .env = "QDRANT_API_KEY", .secret = true, .group = "Service account",
          .doc = "API key of the service account. Without it: a server that asks for none, or users with "
                 "keys of their own (X-Qdrant-Api-Key)."),
    TENANTS_FIELD(qdrant_settings_t),
    FIELD(qdrant_settings_t, embeddings_url, .env = "EMBEDDINGS_URL", .group = "Embeddings",
          .doc = "Base URL of an OpenAI-compatible API (POST EMBEDDINGS_URL/embeddings), for search_text and "
                 "store_texts. Texts of agents are sent there."),
    FIELD(qdrant_settings_t, embeddings_api_key, .env = "EMBEDDINGS_API_KEY", .secret = true,
          .group = "Embeddings",
          .doc = "Key of that API. It is a service account too: only the tenants in TENANTS may use it."),
    FIELD(qdrant_settings_t, embeddings_model, .env = "EMBEDDINGS_MODEL", .group = "Embeddings",
          .doc = "Name of the model there. Collections must have vectors of its size."),
    { 0 },
};

static void *qdrant_open(runtime_t *runtime, const void *settings, err_t *err);
static void qdrant_close(void *self);
static void qdrant_probe(void *self, runtime_t *runtime);
static void on_probe(void *self, const upstream_reply_t *reply, const err_t *err);
static const char *qdrant_about(void *self);

static const connector_t qdrant = {
    .name = "qdrant",
    .title = "Qdrant vector search",
    .instructions =
        "Collections of points: an id, one or more vectors, and a payload of fields. list_collections and "
        "describe_collection say what there is; search_text finds points by meaning; filters narrow any "
        "search by payload. Pages have has_more and next_offset.",
    .tools = qdrant_tools,
    .settings = setting_rows,
    .settings_size = sizeof(qdrant_settings_t),
    .open = qdrant_open,
    .close = qdrant_close,
    .probe = qdrant_probe,
    .usual_prefix = "qdrant_",
    .about = qdrant_about,
};

int main(int argc, char **argv)
{
    return connector_main(&qdrant, argc, argv);
}

static int check_embeddings(const qdrant_settings_t *s, err_t *err)
{
    int set = (s->embeddings_url != NULL) + (s->embeddings_api_key != NULL) + (s->embeddings_model != NULL);

    if (set != 0 && set != 3) {
        return err_set(
            err, ERR_CALLER,
            "EMBEDDINGS_URL, EMBEDDINGS_API_KEY and EMBEDDINGS_MODEL belong together: set all three "
            "or none.");
    }
    return 0;
}

static int open_upstreams(qdrant_t *state, err_t *err)
{
    const qdrant_settings_t *s = state->settings;
    loop_t *loop = runtime_loop(state->runtime);
    bool production = runtime_is_production(state->runtime);

    state->server = upstream_new(
        loop,
        &(upstream_options_t){
            .name = "Qdrant", .url = s->url, .url_variable = "QDRANT_URL", .production = production },
        err);
    if (!state->server || !s->embeddings_url) {
        return state->server ? 0 : -1;
    }
    state->embeddings = upstream_new(loop,
                                     &(upstream_options_t){ .name = "The embeddings service",
                                                            .url = s->embeddings_url,
                                                            .url_variable = "EMBEDDINGS_URL",
                                                            .production = production },
                                     err);
    return state->embeddings ? 0 : -1;
}

static void *qdrant_open(runtime_t *runtime, const void *settings, err_t *err)
{
    qdrant_t *state = NEW(qdrant_t);

    state->settings = settings;
    state->runtime = runtime;
    if (check_embeddings(state->settings, err) ||
        tenants_parse(state->settings->tenants, true, runtime_is_production(runtime), &state->tenants, err) ||
        open_upstreams(state, err)) {
        qdrant_close(state);
        return NULL;
    }
    return state;
}

static void qdrant_close(void *self)
{
    qdrant_t *state = self;

    upstream_free(state->embeddings);
    upstream_free(state->server);
    tenants_release(&state->tenants);
    free(state);
}

static void on_probe(void *self, const upstream_reply_t *reply, const err_t *err)
{
    qdrant_t *state = self;
    bool wants_key = reply && (reply->status == 401 || reply->status == 403) && !state->settings->api_key;
    err_t refused;

    if (reply && !wants_key && (reply->status != 200 || !json_object_get(reply->json, "result"))) {
        upstream_refused(state->server, reply, NULL, &refused);
        err = &refused;
    }
    runtime_ready(state->runtime, err);
}

static void qdrant_probe(void *self, runtime_t *runtime)
{
    qdrant_t *state = self;
    const char *key = state->settings->api_key;
    AUTO(mem_free) char *line = key ? mem_printf("api-key: %s", key) : NULL;
    const char *const headers[] = { line, NULL };

    (void)runtime;
    upstream_probe(state->server,
                   &(upstream_request_t){
                       .method = "GET", .path = "/collections", .headers = headers, .repeatable = true },
                   PROBE_TIMEOUT_MS, on_probe, state);
    if (line) {
        mem_wipe(line, strlen(line));
    }
}

static const char *qdrant_about(void *self)
{
    const qdrant_t *state = self;

    return state->embeddings ? "Qdrant with embeddings" : "Qdrant, no embeddings: text tools are off";
}
