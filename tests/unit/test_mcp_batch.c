/* JSON-RPC batches: 2025-03-26 basic "Batching". */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp_fixture.h"
#include "mem.h"

TestSuite(mcp_batch, .init = fixture_open, .fini = fixture_close);

#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"
#define PONG(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define CALL(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"a\"}}"
#define CALLED(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{\"content\":[]}}"
#define INITIALIZED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define CALLS 4

static const json_member_t fine[] = { { SPAN("content"), SPAN("[]") } };
static mcp_call_t *calls[CALLS];
static size_t call_count;

static void keep(mcp_call_t *call)
{
    calls[call_count++] = call;
}

static json_member_t answers_at_once;

static void answer_at_once(mcp_call_t *call)
{
    mcp_call_result(call, &answers_at_once, 1);
}

/* Not checked as other answers are: `ended` is told for each element. */
static http_request_t *post_batch_to(void (*call)(mcp_call_t *call), const char *headers, const char *body)
{
    AUTO_BUF all = { 0 };

    buf_addf(&all, "Host: localhost\n%s", headers);
    fixture.call = call;
    http_request_t *http = fake_request("POST", buf_text(&all), span_of(body));
    mcp_server_handle(fixture.server, http);
    return http;
}

static http_request_t *post_batch(const char *headers, const char *body)
{
    return post_batch_to(keep, headers, body);
}

/* answer NULL: whatever is JSON. */
static void expect(http_request_t *http, int status, const char *answer, int ended)
{
    json_scan_t found;
    err_t err;

    cr_expect(http->over);
    cr_expect_eq(http->status, status);
    if (answer) {
        cr_expect_str_eq(fake_sent(http), answer);
    }
    cr_expect(http->sent.length == 0 || json_scan(buf_span(&http->sent), NULL, &found, &err) == 0);
    cr_expect_eq(fixture.ended, ended, "%d ends were told", fixture.ended);
    fixture.ended = 0;
    fake_free(http);
}

Test(mcp_batch, is_answered_by_an_array)
{
    http_request_t *http = post_batch("", " \n[" PING("1") " , " INITIALIZED "," PING("\"b\"") "] ");

    cr_expect_str_eq(buf_text(&http->type), "application/json");
    expect(http, 200, "[" PONG("1") "," PONG("\"b\"") "]", 3);
    expect(post_batch("MCP-Protocol-Version: 2025-03-26\n", "[" PING("1") "]"), 200, "[" PONG("1") "]", 1);
}

Test(mcp_batch, of_nothing_that_is_answered_is_202)
{
    expect(post_batch("", "[" INITIALIZED "," INITIALIZED "]"), 202, "", 2);
    expect(post_batch("", "[{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}]"), 202, "", 1);
    cr_expect_eq(fixture.answered, 1);
    cr_expect_str_eq(fixture.answered_text, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}");
}

Test(mcp_batch, waits_for_its_calls_which_run_at_once)
{
    http_request_t *http = post_batch("", "[" CALL("1") "," PING("2") "," CALL("3") "]");

    cr_assert_eq(call_count, 2);
    cr_expect_not(http->over);
    mcp_call_result(calls[1], fine, 1);
    cr_expect_not(http->over);
    mcp_call_result(calls[0], fine, 1);
    expect(http, 200, "[" PONG("2") "," CALLED("3") "," CALLED("1") "]", 3);
}

Test(mcp_batch, has_calls_that_neither_stream_nor_ask)
{
    http_request_t *http = post_batch("Accept: text/event-stream, application/json\n",
                                      "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
                                      "\"name\":\"a\",\"_meta\":{\"progressToken\":1}}}]");

    cr_assert_eq(call_count, 1);
    cr_expect_not(mcp_call_wants_progress(calls[0]));
    cr_expect_not(mcp_call_can_ask(calls[0]));
    mcp_call_log(calls[0], SPAN("info"), SPAN("{\"level\":\"info\",\"data\":1}"));
    mcp_call_on_drained(calls[0], NULL, NULL);
    cr_expect_not(http->streaming);
    mcp_call_result(calls[0], fine, 1);
    expect(http, 200, "[" CALLED("1") "]", 1);
}

