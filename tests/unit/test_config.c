/* guiche.yaml and the environment: what is accepted, and that every refusal names the place and the remedy.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config_yaml.h"
#include "mem.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

static const char *environment[32][2];

static const char *look(const char *name)
{
    for (size_t i = 0; environment[i][0]; i++) {
        if (strcmp(environment[i][0], name) == 0) {
            return environment[i][1];
        }
    }
    return NULL;
}

static void set_env(const char *name, const char *value)
{
    size_t i = 0;
    while (environment[i][0] && strcmp(environment[i][0], name) != 0) {
        i++;
    }
    environment[i][0] = name;
    environment[i][1] = value;
}

static config_t *load(const char *yaml, err_t *err)
{
    char path[] = "/tmp/guiche-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
    close(fd);
    config_t *config = config_load(path, look, err);
    unlink(path);
    return config;
}

static config_t *load_well(const char *yaml)
{
    err_t err;
    config_t *config = load(yaml, &err);
    cr_assert(config, "refused: %s", err.text);
    return config;
}

static void refused(const char *yaml, const char *line, const char *part)
{
    err_t err;
    config_t *config = load(yaml, &err);
    cr_assert(!config, "was accepted:\n%s", yaml);
    cr_assert(strstr(err.text, line), "no \"%s\" in: %s", line, err.text);
    cr_assert(strstr(err.text, part), "no \"%s\" in: %s", part, err.text);
}

#define AUTH "auth: {hs256_secret: " SECRET "}\nhop_secret: " OTHER "\n"

Test(config, takes_the_example_of_the_design)
{
    set_env("JWT_SECRET", SECRET);
    set_env("GUICHE_HOP_SECRET", OTHER);
    set_env("MCP_ODOO_URL", "unix:/run/guiche/odoo.sock");
    config_t *config = load_well("listen: 127.0.0.1:8081\n"
                                 "admin_listen: 127.0.0.1:9090\n"
                                 "public_url: https://mcp.example.com/mcp\n"
                                 "workers: 3\n"
                                 "auth:\n"
                                 "  mode: jwt\n"
                                 "  hs256_secret: ${JWT_SECRET}\n"
                                 "  audience: https://mcp.example.com/mcp\n"
                                 "hop_secret: ${GUICHE_HOP_SECRET}\n"
                                 "connectors:\n"
                                 "  - name: odoo\n"
                                 "    prefix: odoo_\n"
                                 "    url: ${MCP_ODOO_URL}\n"
                                 "    forward_headers: [X-Odoo-Login, X-Odoo-Api-Key]\n"
                                 "    timeout: 10s\n"
                                 "  - {name: git-hub, url: \"http://127.0.0.1:9000\"}\n"
                                 "policies:\n"
                                 "  - permission: odoo.read\n"
                                 "    allow: [\"odoo_get_*\"]\n"
                                 "redis: ${REDIS_URL:-}\n");
    cr_assert_eq(config->workers, 3);
    cr_assert_eq(config->connector_count, 2);
    cr_assert(config->connectors[0].trusted);
    cr_assert_str_eq(config->connectors[0].forward_headers[1].from, "x-odoo-api-key");
    cr_assert_eq(config->connectors[0].timeout_ms, 10000);
    cr_assert_str_eq(config->connectors[0].hop.socket_path, "/run/guiche/odoo.sock");
    cr_assert(!config->connectors[1].trusted);
    cr_assert_str_eq(config->connectors[1].prefix, "git_hub_");
    cr_assert_str_eq(config->connectors[1].hop.path, "/mcp");
    cr_assert_str_eq(config->policies[0].allow[0], "odoo_get_*");
    cr_assert_null(config->warnings);
    config_unref(config);
}

Test(config, names_the_line_of_an_unknown_key_and_what_was_meant)
{
    refused(AUTH "conectors: []\n", ":3:", "did you mean \"connectors\"");
    refused(AUTH "connectors:\n  - {name: a, url: \"unix:/x\", wibble: 1}\n",
            ":4:", "known here: name, prefix, url");
}

Test(config, refuses_a_key_given_twice)
{
    refused("listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n", ":2:", "given twice (first in line 1)");
}

Test(config, refuses_wrong_types)
{
    refused("listen: [a]\n", ":1:", "expected a single value, found a list");
    refused("auth: yes\n", ":1:", "expected keys with values");
    refused("workers: many\n", ":1:", "1 to 64");
    refused("limits: {body: 4 MB}\n", ":1:", "4MiB");
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", timeout: soon}]\n", ":3:", "25s");
    refused("- a\n- b\n", ":1:", "expected keys with values");
    refused("", "", "is empty");
    refused("a: [\n", "", "not YAML");
    refused("auth: {mode: jwt}\nhop_secret: x\nlisten: [${A}, ${B}]\n", ":3:", "quote what holds a variable");
}

Test(config, expands_variables_after_parsing)
{
    set_env("TRICK", "a\nlisten: evil");
    set_env("EMPTY", "");
    config_t *config = load_well(AUTH "public_url: ${EMPTY}\nadmin_listen: ${UNSET:-127.0.0.1:9}\n");
    cr_assert_null(config->public_url);
    cr_assert_str_eq(config->admin_listen, "127.0.0.1:9");
    config_unref(config);
    refused(AUTH "listen: ${UNSET}\n", ":3:", "UNSET is not set");
    refused(AUTH "listen: ${\n", ":3:", "without its");
    refused(AUTH "listen: ${a b}\n", ":3:", "is not a variable");
    refused(AUTH "listen: ${TRICK}\n", "", "is no address");
}

Test(config, takes_a_secret_from_a_file)
{
    char path[] = "/tmp/guiche-secret-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(write(fd, SECRET "\n", strlen(SECRET) + 1) > 0);
    close(fd);
    set_env("MY_SECRET_FILE", path);
    config_t *config = load_well("auth: {hs256_secret: \"${MY_SECRET}\"}\n");
    cr_assert_str_eq(config->secrets[0], SECRET);
    config_unref(config);
    set_env("MY_SECRET", SECRET);
    refused("auth: {hs256_secret: \"${MY_SECRET}\"}\n", ":1:", "keep one");
    unlink(path);
}

Test(config, overlaps_two_secrets_and_signs_with_the_first)
{
    config_t *config = load_well("auth: {hs256_secret: [" SECRET ", " OTHER "]}\n");
    cr_assert_eq(keys_count(config->keys), 2);
    cr_assert_str_eq(config->secrets[0], SECRET);
    config_unref(config);
}

Test(config, refuses_weak_or_shared_secrets_without_showing_them)
{
    err_t err;
    cr_assert_null(load("auth: {hs256_secret: tooshort}\n", &err));
    cr_assert(strstr(err.text, "32"));
    cr_assert(!strstr(err.text, "tooshort"));
    refused("auth: {hs256_secret: " SECRET "}\nhop_secret: " SECRET "\n", "", "the same");
    refused("auth: {hs256_secret: " SECRET "}\nhop_secret: short\n", "", "at least 32");
}

Test(config, lets_nobody_in_unless_somebody_could_log_in)
{
    refused("listen: 127.0.0.1:1\n", "", "nobody could ever log in");
    refused("auth: {mode: none}\nlisten: 0.0.0.0:80\n", "", "loopback");
    config_t *config = load_well("auth: {mode: none}\nlisten: 127.0.0.1:80\n");
    config_unref(config);
    set_env("ENVIRONMENT", "production");
    refused("auth: {mode: none}\nlisten: 127.0.0.1:80\n", "", "production");
}

Test(config, refuses_secrets_of_examples_in_production)
{
    set_env("ENVIRONMENT", "production");
    refused("auth: {hs256_secret: change-me-change-me-change-me-change-me}\n", "", "production");
    set_env("ENVIRONMENT", "prod");
    refused(AUTH, "", "must be development, staging or production");
}

Test(config, needs_the_hop_secret_for_trusted_connectors_only)
{
    refused("auth: {hs256_secret: " SECRET "}\nconnectors: [{name: crm, url: \"unix:/x\"}]\n", "",
            "hop_secret");
    config_unref(
        load_well("auth: {hs256_secret: " SECRET "}\nconnectors: [{name: other, url: \"unix:/x\"}]\n"));
    config_unref(load_well("auth: {hs256_secret: " SECRET
                           "}\nconnectors: [{name: crm, url: \"unix:/x\", trust: none}]\n"));
}

Test(config, takes_keys_by_url_over_https_or_on_loopback)
{
#define BY_URL(url) "auth: {audience: a, jwks_url: \"" url "\"}\n"
    static const char *const good[] = { BY_URL("https://id.example.com/jwks"), BY_URL("https://x:8443/"),
                                        BY_URL("http://127.0.0.1:9000/jwks"), BY_URL("http://[::1]/jwks"),
                                        BY_URL("http://localhost?x") };
    static const char *const bad[] = { BY_URL("http://id.example.com/jwks"),
                                       BY_URL("http://localhost.example.com/"),
                                       BY_URL("http://127.0.0.1@example.com/"),
                                       BY_URL("https://"),
                                       BY_URL("HTTPS://id.example.com/"),
                                       BY_URL("https://id.example.com/\\x01"),
                                       BY_URL("id.example.com/jwks") };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        config_t *config = load_well(good[i]);
        cr_assert(config->has_jwks && config->jwks_url);
        config_unref(config);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        refused(bad[i], "", "auth.jwks_url");
    }
    set_env("ENVIRONMENT", "production");
    refused(good[2], "", "must be https");
    config_unref(load_well(good[0]));
}

Test(config, asks_for_an_audience_where_keys_come_by_url)
{
    refused("auth: {jwks_url: \"https://id.example.com/jwks\"}\n", "", "audience");
    refused("auth: {jwks_url: \"https://id.example.com/jwks\", audience: a, jwks_ca_file: /no/such.pem}\n",
            "", "/no/such.pem");
}

Test(config, keeps_a_command_with_its_variables)
{
    set_env("GIVEN", "value");
    config_t *config = load_well(AUTH "allow_commands: true\nconnectors:\n"
                                      "  - {name: odoo, command: [npx, -y, server], "
                                      "env: {TOKEN: \"${GIVEN}\", EMPTY: \"\"}, cwd: /srv}\n");
    const connector_config_t *connector = &config->connectors[0];

    cr_expect_str_eq(connector->command[0], "npx");
    cr_expect_str_eq(connector->command[2], "server");
    cr_expect_null(connector->command[3]);
    cr_expect_str_eq(connector->env[0], "TOKEN=value");
    cr_expect_str_eq(connector->env[1], "EMPTY=");
    cr_expect_str_eq(connector->cwd, "/srv");
    cr_expect_str_eq(connector->prefix, "odoo_");
    cr_expect_not(connector->trusted, "the name of a connector of ours makes no command one");
    cr_expect_eq(connector->forward_count, 0u);
    config_unref(config);
}

Test(config, runs_no_command_unless_that_is_allowed)
{
    refused(AUTH "connectors: [{name: a, command: [npx, x]}]\n", "the connector a", "allow_commands: true");
    refused(AUTH "allow_commands: false\nconnectors: [{name: a, command: [npx]}]\n", "", "allow_commands");
    refused(AUTH "allow_commands: yes\nconnectors: []\n", ":3:", "true or false");
}

Test(config, never_forwards_the_headers_that_carry_trust)
{
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", forward_headers: [Authorization]}]\n",
            ":3:", "never forwarded");
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", forward_headers: [Mcp-Name]}]\n",
            ":3:", "never forwarded");
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", forward_headers: [GUICHE-Principal]}]\n",
            ":3:", "never forwarded");
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", forward_headers: [X-A, x-a]}]\n",
            ":3:", "named twice");
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", forward_headers: [\"x a\"]}]\n",
            ":3:", "no header name");
}

Test(config, reads_fixed_headers_and_keeps_their_values_out_of_sight)
{
    set_env("GITHUB_TOKEN", "ghp_planted");
    set_env("NOTHING", "");
    config_t *config = load_well(AUTH "connectors:\n"
                                      "  - name: a\n"
                                      "    url: \"unix:/x\"\n"
                                      "    headers: {Authorization: \"Bearer ${GITHUB_TOKEN}\",\n"
                                      "              X-Region: eu, X-Absent: \"${NOTHING:-}\"}\n");
    const connector_config_t *a = &config->connectors[0];
    cr_assert_eq(a->fixed_count, 2, "an empty value means absent");
    cr_assert_str_eq(a->fixed_headers[0].name, "authorization");
    cr_assert_str_eq(a->fixed_headers[0].value, "Bearer ghp_planted");
    cr_assert(!connector_is_per_user(a));
    config_unref(config);
}

static void refused_header(const char *headers, const char *part)
{
    AUTO(mem_free)
    char *yaml = mem_printf(AUTH "connectors: [{name: a, url: \"unix:/x\", headers: {%s}}]\n", headers);
    err_t err;
    config_t *config = load(yaml, &err);
    cr_assert_null(config, "%s was taken", headers);
    cr_assert(strstr(err.text, ":3:") && strstr(err.text, part), "%s", err.text);
    cr_assert_null(strstr(err.text, "planted"), "%s", err.text);
}

Test(config, refuses_fixed_headers_that_are_not_the_operators_to_write)
{
    static const char *const names[] = { "Host",
                                         "Cookie",
                                         "Mcp-Name",
                                         "Guiche-Principal",
                                         "Connection",
                                         "Content-Type",
                                         "Accept",
                                         "Transfer-Encoding",
                                         "User-Agent",
                                         "Origin",
                                         "Proxy-Authorization" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        AUTO(mem_free) char *header = mem_printf("%s: planted", names[i]);
        refused_header(header, "the gateway's to write");
    }
    refused_header("\"X A\": planted", "no header name");
    refused_header("X-A: planted, x-a: planted", "given twice");
    refused_header("X-A: \"planted\\r\\nHost: b\"", "control character");
    refused_header("X-A: \"planted \"", "blank");
    refused_header("X-A: \"Bearer ${NOTHING:-}\"", "blank");
    refused_header("X-A: [planted]", "single value");
    AUTO(mem_free) char *long_value = mem_alloc(8200);
    memset(long_value, 'v', 8193);
    AUTO(mem_free) char *header = mem_printf("X-A: planted%s", long_value);
    refused_header(header, "longer than 8192");
}

Test(config, renames_forwarded_headers)
{
    config_t *config =
        load_well(AUTH "connectors:\n"
                       "  - name: a\n"
                       "    url: \"unix:/x\"\n"
                       "    forward_headers: {X-Github-Token: \"Authorization: Bearer\", X-A: X-B}\n"
                       "    required_headers: {X-Github-Token: Connect GitHub first.}\n");
    const connector_config_t *a = &config->connectors[0];
    cr_assert_eq(a->forward_count, 2);
    cr_assert_str_eq(a->forward_headers[0].from, "x-github-token");
    cr_assert_str_eq(a->forward_headers[0].to, "authorization");
    cr_assert_str_eq(a->forward_headers[0].scheme, "Bearer");
    cr_assert_str_eq(a->forward_headers[1].to, "x-b");
    cr_assert_null(a->forward_headers[1].scheme);
    cr_assert(connector_is_per_user(a));
    config_unref(config);
}

/* docs/architecture.md "Trust": the caller's Authorization is for the gateway alone. */
Test(config, refuses_renamings_that_would_hand_on_trust_or_clash)
{
#define MAPPED(map) AUTH "connectors: [{name: a, url: \"unix:/x\", forward_headers: {" map "}}]\n"
    refused(MAPPED("Authorization: \"Authorization: Bearer\""), ":3:", "never forwarded");
    refused(MAPPED("Cookie: X-Session"), ":3:", "never forwarded");
    refused(MAPPED("X-A: Cookie"), ":3:", "the gateway's to write");
    refused(MAPPED("X-A: Host"), ":3:", "the gateway's to write");
    refused(MAPPED("X-A: Guiche-Principal"), ":3:", "the gateway's to write");
    refused(MAPPED("X-A: X-C, X-B: x-c"), ":3:", "both be sent as x-c");
    refused(MAPPED("X-A: X-B, x-a: X-C"), ":3:", "named twice");
    refused(MAPPED("X-A: \"Authorization:\""), ":3:", "the word before the value");
    refused(MAPPED("X-A: \"Authorization: Bearer planted\""), ":3:", "one word");
    refused(MAPPED("X-A: \"\""), ":3:", "needs the name");
    refused(MAPPED("X-A: \"a b\""), ":3:", "no header name");
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", forward_headers: {X-A: X-B},\n"
                 "  required_headers: {X-B: Send it.}}]\n",
            "", "does not list it");
}

