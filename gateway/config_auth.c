/* The `auth:` section: which tokens open the front door.
 */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "mem.h"
#include "texts.h"

static int read_mode(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_secrets(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_jwks_file(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_jwks_url(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_api_keys(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);

#define ROW(key, reader, member)                                                                             \
    {                                                                                                        \
        key, reader, offsetof(config_t, member)                                                              \
    }

int config_read_auth(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    static const yaml_row_t rows[] = {
        ROW("mode", read_mode, auth_mode),
        { "hs256_secret", read_secrets, 0 },
        { "jwks_file", read_jwks_file, 0 },
        { "jwks_url", read_jwks_url, 0 },
        ROW("jwks_ca_file", yaml_read_text, jwks_ca_file),
        ROW("issuer", yaml_read_text, issuer),
        ROW("audience", yaml_read_text, audience),
        ROW("default_tenant", yaml_read_text, default_tenant),
        ROW("authorization_servers", yaml_read_texts, authorization_servers),
        ROW("scopes_supported", yaml_read_texts, scopes_supported),
        { "api_keys", read_api_keys, 0 },
        { 0 },
    };
    return yaml_map(file, node, rows, into, err);
}

static int read_mode(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (text && strcmp(text, "jwt") != 0 && strcmp(text, "none") != 0) {
        return yaml_refuse(file, node, err, "auth.mode is jwt or none; found \"%.32s\".", text);
    }
    *(auth_mode_t *)into = text && strcmp(text, "none") == 0 ? AUTH_NONE : AUTH_JWT;
    return 0;
}

int config_add_secret(config_t *config, const char *secret, err_t *err)
{
    if (keys_add_secret(config->keys, span_of(secret), err)) {
        return -1;
    }
    texts_add(&config->secrets, mem_strdup(secret));
    return 0;
}

static int read_secret(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err)
{
    AUTO(mem_free) char *secret = NULL;
    if (yaml_scalar(file, node, &secret, err)) {
        return -1;
    }
    err_t problem;
    if (secret && config_add_secret(self, secret, &problem)) {
        return yaml_refuse(file, node, err, "hs256_secret: %s", problem.text);
    }
    return 0;
}

/* One secret, or [new, old] while it is rotated. */
static int read_secrets(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    return node->type == YAML_SEQUENCE_NODE ? yaml_each(file, node, read_secret, into, err)
                                            : read_secret(file, node, into, err);
}

static int read_jwks_file(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    config_t *config = into;
    AUTO(mem_free) char *path = NULL;
    if (yaml_scalar(file, node, &path, err)) {
        return -1;
    }
    err_t problem;
    if (path && keys_add_jwks_file(config->keys, path, &problem)) {
        return yaml_refuse(file, node, err, "jwks_file: %s", problem.text);
    }
    config->has_jwks = config->has_jwks || path;
    return 0;
}

static int read_jwks_url(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    config_t *config = into;
    if (yaml_read_text(file, node, &config->jwks_url, err)) {
        return -1;
    }
    config->has_jwks = config->has_jwks || config->jwks_url;
    return 0;
}

static int read_sha256(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    unsigned char *digest = into;
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64) {
        return yaml_refuse(file, node, err,
                           "sha256 is the key's SHA-256 in 64 hex digits: printf %%s \"$KEY\" | sha256sum");
    }
    for (size_t i = 0; i < 32; i++) {
        char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };
        digest[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return 0;
}

static int read_api_key(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err)
{
    static const yaml_row_t rows[] = {
        { "name", yaml_read_text, offsetof(api_key_t, name) },
        { "sha256", read_sha256, offsetof(api_key_t, sha256) },
        { "tenant_id", yaml_read_text, offsetof(api_key_t, tenant_id) },
        { "permissions", yaml_read_texts, offsetof(api_key_t, permissions) },
        { 0 },
    };
    static const unsigned char unset[32];
    config_t *config = self;
    api_key_t *key = &config->api_keys[config->api_key_count++];
    if (yaml_map(file, node, rows, key, err)) {
        return -1;
    }
    if (!key->name || !key->tenant_id || !key->permissions || memcmp(key->sha256, unset, 32) == 0) {
        return yaml_refuse(file, node, err, "an API key needs name, sha256, tenant_id and permissions.");
    }
    for (size_t i = 0; i + 1 < config->api_key_count; i++) {
        if (memcmp(config->api_keys[i].sha256, key->sha256, 32) == 0) {
            return yaml_refuse(file, node, err, "the API keys \"%.64s\" and \"%.64s\" are the same key.",
                               config->api_keys[i].name, key->name);
        }
    }
    return 0;
}

static int read_api_keys(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    config_t *config = into;
    config->api_keys = NEW_ARRAY(api_key_t, yaml_length(node) + 1);
    return yaml_each(file, node, read_api_key, config, err);
}
