/* `guiche token` and `guiche hop-key`: what developers and operators need to talk to the front door and to
 * let a connector know the gateway.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "clock.h"
#include "config_parts.h"
#include "hop.h"
#include "mem.h"
#include "mint.h"
#include "principal.h"

#define MAX_PERMISSIONS 64

typedef struct {
    const char *subject, *tenant, *config;
    const char *permissions[MAX_PERMISSIONS];
    size_t permission_count;
    int64_t ttl_ms;
} token_options_t;

static int read_ttl(token_options_t *options, const char *value)
{
    options->ttl_ms = clock_parse_ms(value);
    return options->ttl_ms >= 1000 ? 0 : cli_usage("--ttl is a time such as 30m or 24h.");
}

static int add_permission(token_options_t *options, const char *value)
{
    if (options->permission_count == MAX_PERMISSIONS) {
        return cli_usage("at most %d permissions.", MAX_PERMISSIONS);
    }
    options->permissions[options->permission_count++] = value;
    return 0;
}

static int read_option(token_options_t *options, int argc, char **argv, int *i)
{
    const char *value;
    if ((value = cli_option("--sub", argc, argv, i))) {
        options->subject = value;
    } else if ((value = cli_option("--tenant", argc, argv, i))) {
        options->tenant = value;
    } else if ((value = cli_option("--config", argc, argv, i))) {
        options->config = value;
    } else if ((value = cli_option("--ttl", argc, argv, i))) {
        return *value ? read_ttl(options, value) : 2;
    } else if ((value = cli_option("--permission", argc, argv, i))) {
        return *value ? add_permission(options, value) : 2;
    } else {
        return cli_usage(
            "token does not know \"%s\"; it takes --sub, --tenant, --permission, --ttl, --config.", argv[*i]);
    }
    return *value ? 0 : 2;
}

/* From the file when one is named, else from the variable (or NAME_FILE). */
static int find_secret(config_t **config, const char *path, const char *variable, char **ret)
{
    err_t err;
    if (path) {
        *config = config_load(path, config_getenv, &err);
        return *config ? 0 : cli_failed("%s", err.text);
    }
    if (config_variable(config_getenv, variable, ret, &err)) {
        return cli_failed("%s", err.text);
    }
    return *ret && **ret
               ? 0
               : cli_failed("%s is not set (or name a config file: --config guiche.yaml).", variable);
}

/* Empty counts as unset, as in the gateway. */
static const char *variable(const char *name)
{
    const char *value = config_getenv(name);

    return value && *value ? value : NULL;
}

static int print_token(const token_options_t *options, const config_t *config, const char *secret)
{
    if (!secret) {
        return cli_failed("%s has no hs256_secret to sign with.", options->config);
    }
    if (strlen(secret) < 32) {
        return cli_failed("JWT_SECRET has %zu bytes; at least 32 are needed (openssl rand -hex 32).",
                          strlen(secret));
    }
    principal_t *principal =
        principal_new(options->subject, options->tenant, options->permissions, options->permission_count);
    char *token = mint_client_token(
        span_of(secret), principal, config ? config->issuer : variable("JWT_ISSUER"),
        config ? config->audience : variable("JWT_AUDIENCE"), clock_unix(), options->ttl_ms / 1000);
    principal_unref(principal);
    puts(token);
    mem_free(token);
    return 0;
}

int cli_token(int argc, char **argv)
{
    token_options_t options = { .ttl_ms = 24 * 3600 * 1000LL };
    for (int i = 0; i < argc; i++) {
        int refused = read_option(&options, argc, argv, &i);
        if (refused) {
            return refused;
        }
    }
    if (!options.subject || !options.tenant || options.permission_count == 0) {
        return cli_usage("token needs --sub WHO --tenant TENANT --permission P (such as crm.read, or '*').");
    }
    config_t *config = NULL;
    AUTO(mem_free) char *secret = NULL;
    int result = find_secret(&config, options.config, "JWT_SECRET", &secret);
    if (result == 0) {
        result =
            print_token(&options, config, config ? (config->secrets ? config->secrets[0] : NULL) : secret);
    }
    config_unref(config);
    return result;
}

static int print_hop_key(const char *name, const char *secret)
{
    char key[HOP_KEY_HEX_SIZE];
    if (!secret || strlen(secret) < 32) {
        return cli_failed("the hop secret needs at least 32 bytes (openssl rand -hex 32).");
    }
    hop_key_derive(span_of(secret), name, key);
    puts(key);
    return 0;
}

int cli_hop_key(int argc, char **argv)
{
    const char *name = NULL, *path = NULL, *value;
    for (int i = 0; i < argc; i++) {
        if ((value = cli_option("--config", argc, argv, &i))) {
            if (!*value) {
                return 2;
            }
            path = value;
        } else if (!name && argv[i][0] != '-') {
            name = argv[i];
        } else {
            return cli_usage("hop-key takes a connector's name and --config FILE.");
        }
    }
    if (!name || !*name) {
        return cli_usage("hop-key needs the connector's name: guiche hop-key crm");
    }
    config_t *config = NULL;
    AUTO(mem_free) char *secret = NULL;
    int result = find_secret(&config, path, "GUICHE_HOP_SECRET", &secret);
    if (result == 0) {
        result = print_hop_key(name, config ? config->hop_secret : secret);
    }
    config_unref(config);
    return result;
}
