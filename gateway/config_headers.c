/* The headers of a connector: what the gateway sends of its own (`headers:`), what it takes along from the
 * caller, under the same name or another (`forward_headers:`), and what a caller must bring
 * (`required_headers:`).
 *
 * What carries the caller's own trust may not be read (Authorization, Cookie), what carries the gateway's
 * trust, framing or routing may not be written. Authorization may be written: it is then a token for that
 * server, and never the caller's token for this gateway. No error says a value.
 */
#include <ctype.h>
#include <string.h>

#include "config_parts.h"
#include "mem.h"

#define MAX_VALUE_BYTES 8192

bool connector_is_per_user(const connector_config_t *connector)
{
    return connector->forward_count > 0;
}

AUTO_DEFINE(char *, config_free_secret);

bool connector_same_headers(const connector_config_t *a, const connector_config_t *b)
{
    bool same = a->fixed_count == b->fixed_count;

    for (size_t i = 0; same && i < a->fixed_count; i++) {
        same = strcmp(a->fixed_headers[i].name, b->fixed_headers[i].name) == 0 &&
               strcmp(a->fixed_headers[i].value, b->fixed_headers[i].value) == 0;
    }
    return same;
}

void config_free_headers(connector_config_t *connector)
{
    for (size_t i = 0; i < connector->forward_count; i++) {
        mem_free(connector->forward_headers[i].from);
        mem_free(connector->forward_headers[i].to);
        mem_free(connector->forward_headers[i].scheme);
    }
    for (size_t i = 0; i < connector->fixed_count; i++) {
        config_free_secret(connector->fixed_headers[i].value);
        mem_free(connector->fixed_headers[i].name);
    }
    for (size_t i = 0; i < connector->required_count; i++) {
        mem_free(connector->required_headers[i].name);
        mem_free(connector->required_headers[i].text);
    }
    mem_free(connector->forward_headers);
    mem_free(connector->fixed_headers);
    mem_free(connector->required_headers);
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

static void lower(char *name)
{
    for (char *c = name; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
}

/* A header that is read from the caller's request. */
static int check_inbound(yaml_file_t *file, yaml_node_t *node, char *name, err_t *err)
{
    lower(name);
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

/* A header that is written into the request to the connector. */
static int check_outbound(yaml_file_t *file, yaml_node_t *node, char *name, err_t *err)
{
    lower(name);
    if (!is_token(name)) {
        return yaml_refuse(file, node, err, "\"%.64s\" is no header name.", name);
    }
    if (is_reserved(name) && strcmp(name, "authorization") != 0) {
        return yaml_refuse(file, node, err,
                           "the header %s is the gateway's to write: it is about trust, framing or routing.",
                           name);
    }
    return 0;
}

/* Takes what header holds, also when it is refused: it is freed with the connector. */
static int add_forward(yaml_file_t *file, yaml_node_t *node, connector_config_t *connector,
                       forward_header_t header, err_t *err)
{
    forward_header_t *list = connector->forward_headers;

    list[connector->forward_count++] = header;
    for (size_t i = 0; i + 1 < connector->forward_count; i++) {
        if (strcmp(list[i].from, header.from) == 0) {
            return yaml_refuse(file, node, err, "%s is named twice.", header.from);
        }
        if (strcmp(list[i].to, header.to) == 0) {
            return yaml_refuse(file, node, err, "%s and %s would both be sent as %s.", list[i].from,
                               header.from, header.to);
        }
    }
    return 0;
}

static int read_same_name(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err)
{
    AUTO(mem_free) char *name = NULL;

    if (yaml_scalar(file, node, &name, err)) {
        return -1;
    }
    if (!name) {
        return yaml_refuse(file, node, err, "an entry is empty.");
    }
    if (check_inbound(file, node, name, err)) {
        return -1;
    }
    forward_header_t header = { .from = mem_strdup(name), .to = mem_strdup(name) };
    return add_forward(file, node, self, header, err);
}

/* "Authorization: Bearer" or "X-Api-Key": the name, and the word that goes before the value. */
static int split_target(yaml_file_t *file, yaml_node_t *node, const char *target, char **ret_to,
                        char **ret_scheme, err_t *err)
{
    const char *colon = strchr(target, ':');
    span_t name = span_trim((span_t){ target, colon ? (size_t)(colon - target) : strlen(target) });
    span_t scheme = span_trim(span_of(colon ? colon + 1 : ""));

    if (colon && scheme.length == 0) {
        return yaml_refuse(file, node, err,
                           "after the colon comes the word before the value (\"Authorization: Bearer\").");
    }
    *ret_to = mem_strndup(name.at, name.length);
    *ret_scheme = colon ? mem_strndup(scheme.at, scheme.length) : NULL;
    return 0;
}

static bool is_scheme(const char *scheme)
{
    AUTO(mem_free) char *name = mem_strdup(scheme);

    lower(name);
    return is_token(name);
}

static int read_new_name(yaml_file_t *file, yaml_node_t *key_node, char *key, yaml_node_t *value, void *self,
                         err_t *err)
{
    AUTO(mem_free) char *from = key;
    AUTO(mem_free) char *target = NULL;
    AUTO(mem_free) char *to = NULL;
    AUTO(mem_free) char *scheme = NULL;

    if (check_inbound(file, key_node, from, err) || yaml_scalar(file, value, &target, err)) {
        return -1;
    }
    if (!target) {
        return yaml_refuse(file, key_node, err, "%s needs the name it is sent under (its own, or another).",
                           from);
    }
    if (split_target(file, value, target, &to, &scheme, err) || check_outbound(file, value, to, err)) {
        return -1;
    }
    if (scheme && !is_scheme(scheme)) {
        return yaml_refuse(file, value, err, "what follows the colon must be one word, such as Bearer.");
    }
    forward_header_t header = { .from = TAKE(from), .to = TAKE(to), .scheme = TAKE(scheme) };
    return add_forward(file, key_node, self, header, err);
}

/* [X-Token], or {X-Token: "Authorization: Bearer"} where the name changes. */
int config_read_forward_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    connector_config_t *connector = into;

    connector->forward_headers = NEW_ARRAY(forward_header_t, yaml_length(node) + 1);
    return node->type == YAML_MAPPING_NODE ? yaml_pairs(file, node, read_new_name, connector, err)
                                           : yaml_each(file, node, read_same_name, connector, err);
}

static const char *find_fault(const char *value)
{
    size_t length = strlen(value);

    if (length > MAX_VALUE_BYTES) {
        return "is longer than 8192 bytes";
    }
    if (strchr(" \t", value[0]) || strchr(" \t", value[length - 1])) {
        return "begins or ends with a blank; a variable in it may be empty";
    }
    for (const char *c = value; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return "contains a control character";
        }
    }
    return NULL;
}

static int check_value(yaml_file_t *file, yaml_node_t *node, const char *name, const char *value, err_t *err)
{
    const char *fault = find_fault(value);

    return fault ? yaml_refuse(file, node, err, "the value of the header %s %s.", name, fault) : 0;
}

/* An empty value means absent, as everywhere in the file. */
static int read_fixed_header(yaml_file_t *file, yaml_node_t *key_node, char *key, yaml_node_t *value_node,
                             void *self, err_t *err)
{
    connector_config_t *connector = self;
    AUTO(mem_free) char *name = key;
    AUTO(config_free_secret) char *value = NULL;

    if (check_outbound(file, key_node, name, err) || yaml_scalar(file, value_node, &value, err)) {
        return -1;
    }
    for (size_t i = 0; i < connector->fixed_count; i++) {
        if (strcmp(connector->fixed_headers[i].name, name) == 0) {
            return yaml_refuse(file, key_node, err, "%s is given twice.", name);
        }
    }
    if (!value) {
        return 0;
    }
    if (check_value(file, value_node, name, value, err)) {
        return -1;
    }
    connector->fixed_headers[connector->fixed_count++] =
        (fixed_header_t){ .name = TAKE(name), .value = TAKE(value) };
    return 0;
}

int config_read_fixed_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    connector_config_t *connector = into;

    connector->fixed_headers = NEW_ARRAY(fixed_header_t, yaml_length(node) + 1);
    return yaml_pairs(file, node, read_fixed_header, connector, err);
}

static int read_required_header(yaml_file_t *file, yaml_node_t *key_node, char *key, yaml_node_t *value,
                                void *self, err_t *err)
{
    connector_config_t *connector = self;
    struct required_header *header = &connector->required_headers[connector->required_count++];

    header->name = key;
    if (check_inbound(file, key_node, key, err) || yaml_scalar(file, value, &header->text, err)) {
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

int config_read_required_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    connector_config_t *connector = into;

    connector->required_headers = NEW_ARRAY(struct required_header, yaml_length(node) + 1);
    return yaml_pairs(file, node, read_required_header, connector, err);
}
