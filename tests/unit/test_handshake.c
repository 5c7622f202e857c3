/* Opening sessions with connectors that answer well, oddly, or not at all. A thread plays the connector. */
#include "handshake.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define RESULT(version, more)                                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"protocolVersion\":" version ",\"serverInfo\":{}" more "}}"
#define GOOD RESULT("\"2025-06-18\"", ",\"capabilities\":{\"tools\":{\"listChanged\":true}}")

static struct {
    const char *head, *body; /* of the answer to initialize */
    const char *noted;       /* of the answer to the notification */
    char requests[3][8192];
    int count;
} script;

static struct {
    int times;
    bool failed;
    err_t err;
    mcp_revision_t revision;
    char session_id[300], capabilities[200];
} told;

static loop_t *loop;

static void serve(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL)) {
        bool first = strstr(raw_request, "\"initialize\"") != NULL;
        char text[4096];
        strcpy(script.requests[script.count++ % 3], raw_request);
        if (first && !script.body) {
            raw_wait_for_close(fd);
            return;
        }
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n%s", script.head,
                 first ? strlen(script.body) : 0, first ? script.body : "");
        raw_send(fd, first ? text : script.noted);
    }
}

static void copy(char *to, size_t size, span_t text)
{
    snprintf(to, size, "%.*s", (int)text.length, text.at ? text.at : "");
}

static void on_done(void *self, const handshake_result_t *result, const err_t *err)
{
    (void)self;
    told.times++;
    told.failed = err;
    cr_assert(!result == told.failed, "exactly one of the two");
    if (err) {
        told.err = *err;
    } else {
        told.revision = result->revision;
        copy(told.session_id, sizeof(told.session_id), span_of(session_id(result->session)));
        copy(told.capabilities, sizeof(told.capabilities), result->capabilities);
    }
    loop_stop(loop);
}

/* Runs one handshake; `ms`: its deadline. cancel: instead of waiting for its end. */
static void shake_until(const char *head, const char *body, int64_t ms, bool cancel)
{
    pool_t *helpers = pool_new(1, 8);
    raw_server_t server;
    hop_url_t url;
    err_t err;
    connector_config_t config = { .name = (char *)"old" };
    catalog_connector_t connector = { .config = &config };
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;

    memset(&told, 0, sizeof(told));
    script.head = head;
    script.body = body;
    script.count = 0;
    script.noted = script.noted ? script.noted : "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    raw_start(&server, serve);
    loop = loop_new();
    resolver_t *resolver = resolver_new(loop, helpers);
    AUTO(mem_free) char *address = mem_printf("http://127.0.0.1:%u/mcp", server.port);
    cr_assert_eq(hop_url_parse(address, &url, &err), 0);
    http_pool_t *pool = http_pool_new(loop, resolver, &url, &limits);
    handshake_request_t request = { .pool = pool,
                                    .connector = &connector,
                                    .forwarded = SPAN("X-Token: t\r\n"),
                                    .id = 7,
                                    .deadline_ms = clock_ms() + ms,
                                    .max_event_bytes = 4096 };
    handshake_t *handshake = handshake_start(&request, on_done, NULL);
    connector.config = NULL; /* it may be gone by now */
    if (cancel) {
        handshake_cancel(handshake);
    } else {
        loop_run(loop);
    }
    http_pool_free(pool);
    hop_url_release(&url);
    resolver_free(resolver);
    pool_free(helpers);
    loop_free(loop);
    raw_stop(&server);
    cr_assert_eq(told.times, cancel ? 0 : 1);
}

static void shake(const char *head, const char *body)
{
    shake_until(head, body, 20000, false);
}

#define JSON "Content-Type: application/json\r\n"

