/* Puts a config together: defaults, then the file or the environment, then what holds across sections. A
 * config never changes afterwards; a reload makes a new one and the old one lives until its last call has
 * ended.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_parts.h"
#include "mem.h"
#include "texts.h"

static int read_workers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_log_level(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_header_lines(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_allow_commands(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_policies(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_lists(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_cors(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_limits(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_timeouts(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
static int read_redis(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);

#define ROW(key, reader, member)                                                                             \
    {                                                                                                        \
        key, reader, offsetof(config_t, member)                                                              \
    }
#define SECTION(key, reader)                                                                                 \
    {                                                                                                        \
        key, reader, 0                                                                                       \
    }

static const yaml_row_t rows[] = {
    ROW("listen", yaml_read_text, listen),
    ROW("admin_listen", yaml_read_text, admin_listen),
    ROW("public_url", yaml_read_text, public_url),
    ROW("workers", read_workers, workers),
    ROW("log_level", read_log_level, log_level),
    SECTION("auth", config_read_auth),
    ROW("hop_secret", yaml_read_text, hop_secret),
    SECTION("connectors", config_read_connectors),
    ROW("allow_commands", read_allow_commands, allow_commands),
    SECTION("policies", read_policies),
    ROW("lists", read_lists, lists_all),
    SECTION("cors", read_cors),
    ROW("trusted_proxies", yaml_read_texts, trusted_proxies),
    SECTION("limits", read_limits),
    SECTION("timeouts", read_timeouts),
    SECTION("redis", read_redis),
    { 0 },
};

static config_t *config_new(void)
{
    config_t *config = NEW(config_t);
    config->references = 1;
    config->log_level = LOG_LEVEL_INFO;
    config->keys = keys_new();
    config->door = (http_limits_t)HTTP_LIMITS_DEFAULT;
    config->max_reply_bytes = 8388608;
    config->drain_ms = 30000;
    return config;
}

static void set_default(char **text, const char *value)
{
    if (!*text) {
        *text = mem_strdup(value);
    }
}

static void finish(config_t *config)
{
    set_default(&config->listen, "127.0.0.1:8080");
    if (config->workers == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        config->workers = cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
    }
    config_warn_commands(config);
}

static int read_common_environment(config_t *config, config_lookup_f lookup, err_t *err)
{
    const char *environment = lookup("ENVIRONMENT"), *level = lookup("LOG_LEVEL");
    if (environment && *environment && strcmp(environment, "development") != 0 &&
        strcmp(environment, "staging") != 0 && strcmp(environment, "production") != 0) {
        return err_set(err, ERR_CALLER,
                       "ENVIRONMENT is \"%.32s\"; it must be development, staging or production.",
                       environment);
    }
    config->production = environment && strcmp(environment, "production") == 0;
    if (level && *level) {
        int found = log_level_from_name(level);
        if (found < 0) {
            return err_set(err, ERR_CALLER, "LOG_LEVEL is \"%.32s\"; it must be debug, info, warn or error.",
                           level);
        }
        config->log_level = (log_level_t)found;
    }
    return 0;
}

static int read_file(config_t *config, const char *path, config_lookup_f lookup, err_t *err)
{
    yaml_file_t file;
    if (yaml_open(&file, path, lookup, err)) {
        return -1;
    }
    yaml_node_t *root = yaml_root(&file);
    int result =
        root ? yaml_map(&file, root, rows, config, err) : err_set(err, ERR_CALLER, "%s is empty.", path);
    yaml_close(&file);
    return result;
}

config_t *config_load(const char *path, config_lookup_f lookup, err_t *err)
{
    config_t *config = config_new();
    int result = read_common_environment(config, lookup, err);
    if (result == 0) {
        result = path ? read_file(config, path, lookup, err) : config_read_environment(config, lookup, err);
    }
    if (result == 0) {
        finish(config);
        result = config_check(config, path ? path : "environment", err);
    }
    if (result) {
        config_unref(config);
        return NULL;
    }
    return config;
}

/* RFC 6749 section 3.3, scope-token. */
bool config_is_quotable(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\') {
            return false;
        }
    }
    return true;
}

