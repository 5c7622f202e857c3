/* Calls that are not of tools: prompts/get, resources/read, completion/complete, in both eras. */
#include <criterion/criterion.h>

#include "mcp_fixture.h"
#include "mem.h"

static void open_all(void)
{
    fixture_open();
    fixture.offers = (mcp_capabilities_t){ true, true, true, true, true };
}

TestSuite(mcp_acts, .init = open_all, .fini = fixture_close);

#define LEGACY(method, params)                                                                               \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params "}}"
#define LATEST "MCP-Protocol-Version: 2025-11-25\n"
#define RESULT(result) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" result "}"
#define ERROR(error) "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":" error "}"

static http_request_t *read_resource(mcp_era_t era)
{
    return era == MCP_MODERN ? post_modern("resources/read", "Mcp-Name: a://b\n", "\"uri\":\"a://b\"")
                             : post(LATEST, LEGACY("resources/read", "\"uri\":\"a://b\""));
}

static http_request_t *get_prompt(mcp_era_t era)
{
    return era == MCP_MODERN ? post_modern("prompts/get", "Mcp-Name: p\n", "\"name\":\"p\"")
                             : post(LATEST, LEGACY("prompts/get", "\"name\":\"p\""));
}

static http_request_t *complete(mcp_era_t era)
{
    const char *params =
        "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"p\"},\"argument\":{\"name\":\"x\",\"value\":\"v\"}";

    if (era == MCP_MODERN) {
        return post_modern("completion/complete", "", params);
    }
    AUTO(mem_free)
    char *body = mem_printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"completion/complete\","
                            "\"params\":{%s}}",
                            params);
    return post(LATEST, body);
}

/* Answers the open call with a result of one or two members and compares. */
static void expect_result(http_request_t *http, const json_member_t *members, size_t count, int status,
                          const char *answer)
{
    cr_assert_not_null(fixture.open_call, "%s", fake_sent(http));
    mcp_call_result(TAKE(fixture.open_call), members, count);
    check_answer(http);
    expect_sent(http, status, answer);
}

Test(mcp_acts, answer_what_the_era_wants)
{
    const json_member_t contents = { SPAN("contents"), SPAN("[]") },
                        messages = { SPAN("messages"), SPAN("[]") },
                        completion = { SPAN("completion"), SPAN("{\"values\":[]}") };

    expect_result(read_resource(MCP_LEGACY), &contents, 1, 200, RESULT("{\"contents\":[]}"));
    expect_result(
        read_resource(MCP_MODERN), &contents, 1, 200,
        RESULT("{\"contents\":[],\"ttlMs\":0,\"cacheScope\":\"private\",\"resultType\":\"complete\"}"));
    expect_result(get_prompt(MCP_LEGACY), &messages, 1, 200, RESULT("{\"messages\":[]}"));
    expect_result(get_prompt(MCP_MODERN), &messages, 1, 200,
                  RESULT("{\"messages\":[],\"resultType\":\"complete\"}"));
    expect_result(complete(MCP_LEGACY), &completion, 1, 200, RESULT("{\"completion\":{\"values\":[]}}"));
    expect_result(complete(MCP_MODERN), &completion, 1, 200,
                  RESULT("{\"completion\":{\"values\":[]},\"resultType\":\"complete\"}"));
    cr_expect_not(fixture.last.failed);
}

/* MCP 2026-07-28 server/utilities/caching: "public" may be served to anyone. */
Test(mcp_acts, keep_a_read_private_where_permissions_decide)
{
    const json_member_t read[] = { { SPAN("contents"), SPAN("[]") },
                                   { SPAN("ttlMs"), SPAN("5") },
                                   { SPAN("cacheScope"), SPAN("\"public\"") } };

    expect_result(read_resource(MCP_MODERN), read, 3, 200, "~\"ttlMs\":5,\"cacheScope\":\"public\"");
    fixture.options.private_reads = true;
    mcp_server_set_options(fixture.server, &fixture.options);
    expect_result(read_resource(MCP_MODERN), read, 3, 200, "~\"ttlMs\":5,\"cacheScope\":\"private\"");
}

