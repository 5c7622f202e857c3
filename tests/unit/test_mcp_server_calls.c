/* Open calls: how they are handed over, how they end, and what happens in between. */
#include <criterion/criterion.h>

#include "errors.h"
#include "mcp_fixture.h"
#include "mem.h"

TestSuite(mcp_calls, .init = fixture_open, .fini = fixture_close);

#define CALL(params) "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{" params "}}"
#define TOKEN "\"_meta\":{\"progressToken\":\"tok\"}"
#define STREAM "Accept: application/json, text/event-stream\nMCP-Protocol-Version: 2025-11-25\n"

static const json_member_t fine[] = { { SPAN("content"), SPAN("[{\"type\":\"text\",\"text\":\"ok\"}]") } };
static int told;

static mcp_call_t *open_call(void)
{
    cr_assert_not_null(fixture.open_call);
    return TAKE(fixture.open_call);
}

static void answer_fine(mcp_call_t *call)
{
    mcp_call_result(call, fine, 1);
}

static void on_told(void *self)
{
    (void)self;
    told++;
}

Test(mcp_calls, show_the_handler_what_was_asked)
{
    http_request_t *request = post("traceparent: 00-http\nMCP-Protocol-Version: 2025-06-18\n",
                                   CALL("\"name\":\"crm_x\",\"arguments\":{\"a\" : "
                                        "null},\"_meta\":{\"x\":1,\"traceparent\":\"00-own\"}"));
    mcp_call_t *call = open_call();
    const mcp_request_t *asked = mcp_call_request(call);

    cr_expect_eq(asked->era, MCP_LEGACY);
    cr_expect_eq(asked->revision, MCP_2025_06_18);
    cr_expect(span_is(asked->id, "7"));
    cr_expect(span_is(asked->method, "tools/call"));
    cr_expect(span_is(asked->name, "crm_x"));
    cr_expect(span_is(asked->arguments, "{\"a\" : null}"));
    cr_expect(span_is(asked->meta, "{\"x\":1,\"traceparent\":\"00-own\"}"));
    cr_expect(span_is(asked->traceparent, "00-own"));
    cr_expect_null(asked->progress_token.at);
    cr_expect_null(asked->client_capabilities.at);
    cr_expect_str_eq(asked->principal->subject, "ana");
    cr_expect_eq(asked->http, request);
    mcp_call_set_owner(call, request);
    cr_expect_eq(mcp_call_owner(call), request);
    answer_fine(call);
    check_answer(request);
    fake_free(request);
}

Test(mcp_calls, show_what_a_modern_request_carries)
{
    http_request_t *request = post_modern("tools/call", "Mcp-Name: \xC3\n", "\"name\":\"x\"");

    expect_sent(request, 400, "~-32020");
    request = post_modern(
        "tools/call", "Mcp-Name: a/b\n",
        "\"name\":\"a\\/b\",\"arguments\":null,\"inputResponses\":{\"k\":1},\"requestState\":\"s\"");
    mcp_call_t *call = open_call();
    const mcp_request_t *asked = mcp_call_request(call);
    cr_expect_eq(asked->era, MCP_MODERN);
    cr_expect(span_is(asked->name, "a/b"));
    cr_expect_null(asked->arguments.at, "null is absent");
    cr_expect(span_is(asked->input_responses, "{\"k\":1}"));
    cr_expect(span_is(asked->request_state, "\"s\""));
    cr_expect(span_is(asked->client_capabilities, "{}"));
    cr_expect(span_is(asked->client_info, "{\"name\":\"t\"}"));
    answer_fine(call);
    cr_expect_str_eq(fixture.ended_name, "a/b", "the name lives until the end is told");
    check_answer(request);
    expect_sent(request, 200,
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"ok\"}],"
                "\"resultType\":\"complete\"}}");
}

Test(mcp_calls, may_be_answered_at_once)
{
    fixture.call = answer_fine;
    expect_answer(
        "", CALL("\"name\":\"a\""), 200,
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"ok\"}]}}");
    cr_expect(fixture.ended_had_call);
    cr_expect_not(fixture.last.failed);
    cr_expect_str_eq(fixture.ended_name, "a");
}