/* A second Accept-Encoding would have the connector answer in a coding that nobody here reads. */
Test(config, never_forwards_a_header_that_is_the_gateways_own)
{
    static const char *const names[] = { "User-Agent", "Accept-Encoding", "Content-Location",
                                         "Proxy-Foo",  "Last-Event-ID",   "X-Forwarded-For" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        AUTO(mem_free)
        char *yaml =
            mem_printf(AUTH "connectors: [{name: a, url: \"unix:/x\", forward_headers: [%s]}]\n", names[i]);
        refused(yaml, ":3:", "never forwarded");
    }
}

Test(config, refuses_tool_timeouts_that_would_not_do_what_they_say)
{
#define TIMEOUTS(pairs) AUTH "connectors: [{name: a, url: \"unix:/x\", tool_timeouts: {" pairs "}}]\n"
    refused(TIMEOUTS("a_x: 1s, a_x: 2s"), ":3:", "given twice");
    refused(TIMEOUTS("a_x: "), ":3:", "a_x needs a time");
    refused(TIMEOUTS("search: 1s"), "", "a_search");
    config_unref(load_well(TIMEOUTS("a_x: 1s")));
}

Test(config, refuses_limits_that_let_nothing_through)
{
    refused(AUTH "limits: {body: 0}\n", ":3:", "expected a size");
    refused(AUTH "limits: {headers: 0KiB}\n", ":3:", "expected a size");
    refused(AUTH "limits: {header_lines: 0}\n", ":3:", "at least 1");
    refused(AUTH "limits: {reply: 99999999999999999999}\n", ":3:", "expected a size");
    config_unref(load_well(AUTH "limits: {body: 1KiB, connections: 0}\n"));
}

