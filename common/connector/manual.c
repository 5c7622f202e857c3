/* --help, --version, --env-example and --markdown, printed from the connector's tables and never by hand. */
#include "manual.h"

#include <string.h>

#include "process_settings.h"

static const struct {
    const char *option, *doc;
} options[] = {
    { "--help", "this text" },
    { "--version", "the version" },
    { "--env-example", "every variable, ready to be a .env file" },
    { "--markdown", "the tools and the variables as tables, for documentation" },
    { "--no-auth TENANT",
      "serve without tokens, as that tenant with every permission (loopback or unix socket)" },
    { "--address-file PATH", "write the address there once it listens" },
};

static void print_row(FILE *out, int width, const char *name, const char *text, size_t length)
{
    fprintf(out, "  %-*s  %.*s\n", width, name, (int)length, text);
}

/* Up to and with the first full stop that ends a sentence. */
static size_t first_sentence(const char *text)
{
    const char *end = strstr(text, ". ");

    return end ? (size_t)(end - text) + 1 : strlen(text);
}

static int widest_tool(const connector_t *connector)
{
    size_t width = 0;

    for (size_t i = 0; connector->tools[i]; i++) {
        size_t length = strlen(connector->tools[i]->name);
        width = length > width ? length : width;
    }
    return (int)width;
}

static void print_options(const connector_t *connector, FILE *out)
{
    const int width = (int)sizeof("--address-file PATH") - 1;

    fprintf(out, "\nOptions:\n");
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        print_row(out, width, options[i].option, options[i].doc, strlen(options[i].doc));
    }
    for (const connector_verb_t *verb = connector->verbs; verb && verb->name; verb++) {
        AUTO(mem_free) char *option = mem_printf("--%s", verb->name);
        print_row(out, width, option, verb->doc, strlen(verb->doc));
    }
}

void manual_help(const connector_t *connector, FILE *out)
{
    process_rows_t process;
    int width = widest_tool(connector);

    process_rows_init(&process, connector->name);
    fprintf(
        out,
        "mcp-%s: %s, as MCP tools. It answers the gateway (guiche serve) and is set up by its environment.\n",
        connector->name, connector->title);
    fprintf(out, "\nTools:\n");
    for (size_t i = 0; connector->tools[i]; i++) {
        const tool_t *tool = connector->tools[i];
        print_row(out, width, tool->name, tool->description, first_sentence(tool->description));
    }
    print_options(connector, out);
    fprintf(out, "\nEnvironment:\n");
    if (connector->settings) {
        settings_print_help(connector->settings, out);
        fprintf(out, "\n");
    }
    settings_print_help(process.rows, out);
}

void manual_version(const connector_t *connector, FILE *out)
{
    fprintf(out, "mcp-%s %s\n", connector->name, GUICHE_VERSION);
}

void manual_env_example(const connector_t *connector, FILE *out)
{
    process_rows_t process;

    process_rows_init(&process, connector->name);
    fprintf(out, "# mcp-%s: %s\n\n", connector->name, connector->title);
    if (connector->settings) {
        settings_print_env_example(connector->settings, out);
        fprintf(out, "\n");
    }
    settings_print_env_example(process.rows, out);
}

static const char *nature(const tool_t *tool)
{
    if (tool->read_only) {
        return "Reads only.";
    }
    return tool->destructive ? "Changes what is there." : "Adds, and changes nothing that is there.";
}

static void print_tool_markdown(const connector_t *connector, const tool_t *tool, FILE *out)
{
    const char *prefix = connector->usual_prefix ? connector->usual_prefix : "";

    fprintf(out, "\n### `%s%s`\n\n%s\n\n%s%s%s\n\n", prefix, tool->name, tool->description, nature(tool),
            !tool->read_only && tool->idempotent ? " Repeating it changes nothing more." : "",
            tool->streams ? " Reports progress." : "");
    if (tool->args) {
        fields_print_markdown(tool->args, out);
    } else {
        fprintf(out, "No arguments.\n");
    }
}

void manual_markdown(const connector_t *connector, FILE *out)
{
    process_rows_t process;

    process_rows_init(&process, connector->name);
    fprintf(out, "# mcp-%s: %s\n\n## Tools\n", connector->name, connector->title);
    for (size_t i = 0; connector->tools[i]; i++) {
        print_tool_markdown(connector, connector->tools[i], out);
    }
    fprintf(out, "\n## Settings\n\n");
    if (connector->settings) {
        settings_print_markdown(connector->settings, out);
        fprintf(out, "\nEvery connector also has:\n\n");
    }
    settings_print_markdown(process.rows, out);
}