Test(mcp_calls, fail_as_the_era_can_bear_it)
{
    err_t err;

    http_request_t *request = post("", CALL("\"name\":\"a\""));
    err_set(&err, ERR_TIMEOUT, "Too slow.");
    mcp_call_error(open_call(), &err);
    check_answer(request);
    expect_sent(request, 200, "~\"isError\":true,\"_meta\":{\"guiche/kind\":\"timeout\"}}}");
    cr_expect(fixture.last.failed);
    cr_expect_eq(fixture.last.kind, ERR_TIMEOUT);
    cr_expect_str_eq(fixture.ended_text, "Too slow.");

    request = post_modern("tools/call", "Mcp-Name: a\n", "\"name\":\"a\"");
    err_set(&err, ERR_UNKNOWN, "No tool a.");
    mcp_call_error(open_call(), &err);
    check_answer(request);
    expect_sent(request, 200,
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"No tool a.\"}}");
}

Test(mcp_calls, missing_scope_is_403_for_modern_clients_only)
{
    err_t err;

    err_set_code(&err, ERR_DENIED, 403, "Scope crm.write is missing.");
    http_request_t *request = post_modern("tools/call", "Mcp-Name: a\n", "\"name\":\"a\"");
    mcp_call_error(open_call(), &err);
    check_answer(request);
    expect_sent(request, 403, "~\"code\":403");
    request = post("", CALL("\"name\":\"a\""));
    mcp_call_error(open_call(), &err);
    check_answer(request);
    expect_sent(request, 200, "~\"guiche/kind\":\"denied\"");
}

Test(mcp_calls, relay_a_connectors_error)
{
    mcp_rpc_error_t error = { -32021, SPAN("\"Needs sampling\""),
                              SPAN("{\"requiredCapabilities\":{\"sampling\":{}}}") };

    http_request_t *request = post_modern("tools/call", "Mcp-Name: a\n", "\"name\":\"a\"");
    mcp_call_rpc_error(open_call(), &error);
    check_answer(request);
    expect_sent(
        request, 400,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32021,\"message\":\"Needs sampling\",\"data\":"
        "{\"requiredCapabilities\":{\"sampling\":{}}}}}");
    cr_expect_str_eq(fixture.ended_text, "Needs sampling");
    request = post("", CALL("\"name\":\"a\""));
    mcp_call_rpc_error(open_call(), &error);
    check_answer(request);
    expect_sent(request, 200, "~\"text\":\"Needs sampling\"}],\"isError\":true");
}

Test(mcp_calls, tell_what_kind_a_failed_result_was)
{
    const json_member_t failed[] = {
        { SPAN("content"), SPAN("[{\"type\":\"text\",\"text\":\"Which \\u00e9?\"}]") },
        { SPAN("isError"), SPAN("true") },
        { SPAN("_meta"), SPAN("{\"guiche/kind\":\"caller\"}") },
    };

    http_request_t *request = post("", CALL("\"name\":\"a\""));
    mcp_call_result(open_call(), failed, 3);
    check_answer(request);
    fake_free(request);
    cr_expect(fixture.last.failed);
    cr_expect_eq(fixture.last.kind, ERR_CALLER);
    cr_expect_str_eq(fixture.ended_text, "Which \xC3\xA9?");
    request = post("", CALL("\"name\":\"a\""));
    mcp_call_result(open_call(), failed + 1, 1);
    check_answer(request);
    fake_free(request);
    cr_expect_eq(fixture.last.kind, ERR_UPSTREAM);
}

Test(mcp_calls, never_show_a_legacy_client_a_question)
{
    const json_member_t question[] = { { SPAN("resultType"), SPAN("\"input_required\"") },
                                       { SPAN("requestState"), SPAN("\"s\"") } };

    http_request_t *request = post("", CALL("\"name\":\"a\""));
    mcp_call_result(open_call(), question, 2);
    check_answer(request);
    cr_expect_null(strstr(fake_sent(request), "input_required"));
    expect_sent(request, 200, "~\"isError\":true");
    request = post_modern("tools/call", "Mcp-Name: a\n", "\"name\":\"a\"");
    mcp_call_result(open_call(), question, 2);
    check_answer(request);
    expect_sent(request, 200, "~{\"resultType\":\"input_required\",\"requestState\":\"s\"}");
}

static size_t progress(mcp_call_t *call, const char *done)
{
    return mcp_call_progress(
        call, &(mcp_progress_t){ .progress = span_of(done), .total = SPAN("3"), .message = SPAN("\"m\"") });
}

/* MCP 2026-07-28 basic/transports/streamable-http "Receiving": notifications, then the response, then the
 * end. */
