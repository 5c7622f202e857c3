/* What one failure looks like to each era. */
#include <criterion/criterion.h>

#include "errors.h"
#include "json_scan.h"
#include "mem.h"

static buf_t out;
static err_t err;

static void expect(int status, int wanted, const char *body)
{
    cr_expect_eq(status, wanted, "status %d", status);
    cr_expect_str_eq(buf_text(&out), body);
    buf_free(&out);
}

static int for_call(mcp_era_t era)
{
    return error_for_call(&err, MCP_CALL_TOOL, era, SPAN("1"), (span_t){ 0 }, &out);
}

static int for_message(mcp_era_t era)
{
    return error_for_message(&err, era, SPAN("1"), (span_t){ 0 }, &out);
}

Test(errors, a_failed_tool_is_a_result_in_both_eras)
{
    err_set(&err, ERR_UPSTREAM, "Odoo is down.");
    expect(for_call(MCP_LEGACY), 200,
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Odoo is "
           "down.\"}],"
           "\"isError\":true,\"_meta\":{\"guiche/kind\":\"upstream\"}}}");
    expect(for_call(MCP_MODERN), 200,
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Odoo is "
           "down.\"}],"
           "\"isError\":true,\"_meta\":{\"guiche/kind\":\"upstream\"},\"resultType\":\"complete\"}}");
}

Test(errors, every_kind_but_protocol_is_an_is_error_at_200_for_legacy_calls)
{
    const err_kind_t kinds[] = { ERR_CALLER,  ERR_DENIED,       ERR_UPSTREAM, ERR_TIMEOUT,
                                 ERR_UNKNOWN, ERR_UNAUTHORIZED, ERR_INTERNAL };

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        err_set(&err, kinds[i], "x");
        cr_expect_eq(for_call(MCP_LEGACY), 200);
        cr_expect(strstr(buf_text(&out), "\"isError\":true"), "%s", err_name(kinds[i]));
        buf_free(&out);
    }
}

/* MCP 2026-07-28 server/tools "Error Handling": an unknown tool is a protocol error. */
Test(errors, an_unknown_tool_is_a_result_for_legacy_and_an_error_for_modern_clients)
{
    err_set(&err, ERR_UNKNOWN, "There is no tool x.");
    cr_expect_eq(for_call(MCP_LEGACY), 200);
    cr_expect(strstr(buf_text(&out), "\"Not found: There is no tool x.\""), "CrewAI repeats anything else");
    buf_free(&out);
    expect(for_call(MCP_MODERN), 200,
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"There is no tool x.\"}}");
}

Test(errors, says_not_found_once)
{
    err_set(&err, ERR_UNKNOWN, "Tool x Not Found.");
    for_call(MCP_LEGACY);
    cr_expect(strstr(buf_text(&out), "\"Tool x Not Found.\""));
    buf_free(&out);
}

Test(errors, denied_is_a_result_unless_a_scope_is_missing)
{
    err_set(&err, ERR_DENIED, "x");
    cr_expect_eq(for_call(MCP_MODERN), 200);
    cr_expect(strstr(buf_text(&out), "\"isError\":true"));
    buf_free(&out);
    err_set_code(&err, ERR_DENIED, 403, "x");
    expect(for_call(MCP_MODERN), 403,
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":403,\"message\":\"x\"}}");
    cr_expect_eq(for_call(MCP_LEGACY), 200);
    buf_free(&out);
}

Test(errors, a_header_that_disagrees_is_400_for_modern_calls)
{
    err_set_code(&err, ERR_PROTOCOL, MCP_HEADER_MISMATCH, "x");
    expect(for_call(MCP_MODERN), 400,
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32020,\"message\":\"x\"}}");
    expect(for_call(MCP_LEGACY), 200,
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"x\"}}");
}