Test(handshake, tells_the_session_once_it_may_be_used)
{
    shake(JSON "Mcp-Session-Id: s-1\r\n", GOOD);
    cr_assert_not(told.failed);
    cr_expect_eq(told.revision, MCP_2025_06_18);
    cr_expect_str_eq(told.session_id, "s-1");
    cr_expect_str_eq(told.capabilities, "{\"tools\":{\"listChanged\":true}}");
    cr_assert_eq(script.count, 2, "the notification has gone out by then");
    cr_expect(strstr(script.requests[1], "notifications/initialized"));
    cr_expect(strstr(script.requests[1], "Mcp-Session-Id: s-1\r\n"));
    cr_expect(strstr(script.requests[1], "MCP-Protocol-Version: 2025-06-18\r\n"));
}

Test(handshake, declares_what_legacy_clients_can_be_asked)
{
    shake(JSON, GOOD);
    cr_expect(
        strstr(script.requests[0], "\"capabilities\":{\"sampling\":{},\"elicitation\":{},\"roots\":{}}"));
    cr_expect(strstr(script.requests[0], "\"protocolVersion\":\"2025-11-25\""));
    cr_expect_null(strstr(script.requests[0], "MCP-Protocol-Version"), "not before it is agreed upon");
}

Test(handshake, carries_the_users_own_headers_both_times)
{
    shake(JSON, GOOD);
    cr_expect(strstr(script.requests[0], "X-Token: t\r\n"));
    cr_expect(strstr(script.requests[1], "X-Token: t\r\n"));
}

Test(handshake, bears_a_connector_without_sessions_or_capabilities)
{
    shake(JSON, RESULT("\"2024-11-05\"", ""));
    cr_assert_not(told.failed);
    cr_expect_eq(told.revision, MCP_2024_11_05);
    cr_expect_str_empty(told.session_id);
    cr_expect_str_empty(told.capabilities);
}

Test(handshake, reads_an_answer_by_stream)
{
    shake("Content-Type: text/event-stream\r\nMcp-Session-Id: s\r\n",
          "id: 1\ndata: \n\ndata: {\"method\":\"notifications/x\"}\n\ndata: " GOOD "\n\n");
    cr_assert_not(told.failed);
    cr_expect_str_eq(told.session_id, "s");
}

Test(handshake, minds_no_odd_answer_to_the_notification)
{
    const char *odd[] = { "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                          "" };

    for (size_t i = 0; i < COUNT_OF(odd) - 1; i++) {
        script.noted = odd[i];
        shake(JSON "Mcp-Session-Id: s\r\n", GOOD);
        cr_expect_not(told.failed, "%s", odd[i]);
        cr_expect_str_eq(told.session_id, "s");
    }
}

static void fails(const char *body, const char *reason)
{
    shake(JSON, body);
    cr_assert(told.failed, "%s was taken", body);
    cr_expect(strstr(told.err.text, reason), "%s: %s", body, told.err.text);
    cr_expect_eq(script.count, 1, "nothing follows");
}

Test(handshake, says_why_there_is_no_session)
{
    fails("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":\"secret\"}}",
          "refuses to initialize");
    fails(RESULT("\"1999-01-01\"", ""), "no revision");
    fails(RESULT("\"2026-07-28\"", ""), "no revision"); /* which has no initialize */
    fails(RESULT("5", ""), "no revision");
    fails("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}", "no revision");
    fails("{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}", "another request");
    fails("<html>", "not a JSON-RPC message");
}

Test(handshake, takes_no_session_id_that_is_too_long)
{
    char head[600];

    snprintf(head, sizeof(head), JSON "Mcp-Session-Id: %0300d\r\n", 1);
    shake(head, GOOD);
    cr_expect_str_empty(told.session_id);
}

Test(handshake, ends_at_its_deadline)
{
    shake_until(JSON, NULL, 100, false);
    cr_assert(told.failed);
    cr_expect_eq(told.err.kind, ERR_TIMEOUT);
}

Test(handshake, tells_nobody_once_it_is_cancelled)
{
    shake_until(JSON, NULL, 5000, true);
}