Test(mcp_calls, stream_progress_and_end_with_the_result)
{
    http_request_t *request = post(STREAM, CALL("\"name\":\"a\"," TOKEN));
    mcp_call_t *call = open_call();

    cr_expect(mcp_call_wants_progress(call));
    cr_expect_not(request->streaming);
    progress(call, "1");
    cr_expect(request->streaming);
    cr_expect_str_eq(buf_text(&request->type), "text/event-stream");
    cr_expect_str_eq(buf_text(&request->added), "X-Accel-Buffering: no\nCache-Control: no-store\n");
    cr_expect_eq(request->heartbeat_ms, 15000);
    progress(call, "2");
    answer_fine(call);
    check_answer(request);
    expect_sent(
        request, 200,
        "event: message\ndata: "
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"tok\","
        "\"progress\":1,\"total\":3,\"message\":\"m\"}}\n\n"
        "event: message\ndata: "
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"tok\","
        "\"progress\":2,\"total\":3,\"message\":\"m\"}}\n\n"
        "event: message\ndata: "
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"ok\"}]}}\n\n");
}

Test(mcp_calls, end_a_stream_with_an_error_too)
{
    err_t err;

    http_request_t *request = post(STREAM, CALL("\"name\":\"a\"," TOKEN));
    mcp_call_t *call = open_call();
    progress(call, "1");
    err_set(&err, ERR_UPSTREAM, "Died.");
    mcp_call_error(call, &err);
    check_answer(request);
    cr_expect_eq(fixture.last.http_status, 200);
    expect_sent(request, 200, "~\"text\":\"Died.\"");
}

Test(mcp_calls, keep_an_event_on_one_line)
{
    const json_member_t lines[] = { { SPAN("content"),
                                      SPAN("[\n  {\"type\": \"text\",\r\n \"text\":\"a\\nb\"}]") } };

    http_request_t *request =
        post_modern("tools/call", "Mcp-Name: a\nAccept: text/event-stream\n", "\"name\":\"a\"");
    mcp_call_result(open_call(), lines, 1);
    check_answer(request);
    fake_free(request);
    request = post(STREAM, CALL("\"name\":\"a\"," TOKEN));
    mcp_call_t *call = open_call();
    progress(call, "1");
    mcp_call_result(call, lines, 1);
    check_answer(request);
    expect_sent(request, 200,
                "~data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\": \"text\",   "
                "\"text\":\"a\\nb\"}]}}\n\n");
}

Test(mcp_calls, answer_json_when_nothing_was_streamed)
{
    http_request_t *request = post(STREAM, CALL("\"name\":\"a\"," TOKEN));

    answer_fine(open_call());
    check_answer(request);
    cr_expect_str_eq(buf_text(&request->type), "application/json");
    cr_expect_eq(request->added.length, 0);
    fake_free(request);
}

static void expect_no_stream(const char *headers, const char *body)
{
    http_request_t *request = post(headers, body);
    mcp_call_t *call = open_call();

    cr_expect_not(mcp_call_wants_progress(call), "%s", headers);
    cr_expect_eq(progress(call, "1"), 0);
    answer_fine(call);
    check_answer(request);
    cr_expect_str_eq(buf_text(&request->type), "application/json");
    fake_free(request);
}

Test(mcp_calls, stream_only_to_who_asked_and_can_read_it)
{
    expect_no_stream(STREAM, CALL("\"name\":\"a\""));
    expect_no_stream(STREAM, CALL("\"name\":\"a\",\"_meta\":{\"progressToken\":null}"));
    expect_no_stream("", CALL("\"name\":\"a\"," TOKEN));
    expect_no_stream("Accept: */*\n", CALL("\"name\":\"a\"," TOKEN));
    expect_no_stream("Accept: application/json\n", CALL("\"name\":\"a\"," TOKEN));
}

Test(mcp_calls, find_the_stream_type_on_any_accept_line)
{
    http_request_t *request = post("Accept: application/json\naccept: */*;q=0.1, Text/Event-Stream\n",
                                   CALL("\"name\":\"a\"," TOKEN));
    mcp_call_t *call = open_call();

    cr_expect(mcp_call_wants_progress(call));
    answer_fine(call);
    check_answer(request);
    fake_free(request);
}

Test(mcp_calls, say_how_much_waits_and_when_it_has_drained)
{
    http_request_t *request = post(STREAM, CALL("\"name\":\"a\"," TOKEN));
    mcp_call_t *call = open_call();

    mcp_call_on_drained(call, on_told, NULL);
    cr_expect_null(request->on_drained);
    request->waiting = 300000;
    cr_expect_eq(progress(call, "1"), 300000);
    cr_assert_eq(request->on_drained, on_told);
    request->on_drained(request->drained_self);
    cr_expect_eq(told, 1);
    mcp_call_on_drained(call, NULL, NULL);
    cr_expect_null(request->on_drained);
    answer_fine(call);
    check_answer(request);
    fake_free(request);
}

static mcp_call_t *gone_call;