Test(mcp_acts, fail_when_the_connector_forgot_what_matters)
{
    const json_member_t nothing = { SPAN("x"), SPAN("1") };

    expect_result(get_prompt(MCP_LEGACY), &nothing, 1, 200,
                  ERROR("{\"code\":-32603,\"message\":\"The connector's prompt has no list of messages.\"}"));
    cr_expect(fixture.last.failed);
    cr_expect_eq(fixture.last.kind, ERR_UPSTREAM);
    expect_result(read_resource(MCP_MODERN), &nothing, 1, 200, "~\"code\":-32603");
}

Test(mcp_acts, pass_a_question_to_modern_clients_untouched_and_never_to_legacy_ones)
{
    const json_member_t question[] = { { SPAN("resultType"), SPAN("\"input_required\"") },
                                       { SPAN("requestState"), SPAN("\"\\u0041\"") } };
    const char *asked = RESULT("{\"resultType\":\"input_required\",\"requestState\":\"\\u0041\"}");

    expect_result(get_prompt(MCP_MODERN), question, 2, 200, asked);
    expect_result(read_resource(MCP_MODERN), question, 2, 200, asked);
    expect_result(complete(MCP_MODERN), question, 2, 200, "~\"code\":-32603");
    expect_result(get_prompt(MCP_LEGACY), question, 2, 200, "~The prompt asks the user for input");
    expect_result(read_resource(MCP_LEGACY), question, 2, 200, "~\"code\":-32603");
    expect_result(complete(MCP_LEGACY), question, 2, 200, "~\"code\":-32603");
}

/* MCP 2026-07-28 basic "ResultType": clients take what they do not know for invalid. */
Test(mcp_acts, refuse_a_kind_of_result_that_is_not_known)
{
    const json_member_t strange[] = { { SPAN("resultType"), SPAN("\"task\"") },
                                      { SPAN("messages"), SPAN("[]") },
                                      { SPAN("content"), SPAN("[]") } };
    const char *tool = LEGACY("tools/call", "\"name\":\"a\"");

    expect_result(get_prompt(MCP_MODERN), strange, 3, 200, "~\"code\":-32603");
    expect_result(get_prompt(MCP_LEGACY), strange, 3, 200, "~\"code\":-32603");
    expect_result(post_modern("tools/call", "Mcp-Name: a\n", "\"name\":\"a\""), strange, 3, 200,
                  "~\"error\":{\"code\":-32603");
    expect_result(post(LATEST, tool), strange, 3, 200, "~\"isError\":true");
}

static void expect_error(http_request_t *http, err_kind_t kind, const char *answer)
{
    err_t err;

    err_set(&err, kind, "m");
    mcp_call_error(TAKE(fixture.open_call), &err);
    check_answer(http);
    expect_sent(http, 200, answer);
}

Test(mcp_acts, fail_with_json_rpc_errors)
{
    expect_error(read_resource(MCP_LEGACY), ERR_UNKNOWN,
                 ERROR("{\"code\":-32002,\"message\":\"m\",\"data\":{\"uri\":\"a://b\"}}"));
    expect_error(read_resource(MCP_MODERN), ERR_UNKNOWN,
                 ERROR("{\"code\":-32602,\"message\":\"m\",\"data\":{\"uri\":\"a://b\"}}"));
    expect_error(get_prompt(MCP_LEGACY), ERR_UNKNOWN, ERROR("{\"code\":-32602,\"message\":\"m\"}"));
    expect_error(get_prompt(MCP_MODERN), ERR_UNKNOWN, ERROR("{\"code\":-32602,\"message\":\"m\"}"));
    expect_error(complete(MCP_LEGACY), ERR_TIMEOUT, ERROR("{\"code\":-32603,\"message\":\"m\"}"));
    expect_error(complete(MCP_MODERN), ERR_DENIED, ERROR("{\"code\":403,\"message\":\"m\"}"));
}

static void relay(http_request_t *http, int code, const char *data, const char *answer)
{
    mcp_call_rpc_error(TAKE(fixture.open_call), &(mcp_rpc_error_t){ code, SPAN("\"m\""), span_of(data) });
    check_answer(http);
    expect_sent(http, http->status, answer);
}