Test(config, bounds_what_all_clients_hold_together)
{
    config_t *config =
        load_well(AUTH "limits: {in_flight: 1MiB, connections: 9, connections_per_address: 3}\n"
                       "timeouts: {drain_delay: 2s}\n");

    cr_expect_eq(config->door.max_held_bytes, 1u << 20);
    cr_expect_eq(config->door.max_connections, 9u);
    cr_expect_eq(config->door.max_per_address, 3u);
    cr_expect_eq(config->drain_delay_ms, 2000);
    config_unref(config);
}

Test(config, takes_no_name_for_a_loopback_address)
{
    refused("auth: {mode: none}\nlisten: 127.attacker.example:8080\n", "", "loopback or a unix socket only");
    refused("auth: {mode: none}\nlisten: 127.0.0.1.attacker.example:8080\n", "",
            "loopback or a unix socket only");
    config_unref(load_well("auth: {mode: none}\nlisten: 127.0.0.2:8080\n"));
    config_unref(load_well("auth: {mode: none}\nlisten: \"[::1]:8080\"\n"));
}

/* Both stand between quotes in WWW-Authenticate. */
Test(config, refuses_texts_that_would_break_a_header)
{
    refused(AUTH "public_url: 'https://a.example/\"x'\n", "", "public_url");
    refused(AUTH "public_url: https://\n", "", "public_url");
    refused(AUTH "policies: [{permission: 'a\"b', allow: [x]}]\n", ":3:", "a permission is one word");
    refused(AUTH "policies: [{permission: \"a b\", allow: [x]}]\n", ":3:", "a permission is one word");
}