static void answer_when_gone(void *self)
{
    told++;
    cr_expect_eq(self, gone_call);
    progress(gone_call, "1");
    answer_fine(gone_call); /* too late: dropped */
}

Test(mcp_calls, end_when_the_client_goes)
{
    http_request_t *request = post(STREAM, CALL("\"name\":\"a\"," TOKEN));

    gone_call = open_call();
    progress(gone_call, "1");
    mcp_call_on_gone(gone_call, answer_when_gone, gone_call);
    fake_hang_up(request);
    cr_expect_eq(told, 1);
    cr_expect_eq(fixture.ended, 1);
    cr_expect_eq(fixture.last.http_status, 0);
    cr_expect(fixture.ended_had_call);
    cr_expect_str_eq(fixture.ended_name, "a");
    cr_expect_gt(fixture.last.reply_bytes, 0);
    fake_free(request);
}

Test(mcp_calls, end_when_the_client_goes_and_nobody_listens)
{
    http_request_t *request = post("", CALL("\"name\":\"a\""));

    open_call();
    fake_hang_up(request);
    cr_expect_eq(fixture.ended, 1);
    fake_free(request);
}

/* A road that is not MCP's: what the gateway's REST routes do. */

static void rest_result(void *self, mcp_call_t *call, const json_member_t *members, size_t count)
{
    http_request_t *http = self;

    cr_expect_eq(count, 1);
    buf_t body = { 0 };
    buf_add_span(&body, members[0].value);
    mcp_call_ended(call, &(mcp_ended_t){ .http_status = 200, .reply_bytes = body.length });
    http_stream_start(http, 200, "application/json", 0);
    http->sent = body;
    http_stream_end(http);
}

static void rest_error(void *self, mcp_call_t *call, const err_t *err)
{
    mcp_call_ended(
        call, &(mcp_ended_t){ .http_status = 404, .failed = true, .kind = err->kind, .text = err->text });
    http_reply(self, 404, NULL, NULL);
}

static size_t rest_progress(void *self, mcp_call_t *call, const mcp_progress_t *event)
{
    (void)self;
    (void)call;
    cr_expect(span_is(event->progress, "1"));
    return 17;
}

static const mcp_answers_t rest = { .progress = rest_progress, .result = rest_result, .error = rest_error };

static mcp_call_t *open_rest(http_request_t *http, principal_t *principal, span_t token)
{
    mcp_request_t asked = {
        .name = SPAN("a"), .principal = principal, .http = http, .progress_token = token
    };

    return mcp_call_open(fixture.server, &asked, &rest, http);
}

Test(mcp_calls, can_be_opened_by_another_road)
{
    http_request_t *http = fake_request("POST", "", SPAN("{}"));
    principal_t *principal = principal_new("bia", "demo", NULL, 0);
    mcp_call_t *call = open_rest(http, principal, SPAN("1"));

    principal_unref(principal); /* the call holds its own */
    cr_expect(mcp_call_wants_progress(call));
    cr_expect_eq(progress(call, "1"), 17);
    cr_expect_eq(mcp_call_log(call, SPAN("info"), SPAN("{\"level\":\"info\",\"data\":1}")), 0, "dropped");
    cr_expect_not(mcp_call_can_ask(call));
    answer_fine(call);
    cr_expect_eq(fixture.ended, 1);
    cr_expect(fixture.ended_had_call);
    cr_expect_str_eq(fixture.ended_subject, "bia");
    cr_expect_str_eq(fixture.ended_name, "a");
    cr_expect_str_eq(fake_sent(http), "[{\"type\":\"text\",\"text\":\"ok\"}]");
    fake_free(http);
}

Test(mcp_calls, of_another_road_fail_and_lose_their_client_as_ours_do)
{
    http_request_t *http = fake_request("POST", "", SPAN("{}"));
    err_t err;

    mcp_call_t *call = open_rest(http, NULL, (span_t){ 0 });
    cr_expect_not(mcp_call_wants_progress(call));
    cr_expect_eq(progress(call, "1"), 0);
    err_set(&err, ERR_UNKNOWN, "x");
    mcp_call_error(call, &err);
    cr_expect_eq(fixture.last.kind, ERR_UNKNOWN);
    cr_expect_eq(http->status, 404);
    fake_free(http);
    http = fake_request("POST", "", SPAN("{}"));
    mcp_call_on_gone(open_rest(http, NULL, (span_t){ 0 }), on_told, NULL);
    fake_hang_up(http);
    cr_expect_eq(told, 1);
    cr_expect_eq(fixture.ended, 2);
    fake_free(http);
}