Test(mcp_acts, relay_a_connectors_error_with_its_code)
{
    relay(get_prompt(MCP_LEGACY), -32602, NULL, ERROR("{\"code\":-32602,\"message\":\"m\"}"));
    relay(get_prompt(MCP_LEGACY), 17, "{}", ERROR("{\"code\":17,\"message\":\"m\",\"data\":{}}"));
    relay(get_prompt(MCP_LEGACY), -32021, NULL, ERROR("{\"code\":-32603,\"message\":\"m\"}"));
    relay(read_resource(MCP_MODERN), -32002, NULL,
          ERROR("{\"code\":-32602,\"message\":\"m\",\"data\":{\"uri\":\"a://b\"}}"));
    relay(read_resource(MCP_LEGACY), -32602, "{\"uri\":\"a://b\"}",
          ERROR("{\"code\":-32002,\"message\":\"m\",\"data\":{\"uri\":\"a://b\"}}"));
    http_request_t *http = get_prompt(MCP_MODERN);
    mcp_call_rpc_error(TAKE(fixture.open_call),
                       &(mcp_rpc_error_t){ -32021, SPAN("\"m\""), SPAN("{\"requiredCapabilities\":{}}") });
    check_answer(http);
    expect_sent(http, 400, "~\"code\":-32021,\"message\":\"m\",\"data\":{\"requiredCapabilities\":{}}");
}

#define COMPLETE(params) LEGACY("completion/complete", params)
#define REF "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"a://{b}\"}"

/* server/utilities/completion */
Test(mcp_acts, of_completion_say_what_is_completed_for_what)
{
    static const char *const wrong[] = {
        COMPLETE("\"argument\":{\"name\":\"b\",\"value\":\"\"}"),
        COMPLETE(
            "\"ref\":{\"type\":\"ref/tool\",\"name\":\"x\"},\"argument\":{\"name\":\"b\",\"value\":\"\"}"),
        COMPLETE("\"ref\":{\"type\":\"ref/prompt\"},\"argument\":{\"name\":\"b\",\"value\":\"\"}"),
        COMPLETE(REF),
        COMPLETE(REF ",\"argument\":{\"name\":\"b\"}"),
        COMPLETE(REF ",\"argument\":{\"name\":\"b\",\"value\":7}"),
        COMPLETE(REF ",\"argument\":{\"name\":\"b\",\"value\":\"\"},\"context\":[]"),
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        expect_answer("", wrong[i], 200, "~-32602");
    }
    http_request_t *http = post(
        "", COMPLETE(REF ",\"argument\":{\"name\":\"b\",\"value\":\"v\"},\"context\":{\"arguments\":{}}"));
    const mcp_request_t *asked = mcp_call_request(fixture.open_call);
    cr_expect_eq(asked->act, MCP_COMPLETE);
    cr_expect_eq(asked->kind, MCP_TEMPLATES);
    cr_expect(span_is(asked->name, "a://{b}"));
    cr_expect(span_is(asked->argument, "{\"name\":\"b\",\"value\":\"v\"}"));
    cr_expect(span_is(asked->context, "{\"arguments\":{}}"));
    const json_member_t completion = { SPAN("completion"), SPAN("{\"values\":[]}") };
    expect_result(http, &completion, 1, 200, RESULT("{\"completion\":{\"values\":[]}}"));
}

Test(mcp_acts, report_progress_and_log_as_tools_do)
{
    http_request_t *http =
        post(LATEST "Accept: text/event-stream\n",
             LEGACY("resources/read", "\"uri\":\"a://b\",\"_meta\":{\"progressToken\":7}"));
    mcp_call_t *call = TAKE(fixture.open_call);

    cr_expect(mcp_call_wants_progress(call));
    mcp_call_progress(call, &(mcp_progress_t){ .progress = SPAN("1") });
    mcp_call_log(call, SPAN("info"), SPAN("{\"level\":\"info\",\"data\":1}"));
    cr_expect_not_null(strstr(fake_sent(http), "\"progressToken\":7"));
    cr_expect_not_null(strstr(fake_sent(http), "notifications/message"));
    const json_member_t contents = { SPAN("contents"), SPAN("[]") };
    mcp_call_result(call, &contents, 1);
    check_answer(http);
    expect_sent(http, 200, "~data: " RESULT("{\"contents\":[]}") "\n\n");
}
