/* The gate, the legacy era, and what is no message at all. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "errors.h"
#include "mcp_fixture.h"
#include "mem.h"

TestSuite(mcp_server, .init = fixture_open, .fini = fixture_close);

#define INITIALIZE(version)                                                                                  \
    "{\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" version                                  \
    "\",\"capabilities\":{},\"clientInfo\":"                                                                 \
    "{\"name\":\"mcp\",\"version\":\"0.1.0\"}},\"jsonrpc\":\"2.0\",\"id\":0}"

static void expect_code(const char *headers, const char *body, int status, int code)
{
    char part[40];

    snprintf(part, sizeof(part), "~\"error\":{\"code\":%d,", code);
    expect_answer(headers, body, status, part);
}

/* 2025-11-25 basic/lifecycle "Version Negotiation" */
Test(mcp_server, initialize_echoes_every_legacy_revision)
{
    expect_answer("", INITIALIZE("2025-11-25"), 200,
                  "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-11-25\","
                  "\"capabilities\":{\"tools\":{}},"
                  "\"serverInfo\":{\"name\":\"test\",\"title\":\"Test\",\"version\":\"1.0\"},"
                  "\"instructions\":\"Ask.\"}}");
    cr_expect_eq(fixture.ended_revision, MCP_2025_11_25);
    cr_expect_str_eq(fixture.ended_method, "initialize");
    cr_expect_str_eq(fixture.ended_subject, "ana");
    expect_answer("", INITIALIZE("2025-06-18"), 200, "~\"protocolVersion\":\"2025-06-18\"");
    expect_answer("", INITIALIZE("2025-03-26"), 200, "~\"protocolVersion\":\"2025-03-26\"");
    expect_answer("", INITIALIZE("2024-11-05"), 200, "~\"protocolVersion\":\"2024-11-05\"");
}

Test(mcp_server, initialize_answers_the_latest_legacy_revision_to_any_other)
{
    expect_answer("", INITIALIZE("2026-07-28"), 200, "~\"protocolVersion\":\"2025-11-25\"");
    expect_answer("", INITIALIZE("1.0"), 200, "~\"protocolVersion\":\"2025-11-25\"");
    expect_answer("MCP-Protocol-Version: nonsense\n", INITIALIZE("2025-06-18"), 200, "~\"2025-06-18\"");
    expect_code("", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}", 200, RPC_INVALID_PARAMS);
    expect_code("",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":7}}",
                200, RPC_INVALID_PARAMS);
}

Test(mcp_server, mcp_method_headers_do_not_make_a_request_modern)
{
    expect_answer("Mcp-Method: initialize\nMcp-Name: x\n", INITIALIZE("2025-11-25"), 200, "~\"2025-11-25\"");
}

Test(mcp_server, leaves_out_what_options_do_not_say)
{
    fixture.options.title = fixture.options.instructions = NULL;
    mcp_server_set_options(fixture.server, &fixture.options);
    expect_answer("", INITIALIZE("2025-11-25"), 200,
                  "~\"serverInfo\":{\"name\":\"test\",\"version\":\"1.0\"}}}");
}

Test(mcp_server, mints_no_session)
{
    http_request_t *request = post("", INITIALIZE("2025-11-25"));

    cr_expect_eq(request->added.length, 0);
    fake_free(request);
}

Test(mcp_server, answers_ping_with_an_empty_object)
{
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}", 200,
                  "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}");
}

Test(mcp_server, takes_notifications_with_202_and_no_body)
{
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", 202, "");
    cr_expect_not(fixture.last.failed);
    expect_answer("MCP-Protocol-Version: 2025-06-18\n",
                  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":0}}",
                  202, "");
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":[1]}", 202, "");
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"name\":\"a\"}}", 202, "");
    cr_expect_null(fixture.open_call, "a notification calls no tool");
}

Test(mcp_server, lists_tools_in_the_shape_of_the_header)
{
    const char *list = "{\"method\":\"tools/list\",\"jsonrpc\":\"2.0\",\"id\":2}";
    const char *answer = "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"a\","
                         "\"inputSchema\":{\"type\":\"object\"}}]}}";

    expect_answer("MCP-Protocol-Version: 2025-11-25\n", list, 200, answer);
    cr_expect_eq(fixture.listed_as, MCP_SHAPE_2025_06);
    expect_answer("", list, 200, answer);
    cr_expect_eq(fixture.listed_as, MCP_SHAPE_2025_03);
    expect_answer("MCP-Protocol-Version: 2024-11-05\n", list, 200, answer);
    cr_expect_eq(fixture.listed_as, MCP_SHAPE_2024_11);
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools\\/list\",\"params\":null}", 200,
                  answer);
}

