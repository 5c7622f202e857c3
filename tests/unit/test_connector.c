/* A whole connector as its users meet it: command line, environment, HTTP, MCP in both eras, signals. It runs
 * mcp-fixture (connector_fixture.c) and the documentation's mcp-hello. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <criterion/criterion.h>
#include <jansson.h>

#include "clock.h"
#include "hop.h"
#include "mem.h"
#include "mint.h"
#include "process.h"

static const char *const no_args[] = { NULL };
static const char *const open_to_all[] = { "--no-auth", "demo", NULL };
static const char *const nothing[] = { NULL };
static const char *const any_port[] = { "LISTEN=127.0.0.1:0", NULL };

#define LEGACY "MCP-Protocol-Version: 2025-11-25\r\n"
#define MODERN_HEADERS(name)                                                                                 \
    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: " name "\r\n"
#define MODERN_META                                                                                          \
    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                            \
    "\"io.modelcontextprotocol/clientCapabilities\":{}"

static process_t fixture;

static void start_with(const char *const *environment)
{
    fixture = process_start(FIXTURE_PROGRAM, open_to_all, environment);
}

static void start(void)
{
    start_with(any_port);
}

static void stop(void)
{
    cr_assert_eq(process_stop(&fixture, SIGTERM), 0);
}

static const char *legacy_call(const char *tool, const char *arguments)
{
    return mem_printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
                      "\"arguments\":%s}}",
                      tool, arguments);
}

/* The result of a legacy call; leaked like all that tests make. */
static json_t *call_with(const char *headers, const char *tool, const char *arguments)
{
    reply_t reply = process_ask(&fixture, "POST", "/mcp", headers, legacy_call(tool, arguments));

    cr_assert_eq(reply.status, 200, "%s", reply.body);
    json_t *message = json_loads(reply.body, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(json_object_get(message, "result"), "%s", reply.body);
    return json_object_get(message, "result");
}

static json_t *call(const char *tool, const char *arguments)
{
    return call_with(LEGACY, tool, arguments);
}

static const char *text_of(json_t *result)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(result, "content"), 0), "text"));
}

static bool is_error(json_t *result)
{
    return json_is_true(json_object_get(result, "isError"));
}

static void assert_says(const char *where, const char *word)
{
    cr_assert(strstr(where, word), "\"%s\" is not in: %s", word, where);
}

static void assert_silent_about(const char *where, const char *word)
{
    cr_assert_null(strstr(where, word), "\"%s\" is in: %s", word, where);
}

static bool metrics_say(const char *word)
{
    for (int i = 0; i < 400; i++) {
        if (strstr(process_ask(&fixture, "GET", "/metrics", "", "").body, word)) {
            return true;
        }
        nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
    }
    return false;
}

static bool comes_true(const char *word)
{
    for (int i = 0; i < 2000; i++) {
        if (strstr(process_stderr(&fixture), word)) {
            return true;
        }
        nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
    }
    return false;
}

/* The command line */

static int run(const char *const *args, const char *const *environment, char **ret_out, char **ret_err)
{
    return process_run(FIXTURE_PROGRAM, args, environment, ret_out, ret_err);
}

Test(connector, explains_itself)
{
    const char *const help[] = { "--help", NULL };
    char *out, *err;

    cr_assert_eq(run(help, nothing, &out, &err), 0);
    assert_says(out, "mcp-fixture: Fixture");
    assert_says(out, "  echo    Give every argument back.\n");
    assert_says(out, "--count");
    assert_says(out, "FIXTURE_UPSTREAM");
    assert_says(out, "unix:/run/guiche/fixture.sock");
    cr_assert_str_eq(err, "");
}

Test(connector, prints_its_version_its_env_file_and_its_documentation)
{
    const char *const version[] = { "--version", NULL }, *const example[] = { "--env-example", NULL };
    const char *const markdown[] = { "--markdown", NULL };
    char *out, *err;

    cr_assert_eq(run(version, nothing, &out, &err), 0);
    assert_says(out, "mcp-fixture ");
    cr_assert_eq(run(example, nothing, &out, &err), 0);
    assert_says(out, "FIXTURE_LIMIT=");
    assert_says(out, "HOP_KEY=");
    cr_assert_eq(run(markdown, nothing, &out, &err), 0);
    assert_says(out, "### `fixture_echo`");
    assert_says(out, "Reads only. Reports progress.");
    assert_says(out, "CALL_TIMEOUT");
}

