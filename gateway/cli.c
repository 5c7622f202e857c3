/* Which verb was asked for, and the help that says which there are.
 */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
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
      "[\"a\",\"b\"], and key:=JSON takes any JSON.",
      cli_call },
    { "env-example", "env-example", "Print the gateway's part of .env.example.", env_example },
    { "version", "version", "Print the version.", version },
};

static void print_verb(FILE *out, size_t which)
{
    fprintf(out, "  guiche %s\n        %s\n", verbs[which].usage, verbs[which].doc);
}

static void print_help(FILE *out)
{
    fputs("guiche: every business system of a company behind one MCP URL.\n\n", out);
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        print_verb(out, i);
    }
    fputs("\nThe environment alone is enough to serve: GUICHE_LISTEN, JWT_SECRET, GUICHE_HOP_SECRET, and "
          "MCP_CRM_URL,\n"
          "MCP_ODOO_URL, MCP_QDRANT_URL, MCP_CHATWOOT_URL, MCP_QLIK_URL for the connectors there are. A "
          "secret may come\n"
          "from a file instead: JWT_SECRET_FILE. docs/configuration.md has the rest.\n",
          out);
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_verb(size_t which, int argc, char **argv)
{
    if (argc == 1 && asks_for_help(argv[0])) {
        print_verb(stdout, which);
        return 0;
    }
    return verbs[which].run(argc, argv);
}

int cli_main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "help") == 0 || asks_for_help(verb)) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(verb, "--version") == 0) {
        verb = "version";
    }
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(verbs[i].name, verb) == 0) {
            return run_verb(i, argc - 2, argv + 2);
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

/* The bytes of the control character at this place, which terminals may take for the begin of an escape
 * sequence: one of ASCII's, or U+0080 to U+009F in UTF-8. 0: it is none. */
static size_t control_length(const unsigned char *at)
{
    if ((at[0] < 0x20 && at[0] != '\n' && at[0] != '\t') || at[0] == 0x7f) {
        return 1;
    }
    return at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0 ? 2 : 0;
}

void cli_print(FILE *out, const char *text)
{
    while (*text) {
        size_t control = control_length((const unsigned char *)text);
        fputc(control ? '?' : *text, out);
        text += control ? control : 1;
    }
}

static void print_problem(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static void print_problem(const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, args);
    fputs("guiche: ", stderr);
    cli_print(stderr, text);
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

const char *cli_option(const char *name, int argc, char **argv, int *i)
{
    const char *word = argv[*i], *value = "";
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0 || (word[length] != '=' && word[length] != '\0')) {
        return NULL;
    }
    if (word[length] == '=') {
        value = word + length + 1;
    } else if (*i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0) {
        value = argv[++*i];
    }
    if (!*value) {
        cli_usage("%s needs a value.", name);
    }
    return value;
}