/* server/utilities/pagination "Error Handling" */
Test(mcp_server, knows_no_cursor)
{
    expect_code("", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"x\"}}",
                200, RPC_INVALID_PARAMS);
    expect_code("", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"\"}}",
                200, RPC_INVALID_PARAMS);
    expect_code("", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":3}}", 200,
                RPC_INVALID_PARAMS);
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":null}}",
                  200, "~\"tools\"");
}

Test(mcp_server, says_when_a_list_cannot_be_made)
{
    err_set(&fixture.list_error, ERR_UPSTREAM, "No catalog yet.");
    expect_code("", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}", 200, RPC_INTERNAL_ERROR);
    cr_expect(fixture.last.failed);
    cr_expect_eq(fixture.last.kind, ERR_UPSTREAM);
    cr_expect_str_eq(fixture.ended_text, "No catalog yet.");
}

Test(mcp_server, answers_unknown_methods_at_200)
{
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"no/such\\n\"}", 200,
                  "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32601,\"message\":\"Method not "
                  "found: no/such\\\\n\"}}");
    expect_code("", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"}", 200,
                RPC_METHOD_NOT_FOUND);
    expect_code("", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", 200, RPC_METHOD_NOT_FOUND);
}

Test(mcp_server, refuses_version_headers_it_does_not_know)
{
    const char *ping = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";

    expect_code("MCP-Protocol-Version: 2023-01-01\n", ping, 400, RPC_INVALID_REQUEST);
    expect_code("MCP-Protocol-Version: \n", ping, 400, RPC_INVALID_REQUEST);
    expect_code("MCP-Protocol-Version: 2025-11-25\nMCP-Protocol-Version: 2025-11-25\n", ping, 400,
                RPC_INVALID_REQUEST);
    expect_code("MCP-Protocol-Version: x\n", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}", 400,
                RPC_INVALID_REQUEST);
    expect_answer("mcp-protocol-version:   2025-11-25  \n", ping, 200, "~\"result\":{}");
}

Test(mcp_server, echoes_ids_byte_for_byte)
{
    const char *const ids[] = {
        "0", "-0", "-12", "123456789012345678901234567890", "\"\"", "\"0\"", "\"\\u00e7\\/\"", "\"\xC3\xA7\""
    };

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        char body[200], answer[200];
        snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\": %s ,\"method\":\"ping\"}", ids[i]);
        snprintf(answer, sizeof(answer), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}", ids[i]);
        expect_answer("", body, 200, answer);
    }
}

/* MCP basic "Requests": the id MUST be a string or integer and MUST NOT be null. */
Test(mcp_server, refuses_ids_of_other_types_without_echo)
{
    const char *const ids[] = { "null", "1.5", "1e3", "1.0", "true", "false", "{}", "[1]" };

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        char body[200];
        snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", ids[i]);
        http_request_t *request = post("", body);
        cr_expect_null(strstr(fake_sent(request), "\"id\""), "%s", fake_sent(request));
        expect_sent(request, 400, "~\"code\":-32600");
    }
}

Test(mcp_server, refuses_what_is_not_json)
{
    static const char nul[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\0\"}";
    const char *const bodies[] = { "",
                                   "x",
                                   "{",
                                   "{\"id\":1}x",
                                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi",
                                   "\xFF",
                                   "[1,]",
                                   "{\"id\":\"\\ud800\"}" };

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        expect_code("", bodies[i], 400, RPC_PARSE_ERROR);
    }
    expect_sent(post_bytes("", (span_t){ nul, sizeof(nul) - 1 }), 400, "~\"code\":-32700");
}

Test(mcp_server, refuses_what_is_not_one_message)
{
    const char *const bodies[] = {
        "null",
        "1",
        "\"ping\"",
        "{}",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
        "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}",
        "{\"id\":1,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":null}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"Method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"Method\":\"tools/call\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"Name\":\"b\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"name\":\"a\",\"n\\u0061me\":\"b\"}}",
    };

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        expect_code("", bodies[i], 400, RPC_INVALID_REQUEST);
        cr_expect_eq(fixture.last.kind, ERR_PROTOCOL);
    }
}

Test(mcp_server, drops_responses_of_legacy_clients)
{
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}", 202, "");
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"m\"}}", 202, "");
    expect_code("MCP-Protocol-Version: 2026-07-28\n", "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}", 400,
                RPC_INVALID_REQUEST);
    expect_code("MCP-Protocol-Version: x\n", "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}", 400,
                RPC_INVALID_REQUEST);
}

