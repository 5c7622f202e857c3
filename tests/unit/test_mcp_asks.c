/* Questions to a legacy client in mid-call, and log messages: what reaches whom on a call's stream. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp_fixture.h"
#include "mem.h"

static void open_all(void)
{
    fixture_open();
    fixture.offers = (mcp_capabilities_t){ .tools = true, .resources = true, .logging = true };
}

TestSuite(mcp_asks, .init = open_all, .fini = fixture_close);
TestSuite(mcp_logs, .init = open_all, .fini = fixture_close);

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"a\"}}"
#define STREAM "Accept: application/json, text/event-stream\n"
#define LATEST STREAM "MCP-Protocol-Version: 2025-11-25\n"
#define ID_LENGTH (2 + 1 + 32) /* w3- and 128 bits in hex */

static const json_member_t fine[] = { { SPAN("content"), SPAN("[]") } };
static int replies, last_code;
static char last_result[200], last_message[200];

static void on_reply(void *self, const mcp_reply_t *reply)
{
    (void)self;
    replies++;
    last_code = reply->error.code;
    snprintf(last_result, sizeof(last_result), "%.*s", SPAN_ARGS(reply->result));
    snprintf(last_message, sizeof(last_message), "%.*s", SPAN_ARGS(reply->error.message));
}

static http_request_t *open_call(const char *headers, mcp_call_t **ret)
{
    http_request_t *http = post(headers, CALL);

    cr_assert_not_null(fixture.open_call);
    *ret = TAKE(fixture.open_call);
    return http;
}

static bool ask(mcp_call_t *call, const char *method)
{
    return mcp_call_ask(call, span_of(method), SPAN("{\"message\":\"Sure?\"}"), on_reply, NULL);
}

static void end_call(mcp_call_t *call, http_request_t *http)
{
    mcp_call_result(call, fine, 1);
    check_answer(http);
    fake_free(http);
}

/* The id of the last question on the stream. */
static const char *last_id(http_request_t *http)
{
    static char id[ID_LENGTH + 1];
    const char *sent = fake_sent(http), *found = NULL;

    for (const char *at = strstr(sent, "\"id\":\"w3-"); at; at = strstr(at + 1, "\"id\":\"w3-")) {
        found = at;
    }
    cr_assert_not_null(found, "%s", sent);
    snprintf(id, sizeof(id), "%s", found + strlen("\"id\":\""));
    return id;
}

static void expect_accepted(const char *body)
{
    expect_answer("MCP-Protocol-Version: 2025-11-25\n", body, 202, "");
}

static void answer_with(const char *id, const char *member)
{
    AUTO_BUF body = { 0 };

    buf_addf(&body, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",%s}", id, member);
    expect_accepted(buf_text(&body));
}

/* MCP 2025-11-25 basic/transports: requests may come on the stream of a POST before its response. */
Test(mcp_asks, go_out_on_the_calls_stream_and_come_back_by_a_post)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);

    cr_expect(mcp_call_can_ask(call));
    cr_assert(ask(call, "elicitation/create"));
    cr_expect_str_eq(buf_text(&http->type), "text/event-stream");
    AUTO(mem_free)
    char *wanted = mem_printf("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":"
                              "\"elicitation/create\",\"params\":{\"message\":\"Sure?\"}}\n\n",
                              last_id(http));
    cr_expect_str_eq(fake_sent(http), wanted);
    answer_with(last_id(http), "\"result\":{\"action\":\"accept\"}");
    cr_expect_eq(replies, 1);
    cr_expect_str_eq(last_result, "{\"action\":\"accept\"}");
    answer_with(last_id(http), "\"result\":{}");
    cr_expect_eq(replies, 1, "a question is answered once");
    cr_expect_eq(fixture.answered, 1, "what is not open here may be another loop's");
    end_call(call, http);
}