Test(connector, runs_its_own_verbs_with_its_settings_and_without_a_hop_key)
{
    const char *const verb[] = { "--count", "one", "two", NULL }, *const limit[] = { "FIXTURE_LIMIT=42",
                                                                                     NULL };
    char *out, *err;

    cr_assert_eq(run(verb, limit, &out, &err), 7);
    cr_assert_str_eq(out, "--count 3 limit=42\n");
}

static void assert_refuses(const char *const *args, const char *const *environment, int code,
                           const char *word)
{
    char *out, *err;

    cr_assert_eq(run(args, environment, &out, &err), code, "%s", err);
    cr_assert_eq(strncmp(err, "mcp-fixture: ", 13), 0, "%s", err);
    cr_assert_eq(strchr(err, '\n'), err + strlen(err) - 1, "one sentence, but: %s", err);
    assert_says(err, word);
}

Test(connector, refuses_a_command_line_it_does_not_know)
{
    const char *const unknown[] = { "--nope", NULL }, *const bare[] = { "serve", NULL };
    const char *const valueless[] = { "--no-auth", NULL }, *const swallowing[] = { "--no-auth", "--help",
                                                                                   NULL };

    assert_refuses(unknown, nothing, 2, "--nope");
    assert_refuses(bare, nothing, 2, "serve");
    assert_refuses(valueless, nothing, 2, "--no-auth");
    assert_refuses(swallowing, nothing, 2, "--no-auth");
}

Test(connector, refuses_to_start_without_a_hop_key_and_says_where_to_get_it)
{
    assert_refuses(no_args, nothing, 2, "guiche hop-key fixture");
    assert_refuses(no_args, nothing, 2, "--no-auth TENANT");
}

Test(connector, refuses_a_hop_key_that_is_none_without_showing_it)
{
    const char *const short_key[] = { "HOP_KEY=abc123", NULL };
    const char *const upper[] = { "HOP_KEY=ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789",
                                  NULL };
    char *out, *err;

    assert_refuses(no_args, short_key, 2, "64 digits");
    assert_refuses(no_args, upper, 2, "64 digits");
    run(no_args, short_key, &out, &err);
    assert_silent_about(err, "abc123");
}

Test(connector, refuses_settings_that_cannot_be_meant)
{
    const char *const limit[] = { "FIXTURE_LIMIT=many", NULL }, *const place[] = { "ENVIRONMENT=prod", NULL };
    const char *const timeout[] = { "CALL_TIMEOUT=soon", NULL };

    assert_refuses(open_to_all, limit, 2, "FIXTURE_LIMIT");
    assert_refuses(open_to_all, place, 2, "ENVIRONMENT");
    assert_refuses(open_to_all, timeout, 2, "CALL_TIMEOUT");
}

Test(connector, lets_nobody_in_without_a_token_in_production_or_from_elsewhere)
{
    const char *const production[] = { "ENVIRONMENT=production", "LISTEN=127.0.0.1:0", NULL };
    const char *const everywhere[] = { "LISTEN=0.0.0.0:0", NULL };

    assert_refuses(open_to_all, production, 2, "production");
    assert_refuses(open_to_all, everywhere, 2, "loopback");
}

Test(connector, ends_with_the_sentence_of_a_start_that_failed)
{
    const char *const refused[] = { "FIXTURE_OPEN=refused", "LISTEN=127.0.0.1:0", NULL };
    const char *const misconfigured[] = { "FIXTURE_OPEN=misconfigured", "LISTEN=127.0.0.1:0", NULL };

    assert_refuses(open_to_all, refused, 1, "The start was refused.");
    assert_refuses(open_to_all, misconfigured, 2, "The start was misconfigured.");
}

