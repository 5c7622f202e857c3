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

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static int widest_tool(const connector_t *connector)
{
    size_t width = 0;

    for (size_t i = 0; connector->tools && connector->tools[i]; i++) {
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

static void print_tools(const connector_t *connector, FILE *out)
{
    int width = widest_tool(connector);

    for (size_t i = 0; connector->tools && connector->tools[i]; i++) {
        const tool_t *tool = connector->tools[i];
        fprintf(out, "%s", i == 0 ? "\nTools:\n" : "");
        print_row(out, width, tool->name, tool->description, first_sentence(tool->description));
    }
}

/* Addresses are as long as they are: what they are for stands under them. */
static void print_resources(const connector_t *connector, FILE *out)
{
    const resource_t *const *r = connector->resources;
    const resource_template_t *const *t = connector->templates;

    fprintf(out, "%s", r || t ? "\nResources:\n" : "");
    for (size_t i = 0; r && r[i]; i++) {
        fprintf(out, "  %s\n      %s\n", r[i]->uri, text_or(r[i]->description, r[i]->name));
    }
    for (size_t i = 0; t && t[i]; i++) {
        fprintf(out, "  %s\n      %s\n", t[i]->uri_template, text_or(t[i]->description, t[i]->name));
    }
}

static void print_prompts(const connector_t *connector, FILE *out)
{
    const prompt_t *const *prompts = connector->prompts;

    for (size_t i = 0; prompts && prompts[i]; i++) {
        fprintf(out, "%s  %s\n      %s\n", i == 0 ? "\nPrompts:\n" : "", prompts[i]->name,
                text_or(prompts[i]->description, ""));
    }
}

void manual_help(const connector_t *connector, FILE *out)
{
    process_rows_t process;

    process_rows_init(&process, connector->name);
    fprintf(
        out,
        "mcp-%s: %s, as MCP tools. It answers the gateway (guiche serve) and is set up by its environment.\n",
        connector->name, connector->title);
    print_tools(connector, out);
    print_resources(connector, out);
    print_prompts(connector, out);
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

static void print_rows(const field_t *rows, const char *when_none, FILE *out)
{
    if (rows) {
        fields_print_markdown(rows, out);
    } else {
        fprintf(out, "%s\n", when_none);
    }
}

static void print_tool_markdown(const connector_t *connector, const tool_t *tool, FILE *out)
{
    const char *prefix = text_or(connector->usual_prefix, "");

    fprintf(out, "\n### `%s%s`\n\n%s\n\n%s%s%s\n\n", prefix, tool->name, tool->description, nature(tool),
            !tool->read_only && tool->idempotent ? " Repeating it changes nothing more." : "",
            tool->streams ? " Reports progress." : "");
    if (tool->input_schema) {
        fprintf(out, "Arguments: as its JSON Schema says.\n");
    } else {
        print_rows(tool->args, "No arguments.", out);
    }
}

static void print_resources_markdown(const connector_t *connector, FILE *out)
{
    const resource_t *const *r = connector->resources;
    const resource_template_t *const *t = connector->templates;

    fprintf(out, "%s", r || t ? "\n## Resources\n" : "");
    for (size_t i = 0; r && r[i]; i++) {
        fprintf(out, "\n### `%s`\n\n%s\n", r[i]->uri, text_or(r[i]->description, r[i]->name));
    }
    for (size_t i = 0; t && t[i]; i++) {
        fprintf(out, "\n### `%s`\n\n%s\n\n", t[i]->uri_template, text_or(t[i]->description, t[i]->name));
        print_rows(t[i]->vars, "", out);
    }
}

static void print_prompts_markdown(const connector_t *connector, FILE *out)
{
    const prompt_t *const *prompts = connector->prompts;

    fprintf(out, "%s", prompts ? "\n## Prompts\n" : "");
    for (size_t i = 0; prompts && prompts[i]; i++) {
        fprintf(out, "\n### `%s%s`\n\n%s\n\n", text_or(connector->usual_prefix, ""), prompts[i]->name,
                text_or(prompts[i]->description, ""));
        print_rows(prompts[i]->args, "No arguments.", out);
    }
}

void manual_markdown(const connector_t *connector, FILE *out)
{
    process_rows_t process;

    process_rows_init(&process, connector->name);
    fprintf(out, "# mcp-%s: %s\n%s", connector->name, connector->title,
            connector->tools ? "\n## Tools\n" : "");
    for (size_t i = 0; connector->tools && connector->tools[i]; i++) {
        print_tool_markdown(connector, connector->tools[i], out);
    }
    print_resources_markdown(connector, out);
    print_prompts_markdown(connector, out);
    fprintf(out, "\n## Settings\n\n");
    if (connector->settings) {
        settings_print_markdown(connector->settings, out);
        fprintf(out, "\nEvery connector also has:\n\n");
    }
    settings_print_markdown(process.rows, out);
}