Test(config, refuses_what_yaml_would_hide)
{
    refused(AUTH "---\nlisten: 127.0.0.1:1\n", ":4:", "second document");
    refused(AUTH "\"listen\\0x\": 127.0.0.1:1\n", ":3:", "NUL");
    refused(AUTH "listen: ${A:-${B}}\n", ":3:", "inside another");
}

Test(config, takes_certificates_of_ones_own_for_https_only)
{
    char path[] = "/tmp/g-ca-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_gt(write(fd, "-----BEGIN CERTIFICATE-----\n", 28), 0);
    AUTO(mem_free)
    char *good = mem_printf(AUTH "connectors: [{name: a, url: \"https://x/mcp\", ca_file: %s}]\n", path);
    AUTO(mem_free)
    char *plain = mem_printf(AUTH "connectors: [{name: a, url: \"http://x/mcp\", ca_file: %s}]\n", path);
    config_t *config = load_well(good);
    cr_assert_str_eq(config->connectors[0].hop.ca_file, path);
    config_unref(config);
    refused(plain, ":3:", "https://");
    cr_assert_eq(ftruncate(fd, 0), 0);
    refused(good, ":3:", "no PEM certificate");
    unlink(path);
    refused(good, ":3:", "cannot be read");
    close(fd);
}