Test(connector, says_when_its_address_file_cannot_be_written)
{
    const char *const args[] = { "--no-auth=demo", "--address-file=/nowhere/at/all", NULL };

    assert_refuses(args, any_port, 2, "/nowhere/at/all");
}

/* HTTP */

Test(connector, answers_about_itself_without_a_token)
{
    start();
    reply_t health = process_ask(&fixture, "GET", "/health", "", "");
    cr_assert_eq(health.status, 200);
    assert_says(health.body, "{\"status\":\"ok\"}");

    reply_t ready = process_ask(&fixture, "GET", "/ready", "", "");
    cr_assert_eq(ready.status, 200);
    assert_says(ready.body, "\"about\":\"for tests\"");

    reply_t tools = process_ask(&fixture, "POST", "/tools/list", "", "{}");
    cr_assert_eq(tools.status, 200);
    json_t *list = json_object_get(json_loads(tools.body, 0, NULL), "tools");
    cr_assert_eq(json_array_size(list), 6);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "name")), "echo");
    stop();
}

Test(connector, says_which_method_and_which_path_it_has)
{
    start();
    cr_assert_eq(process_ask(&fixture, "GET", "/mcp", "", "").status, 405);
    cr_assert_eq(process_ask(&fixture, "GET", "/", "", "").status, 405);
    cr_assert_eq(process_ask(&fixture, "GET", "/tools/list", "", "").status, 405);
    cr_assert_eq(process_ask(&fixture, "POST", "/health", "", "").status, 405);
    reply_t nothing_there = process_ask(&fixture, "GET", "/nothing", "", "");
    cr_assert_eq(nothing_there.status, 404);
    assert_says(nothing_there.body, "\"not_found\"");
    stop();
}

Test(connector, is_not_ready_while_its_upstream_is_down_and_says_why)
{
    const char *const down[] = { "LISTEN=127.0.0.1:0", "FIXTURE_UPSTREAM=down", NULL };

    start_with(down);
    reply_t ready = process_ask(&fixture, "GET", "/ready", "", "");
    cr_assert_eq(ready.status, 503);
    assert_says(ready.body, "The \\\"fixture\\\" is down.");
    cr_assert_eq(process_ask(&fixture, "GET", "/health", "", "").status, 200);
    stop();
}

Test(connector, is_not_ready_before_it_knows)
{
    const char *const silent[] = { "LISTEN=127.0.0.1:0", "FIXTURE_UPSTREAM=silent", NULL };

    start_with(silent);
    reply_t ready = process_ask(&fixture, "GET", "/ready", "", "");
    cr_assert_eq(ready.status, 503);
    assert_says(ready.body, "not known yet");
    stop();
}

Test(connector, counts_calls_and_errors_by_tool)
{
    start();
    call("echo", "{\"text\":\"a\"}");
    call("fail", "{\"kind\":\"upstream\"}");
    reply_t metrics = process_ask(&fixture, "GET", "/metrics", "", "");
    cr_assert_eq(metrics.status, 200);
    assert_says(metrics.head, "text/plain");
    assert_says(metrics.body, "guiche_connector_calls_total{connector=\"fixture\",tool=\"echo\"} 1\n");
    assert_says(
        metrics.body,
        "guiche_connector_call_errors_total{connector=\"fixture\",tool=\"fail\",kind=\"upstream\"} 1\n");
    assert_says(metrics.body, "guiche_connector_call_seconds_count{connector=\"fixture\",tool=\"echo\"} 1\n");
    assert_says(metrics.body, "guiche_loop_lag_microseconds{connector=\"fixture\"}");
    assert_says(metrics.body, "guiche_helper_queue{connector=\"fixture\"} 0\n");
    assert_silent_about(metrics.body, "demo");
    stop();
}

Test(connector, listens_on_a_unix_socket)
{
    char folder[] = "/tmp/guiche-sock-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    const char *const listen[] = { mem_printf("LISTEN=unix:%s/f.sock", folder), NULL };

    start_with(listen);
    cr_assert_str_eq(fixture.address, mem_printf("unix:%s/f.sock", folder));
    cr_assert_eq(process_ask(&fixture, "GET", "/health", "", "").status, 200);
    stop();
    unlink(mem_printf("%s/f.sock", folder));
    rmdir(folder);
}