Test(mcp_server, says_which_param_is_wrong_with_the_id_at_200)
{
    const char *const params[] = {
        "[]",
        "\"x\"",
        "7",
        "{}",
        "{\"name\":7}",
        "{\"name\":null}",
        "{\"name\":\"a\",\"arguments\":[]}",
        "{\"name\":\"a\",\"arguments\":\"{}\"}",
        "{\"name\":\"a\\u0000b\"}",
        "{\"name\":\"a\",\"_meta\":[]}",
        "{\"name\":\"a\",\"_meta\":{\"progressToken\":1.5}}",
        "{\"name\":\"a\",\"_meta\":{\"progressToken\":{}}}",
    };

    for (size_t i = 0; i < COUNT_OF(params); i++) {
        char body[200];
        snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":%s}",
                 params[i]);
        expect_answer(
            "", body, 200,
            "~{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":-32602,\"message\":\"Invalid params: ");
        cr_expect_eq(fixture.last.kind, ERR_CALLER);
        cr_expect_null(fixture.open_call);
    }
}

Test(mcp_server, survives_a_megabyte_in_every_place)
{
    const char *const frames[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"%s\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\"}}"
    };
    char *big = memset(mem_alloc(1000001), 'a', 1000000);

    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        AUTO_BUF body = { 0 };
        const char *hole = strstr(frames[i], "%s");
        buf_add(&body, frames[i], (size_t)(hole - frames[i]));
        buf_add(&body, big, 1000000);
        buf_add_text(&body, hole + 2);
        http_request_t *request = post_bytes("", buf_span(&body));
        cr_expect_eq(request->status, 200);
        fake_free(request);
    }
    mem_free(big);
}

Test(mcp_server, refuses_deep_nesting)
{
    AUTO_BUF body = { 0 };

    buf_add_text(&body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":");
    for (int i = 0; i < 100000; i++) {
        buf_add_text(&body, "[");
    }
    expect_sent(post_bytes("", buf_span(&body)), 400, "~nested deeper than 64");
}

static void expect_405(const char *method)
{
    http_request_t *request = send_method(method, "Host: localhost\nAccept: text/event-stream\n");

    cr_expect_str_eq(buf_text(&request->added), "Allow: POST\n");
    expect_sent(request, 405, "~Use transport streamable-http: POST JSON-RPC messages to this URL.");
}

Test(mcp_server, tells_other_methods_which_transport_to_use)
{
    expect_405("GET");
    expect_405("DELETE");
    expect_405("PUT");
    expect_405("OPTIONS");
}

Test(mcp_server, a_refused_token_is_401_before_the_body_is_looked_at)
{
    err_set(&fixture.refuse, ERR_UNAUTHORIZED, "The token has expired.");
    http_request_t *request = post("", "not JSON at all");
    cr_expect_str_eq(buf_text(&request->added), "WWW-Authenticate: Bearer\n");
    expect_sent(request, 401,
                "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":401,\"message\":\"The token has expired.\"}}");
    cr_expect_eq(fixture.last.kind, ERR_UNAUTHORIZED);
    cr_expect_str_eq(fixture.ended_subject, "");
}

Test(mcp_server, a_denied_principal_is_403)
{
    err_set(&fixture.refuse, ERR_DENIED, "No.");
    expect_answer("", INITIALIZE("2025-11-25"), 403,
                  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":403,\"message\":\"No.\"}}");
}

Test(mcp_server, a_foreign_origin_is_403_before_the_token_is_asked_for)
{
    err_set(&fixture.refuse, ERR_UNAUTHORIZED, "No token.");
    expect_answer("Origin: http://evil.example.com\n", INITIALIZE("2025-11-25"), 403, "~cors.origins");
    http_request_t *request = send_method("POST", "Host: evil.example.com\n");
    expect_sent(request, 403, "~\"code\":403");
}

Test(mcp_server, takes_json_and_no_other_type)
{
    const char *ping = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";

    expect_answer("Content-Type: application/json\n", ping, 200, "~{}");
    expect_answer("Content-Type: Application/JSON; charset=utf-8\n", ping, 200, "~{}");
    expect_answer("Content-Type: application/json;charset=utf-8\n", ping, 200, "~{}");
    expect_answer("Content-Type: text/plain\n", ping, 415, "~application/json");
    expect_answer("Content-Type: application/x-www-form-urlencoded\n", ping, 415, "~application/json");
    expect_answer("Content-Type: application/jsonx\n", ping, 415, "~application/json");
}