Test(config, survives_cycles_and_depth)
{
    refused("connectors: &a [*a]\n", "", "expected keys with values");
    refused("&a {listen: *a}\n", "", "expected a single value");
    refused("&a ? *a : 1\n", "", "");
    AUTO(mem_free) char *deep = mem_alloc(20001); /* libyaml's time grows with the square of the depth */
    memset(deep, '[', 20000);
    refused(deep, "", "not YAML");
}

/* Under the sanitizers this finds what a refusal forgets to free. */
Test(config, survives_every_prefix_and_every_changed_byte)
{
    static const char whole[] =
        "listen: 127.0.0.1:1\npublic_url: https://a.example\nworkers: 2\nlog_level: info\n"
        "auth: {mode: jwt, hs256_secret: [" SECRET "], issuer: i, audience: u, authorization_servers: [s],\n"
        "  api_keys: [{name: k, tenant_id: t, permissions: [p], sha256: "
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}]}\n"
        "hop_secret: " OTHER "\n"
        "connectors: [{name: a, url: \"unix:/x\", trust: guiche, forward_headers: [X-A],\n"
        "  required_headers: {X-A: say}, tool_timeouts: {a_x: 1s}}, {name: b, url: \"http://h\"}]\n"
        "policies: [{permission: p, allow: [a_*]}]\ncors: {origins: [\"https://o\"]}\n"
        "trusted_proxies: [10.0.0.0/8]\nlimits: {body: 1KiB}\ntimeouts: {idle: 1s}\nredis: x\n";
    static const char changes[] = "\"{}[]:,&*0 \n";
    err_t err;
    config_unref(load_well(whole));
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        AUTO(mem_free) char *changed = mem_strndup(whole, i);
        config_unref(load(changed, &err));
        mem_free(changed);
        changed = mem_strdup(whole);
        changed[i] = changes[i % (sizeof changes - 1)];
        config_unref(load(changed, &err));
    }
}

