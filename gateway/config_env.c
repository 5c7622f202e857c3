/* The environment as a config: enough to start the usual stack without a file. Also where a variable's value
 * may stand in a file instead (JWT_SECRET_FILE).
 */
#include <string.h>

#include "config_parts.h"
#include "fields.h"
#include "mem.h"

#define MAX_VARIABLE_BYTES 65536

static int add_connector(config_t *config, size_t which, const char *url, err_t *err);

/* The connectors that have a usual name, and the headers in which a user's own credentials travel to them. */
typedef struct {
    const char *name, *url_variable;
    const char *headers[3];
} usual_t;

static const usual_t usual[] = {
    { "odoo", "MCP_ODOO_URL", { "x-odoo-login", "x-odoo-api-key" } },
    { "qdrant", "MCP_QDRANT_URL", { "x-qdrant-api-key" } },
    { "chatwoot", "MCP_CHATWOOT_URL", { "x-chatwoot-access-token", "x-chatwoot-account-id" } },
    { "qlik", "MCP_QLIK_URL", { "x-qlik-access-token" } },
    { "crm", "MCP_CRM_URL", { NULL } },
};

static const usual_t *usual_of(const char *connector_name)
{
    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (strcmp(usual[i].name, connector_name) == 0) {
            return &usual[i];
        }
    }
    return NULL;
}

bool config_is_built_in(const char *connector_name)
{
    return usual_of(connector_name);
}

void config_usual_headers(connector_config_t *connector)
{
    const usual_t *known = usual_of(connector->name);

    if (!known || !connector->trusted || connector->forward_headers) {
        return;
    }
    connector->forward_headers = NEW_ARRAY(forward_header_t, COUNT_OF(known->headers));
    for (size_t i = 0; known->headers[i]; i++) {
        connector->forward_headers[i] =
            (forward_header_t){ .from = mem_strdup(known->headers[i]), .to = mem_strdup(known->headers[i]) };
        connector->forward_count++;
    }
}

typedef struct {
    const char *listen, *jwt_secret, *jwks_url, *jwt_audience, *jwt_issuer, *hop_secret, *redis_url,
        *redis_password;
    const char *odoo, *qdrant, *chatwoot, *qlik, *crm;
    const char *environment, *log_level;
} environment_t;

#define GATEWAY(member, variable, ...)                                                                       \
    FIELD(environment_t, member, .env = variable, .group = "Gateway", __VA_ARGS__)

const field_t config_environment_rows[] = {
    GATEWAY(listen, "GUICHE_LISTEN", .fallback = "127.0.0.1:8080", .doc = "Where clients connect."),
    GATEWAY(jwt_secret, "JWT_SECRET", .secret = true,
            .doc = "Clients' tokens are signed with it (HS256); at least 32 bytes: openssl rand -hex 32."),
    GATEWAY(jwks_url, "JWKS_URL",
            .doc = "Public keys that clients' tokens are checked with, instead of JWT_SECRET or beside it: "
                   "https://id.example.com/.well-known/jwks.json."),
    GATEWAY(jwt_audience, "JWT_AUDIENCE", .doc = "Tokens must be for this audience. Required with JWKS_URL."),
    GATEWAY(jwt_issuer, "JWT_ISSUER", .doc = "Tokens of other issuers are refused."),
    GATEWAY(
        hop_secret, "GUICHE_HOP_SECRET", .secret = true,
        .doc = "The keys of the connectors are derived from it; at least 32 bytes, another than JWT_SECRET."),
    GATEWAY(crm, "MCP_CRM_URL",
            .doc = "The CRM connector: unix:/run/guiche/crm.sock or http://mcp-crm:8000/mcp."),
    GATEWAY(odoo, "MCP_ODOO_URL", .doc = "The Odoo connector."),
    GATEWAY(qdrant, "MCP_QDRANT_URL", .doc = "The Qdrant connector."),
    GATEWAY(chatwoot, "MCP_CHATWOOT_URL", .doc = "The Chatwoot connector."),
    GATEWAY(qlik, "MCP_QLIK_URL", .doc = "The Qlik connector."),
    GATEWAY(redis_url, "REDIS_URL", .doc = "Accepted; nothing uses it yet."),
    GATEWAY(redis_password, "REDIS_PASSWORD", .secret = true, .doc = "Accepted; nothing uses it yet."),
    GATEWAY(environment, "ENVIRONMENT", .fallback = "development",
            .choices = "development|staging|production",
            .doc = "production refuses auth.mode none and the secrets of examples."),
    GATEWAY(log_level, "LOG_LEVEL", .fallback = "info", .choices = "debug|info|warn|error",
            .doc = "What is logged."),
    { 0 },
};

