/* The `connectors:` section. What a connector cannot do yet (https, fixed headers, renamed headers, commands)
 * is refused with a sentence instead of being ignored.
 */
#include <ctype.h>
#include <string.h>

#include "config_parts.h"
#include "mem.h"
#include "texts.h"

#define MAX_CONNECTORS 256

/* What a connector's section says before it is complete. */
typedef struct {
    connector_config_t connector;
    bool trust_given;
    bool prefix_given;
} draft_t;

static int read_connector(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err);
static int read_prefix(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_trust(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_forward_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_required_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_tool_timeouts(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int refuse_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int refuse_command(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);

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
    SECTION("trust", read_trust),
    ROW("forward_headers", read_forward_headers, forward_headers),
    SECTION("required_headers", read_required_headers),
    ROW("timeout", yaml_read_duration, timeout_ms),
    ROW("progress_timeout", yaml_read_duration, progress_timeout_ms),
    SECTION("tool_timeouts", read_tool_timeouts),
    ROW("list_refresh", yaml_read_duration, refresh_ms),
    SECTION("headers", refuse_headers),
    SECTION("command", refuse_command),
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
    if (!connector->name || !connector->url) {
        return yaml_refuse(file, node, err,
                           "a connector needs name and url (unix:/run/x.sock or http://host:port/mcp).");
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
        connector->trusted = config_is_built_in(connector->name);
    }
    err_t problem;
    if (config_finish_connector(connector, &problem)) {
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
    return hop_url_parse(connector->url, &connector->hop, err);
}

void config_free_connector(connector_config_t *connector)
{
    for (size_t i = 0; i < connector->required_count; i++) {
        mem_free(connector->required_headers[i].name);
        mem_free(connector->required_headers[i].text);
    }
    for (size_t i = 0; i < connector->tool_timeout_count; i++) {
        mem_free(connector->tool_timeouts[i].tool);
    }
    mem_free(connector->required_headers);
    mem_free(connector->tool_timeouts);
    texts_free(connector->forward_headers);
    hop_url_release(&connector->hop);
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

static bool is_token(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~";
    return *name && strlen(name) <= 64 && strspn(name, allowed) == strlen(name);
}

/* docs/architecture.md "Trust": what carries the gateway's own trust, framing or routing may never be named.
 * A name that ends in "-" stands for all that begin so. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {
        "mcp-",       "guiche-",      "authorization", "cookie",      "host",       "origin",
        "content-",   "accept",       "accept-",       "user-agent",  "connection", "proxy-",
        "keep-alive", "te",           "trailer",       "upgrade",     "expect",     "transfer-encoding",
        "forwarded",  "x-forwarded-", "last-event-id", "traceparent", "tracestate", "baggage",
    };
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        size_t length = strlen(reserved[i]);
        bool family = reserved[i][length - 1] == '-';
        if (strncmp(name, reserved[i], length) == 0 && (family || !name[length])) {
            return true;
        }
    }
    return false;
}

static int check_header_name(yaml_file_t *file, yaml_node_t *node, char *name, err_t *err)
{
    for (char *c = name; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    if (!is_token(name)) {
        return yaml_refuse(file, node, err, "\"%.64s\" is no header name.", name);
    }
    if (is_reserved(name)) {
        return yaml_refuse(file, node, err,
                           "the header %s is never forwarded: users' upstream tokens travel in headers of "
                           "their own, such as X-Qlik-Access-Token.",
                           name);
    }
    return 0;
}

static int read_forward_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    if (node->type == YAML_MAPPING_NODE) {
        return yaml_refuse(file, node, err,
                           "renaming headers is not served yet; give a list: [X-Qlik-Access-Token].");
    }
    if (yaml_read_texts(file, node, into, err)) {
        return -1;
    }
    char **names = *(char ***)into;
    for (size_t i = 0; names[i]; i++) {
        if (check_header_name(file, node, names[i], err)) {
            return -1;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(names[i], names[j]) == 0) {
                return yaml_refuse(file, node, err, "%s is named twice.", names[i]);
            }
        }
    }
    return 0;
}

static int read_required_header(yaml_file_t *file, yaml_node_t *key_node, char *key, yaml_node_t *value,
                                void *self, err_t *err)
{
    connector_config_t *connector = self;
    struct required_header *header = &connector->required_headers[connector->required_count++];
    header->name = key;
    if (check_header_name(file, key_node, key, err) || yaml_scalar(file, value, &header->text, err)) {
        return -1;
    }
    for (size_t i = 0; i + 1 < connector->required_count; i++) {
        if (strcmp(connector->required_headers[i].name, key) == 0) {
            return yaml_refuse(file, key_node, err, "%s is given twice.", key);
        }
    }
    return header->text ? 0
                        : yaml_refuse(file, key_node, err,
                                      "%s needs the sentence its user gets when it is missing.", key);
}

static int read_required_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    connector_config_t *connector = &((draft_t *)into)->connector;
    connector->required_headers = NEW_ARRAY(struct required_header, yaml_length(node) + 1);
    return yaml_pairs(file, node, read_required_header, connector, err);
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

static int refuse_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    (void)into;
    return yaml_refuse(file, node, err, "fixed headers to a connector are not served yet.");
}

static int refuse_command(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    (void)into;
    return yaml_refuse(file, node, err, "starting a server by command is not served yet; give its url.");
}
