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

/* A header of the caller that goes along to one connector. */
typedef struct {
    char *from;   /* what the caller sends; lower case */
    char *to;     /* what the connector gets; lower case */
    char *scheme; /* put before the value ("Bearer"), or NULL */
} forward_header_t;

/* A header of the gateway's own to one connector. The value is a secret. */
typedef struct {
    char *name; /* lower case */
    char *value;
} fixed_header_t;

typedef struct {
    char *name;     /* "odoo": [a-z0-9_-]{1,32} */
    char *prefix;   /* "odoo_"; may be empty when it is the only connector */
    char *url;      /* as written, expanded; of a command "stdio:" and its name, see stdio_connectors.h */
    hop_url_t hop;  /* with ca_file */
    char **command; /* instead of a url: program and arguments, NULL-ended; else NULL */
    char **env;     /* of the command: NAME=value, NULL-ended or NULL; may hold secrets */
    char *cwd;      /* of the command; NULL: the gateway's */
    bool trusted;   /* trust: guiche: gets the principal; default for the five built-in names */
    forward_header_t *forward_headers; /* NULL: none were named */
    size_t forward_count;
    fixed_header_t *fixed_headers;
    size_t fixed_count;
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

/* The connections to one may serve the other. */
bool config_same_place(const connector_config_t *one, const connector_config_t *other);
/* Its requests may carry what belongs to one user: what it answered one caller, a session with it, or what it
 * listed is no other's. */
bool connector_is_per_user(const connector_config_t *connector);
/* Whether both get the same fixed headers: a session with one is then a session with the other. */
bool connector_same_headers(const connector_config_t *a, const connector_config_t *b);

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
    char *jwks_url;     /* or NULL; jwks_fetch.c adds what it finds there to keys */
    char *jwks_ca_file; /* or NULL: the system's authorities */
    bool has_jwks;      /* public keys too: an audience is then required */
    char **secrets;     /* HS256, NULL-ended or NULL; `guiche token` signs with the first */
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
    bool allow_commands; /* the gateway may start connectors itself */
    bool lists_all;      /* lists: all: lists are not filtered by permission */
    char **cors_origins;
    size_t cors_count;
    char **trusted_proxies; /* CIDR texts, NULL-ended */
    http_limits_t door;     /* of all workers together */
    size_t max_reply_bytes; /* of a connector */
    int64_t drain_delay_ms, drain_ms;
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
void config_free_connector(connector_config_t *connector); /* its members */