Test(mcp_asks, have_ids_nobody_can_guess)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);

    ask(call, "roots/list");
    AUTO(mem_free) char *first = mem_strdup(last_id(http));
    ask(call, "roots/list");
    cr_expect_eq(strspn(first + 3, "0123456789abcdef"), 32);
    cr_expect_str_neq(first, last_id(http));
    end_call(call, http);
}

Test(mcp_asks, bring_back_what_went_wrong)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);

    ask(call, "sampling/createMessage");
    answer_with(last_id(http), "\"error\":{\"code\":-1,\"message\":\"User rejected\"}");
    cr_expect_eq(last_code, -1);
    cr_expect_str_eq(last_message, "\"User rejected\"");
    static const char *const unreadable[] = {
        "\"result\":7",
        "\"error\":{\"code\":\"x\"}",
        "\"error\":7",
        "\"error\":{\"code\":1.5}",
        "\"result\":null",
        "\"error\":{\"code\":99999999999}",
        "\"error\":{\"code\":{},\"code\":1}",
    };
    for (size_t i = 0; i < COUNT_OF(unreadable); i++) {
        replies = 0;
        ask(call, "sampling/createMessage");
        answer_with(last_id(http), unreadable[i]);
        cr_expect_eq(replies, 1, "%s", unreadable[i]);
        cr_expect_eq(last_code, 0, "%s", unreadable[i]);
        cr_expect_str_eq(last_result, "");
    }
    end_call(call, http);
}

Test(mcp_asks, are_answered_by_the_principal_that_was_asked_only)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);

    ask(call, "roots/list");
    fixture.subject = "eve";
    answer_with(last_id(http), "\"result\":{}");
    cr_expect_eq(replies, 0);
    cr_expect_str_eq(fixture.answered_by, "eve");
    fixture.subject = "ana";
    answer_with(last_id(http), "\"result\":{}");
    cr_expect_eq(replies, 1);
    end_call(call, http);
}

Test(mcp_asks, take_an_answer_that_came_by_another_loop)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);
    principal_t *ana = principal_new("ana", "demo", NULL, 0), *other = principal_new("ana", "acme", NULL, 0);

    ask(call, "roots/list");
    AUTO(mem_free)
    char *body = mem_printf("{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{}}", last_id(http));
    cr_expect_not(mcp_server_answer(fixture.server, other, span_of(body)), "the tenant counts too");
    cr_expect_not(mcp_server_answer(fixture.server, ana, SPAN("{\"id\":\"w3-0\",\"result\":{}}")));
    cr_expect_not(mcp_server_answer(fixture.server, ana, SPAN("{\"id\":7")));
    cr_expect(mcp_server_answer(fixture.server, ana, span_of(body)));
    cr_expect_not(mcp_server_answer(fixture.server, ana, span_of(body)));
    principal_unref(ana);
    principal_unref(other);
    end_call(call, http);
}

Test(mcp_asks, hand_unknown_answers_on_as_they_are)
{
    expect_accepted("{\"jsonrpc\":\"2.0\",\"id\":\"w1-x\",\"result\":{}}");
    cr_expect_eq(fixture.answered, 1);
    cr_expect_str_eq(fixture.answered_text, "{\"jsonrpc\":\"2.0\",\"id\":\"w1-x\",\"result\":{}}");
    cr_expect_str_eq(fixture.answered_by, "ana");
}

static mcp_call_t *asking;

static void ask_again(void *self, const mcp_reply_t *reply)
{
    (void)self;
    (void)reply;
    if (replies++ == 0) {
        mcp_call_ask(asking, SPAN("roots/list"), (span_t){ 0 }, ask_again, NULL);
    } else {
        mcp_call_result(asking, fine, 1);
    }
}

Test(mcp_asks, may_be_followed_by_the_next_or_the_end)
{
    http_request_t *http = open_call(LATEST, &asking);

    mcp_call_ask(asking, SPAN("roots/list"), (span_t){ 0 }, ask_again, NULL);
    answer_with(last_id(http), "\"result\":{}");
    cr_expect_not(http->over);
    AUTO_BUF body = { 0 };
    buf_addf(&body, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{}}", last_id(http));
    http_request_t *second = fake_request("POST", "Host: localhost\n", buf_span(&body));
    mcp_server_handle(fixture.server, second); /* two are told to have ended: the call and this */
    cr_expect_eq(second->status, 202);
    cr_expect(http->over);
    cr_expect_eq(fixture.ended, 2);
    fake_free(second);
    fake_free(http);
}