Test(mcp_batch, has_elements_that_fail_alone)
{
    err_t err;
    http_request_t *http =
        post_batch("", "[7,{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"},[]," CALL("2") "]");

    err_set(&err, ERR_UPSTREAM, "Down.");
    mcp_call_error(calls[0], &err);
    cr_expect_not_null(strstr(fake_sent(http), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600"));
    cr_expect_not_null(strstr(fake_sent(http), "\"id\":1,\"error\":{\"code\":-32601"));
    cr_expect_not_null(strstr(fake_sent(http), "A batch cannot be part of a batch."));
    cr_expect_not_null(strstr(fake_sent(http), "\"id\":2,\"result\":{\"content\":"));
    cr_expect_eq(http->status, 200);
    cr_expect_eq(fixture.ended, 4);
    fake_free(http);
}

Test(mcp_batch, does_not_initialize)
{
    http_request_t *http =
        post_batch("", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
                       "\"protocolVersion\":\"2025-03-26\"}}]");

    cr_expect_eq(http->status, 200);
    cr_expect_not_null(strstr(fake_sent(http), "\"id\":1,\"error\":{\"code\":-32600"), "%s", fake_sent(http));
    fake_free(http);
}

static void expect_refused(const char *headers, const char *body)
{
    http_request_t *http = post_batch(headers, body);

    cr_expect_eq(http->status, 400, "%s", body);
    cr_expect_not_null(strstr(fake_sent(http), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600"));
    cr_expect_eq(fixture.ended, 1);
    cr_expect_eq(call_count, 0, "nothing of it was done");
    fixture.ended = 0;
    fake_free(http);
}

Test(mcp_batch, is_refused_whole_when_empty_too_long_or_of_another_revision)
{
    AUTO_BUF many = { 0 };

    expect_refused("", "[]");
    expect_refused("", " [ ] ");
    expect_refused("MCP-Protocol-Version: 2025-06-18\n", "[" CALL("1") "]");
    expect_refused("MCP-Protocol-Version: 2025-11-25\n", "[" CALL("1") "]");
    expect_refused("MCP-Protocol-Version: 2024-11-05\n", "[" CALL("1") "]");
    expect_refused("MCP-Protocol-Version: 2026-07-28\n", "[" CALL("1") "]");
    expect_refused("MCP-Protocol-Version: 2025-03-26\nMCP-Protocol-Version: 2025-03-26\n", "[" CALL("1") "]");
    for (int i = 0; i < 101; i++) {
        buf_addf(&many, "%s" PING("%d"), i > 0 ? "," : "[", i);
    }
    buf_add_char(&many, ']');
    expect_refused("", buf_text(&many));
}

Test(mcp_batch, is_refused_whole_when_one_message_is_modern)
{
    expect_refused("", "[" CALL("1") ",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{"
                                     "\"name\":\"a\"," MODERN_META "}}]");
}

Test(mcp_batch, of_a_hundred_is_served)
{
    AUTO_BUF many = { 0 };

    for (int i = 0; i < 100; i++) {
        buf_addf(&many, "%s" PING("%d"), i > 0 ? "," : "[", i);
    }
    buf_add_char(&many, ']');
    http_request_t *http = post_batch("", buf_text(&many));
    cr_expect_eq(http->status, 200);
    cr_expect_eq(fixture.ended, 100);
    cr_expect_not_null(strstr(fake_sent(http), PONG("99") "]"));
    fake_free(http);
}

static int told;

/* One call that is told answers the other: there is nobody to read it. */
static void answer_other(void *self)
{
    told++;
    if (self) {
        mcp_call_result(self, fine, 1);
    }
}

Test(mcp_batch, ends_with_all_its_calls_when_the_client_goes)
{
    http_request_t *http = post_batch("", "[" CALL("1") "," CALL("2") "," CALL("3") "]");

    mcp_call_on_gone(calls[0], answer_other, NULL);
    mcp_call_on_gone(calls[1], answer_other, NULL);
    mcp_call_on_gone(calls[2], answer_other, calls[1]);
    fake_hang_up(http);
    cr_expect_eq(told, 2);
    cr_expect_eq(fixture.ended, 3);
    cr_expect_eq(http->status, 0);
    fake_free(http);
}

Test(mcp_batch, does_not_grow_without_end)
{
    http_request_t *http = post_batch("", "[" CALL("1") "," CALL("2") "," CALL("3") "]");
    size_t length = 17 * 1024 * 1024;
    char *large = mem_alloc(length + 1);

    memset(large, ' ', length);
    large[0] = '[';
    large[length - 1] = ']';
    const json_member_t result = { SPAN("structuredContent"), { large, length } };
    for (int i = 0; i < 3; i++) {
        mcp_call_result(calls[i], i < 2 ? &result : fine, 1);
    }
    mem_free(large);
    cr_expect_eq(http->status, 200);
    cr_expect_not_null(strstr(fake_sent(http), "\"id\":2,\"error\":{\"code\":-32603"));
    cr_expect_not_null(strstr(fake_sent(http), CALLED("3")), "what is small still fits");
    fake_free(http);
}

/* An array that is already a little too large, and then an element that is not answered. */
Test(mcp_batch, that_has_become_too_large_is_json_all_the_same)
{
    size_t length = 32 * 1024 * 1024 - 150;
    AUTO(mem_free) char *large = mem_alloc(length);

    memset(large, ' ', length);
    large[0] = '[';
    large[length - 1] = ']';
    answers_at_once = (json_member_t){ SPAN("structuredContent"), { large, length } };
    http_request_t *http = post_batch_to(answer_at_once, "", "[" CALL("1") "," CALL("2") "," INITIALIZED "]");
    cr_expect_not_null(strstr(fake_sent(http), "\"id\":2,\"error\":{\"code\":-32603"));
    expect(http, 200, NULL, 3);
}