int config_variable(config_lookup_f lookup, const char *name, char **ret, err_t *err)
{
    struct {
        const char *value;
    } one;
    const field_t row[] = {
        { .name = "value",
          .type = FIELD_STRING,
          .env = name,
          .secret = true,
          .max_length = MAX_VARIABLE_BYTES },
        { 0 },
    };
    if (settings_load(row, lookup, &one, err)) {
        return -1;
    }
    *ret = one.value ? mem_strdup(one.value) : NULL;
    settings_release(row, &one);
    return 0;
}

static char *copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static int read_secrets(config_t *config, const environment_t *environment, err_t *err)
{
    if (!environment->jwt_secret && !environment->jwks_url) {
        return err_set(
            err, ERR_CALLER,
            "JWT_SECRET is not set, nor JWKS_URL (or name a config file: guiche serve guiche.yaml).");
    }
    err_t problem;
    if (environment->jwt_secret && config_add_secret(config, environment->jwt_secret, &problem)) {
        return err_set(err, ERR_CALLER, "JWT_SECRET: %s", problem.text);
    }
    config->has_jwks = environment->jwks_url;
    config->jwks_url = copy(environment->jwks_url);
    config->audience = copy(environment->jwt_audience);
    config->issuer = copy(environment->jwt_issuer);
    config->hop_secret = copy(environment->hop_secret);
    return 0;
}

static int read_connectors(config_t *config, const environment_t *environment, err_t *err)
{
    const char *const urls[] = { environment->odoo, environment->qdrant, environment->chatwoot,
                                 environment->qlik, environment->crm };
    config->connectors = NEW_ARRAY(connector_config_t, COUNT_OF(usual));
    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (urls[i] && add_connector(config, i, urls[i], err)) {
            return -1;
        }
    }
    if (config->connector_count == 0) {
        config_warn(config,
                    "no connector is configured: set MCP_CRM_URL, MCP_ODOO_URL, ... or use a config file.");
    }
    return 0;
}

int config_read_environment(config_t *config, config_lookup_f lookup, err_t *err)
{
    environment_t environment;
    if (settings_load(config_environment_rows, lookup, &environment, err)) {
        return -1;
    }
    config->listen = mem_strdup(environment.listen);
    if (environment.redis_url || environment.redis_password) {
        config_warn(config, "REDIS_URL is set, but nothing uses it yet.");
    }
    int result =
        read_secrets(config, &environment, err) || read_connectors(config, &environment, err) ? -1 : 0;
    settings_release(config_environment_rows, &environment);
    return result;
}

static int add_connector(config_t *config, size_t which, const char *url, err_t *err)
{
    connector_config_t *connector = &config->connectors[config->connector_count++];
    connector->name = mem_strdup(usual[which].name);
    connector->url = mem_strdup(url);
    connector->trusted = true;
    config_usual_headers(connector);
    if (strcmp(connector->name, "qlik") == 0) {
        connector->required_headers = mem_alloc(sizeof *connector->required_headers);
        connector->required_count = 1;
        connector->required_headers[0].name = mem_strdup("x-qlik-access-token");
        connector->required_headers[0].text =
            mem_strdup("Missing Qlik access token. User needs to connect Qlik account.");
    }
    err_t problem;
    if (config_finish_connector(connector, &problem)) {
        return err_set(err, ERR_CALLER, "%s: %s", usual[which].url_variable, problem.text);
    }
    return 0;
}