Test(mcp_asks, are_forgotten_when_the_call_ends_or_its_client_goes)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);

    ask(call, "roots/list");
    ask(call, "roots/list");
    AUTO(mem_free) char *id = mem_strdup(last_id(http));
    end_call(call, http);
    answer_with(id, "\"result\":{}");
    http = open_call(LATEST, &call);
    ask(call, "roots/list");
    mem_free(id);
    id = mem_strdup(last_id(http));
    fake_hang_up(http);
    fixture.ended = 0;
    fake_free(http);
    answer_with(id, "\"result\":{}");
    cr_expect_eq(replies, 0);
}

static void on_late(void *self, const mcp_reply_t *reply)
{
    on_reply(self, reply);
    loop_stop(fixture.loop);
}

Test(mcp_asks, fail_when_nobody_answers_in_time)
{
    mcp_call_t *call;

    fixture.options.ask_limit_ms = 1;
    mcp_server_set_options(fixture.server, &fixture.options);
    http_request_t *http = open_call(LATEST, &call);
    mcp_call_ask(call, SPAN("roots/list"), (span_t){ 0 }, on_late, NULL);
    loop_run(fixture.loop);
    cr_expect_eq(last_code, -32603);
    cr_expect_str_eq(last_message, "\"The client has not answered in time.\"");
    end_call(call, http);
}

Test(mcp_asks, are_sixteen_at_most_for_one_call)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);

    for (int i = 0; i < 16; i++) {
        cr_expect(ask(call, "roots/list"));
    }
    cr_expect_not(mcp_call_can_ask(call));
    cr_expect_not(ask(call, "roots/list"));
    answer_with(last_id(http), "\"result\":{}");
    cr_expect(ask(call, "roots/list"));
    end_call(call, http);
}

static void expect_cannot_ask(const char *headers, const char *method)
{
    mcp_call_t *call;
    http_request_t *http = open_call(headers, &call);

    cr_expect_not(ask(call, method), "%s: %s", headers, method);
    cr_expect_not(http->streaming);
    end_call(call, http);
}

Test(mcp_asks, are_not_put_to_who_cannot_hear_or_does_not_know_them)
{
    expect_cannot_ask("Accept: application/json\n", "roots/list");
    expect_cannot_ask("", "roots/list");
    expect_cannot_ask(LATEST, "tools/call");
    expect_cannot_ask(STREAM, "elicitation/create");
    expect_cannot_ask(STREAM "MCP-Protocol-Version: 2024-11-05\n", "elicitation/create");

    http_request_t *http = post_modern("tools/call", "Mcp-Name: a\n" STREAM, "\"name\":\"a\"");
    mcp_call_t *call = TAKE(fixture.open_call);
    cr_expect_not(mcp_call_can_ask(call), "MCP 2026-07-28: no requests on a stream");
    cr_expect_not(ask(call, "roots/list"));
    end_call(call, http);
    fixture.options.loop = NULL;
    mcp_server_set_options(fixture.server, &fixture.options);
    expect_cannot_ask(LATEST, "roots/list");
}

Test(mcp_asks, of_sampling_are_as_old_as_the_protocol)
{
    mcp_call_t *call;
    http_request_t *http = open_call(STREAM "MCP-Protocol-Version: 2024-11-05\n", &call);

    cr_expect(ask(call, "sampling/createMessage"));
    end_call(call, http);
}

/* Logs. */

static void log_line(mcp_call_t *call, const char *level)
{
    AUTO(mem_free) char *params = mem_printf("{\"level\":\"%s\",\"data\":\"x\"}", level);

    mcp_call_log(call, span_of(level), span_of(params));
}

