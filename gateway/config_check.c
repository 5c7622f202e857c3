/* What must hold between sections. Everything that could only be seen at the first call is looked at here
 * instead.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_parts.h"
#include "mem.h"
#include "proxies.h"

static int check_listeners(const config_t *config, err_t *err);
static int check_auth(const config_t *config, err_t *err);
static int check_jwks_url(const config_t *config, err_t *err);
static int check_secrets(const config_t *config, err_t *err);
static int check_connectors(const config_t *config, err_t *err);
static int check_policies(const config_t *config, err_t *err);
static int check_proxies(const config_t *config, err_t *err);

int config_check(const config_t *config, const char *path, err_t *err)
{
    err_t problem;
    if (check_listeners(config, &problem) || check_auth(config, &problem) ||
        check_jwks_url(config, &problem) || check_secrets(config, &problem) ||
        check_connectors(config, &problem) || config_check_commands(config, &problem) ||
        check_policies(config, &problem) || check_proxies(config, &problem)) {
        return err_set(err, ERR_CALLER, "%s: %s", path, problem.text);
    }
    return 0;
}

/* Loopback by its address, not by a name that a resolver could answer otherwise; localhost is taken for
 * 127.0.0.1 without asking one. */
static bool is_loopback(const char *address)
{
    struct in_addr v4;

    if (strncmp(address, "[::1]:", 6) == 0 || strncmp(address, "localhost:", 10) == 0) {
        return true;
    }
    AUTO(mem_free) char *host = mem_strndup(address, strcspn(address, ":"));
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static bool is_local_address(const char *listen)
{
    return strncmp(listen, "unix:", 5) == 0 || is_loopback(listen);
}

static int check_listen_address(const char *key, const char *address, err_t *err)
{
    if (strncmp(address, "unix:", 5) == 0) {
        return address[5] ? 0 : err_set(err, ERR_CALLER, "%s: a path must follow unix:.", key);
    }
    const char *colon = strrchr(address, ':');
    char *end;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || colon == address || colon[1] < '0' || colon[1] > '9' || *end || port > 65535) {
        return err_set(err, ERR_CALLER,
                       "%s \"%.64s\" is no address: write 127.0.0.1:8080, [::1]:8080 or unix:/path.", key,
                       address);
    }
    return 0;
}

static int check_public_url(const char *url, err_t *err)
{
    const char *host = url ? strstr(url, "://") : NULL;

    if (!url) {
        return 0;
    }
    if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) {
        return err_set(err, ERR_CALLER, "public_url must begin with https:// (or http://); found \"%.64s\".",
                       url);
    }
    if (!config_is_quotable(url)) {
        return err_set(err, ERR_CALLER, "public_url has a blank, a quote or a character to be escaped.");
    }
    if (strspn(host + 3, "/?#") > 0 || !host[3]) {
        return err_set(err, ERR_CALLER, "public_url names no host: https://mcp.example.com/mcp.");
    }
    return 0;
}

static int check_listeners(const config_t *config, err_t *err)
{
    if (check_listen_address("listen", config->listen, err) || check_public_url(config->public_url, err)) {
        return -1;
    }
    if (!config->admin_listen) {
        return 0;
    }
    if (strcmp(config->admin_listen, config->listen) == 0) {
        return err_set(err, ERR_CALLER,
                       "listen and admin_listen are the same address; /status needs no token on the latter.");
    }
    return check_listen_address("admin_listen", config->admin_listen, err);
}