/* MCP */

Test(connector, gives_every_type_of_argument_to_its_tool)
{
    start();
    json_t *result = call("echo", "{\"text\":\"ol\\u00e1\",\"count\":2,\"ratio\":0.5,\"loud\":true,"
                                  "\"labels\":[\"a\",\"b\"],\"filter\":{\"k\":[1,null]}}");
    json_t *expected = json_pack("{s:s, s:i, s:f, s:b, s:[s,s], s:{s:[i,n]}}", "text", "olá", "count", 2,
                                 "ratio", 0.5, "loud", 1, "labels", "a", "b", "filter", "k", 1);
    cr_assert(json_equal(json_object_get(result, "structuredContent"), expected), "%s",
              json_dumps(result, 0));
    cr_assert(json_equal(json_loads(text_of(result), 0, NULL), expected), "%s", text_of(result));
    stop();
}

Test(connector, answers_null_where_a_number_was_left_out)
{
    start();
    json_t *result = call("echo", "{\"text\":\"a\",\"ratio\":null,\"labels\":null}");
    cr_assert(json_is_null(json_object_get(json_object_get(result, "structuredContent"), "ratio")));
    stop();
}

Test(connector, tells_the_caller_which_argument_is_wrong)
{
    start();
    json_t *result = call("echo", "{\"text\":\"a\",\"count\":11}");
    cr_assert(is_error(result));
    assert_says(text_of(result), "count");
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(result, "_meta"), "guiche/kind")),
                     "caller");
    stop();
}

Test(connector, says_that_a_tool_is_not_found)
{
    start();
    json_t *result = call("nope", "{}");
    cr_assert(is_error(result));
    assert_says(text_of(result), "not found");
    stop();
}

Test(connector, passes_a_failure_on_in_the_tools_own_words)
{
    start();
    json_t *result = call("fail", "{\"kind\":\"upstream\"}");
    cr_assert(is_error(result));
    cr_assert_str_eq(text_of(result), "It failed, as a upstream error does.");
    stop();
}

Test(connector, ends_a_call_at_the_deadline)
{
    const char *const brief[] = { "LISTEN=127.0.0.1:0", "CALL_TIMEOUT=200ms", NULL };

    start_with(brief);
    json_t *result = call("slow", "{\"ms\":5000}");
    cr_assert(is_error(result));
    assert_says(text_of(result), "within 0.2 s");
    assert_says(text_of(result), "ask for progress");
    cr_assert(comes_true("slow was cancelled"));
    stop();
}

Test(connector, lets_the_gateway_shorten_a_call)
{
    start();
    json_t *result = call_with(LEGACY "Guiche-Timeout-Ms: 150\r\n", "slow", "{\"ms\":5000}");
    cr_assert(is_error(result));
    assert_says(text_of(result), "within 0.15 s");
    stop();
}

static const char *modern_slow(const char *ms)
{
    return mem_printf(
        "{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"tools/call\",\"params\":{\"name\":\"slow\","
        "\"arguments\":{\"ms\":%s},\"_meta\":{" MODERN_META ",\"progressToken\":9}}}",
        ms);
}

Test(connector, streams_progress_beyond_the_plain_deadline)
{
    const char *const brief[] = { "LISTEN=127.0.0.1:0", "CALL_TIMEOUT=200ms", NULL };

    start_with(brief);
    reply_t reply = process_ask(&fixture, "POST", "/mcp", MODERN_HEADERS("slow"), modern_slow("600"));
    cr_assert_eq(reply.status, 200, "%s", reply.body);
    assert_says(reply.head, "text/event-stream");
    assert_says(reply.body, "\"progressToken\":9");
    assert_says(reply.body, "\"guiche/stage\":\"processing\"");
    assert_says(reply.body, "\"waited_ms\":600");
    stop();
}