Test(config, refuses_connectors_that_could_not_be_told_apart)
{
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\"}, {name: a, url: \"unix:/y\"}]\n", "",
            "two connectors are named");
    refused(
        AUTH
        "connectors: [{name: a, url: \"unix:/x\", prefix: p_}, {name: b, url: \"unix:/y\", prefix: p_}]\n",
        "", "same prefix");
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", prefix: \"\"}, {name: b, url: \"unix:/y\"}]\n", "",
            "no prefix");
    refused(AUTH "connectors: [{name: a, url: \"unix:/x\", prefix: A__}]\n", ":3:", "prefix");
    refused(AUTH "connectors: [{name: \"9 a\", url: \"unix:/x\"}]\n", ":3:", "no connector name");
    config_unref(load_well(AUTH "connectors: [{name: a, url: \"unix:/x\", prefix: \"\"}]\n"));
}

Test(config, reads_api_keys)
{
    config_t *config =
        load_well("auth:\n  api_keys:\n    - name: cron\n"
                  "      sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n"
                  "      tenant_id: acme\n      permissions: [crm.read]\n");
    cr_assert_eq(config->api_key_count, 1);
    cr_assert_eq(config->api_keys[0].sha256[0], 0x2b);
    config_unref(config);
    refused("auth:\n  api_keys:\n    - {name: a, sha256: xyz, tenant_id: t, permissions: []}\n",
            ":3:", "sha256sum");
    refused("auth:\n  api_keys:\n    - {name: a}\n", ":3:", "needs name, sha256, tenant_id and permissions");
}