static int check_auth(const config_t *config, err_t *err)
{
    if (config->auth_mode == AUTH_NONE && !is_local_address(config->listen)) {
        return err_set(err, ERR_CALLER,
                       "auth.mode none lets everybody in and is accepted on loopback or a unix socket only; "
                       "listen is %.64s.",
                       config->listen);
    }
    if (config->auth_mode == AUTH_NONE && config->production) {
        return err_set(err, ERR_CALLER, "auth.mode none is refused when ENVIRONMENT is production.");
    }
    if (config->auth_mode == AUTH_JWT && keys_count(config->keys) == 0 && !config->jwks_url &&
        config->api_key_count == 0) {
        return err_set(err, ERR_CALLER,
                       "nobody could ever log in: auth needs hs256_secret, jwks_file, jwks_url or api_keys.");
    }
    if (config->has_jwks && !config->audience) {
        return err_set(err, ERR_CALLER,
                       "auth.audience (JWT_AUDIENCE) is required with keys from a JWKS: they sign tokens for "
                       "other services "
                       "too.");
    }
    if (config->authorization_servers && config->authorization_servers[0] && !config->public_url) {
        return err_set(
            err, ERR_CALLER,
            "auth.authorization_servers needs public_url: clients are told which resource to ask for.");
    }
    return 0;
}

static bool fits_url(const char *url)
{
    for (const char *c = url; *c; c++) {
        if (*c <= ' ' || *c > '~') {
            return false;
        }
    }
    return true;
}

/* Keys that somebody on the way can replace let anybody in, so http is for tests on one machine. The URL is
 * not repeated: its query may hold a secret. */
static int check_jwks_url(const config_t *config, err_t *err)
{
    const char *url = config->jwks_url;
    bool https = url && strncmp(url, "https://", 8) == 0, http = url && strncmp(url, "http://", 7) == 0;

    if (!url) {
        return config->jwks_ca_file ? err_set(err, ERR_CALLER, "auth.jwks_ca_file is for auth.jwks_url.") : 0;
    }
    if (config->jwks_ca_file && access(config->jwks_ca_file, R_OK) != 0) {
        return err_set(err, ERR_CALLER, "auth.jwks_ca_file: cannot read %.200s.", config->jwks_ca_file);
    }
    if (!https && !http) {
        return err_set(err, ERR_CALLER, "auth.jwks_url must begin with https://.");
    }
    const char *host = url + (https ? 8 : 7);
    AUTO(mem_free) char *authority = mem_printf("%.*s:", (int)strcspn(host, "/?#"), host);
    if (authority[0] == ':' || strchr(authority, '@') || !fits_url(url)) {
        return err_set(err, ERR_CALLER,
                       "auth.jwks_url is no URL such as https://id.example.com/.well-known/jwks.json.");
    }
    if (http && (config->production || !is_loopback(authority))) {
        return err_set(err, ERR_CALLER,
                       "auth.jwks_url must be https: over http anybody on the way could put in keys of their "
                       "own (http is for loopback, outside production).");
    }
    return 0;
}

/* Words that stand in examples and never in a real secret. */
static bool is_development_secret(const char *secret)
{
    static const char *const words[] = { "change-me", "changeme", "development", "example", "secret-secret" };
    for (size_t i = 0; secret && i < COUNT_OF(words); i++) {
        if (strcasestr(secret, words[i])) {
            return true;
        }
    }
    return secret && strspn(secret, (char[]){ secret[0], '\0' }) == strlen(secret);
}

static int check_secrets(const config_t *config, err_t *err)
{
    if (config->hop_secret && strlen(config->hop_secret) < 32) {
        return err_set(err, ERR_CALLER,
                       "hop_secret has %zu bytes; at least 32 are needed (openssl rand -hex 32).",
                       strlen(config->hop_secret));
    }
    bool from_example = is_development_secret(config->hop_secret);
    for (char **secret = config->secrets; secret && *secret; secret++) {
        if (config->hop_secret && strcmp(*secret, config->hop_secret) == 0) {
            return err_set(err, ERR_CALLER,
                           "hop_secret and hs256_secret are the same: a client's token could then be made by "
                           "a connector.");
        }
        from_example = from_example || is_development_secret(*secret);
    }
    if (config->production && from_example) {
        return err_set(err, ERR_CALLER,
                       "a secret is one of an example, and ENVIRONMENT is production: make new ones (openssl "
                       "rand -hex 32).");
    }
    return 0;
}

