/* Configuration files. Reading one twice says the same twice; a refusal names the file; and a config that is
 * taken keeps the promises that the rest of the gateway relies on without asking.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "fuzz.h"
#include "mem.h"
#include "utf8.h"

AUTO_DEFINE(config_t *, config_unref);

static const char *look(const char *name)
{
    static const char *const variables[][2] = {
        { "JWT_SECRET", "0123456789abcdef0123456789abcdef" },
        { "GUICHE_HOP_SECRET", "fedcba9876543210fedcba9876543210" },
        { "MCP_CRM_URL", "unix:/run/guiche/crm.sock" },
        { "SHORT", "x" },
        { "LINES", "a: b\n- c" },
        { "EMPTY", "" },
    };

    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        if (strcmp(variables[i][0], name) == 0) {
            return variables[i][1];
        }
    }
    return NULL;
}

static config_t *load(const uint8_t *data, size_t size, err_t *err)
{
    char path[32];
    int fd = memfd_create("guiche.yaml", MFD_CLOEXEC);

    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    config_t *config = config_load(path, look, err);
    MUST(config || strstr(err->text, path));
    close(fd);
    return config;
}

static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return length > 0 && length <= 32 && !name[length];
}

static bool is_writable(const char *name)
{
    return strcasecmp(name, "host") != 0 && strcasecmp(name, "cookie") != 0 &&
           strncasecmp(name, "guiche-", 7) != 0 && strncasecmp(name, "mcp-", 4) != 0 &&
           !strpbrk(name, " :\r\n");
}

static void check_headers(const connector_config_t *connector)
{
    for (size_t i = 0; i < connector->forward_count; i++) {
        const forward_header_t *header = &connector->forward_headers[i];
        MUST(is_writable(header->from) && strcasecmp(header->from, "authorization") != 0);
        MUST(is_writable(header->to) && (!header->scheme || is_writable(header->scheme)));
    }
    for (size_t i = 0; i < connector->fixed_count; i++) {
        MUST(is_writable(connector->fixed_headers[i].name));
        MUST(!strpbrk(connector->fixed_headers[i].value, "\r\n"));
    }
}

static void check_connector(const config_t *config, size_t index)
{
    const connector_config_t *connector = &config->connectors[index];

    MUST(is_name(connector->name) && connector->prefix);
    if (connector->command) {
        MUST(config->allow_commands && connector->command[0] && !connector->trusted);
    } else {
        MUST(!connector->hop.socket_path != !connector->hop.host && connector->hop.path[0] == '/');
    }
    for (char **variable = connector->env; variable && *variable; variable++) {
        MUST(strchr(*variable, '=') > *variable);
    }
    MUST(connector->timeout_ms > 0 && connector->progress_timeout_ms > 0 && connector->refresh_ms > 0);
    MUST(!connector->trusted || config->hop_secret);
    for (size_t i = 0; i < index; i++) {
        MUST(strcmp(config->connectors[i].name, connector->name) != 0);
    }
    check_headers(connector);
}

static bool is_private(const char *listen)
{
    return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "unix:", 5) == 0 ||
           strncmp(listen, "[::1]", 5) == 0 || strncmp(listen, "localhost:", 10) == 0;
}

static void check_auth(const config_t *config)
{
    if (config->auth_mode == AUTH_NONE) {
        MUST(!config->production && is_private(config->listen));
        return;
    }
    MUST(keys_count(config->keys) > 0 || config->api_key_count > 0);
    for (char **secret = config->secrets; secret && *secret; secret++) {
        MUST(strlen(*secret) >= 32);
        MUST(!config->hop_secret || strcmp(*secret, config->hop_secret) != 0);
    }
    MUST(!config->has_jwks || config->audience);
}

static void check_config(const config_t *config)
{
    MUST(config->listen && config->listen[0] && config->workers > 0);
    MUST(config->max_reply_bytes > 0 && config->drain_ms >= 0);
    check_auth(config);
    for (size_t i = 0; i < config->connector_count; i++) {
        check_connector(config, i);
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        MUST(config->policies[i].permission && config->policies[i].allow);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    err_t err = { 0 }, again = { 0 };
    AUTO(config_unref) config_t *config = load(data, size, &err);
    AUTO(config_unref) config_t *second = load(data, size, &again);

    MUST(!config == !second);
    if (config) {
        check_config(config);
    } else {
        MUST(err.kind == ERR_CALLER && strcmp(err.text, again.text) == 0 && utf8_is_valid(span_of(err.text)));
    }
    return 0;
}
