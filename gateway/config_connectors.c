/* The `connectors:` section.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "config_parts.h"
#include "file.h"
#include "mem.h"

#define MAX_CONNECTORS 256
#define MAX_CA_FILE (4 << 20)

/* What a connector's section says before it is complete. */
typedef struct {
    connector_config_t connector; /* first: headers are read straight into it */
    bool trust_given;
    bool prefix_given;
} draft_t;

static int read_connector(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err);
static int read_prefix(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_trust(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_tool_timeouts(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);

#define ROW(key, reader, member)                                                                             \
    {                                                                                                        \
        key, reader, offsetof(draft_t, connector.member)                                                     \
    }
#define SECTION(key, reader)                                                                                 \
    {                                                                                                        \
        key, reader, 0                                                                                       \
    }

static const yaml_row_t rows[] = {
    ROW("name", yaml_read_text, name),
    SECTION("prefix", read_prefix),
    ROW("url", yaml_read_text, url),
    ROW("ca_file", yaml_read_text, hop.ca_file),
    SECTION("trust", read_trust),
    SECTION("headers", config_read_fixed_headers),
    SECTION("forward_headers", config_read_forward_headers),
    SECTION("required_headers", config_read_required_headers),
    ROW("timeout", yaml_read_duration, timeout_ms),
    ROW("progress_timeout", yaml_read_duration, progress_timeout_ms),
    SECTION("tool_timeouts", read_tool_timeouts),
    ROW("list_refresh", yaml_read_duration, refresh_ms),
    ROW("command", config_read_command, command),
    ROW("env", config_read_env, env),
    ROW("cwd", yaml_read_text, cwd),
    { 0 },
};

int config_read_connectors(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    config_t *config = into;
    if (yaml_length(node) > MAX_CONNECTORS) {
        return yaml_refuse(file, node, err, "at most %d connectors.", MAX_CONNECTORS);
    }
    config->connectors = NEW_ARRAY(connector_config_t, yaml_length(node) + 1);
    return yaml_each(file, node, read_connector, config, err);
}

static bool name_is_fit(const char *name)
{
    size_t length = strlen(name);
    return length <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length &&
           isalpha((unsigned char)*name);
}

static int read_connector(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err)
{
    config_t *config = self;
    draft_t draft = { 0 };
    int result = yaml_map(file, node, rows, &draft, err);
    connector_config_t *connector = &config->connectors[config->connector_count++];
    *connector = draft.connector;
    if (result) {
        return -1;
    }
    if (!connector->name || (!connector->url && !connector->command)) {
        return yaml_refuse(file, node, err,
                           "a connector needs name and url (unix:/run/x.sock, http://host:port/mcp or "
                           "https://host/mcp), or name and command.");
    }
    if (!name_is_fit(connector->name)) {
        return yaml_refuse(file, node, err,
                           "\"%.64s\" is no connector name: up to 32 of a-z, 0-9, _ and -, a letter first.",
                           connector->name);
    }
    if (draft.prefix_given && !connector->prefix) {
        connector->prefix = mem_strdup("");
    }
    if (!draft.trust_given) {
        connector->trusted = !connector->command && config_is_built_in(connector->name);
    }
    config_usual_headers(connector);
    err_t problem;
    if (config_finish_command(connector, &problem) || config_finish_connector(connector, &problem)) {
        return yaml_refuse(file, node, err, "connector %s: %s", connector->name, problem.text);
    }
    return 0;
}

/* "github" has the prefix "github_" unless it says otherwise. */
static char *usual_prefix(const char *name)
{
    char *prefix = mem_printf("%s_", name);
    for (char *c = prefix; *c; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    return prefix;
}

/* A file that holds no certificate would only show as a connector that nobody can reach. */
static int check_ca_file(const connector_config_t *connector, err_t *err)
{
    const char *path = connector->hop.ca_file;
    size_t length;

    if (!path) {
        return 0;
    }
    if (!connector->hop.tls) {
        return err_set(err, ERR_CALLER, "ca_file is for a url that begins with https://.");
    }
    AUTO(mem_free) char *text = file_read(path, MAX_CA_FILE, &length);
    if (!text) {
        return err_set(err, ERR_CALLER, "ca_file cannot be read: %s.", strerror(errno));
    }
    return strstr(text, "-----BEGIN ") ? 0 : err_set(err, ERR_CALLER, "ca_file holds no PEM certificate.");
}

static int parse_url(connector_config_t *connector, err_t *err)
{
    AUTO(mem_free) char *ca_file = TAKE(connector->hop.ca_file);

    if (hop_url_parse(connector->url, &connector->hop, err)) {
        return -1;
    }
    connector->hop.ca_file = TAKE(ca_file);
    return check_ca_file(connector, err);
}

int config_finish_connector(connector_config_t *connector, err_t *err)
{
    if (!connector->prefix) {
        connector->prefix = usual_prefix(connector->name);
    }
    const char *prefix = connector->prefix;
    if (strlen(prefix) > 33 || strspn(prefix, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(prefix) ||
        strstr(prefix, "__") || prefix[0] == '_') {
        return err_set(
            err, ERR_CALLER,
            "prefix \"%.64s\" cannot begin a tool name that every client can call: a-z, 0-9 and single _.",
            prefix);
    }
    connector->timeout_ms = connector->timeout_ms ? connector->timeout_ms : 25000;
    connector->progress_timeout_ms = connector->progress_timeout_ms ? connector->progress_timeout_ms : 120000;
    if (connector->progress_timeout_ms < connector->timeout_ms) {
        connector->progress_timeout_ms = connector->timeout_ms;
    }
    connector->refresh_ms = connector->refresh_ms ? connector->refresh_ms : 60000;
    return connector->command ? 0 : parse_url(connector, err);
}

bool config_same_place(const connector_config_t *one, const connector_config_t *other)
{
    const char *one_ca = one->hop.ca_file ? one->hop.ca_file : "";
    const char *other_ca = other->hop.ca_file ? other->hop.ca_file : "";

    return strcmp(one->url, other->url) == 0 && strcmp(one_ca, other_ca) == 0;
}

void config_free_connector(connector_config_t *connector)
{
    for (size_t i = 0; i < connector->tool_timeout_count; i++) {
        mem_free(connector->tool_timeouts[i].tool);
    }
    mem_free(connector->tool_timeouts);
    config_free_headers(connector);
    hop_url_release(&connector->hop);
    config_free_command(connector);
    mem_free(connector->name);
    mem_free(connector->prefix);
    mem_free(connector->url);
}

static int read_prefix(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    draft_t *draft = into;
    draft->prefix_given = true;
    return yaml_read_text(file, node, &draft->connector.prefix, err);
}

static int read_trust(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    draft_t *draft = into;
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (text && strcmp(text, "guiche") != 0 && strcmp(text, "none") != 0) {
        return yaml_refuse(
            file, node, err,
            "trust is guiche (it is told who asks) or none (any other server); found \"%.32s\".", text);
    }
    draft->trust_given = text != NULL;
    draft->connector.trusted = text && strcmp(text, "guiche") == 0;
    return 0;
}

static int read_tool_timeout(yaml_file_t *file, yaml_node_t *key_node, char *key, yaml_node_t *value,
                             void *self, err_t *err)
{
    connector_config_t *connector = self;
    struct tool_timeout *timeout = &connector->tool_timeouts[connector->tool_timeout_count++];
    timeout->tool = key;
    if (yaml_read_duration(file, value, &timeout->timeout_ms, err)) {
        return -1;
    }
    return timeout->timeout_ms ? 0 : yaml_refuse(file, key_node, err, "%.64s needs a time such as 20s.", key);
}

static int read_tool_timeouts(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    connector_config_t *connector = &((draft_t *)into)->connector;
    connector->tool_timeouts = NEW_ARRAY(struct tool_timeout, yaml_length(node) + 1);
    return yaml_pairs(file, node, read_tool_timeout, connector, err);
}