Test(config, checks_origins_and_proxies)
{
    refused(AUTH "cors: {origins: [\"*\"]}\n", ":3:", "every web page");
    refused(AUTH "cors: {origins: [\"https://a.example/path\"]}\n", ":3:", "an origin is");
    refused(AUTH "trusted_proxies: [10.0.0.0/99]\n", "", "no address or network");
    refused(AUTH "trusted_proxies: [proxy.local]\n", "", "no address or network");
    config_unref(
        load_well(AUTH "cors: {origins: [\"https://a.example\"]}\ntrusted_proxies: [10.0.0.0/8, \"::1\"]\n"));
}

/* Else a user's own credentials would be dropped without a word, and the service account serve the call. */
Test(config, forwards_the_usual_headers_to_connectors_of_ours)
{
    config_t *config = load_well("auth: {hs256_secret: " SECRET "}\nhop_secret: " OTHER "\nconnectors:\n"
                                 "  - {name: odoo, url: \"http://127.0.0.1:1\"}\n"
                                 "  - {name: qdrant, url: \"http://127.0.0.1:2\", forward_headers: []}\n"
                                 "  - {name: chatwoot, url: \"http://127.0.0.1:3\", trust: none}\n"
                                 "  - {name: desk, url: \"http://127.0.0.1:4\", trust: guiche}\n");

    cr_assert_str_eq(config->connectors[0].forward_headers[0].to, "x-odoo-login");
    cr_assert_str_eq(config->connectors[0].forward_headers[1].from, "x-odoo-api-key");
    cr_assert_eq(config->connectors[0].forward_count, 2);
    cr_assert_eq(config->connectors[1].forward_count, 0);
    cr_assert_null(config->connectors[2].forward_headers);
    cr_assert_null(config->connectors[3].forward_headers);
    config_unref(config);
}

Test(config, is_complete_by_the_environment_alone)
{
    set_env("JWT_SECRET", SECRET);
    set_env("GUICHE_HOP_SECRET", OTHER);
    set_env("MCP_QLIK_URL", "http://mcp-qlik:8000");
    set_env("REDIS_URL", "redis://x");
    err_t err;
    config_t *config = config_load(NULL, look, &err);
    cr_assert(config, "refused: %s", err.text);
    cr_assert_eq(config->connector_count, 1);
    cr_assert_str_eq(config->connectors[0].prefix, "qlik_");
    cr_assert_str_eq(config->connectors[0].required_headers[0].text,
                     "Missing Qlik access token. User needs to connect Qlik account.");
    cr_assert_str_eq(config->listen, "127.0.0.1:8080");
    cr_assert(config->warnings);
    config_unref(config);
    set_env("JWT_SECRET", NULL);
    cr_assert_null(config_load(NULL, look, &err));
    cr_assert(strstr(err.text, "JWT_SECRET is not set"));
}

Test(config, says_when_the_file_cannot_be_read)
{
    err_t err;
    cr_assert_null(config_load("/nonexistent/guiche.yaml", look, &err));
    cr_assert(strstr(err.text, "cannot be read"));
    cr_assert_null(config_load("/tmp", look, &err));
}