const char *config_getenv(const char *name)
{
    return getenv(name);
}

config_t *config_ref(config_t *config)
{
    __atomic_add_fetch(&config->references, 1, __ATOMIC_RELAXED);
    return config;
}

static void free_policies(config_t *config)
{
    for (size_t i = 0; i < config->policy_count; i++) {
        mem_free(config->policies[i].permission);
        texts_free(config->policies[i].allow);
    }
    mem_free(config->policies);
}

static void free_api_keys(config_t *config)
{
    for (size_t i = 0; i < config->api_key_count; i++) {
        mem_free(config->api_keys[i].name);
        mem_free(config->api_keys[i].tenant_id);
        texts_free(config->api_keys[i].permissions);
    }
    mem_free(config->api_keys);
}

void config_free_secret(char *secret)
{
    if (secret) {
        mem_wipe(secret, strlen(secret));
        mem_free(secret);
    }
}

void config_unref(config_t *config)
{
    if (!config || __atomic_sub_fetch(&config->references, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    for (size_t i = 0; i < config->connector_count; i++) {
        config_free_connector(&config->connectors[i]);
    }
    mem_free(config->connectors);
    free_policies(config);
    free_api_keys(config);
    for (char **secret = config->secrets; secret && *secret; secret++) {
        config_free_secret(*secret);
    }
    mem_free(config->secrets);
    config_free_secret(config->hop_secret);
    config_free_secret(config->redis);
    keys_free(config->keys);
    char **owned[] = {
        &config->listen,   &config->admin_listen,   &config->public_url, &config->issuer,
        &config->audience, &config->default_tenant, &config->jwks_url,   &config->jwks_ca_file
    };
    for (size_t i = 0; i < COUNT_OF(owned); i++) {
        mem_free(*owned[i]);
    }
    texts_free(config->authorization_servers);
    texts_free(config->scopes_supported);
    texts_free(config->cors_origins);
    texts_free(config->trusted_proxies);
    texts_free(config->warnings);
    mem_free(config);
}

void config_warn(config_t *config, const char *sentence)
{
    texts_add(&config->warnings, mem_strdup(sentence));
}

static int read_workers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (!text || strcmp(text, "auto") == 0) {
        return 0;
    }
    size_t count = 0;
    if (yaml_read_count(file, node, &count, NULL) || count < 1 || count > 64) {
        return yaml_refuse(file, node, err,
                           "workers is a number from 1 to 64, or auto (one per core); found \"%.32s\".",
                           text);
    }
    *(unsigned *)into = (unsigned)count;
    return 0;
}

static int read_log_level(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    int level = text ? log_level_from_name(text) : (int)LOG_LEVEL_INFO;
    if (level < 0) {
        return yaml_refuse(file, node, err, "log_level is debug, info, warn or error; found \"%.32s\".",
                           text);
    }
    if (text) {
        *(log_level_t *)into = (log_level_t)level;
    }
    return 0;
}

static int read_allow_commands(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        return yaml_refuse(file, node, err, "allow_commands is true or false; found \"%.32s\".", text);
    }
    *(bool *)into = text && strcmp(text, "true") == 0;
    return 0;
}

static const yaml_row_t policy_rows[] = {
    { "permission", yaml_read_text, offsetof(policy_rule_t, permission) },
    { "allow", yaml_read_texts, offsetof(policy_rule_t, allow) },
    { 0 },
};

/* A pattern that can match no public name would close what it was meant to open, silently. With a colon it is
 * for URIs, which may hold anything but blanks. Names hold these where a connector has no prefix;
 * check_policies() knows whether one has. */
