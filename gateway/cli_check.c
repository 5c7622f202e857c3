/* `guiche check`: what the configuration means, without starting anything. No secret is printed.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "config_yaml.h"

static void print_auth(const config_t *config)
{
    if (config->auth_mode == AUTH_NONE) {
        puts("auth        none: everybody is local, tenant local, every permission");
        return;
    }
    printf("auth        jwt: %zu key%s", keys_count(config->keys), keys_count(config->keys) == 1 ? "" : "s");
    if (config->jwks_url) {
        /* What follows '?' may be a secret. */
        printf(", those of %.*s", (int)strcspn(config->jwks_url, "?"), config->jwks_url);
    }
    if (config->api_key_count > 0) {
        printf(", %zu API key%s", config->api_key_count, config->api_key_count == 1 ? "" : "s");
    }
    printf("; issuer %s, audience %s\n", config->issuer ? config->issuer : "any",
           config->audience ? config->audience : "any");
}

/* Names only: the values of fixed headers are secrets. */
static void print_headers(const connector_config_t *connector)
{
    for (size_t i = 0; i < connector->fixed_count; i++) {
        printf("%s%s", i == 0 ? ", sends " : " ", connector->fixed_headers[i].name);
    }
    for (size_t i = 0; i < connector->forward_count; i++) {
        const forward_header_t *header = &connector->forward_headers[i];
        printf("%s%s", i == 0 ? ", forwards " : " ", header->from);
        if (header->scheme || strcmp(header->from, header->to) != 0) {
            printf(" (as %s%s%s)", header->to, header->scheme ? ": " : "",
                   header->scheme ? header->scheme : "");
        }
    }
}

static void print_connector(const connector_config_t *connector)
{
    /* What follows '?' may be a secret, and so may a command's arguments. */
    const char *where = connector->command ? connector->command[0] : connector->url;
    printf("  %-14s %s%.*s  prefix %s, timeout %g s%s", connector->name, connector->command ? "runs " : "",
           (int)strcspn(where, "?"), where, *connector->prefix ? connector->prefix : "(none)",
           (double)connector->timeout_ms / 1000, connector->trusted ? ", told who asks" : "");
    print_headers(connector);
    for (char **variable = connector->env; variable && *variable; variable++) {
        printf("%s%.*s", variable == connector->env ? ", sets " : " ", (int)strcspn(*variable, "="),
               *variable);
    }
    putchar('\n');
}

static void print_policies(const config_t *config)
{
    if (!config->has_policies) {
        puts("policies    none given: <connector>.read (read-only tools, resources, prompts) and "
             "<connector>.write (other tools) exist");
        return;
    }
    puts("policies");
    for (size_t i = 0; i < config->policy_count; i++) {
        printf("  %-14s", config->policies[i].permission);
        for (char **glob = config->policies[i].allow; *glob; glob++) {
            printf(" %s", *glob);
        }
        putchar('\n');
    }
}

int cli_check(int argc, char **argv)
{
    if (argc > 1 || (argc == 1 && argv[0][0] == '-')) {
        return cli_usage("check takes at most a config file: guiche check guiche.yaml");
    }
    err_t err;
    config_t *config = config_load(argc == 1 ? argv[0] : NULL, config_getenv, &err);
    if (!config) {
        return cli_failed("%s", err.text);
    }
    printf("listen      %s (%u worker%s)\n", config->listen, config->workers,
           config->workers == 1 ? "" : "s");
    printf("admin       %s\n", config->admin_listen
                                   ? config->admin_listen
                                   : "no port of its own: /status and /metrics need the permission admin");
    print_auth(config);
    printf("connectors  %zu\n", config->connector_count);
    for (size_t i = 0; i < config->connector_count; i++) {
        print_connector(&config->connectors[i]);
    }
    print_policies(config);
    for (char **warning = config->warnings; warning && *warning; warning++) {
        printf("warning     %s\n", *warning);
    }
    config_unref(config);
    return 0;
}
