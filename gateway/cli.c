/* Which verb was asked for, and the help that says which there are.
 */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "mem.h"
#include "serve.h"

static int serve(int argc, char **argv);
static int env_example(int argc, char **argv);
static int version(int argc, char **argv);

static const struct {
    const char *name, *usage, *doc;
    int (*run)(int argc, char **argv);
} verbs[] = {
    { "serve", "serve [FILE]", "Run the gateway by FILE (guiche.yaml), or by the environment alone.", serve },
    { "check", "check [FILE]", "Say whether the configuration holds, and what would run.", cli_check },
    { "token", "token --sub WHO --tenant TENANT --permission P... [--ttl 24h] [--config FILE]",
      "Make a development token, signed with JWT_SECRET or the file's hs256_secret.", cli_token },
    { "hop-key", "hop-key NAME [--config FILE]",
      "Print the HOP_KEY of the connector NAME, derived from GUICHE_HOP_SECRET or the file's hop_secret.",
      cli_hop_key },
    { "tools", "tools URL", "List the tools at an MCP URL. The token is taken from GUICHE_TOKEN.",
      cli_tools },
    { "call", "call URL NAME key=value...",
      "Call a tool and print its answer. Values are typed by the tool's schema; a list is a,b or "
      "[\"a\",\"b\"].",
      cli_call },
    { "env-example", "env-example", "Print the gateway's part of .env.example.", env_example },
    { "version", "version", "Print the version.", version },
};

static void print_help(FILE *out)
{
    fputs("guiche: every business system of a company behind one MCP URL.\n\n", out);
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        fprintf(out, "  guiche %s\n        %s\n", verbs[i].usage, verbs[i].doc);
    }
    fputs("\nThe environment alone is enough to serve: GUICHE_LISTEN, JWT_SECRET, GUICHE_HOP_SECRET, and "
          "MCP_CRM_URL,\n"
          "MCP_ODOO_URL, MCP_QDRANT_URL, MCP_CHATWOOT_URL, MCP_QLIK_URL for the connectors there are. A "
          "secret may come\n"
          "from a file instead: JWT_SECRET_FILE. docs/configuration.md has the rest.\n",
          out);
}

int cli_main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "help") == 0 || strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(verb, "--version") == 0) {
        verb = "version";
    }
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(verbs[i].name, verb) == 0) {
            return verbs[i].run(argc - 2, argv + 2);
        }
    }
    print_help(stderr);
    return verb[0] ? cli_usage("there is no verb \"%s\".", verb) : 2;
}

static int serve(int argc, char **argv)
{
    if (argc > 1 || (argc == 1 && argv[0][0] == '-')) {
        return cli_usage("serve takes at most a config file: guiche serve guiche.yaml");
    }
    return serve_run(argc == 1 ? argv[0] : NULL);
}

static int env_example(int argc, char **argv)
{
    (void)argv;
    if (argc > 0) {
        return cli_usage("env-example takes nothing.");
    }
    settings_print_env_example(config_environment_rows, stdout);
    return 0;
}

static int version(int argc, char **argv)
{
    (void)argv;
    if (argc > 0) {
        return cli_usage("version takes nothing.");
    }
    puts("guiche " GUICHE_VERSION);
    return 0;
}

__attribute__((format(printf, 1, 0))) static void print_problem(const char *format, va_list args)
{
    fputs("guiche: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_problem(format, args);
    va_end(args);
    return 2;
}

int cli_failed(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_problem(format, args);
    va_end(args);
    return 1;
}

const char *cli_environment(const char *name)
{
    return getenv(name);
}

const char *cli_option(const char *name, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0) {
        return NULL;
    }
    if (word[length] == '=') {
        return word + length + 1;
    }
    if (word[length] != '\0') {
        return NULL;
    }
    if (*i + 1 >= argc) {
        cli_usage("%s needs a value.", name);
        return "";
    }
    return argv[++*i];
}
