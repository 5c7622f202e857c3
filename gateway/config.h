/* guiche.yaml (or the environment alone), read, expanded, checked, and turned into one immutable config.
 * Every refusal names file, line, what is wrong and what was meant. Nothing here opens a socket or reads the
 * clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "http_client.h"
#include "http_server.h"
#include "keys.h"
#include "log.h"

typedef struct {
    char *name;   /* "odoo": [a-z0-9_-]{1,32} */
    char *prefix; /* "odoo_"; may be empty when it is the only connector */
    char *url;    /* as written, expanded */
    hop_url_t hop;
    bool trusted;           /* trust: guiche: gets the principal; default for the five built-in names */
    char **forward_headers; /* lower case, NULL-ended */
    struct required_header {
        char *name; /* lower case */
        char *text; /* the sentence for the user */
    } * required_headers;
    size_t required_count;
    int64_t timeout_ms;          /* 25 s */
    int64_t progress_timeout_ms; /* 120 s */
    struct tool_timeout {
        char *tool; /* public name */
        int64_t timeout_ms;
    } * tool_timeouts;
    size_t tool_timeout_count;
    int64_t refresh_ms; /* list_refresh: how often to list a connector that gives no ttlMs; 60 s */
} connector_config_t;

typedef struct {
    char *permission;
    char **allow; /* globs of public names, NULL-ended */
} policy_rule_t;

typedef struct {
    char *name;
    unsigned char sha256[32];
    char *tenant_id;
    char **permissions; /* NULL-ended */
} api_key_t;

typedef enum { AUTH_JWT, AUTH_NONE } auth_mode_t;

typedef struct config {
    char *listen;       /* "127.0.0.1:8080" */
    char *admin_listen; /* or NULL */
    char *public_url;   /* or NULL */
    unsigned workers;
    log_level_t log_level;
    bool production;
    auth_mode_t auth_mode;
    keys_t *keys;
    bool has_jwks;  /* public keys too: an audience is then required */
    char **secrets; /* HS256, NULL-ended or NULL; `guiche token` signs with the first */
    char *issuer, *audience, *default_tenant;
    char **authorization_servers; /* NULL-ended or NULL */
    char **scopes_supported;
    api_key_t *api_keys;
    size_t api_key_count;
    char *hop_secret; /* or NULL */
    connector_config_t *connectors;
    size_t connector_count;
    policy_rule_t *policies; /* when has_policies; otherwise <name>.read and <name>.write exist */
    size_t policy_count;
    bool has_policies;
    bool lists_all; /* lists: all: lists are not filtered by permission */
    char **cors_origins;
    size_t cors_count;
    char **trusted_proxies; /* CIDR texts, NULL-ended */
    http_limits_t door;     /* of each worker */
    size_t max_reply_bytes; /* of a connector */
    int64_t drain_ms;
    char *redis;     /* may hold a password; nothing uses it yet */
    char **warnings; /* sentences for the log and `guiche check`, NULL-ended ("redis: nothing uses it yet") */
    /* private */
    int references;
} config_t;

typedef const char *(*config_lookup_f)(const char *name); /* config_getenv, or a test's own */
const char *config_getenv(const char *name);

/* path NULL: the environment alone (GUICHE_LISTEN, JWT_SECRET, GUICHE_HOP_SECRET, MCP_ODOO_URL, ...). */
config_t *config_load(const char *path, config_lookup_f lookup, err_t *err);
config_t *config_ref(config_t *config); /* counted atomically: workers share it */
void config_unref(config_t *config);