Test(connector, stops_the_work_of_a_modern_client_that_hangs_up)
{
    start();
    int fd = process_connect(&fixture);
    process_send(fd, "POST", "/mcp", MODERN_HEADERS("slow"), modern_slow("20000"));
    nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
    close(fd);
    cr_assert(comes_true("slow was cancelled"));
    cr_assert(comes_true("\"outcome\":\"gone\""));
    stop();
}

Test(connector, finishes_the_work_of_a_legacy_client_that_hangs_up)
{
    start();
    int fd = process_connect(&fixture);
    process_send(fd, "POST", "/mcp", LEGACY, legacy_call("slow", "{\"ms\":400}"));
    nanosleep(&(struct timespec){ 0, 100000000 }, NULL);
    close(fd);
    cr_assert(comes_true("\"outcome\":\"gone\""));
    cr_assert(metrics_say("guiche_connector_calls_open{connector=\"fixture\"} 0\n"));
    assert_silent_about(process_stderr(&fixture), "slow was cancelled");
    stop();
}

Test(connector, answers_others_while_a_helper_is_blocked)
{
    start();
    int fd = process_connect(&fixture);
    process_send(fd, "POST", "/mcp", LEGACY, legacy_call("block", "{}"));
    int64_t before_ms = clock_ms();
    cr_assert_eq(process_ask(&fixture, "GET", "/health", "", "").status, 200);
    cr_assert_lt(clock_ms() - before_ms, 1500);
    assert_says(process_read(fd).body, "A helper slept.");
    close(fd);
    stop();
}

/* Tokens */

static char hop_key[HOP_KEY_HEX_SIZE];

static void start_with_key(void)
{
    hop_key_derive(SPAN("a secret of the gateway, long enough"), "fixture", hop_key);
    const char *const environment[] = { "LISTEN=127.0.0.1:0", mem_printf("HOP_KEY=%s", hop_key), NULL };
    fixture = process_start(FIXTURE_PROGRAM, no_args, environment);
}

static principal_t *anna(void)
{
    static const char *const permissions[] = { "fixture.read" };

    return principal_new("anna", "acme", permissions, 1);
}

Test(connector, knows_who_asks_from_the_gateways_token)
{
    start_with_key();
    const char *headers =
        mem_printf(LEGACY "Guiche-Principal: %s\r\nGuiche-Request-Id: r-77\r\nX-Fixture-Token: own\r\n",
                   hop_mint(hop_key, "fixture", anna(), clock_unix()));
    json_t *result = call_with(headers, "whoami", "{}");
    json_t *expected = json_pack("{s:s, s:s, s:b, s:s, s:s}", "subject", "anna", "tenant", "acme", "may_read",
                                 1, "id", "r-77", "token", "own");
    cr_assert(json_equal(json_object_get(result, "structuredContent"), expected), "%s",
              json_dumps(result, 0));
    stop();
}

Test(connector, answers_401_in_a_sentence_to_who_brings_no_hop_token)
{
    start_with_key();
    const char *client = mint_client_token(span_of(hop_key), anna(), NULL, "fixture", clock_unix(), 3600);
    const char *const headers[] = { LEGACY, mem_printf(LEGACY "Authorization: Bearer %s\r\n", client),
                                    mem_printf(LEGACY "Guiche-Principal: %s\r\n", client) };

    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        reply_t reply = process_ask(&fixture, "POST", "/mcp", headers[i], legacy_call("whoami", "{}"));
        cr_assert_eq(reply.status, 401, "%s", reply.body);
        assert_says(reply.head, "WWW-Authenticate");
        cr_assert_gt(strlen(reply.body), 40, "%s", reply.body);
    }
    cr_assert_eq(process_ask(&fixture, "POST", "/tools/list", "", "").status, 200);
    stop();
}

/* The log */