Test(mcp_logs, reach_a_legacy_client_that_reads_a_stream)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);

    log_line(call, "debug");
    cr_expect_str_eq(fake_sent(http),
                     "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
                     "\"params\":{\"level\":\"debug\",\"data\":\"x\"}}\n\n");
    end_call(call, http);
    http = open_call("Accept: application/json\n", &call);
    log_line(call, "debug");
    cr_expect_not(http->streaming);
    end_call(call, http);
}

static const char *log_modern(const char *set, const char *level)
{
    static char sent[400];
    AUTO_BUF body = { 0 };

    buf_addf(&body,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"_meta\":{"
             "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
             "\"io.modelcontextprotocol/clientCapabilities\":{}%s}}}",
             set);
    http_request_t *http = post(MODERN_HEADERS("tools/call") "Mcp-Name: a\n" STREAM, buf_text(&body));
    mcp_call_t *call = TAKE(fixture.open_call);
    if (call) {
        log_line(call, level);
        mcp_call_result(call, fine, 1);
        check_answer(http);
    }
    snprintf(sent, sizeof(sent), "%s", fake_sent(http));
    fake_free(http);
    return sent;
}

#define LEVEL(value) ",\"io.modelcontextprotocol/logLevel\":" value

/* MCP 2026-07-28 server/utilities/logging */
Test(mcp_logs, reach_a_modern_client_that_asked_for_their_level)
{
    cr_expect_null(strstr(log_modern("", "emergency"), "notifications/message"));
    cr_expect_null(strstr(log_modern(LEVEL("null"), "emergency"), "notifications/message"));
    cr_expect_null(strstr(log_modern(LEVEL("\"warning\""), "notice"), "notifications/message"));
    cr_expect_not_null(strstr(log_modern(LEVEL("\"warning\""), "warning"), "notifications/message"));
    cr_expect_not_null(strstr(log_modern(LEVEL("\"warning\""), "alert"), "notifications/message"));
}

Test(mcp_logs, of_a_level_nobody_knows_cannot_be_asked_for)
{
    cr_expect_not_null(strstr(log_modern(LEVEL("\"loud\""), "alert"), "-32602"));
    cr_expect_not_null(strstr(log_modern(LEVEL("7"), "alert"), "-32602"));
}

Test(mcp_logs, that_are_not_sound_are_dropped)
{
    mcp_call_t *call;
    http_request_t *http = open_call(LATEST, &call);

    mcp_call_log(call, SPAN("info"), SPAN("{\"level\":\"info\"}"));
    mcp_call_log(call, SPAN("info"), SPAN("{\"level\":\"debug\",\"data\":1}"));
    mcp_call_log(call, SPAN("loud"), SPAN("{\"level\":\"loud\",\"data\":1}"));
    mcp_call_log(call, SPAN("info"), SPAN("[]"));
    cr_expect_not(http->streaming);
    end_call(call, http);
}

#define REQUEST(method, params)                                                                              \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":" params "}"

Test(mcp_logs, have_a_level_that_is_checked_and_forgotten)
{
    expect_answer("", REQUEST("logging/setLevel", "{\"level\":\"info\"}"), 200,
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    expect_answer("", REQUEST("logging/setLevel", "{\"level\":\"loud\"}"), 200, "~-32602");
    expect_answer("", REQUEST("logging/setLevel", "{}"), 200, "~-32602");
    expect_answer("", REQUEST("resources/subscribe", "{\"uri\":\"a://b\"}"), 200, "~\"result\":{}");
    expect_answer("", REQUEST("resources/unsubscribe", "{\"uri\":\"a://b\"}"), 200, "~\"result\":{}");
    expect_answer("", REQUEST("resources/subscribe", "{}"), 200, "~-32602");
    fixture.offers = (mcp_capabilities_t){ .tools = true };
    expect_answer("", REQUEST("logging/setLevel", "{\"level\":\"loud\"}"), 200, "~-32601");
}