static int check_pair(const connector_config_t *a, const connector_config_t *b, err_t *err)
{
    if (strcmp(a->name, b->name) == 0) {
        return err_set(err, ERR_CALLER, "two connectors are named \"%s\".", a->name);
    }
    if (strcmp(a->prefix, b->prefix) == 0) {
        return err_set(err, ERR_CALLER, "the connectors %s and %s have the same prefix \"%s\".", a->name,
                       b->name, a->prefix);
    }
    return 0;
}

static bool is_forwarded(const connector_config_t *connector, const char *header)
{
    for (size_t i = 0; i < connector->forward_count; i++) {
        if (strcmp(connector->forward_headers[i].from, header) == 0) {
            return true;
        }
    }
    return false;
}

static int check_required_headers(const connector_config_t *connector, err_t *err)
{
    for (size_t i = 0; i < connector->required_count; i++) {
        if (!is_forwarded(connector, connector->required_headers[i].name)) {
            return err_set(err, ERR_CALLER,
                           "the connector %s requires %s, but does not list it in forward_headers.",
                           connector->name, connector->required_headers[i].name);
        }
    }
    return 0;
}

/* The tool's own name is easily written for the public one, and would change nothing. */
static int check_tool_timeouts(const connector_config_t *connector, err_t *err)
{
    for (size_t i = 0; i < connector->tool_timeout_count; i++) {
        const char *tool = connector->tool_timeouts[i].tool;
        if (strncmp(tool, connector->prefix, strlen(connector->prefix)) != 0) {
            return err_set(err, ERR_CALLER,
                           "tool_timeouts of the connector %s takes public names: %s%.64s instead of %.64s?",
                           connector->name, connector->prefix, tool, tool);
        }
    }
    return 0;
}

static int check_connector(const config_t *config, const connector_config_t *connector, err_t *err)
{
    if (connector->trusted && !config->hop_secret) {
        return err_set(err, ERR_CALLER,
                       "hop_secret (GUICHE_HOP_SECRET) is missing, and the connector %s has trust: "
                       "guiche; make one with openssl rand -hex 32.",
                       connector->name);
    }
    if (connector->prefix[0] == '\0' && config->connector_count > 1) {
        return err_set(err, ERR_CALLER,
                       "the connector %s has no prefix; only a single connector may have none.",
                       connector->name);
    }
    return check_required_headers(connector, err) || check_tool_timeouts(connector, err) ? -1 : 0;
}

static int check_connectors(const config_t *config, err_t *err)
{
    for (size_t i = 0; i < config->connector_count; i++) {
        const connector_config_t *connector = &config->connectors[i];
        if (check_connector(config, connector, err)) {
            return -1;
        }
        for (size_t j = 0; j < i; j++) {
            if (check_pair(&config->connectors[j], connector, err)) {
                return -1;
            }
        }
    }
    return 0;
}

static bool keeps_names(const config_t *config)
{
    return config->connector_count == 1 && config->connectors[0].prefix[0] == '\0';
}

/* Public names are lower case with underscores, but where a single connector keeps its own. */
static int check_policies(const config_t *config, err_t *err)
{
    for (size_t i = 0; i < config->policy_count; i++) {
        for (char **glob = config->policies[i].allow; *glob; glob++) {
            bool plain = !(*glob)[strspn(*glob, "abcdefghijklmnopqrstuvwxyz0123456789_*")];
            if (!plain && !strchr(*glob, ':') && !keeps_names(config)) {
                return err_set(err, ERR_CALLER,
                               "\"%.64s\" of the permission %s matches nothing: names are a-z, 0-9 and _.",
                               *glob, config->policies[i].permission);
            }
        }
    }
    return 0;
}

static int check_proxies(const config_t *config, err_t *err)
{
    for (char **proxy = config->trusted_proxies; proxy && *proxy; proxy++) {
        if (!proxies_is_network(*proxy)) {
            return err_set(err, ERR_CALLER,
                           "trusted_proxies: \"%.64s\" is no address or network (10.0.0.0/8).", *proxy);
        }
    }
    return 0;
}