static int count_lines(const char *text, const char *word)
{
    int count = 0;

    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

Test(connector, writes_one_line_per_call_and_no_secret)
{
    start_with_key();
    const char *token = hop_mint(hop_key, "fixture", anna(), clock_unix());
    const char *headers = mem_printf(
        LEGACY "Guiche-Principal: %s\r\nGuiche-Request-Id: r-78\r\nX-Fixture-Token: own-secret\r\n", token);
    call_with(headers, "echo", "{\"text\":\"an argument\"}");
    cr_assert(comes_true("\"request_id\":\"r-78\""));
    char *log = process_stderr(&fixture);
    cr_assert_eq(count_lines(log, "\"message\":\"call\""), 1, "%s", log);
    assert_says(log, "\"tool\":\"echo\"");
    assert_says(log, "\"tenant\":\"acme\"");
    assert_says(log, "\"outcome\":\"ok\"");
    assert_says(log, "\"message\":\"listening\"");
    assert_says(log, fixture.address);
    assert_silent_about(log, token);
    assert_silent_about(log, "own-secret");
    assert_silent_about(log, hop_key);
    assert_silent_about(log, "an argument");
    stop();
}

/* Stopping */

Test(connector, finishes_open_calls_before_it_stops)
{
    start();
    int fd = process_connect(&fixture);
    process_send(fd, "POST", "/mcp", LEGACY, legacy_call("slow", "{\"ms\":500}"));
    cr_assert(metrics_say("guiche_connector_calls_open{connector=\"fixture\"} 1\n"));
    kill(fixture.pid, SIGTERM);
    assert_says(process_read(fd).body, "\"waited_ms\":500");
    close(fd);
    cr_assert_eq(process_stop(&fixture, 0), 0, "it stops by itself");
}

Test(connector, stops_on_ctrl_c)
{
    start();
    cr_assert_eq(process_stop(&fixture, SIGINT), 0);
}

Test(connector, ends_at_once_on_a_second_signal)
{
    start();
    int fd = process_connect(&fixture);
    process_send(fd, "POST", "/mcp", LEGACY, legacy_call("slow", "{\"ms\":20000}"));
    cr_assert_eq(process_ask(&fixture, "GET", "/health", "", "").status, 200);
    kill(fixture.pid, SIGINT);
    cr_assert(comes_true("\"stopping\""));
    unlink(mem_printf("%s/address", fixture.folder));
    cr_assert_eq(process_stop(&fixture, SIGINT), -SIGINT);
    close(fd);
}

/* The documentation's example */

Test(connector, of_the_documentation_works)
{
    const char *const environment[] = { "LISTEN=127.0.0.1:0", "HELLO_GREETING=Bom dia", NULL };

    fixture = process_start(HELLO_PROGRAM, open_to_all, environment);
    json_t *result = call("greet", "{\"name\":\"Ana\",\"tone\":\"warm\"}");
    cr_assert_str_eq(text_of(result), "Bom dia, Ana!");
    result = call("countdown", "{\"from\":2}");
    cr_assert_str_eq(text_of(result), "{\"counted\":2}");
    stop();
}

static reply_t modern_route(const char *headers, const char *arguments)
{
    AUTO(mem_free)
    char *body = mem_printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
                            "\"route\",\"arguments\":%s,\"_meta\":{" MODERN_META "}}}",
                            arguments);
    AUTO(mem_free) char *all = mem_printf(MODERN_HEADERS("route") "%s", headers);

    return process_ask(&fixture, "POST", "/mcp", all, body);
}

/* MCP 2026-07-28 basic/transports/streamable-http "Server Behavior for Custom Headers". */
Test(connector, holds_mirrored_arguments_against_the_body)
{
    start();
    reply_t right = modern_route("Mcp-Param-Region: eu\r\n", "{\"region\":\"eu\"}");
    reply_t missing = modern_route("", "{\"region\":\"eu\"}");
    reply_t other = modern_route("Mcp-Param-Region: us\r\n", "{\"region\":\"eu\"}");
    reply_t legacy =
        process_ask(&fixture, "POST", "/mcp", LEGACY, legacy_call("route", "{\"region\":\"eu\"}"));

    cr_expect_eq(right.status, 200, "%s", right.body);
    cr_expect_eq(missing.status, 400);
    assert_says(missing.body, "-32020");
    cr_expect_eq(other.status, 400);
    cr_expect_eq(legacy.status, 200, "%s", legacy.body);
    stop();
}