Test(errors, messages_have_the_statuses_of_their_era)
{
    const struct {
        err_kind_t kind;
        int code, legacy, modern;
    } rows[] = {
        { ERR_UNKNOWN, RPC_METHOD_NOT_FOUND, 200, 404 },
        { ERR_CALLER, RPC_INVALID_PARAMS, 200, 200 },
        { ERR_PROTOCOL, RPC_INVALID_PARAMS, 400, 400 },
        { ERR_PROTOCOL, RPC_PARSE_ERROR, 400, 400 },
        { ERR_PROTOCOL, MCP_UNSUPPORTED_VERSION, 400, 400 },
        { ERR_UPSTREAM, MCP_MISSING_CAPABILITY, 200, 400 },
        { ERR_INTERNAL, 0, 200, 500 },
        { ERR_UPSTREAM, 0, 200, 200 },
        { ERR_DENIED, 0, 200, 200 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        err_set_code(&err, rows[i].kind, rows[i].code, "x");
        cr_expect_eq(for_message(MCP_LEGACY), rows[i].legacy, "row %zu", i);
        cr_expect_eq(for_message(MCP_MODERN), rows[i].modern, "row %zu", i);
        buf_free(&out);
    }
}

Test(errors, legacy_clients_never_see_codes_of_2026)
{
    for (int code = -32099; code <= -32020; code++) {
        AUTO_BUF relayed = { 0 };
        err_set_code(&err, ERR_PROTOCOL, code, "x");
        for_message(MCP_LEGACY);
        for_call(MCP_LEGACY);
        cr_expect_null(strstr(buf_text(&out), "\"code\":-320"));
        buf_free(&out);
        for (int act = MCP_CALL_TOOL; act < MCP_ACTS; act++) {
            error_relayed(&(relayed_error_t){ code, SPAN("\"x\""), { 0 } }, (mcp_act_t)act, MCP_LEGACY,
                          SPAN("1"), &relayed);
        }
        cr_expect_null(strstr(buf_text(&relayed), "\"code\":-320"), "%d", code);
    }
}

static int relay(int code, mcp_era_t era)
{
    return error_relayed(&(relayed_error_t){ code, SPAN("\"m\""), SPAN("{\"d\":1}") }, MCP_CALL_TOOL, era,
                         SPAN("\"i\""), &out);
}

#define ERROR(code)                                                                                          \
    "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"error\":{\"code\":" code ",\"message\":\"m\",\"data\":{\"d\":1}}}"

/* MCP 2026-07-28 basic "Error Codes" */
Test(errors, relays_a_connectors_error_in_the_codes_of_the_era)
{
    expect(relay(-32020, MCP_MODERN), 200, ERROR("-32603"));
    expect(relay(-32022, MCP_MODERN), 200, ERROR("-32603"));
    expect(relay(-32021, MCP_MODERN), 400, ERROR("-32021"));
    expect(relay(-32002, MCP_MODERN), 200, ERROR("-32602"));
    expect(relay(-32042, MCP_MODERN), 200, ERROR("-32603"));
    expect(relay(-32603, MCP_MODERN), 200, ERROR("-32603"));
    expect(relay(-32601, MCP_MODERN), 200, ERROR("-32601"));
    expect(relay(42, MCP_MODERN), 200, ERROR("42"));
}

/* CrewAI sends a call three times when it is answered with any JSON-RPC error. */
Test(errors, relays_a_connectors_error_to_legacy_clients_as_a_result)
{
    const struct {
        int code;
        const char *kind;
    } rows[] = { { -32602, "caller" }, { -32603, "upstream" }, { -32021, "upstream" }, { 42, "upstream" } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(mem_free)
        char *expected = mem_printf("{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"result\":{\"content\":[{\"type\":"
                                    "\"text\",\"text\":\"m\"}],\"isError\":true,\"_meta\":{\"guiche/kind\":"
                                    "\"%s\"}}}",
                                    rows[i].kind);
        expect(relay(rows[i].code, MCP_LEGACY), 200, expected);
    }
}

Test(errors, has_a_sentence_for_a_connector_that_gave_none)
{
    error_relayed(&(relayed_error_t){ -32603, SPAN("17"), { 0 } }, MCP_CALL_TOOL, MCP_MODERN, SPAN("1"),
                  &out);
    cr_expect(strstr(buf_text(&out), "\"message\":\"The connector"));
    buf_clear(&out);
    error_relayed(&(relayed_error_t){ -32603, SPAN("\"half\\u0000\""), { 0 } }, MCP_GET_PROMPT, MCP_LEGACY,
                  SPAN("1"), &out);
    cr_expect(strstr(buf_text(&out), "\"message\":\"The connector"));
    buf_free(&out);
}

/* Only tools have isError: 2025-11-25 and 2026-07-28 schema, GetPromptResult and its like. */
Test(errors, of_other_acts_are_json_rpc_errors_at_200_in_both_eras)
{
    const struct {
        err_kind_t kind;
        int code;
    } rows[] = {
        { ERR_CALLER, -32602 },  { ERR_DENIED, 403 },      { ERR_UPSTREAM, -32603 }, { ERR_TIMEOUT, -32603 },
        { ERR_UNKNOWN, -32602 }, { ERR_PROTOCOL, -32600 }, { ERR_INTERNAL, -32603 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(mem_free)
        char *wanted = mem_printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":%d,\"message\":\"x\"}}",
                                  rows[i].code);
        err_set(&err, rows[i].kind, "x");
        expect(error_for_call(&err, MCP_GET_PROMPT, MCP_LEGACY, SPAN("1"), (span_t){ 0 }, &out), 200, wanted);
        int modern = rows[i].kind == ERR_PROTOCOL ? 400 : 200;
        expect(error_for_call(&err, MCP_GET_PROMPT, MCP_MODERN, SPAN("1"), (span_t){ 0 }, &out), modern,
               wanted);
    }
    err_set_code(&err, ERR_DENIED, 403, "x");
    cr_expect_eq(error_for_call(&err, MCP_COMPLETE, MCP_MODERN, SPAN("1"), (span_t){ 0 }, &out), 403);
    cr_expect_eq(error_for_call(&err, MCP_COMPLETE, MCP_LEGACY, SPAN("1"), (span_t){ 0 }, &out), 200);
    buf_free(&out);
}

static int read_relayed(int code, const char *data, mcp_era_t era)
{
    return error_relayed(&(relayed_error_t){ code, SPAN("\"m\""), span_of(data) }, MCP_READ_RESOURCE, era,
                         SPAN("\"i\""), &out);
}

#define READ_ERROR(code, data)                                                                               \
    "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"error\":{\"code\":" code ",\"message\":\"m\"" data "}}"
#define URI "{\"uri\":\"a://b\"}"

/* 2025-11-25 and 2026-07-28 server/resources "Error Handling" */
Test(errors, of_a_resource_that_is_not_there_have_the_code_of_the_era)
{
    err_set(&err, ERR_UNKNOWN, "m");
    expect(error_for_call(&err, MCP_READ_RESOURCE, MCP_LEGACY, SPAN("\"i\""), SPAN(URI), &out), 200,
           READ_ERROR("-32002", ",\"data\":" URI));
    expect(error_for_call(&err, MCP_READ_RESOURCE, MCP_MODERN, SPAN("\"i\""), SPAN(URI), &out), 200,
           READ_ERROR("-32602", ",\"data\":" URI));
    expect(read_relayed(-32602, URI, MCP_LEGACY), 200, READ_ERROR("-32002", ",\"data\":" URI));
    expect(read_relayed(-32602, NULL, MCP_LEGACY), 200, READ_ERROR("-32602", ""));
    expect(read_relayed(-32002, URI, MCP_LEGACY), 200, READ_ERROR("-32002", ",\"data\":" URI));
    expect(read_relayed(-32002, URI, MCP_MODERN), 200, READ_ERROR("-32602", ",\"data\":" URI));
    expect(read_relayed(-32021, NULL, MCP_LEGACY), 200, READ_ERROR("-32603", ""));
    expect(read_relayed(-32021, NULL, MCP_MODERN), 400, READ_ERROR("-32021", ""));
}

Test(errors, at_the_gate_have_no_id)
{
    err_set(&err, ERR_UNAUTHORIZED, "No token.");
    error_at_gate(&err, &out);
    expect(0, 0, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":401,\"message\":\"No token.\"}}");
}