static const char *find_unfit_glob(char *const *globs)
{
    static const char of_names[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/*";

    for (; *globs; globs++) {
        bool fits = strchr(*globs, ':') ? !strpbrk(*globs, " \t\r\n") : !(*globs)[strspn(*globs, of_names)];
        if (!fits) {
            return *globs;
        }
    }
    return NULL;
}

static int read_policy(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err)
{
    config_t *config = self;
    policy_rule_t *rule = &config->policies[config->policy_count++];
    if (yaml_map(file, node, policy_rows, rule, err)) {
        return -1;
    }
    if (!rule->permission || !rule->allow) {
        return yaml_refuse(file, node, err,
                           "a policy needs permission: and allow: [globs of names and URIs].");
    }
    if (!config_is_quotable(rule->permission)) {
        return yaml_refuse(file, node, err, "a permission is one word without quotes; found \"%.64s\".",
                           rule->permission);
    }
    const char *unfit = find_unfit_glob(rule->allow);
    if (unfit) {
        return yaml_refuse(file, node, err,
                           "\"%.64s\" matches nothing: names are a-z, 0-9 and _, URIs have a colon, and * "
                           "stands for anything.",
                           unfit);
    }
    return 0;
}

static int read_policies(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    config_t *config = into;
    config->has_policies = true;
    config->policies = NEW_ARRAY(policy_rule_t, yaml_length(node) + 1);
    return yaml_each(file, node, read_policy, config, err);
}

static int read_lists(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (text && strcmp(text, "all") != 0 && strcmp(text, "allowed") != 0) {
        return yaml_refuse(file, node, err,
                           "lists is allowed (only what the caller may call) or all; found \"%.32s\".", text);
    }
    *(bool *)into = text && strcmp(text, "all") == 0;
    return 0;
}

static int read_origins(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    config_t *config = into;
    if (yaml_read_texts(file, node, &config->cors_origins, err)) {
        return -1;
    }
    config->cors_count = texts_count(config->cors_origins);
    for (size_t i = 0; i < config->cors_count; i++) {
        const char *origin = config->cors_origins[i], *host = strstr(origin, "://");
        if (strcmp(origin, "*") == 0) {
            return yaml_refuse(file, node, err,
                               "\"*\" would let every web page use its visitors' tokens; list the origins.");
        }
        if (!host || host[3] == '\0' || strchr(host + 3, '/')) {
            return yaml_refuse(
                file, node, err,
                "an origin is scheme and host, such as https://app.example.com; found \"%.64s\".", origin);
        }
    }
    return 0;
}

static int read_cors(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    static const yaml_row_t cors_rows[] = { SECTION("origins", read_origins), { 0 } };
    return yaml_map(file, node, cors_rows, into, err);
}

static int read_header_lines(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    if (yaml_read_count(file, node, into, err)) {
        return -1;
    }
    return *(size_t *)into > 0 ? 0 : yaml_refuse(file, node, err, "header_lines is a number, at least 1.");
}

static int read_limits(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    static const yaml_row_t limit_rows[] = {
        ROW("headers", yaml_read_bytes, door.max_header_bytes),
        ROW("header_lines", read_header_lines, door.max_header_lines),
        ROW("body", yaml_read_bytes, door.max_body_bytes),
        ROW("reply", yaml_read_bytes, max_reply_bytes),
        ROW("in_flight", yaml_read_bytes, door.max_held_bytes),
        ROW("connections", yaml_read_count, door.max_connections),
        ROW("connections_per_address", yaml_read_count, door.max_per_address),
        { 0 },
    };
    return yaml_map(file, node, limit_rows, into, err);
}

static int read_timeouts(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    static const yaml_row_t timeout_rows[] = {
        ROW("headers", yaml_read_duration, door.header_timeout_ms),
        ROW("body", yaml_read_duration, door.body_timeout_ms),
        ROW("idle", yaml_read_duration, door.idle_timeout_ms),
        ROW("drain_delay", yaml_read_duration, drain_delay_ms),
        ROW("drain", yaml_read_duration, drain_ms),
        { 0 },
    };
    return yaml_map(file, node, timeout_rows, into, err);
}

static int read_redis(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    config_t *config = into;
    if (yaml_read_text(file, node, &config->redis, err)) {
        return -1;
    }
    if (config->redis) {
        config_warn(config, "redis is set, but nothing uses it yet.");
    }
    return 0;
}
