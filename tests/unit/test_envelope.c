/* Messages as they go on the wire, byte for byte. */
#include <criterion/criterion.h>

#include "envelope.h"
#include "json_scan.h"

static buf_t out;

static void expect(const char *wanted)
{
    json_scan_t found;
    err_t err;

    cr_expect_str_eq(buf_text(&out), wanted);
    cr_expect_eq(json_scan(buf_span(&out), NULL, &found, &err), 0, "%s", err.text);
    buf_free(&out);
}

Test(envelope, wraps_a_result_with_the_id_as_it_came)
{
    envelope_result_begin(&out, SPAN("\"x\\u0041\""));
    buf_add_text(&out, "{}");
    envelope_end(&out);
    expect("{\"jsonrpc\":\"2.0\",\"id\":\"x\\u0041\",\"result\":{}}");
}

Test(envelope, leaves_an_unknown_id_out_of_an_error)
{
    envelope_error(&out, (span_t){ 0 }, -32700, "no \"JSON\"", (span_t){ 0 });
    expect("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"no \\\"JSON\\\"\"}}");
    envelope_error(&out, SPAN("0"), -32022, "x", SPAN("{\"a\":1}"));
    expect("{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32022,\"message\":\"x\",\"data\":{\"a\":1}}}");
}

Test(envelope, writes_progress_with_the_callers_own_token)
{
    envelope_progress(&out, SPAN("\"t\""), SPAN("1"), SPAN("4"), SPAN("\"m\""),
                      SPAN("{\"guiche/stage\":\"x\"}"));
    expect("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
           "progress\",\"params\":{\"progressToken\":\"t\",\"progress\":1,"
           "\"total\":4,\"message\":\"m\",\"_meta\":{\"guiche/stage\":\"x\"}}}");
    envelope_progress(&out, SPAN("7"), (span_t){ 0 }, (span_t){ 0 }, (span_t){ 0 }, (span_t){ 0 });
    expect("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
           "progress\",\"params\":{\"progressToken\":7,\"progress\":0}}");
}

Test(envelope, asks_a_legacy_connector_without_anything_modern)
{
    envelope_request(
        &out,
        &(envelope_request_t){
            .revision = MCP_2025_11_25,
            .id = 5,
            .method = "tools/call",
            .name = SPAN("a\"b"),
            .arguments = SPAN("{\"x\" : 1}"),
            .meta = SPAN("{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"progressToken\":9,"
                         "\"io.modelcontextprotocol/clientInfo\":{},\"a/b\":[1],"
                         "\"io.modelcontextprotocol/clientCapabilities\":{\"sampling\":{}},"
                         "\"io.modelcontextprotocol/logLevel\":\"debug\",\"tracestate\":\"s\"}"),
        });
    expect("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/"
           "call\",\"params\":{\"name\":\"a\\\"b\",\"arguments\":{\"x\" : 1},"
           "\"_meta\":{\"a/b\":[1],\"tracestate\":\"s\"}}}");
}

Test(envelope, leaves_empty_params_out)
{
    envelope_request(&out,
                     &(envelope_request_t){ .revision = MCP_2025_11_25, .id = 1, .method = "tools/list" });
    expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    envelope_request(&out, &(envelope_request_t){ .revision = MCP_2025_11_25,
                                                  .id = 1,
                                                  .method = "tools/list",
                                                  .meta = SPAN("{\"progressToken\":1}"),
                                                  .cursor = SPAN("\"c\"") });
    expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"c\"}}");
}

Test(envelope, gives_a_modern_connector_its_metadata)
{
    envelope_request(
        &out, &(envelope_request_t){ .revision = MCP_2026_07_28, .id = 2, .method = "server/discover" });
    expect("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"server/discover\",\"params\":{\"_meta\":{"
           "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
           "\"io.modelcontextprotocol/clientCapabilities\":{},"
           "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"guiche\",\"version\":\"" GUICHE_VERSION
           "\"}}}}");
}

/* MCP 2026-07-28 basic/versioning "Extensions". */
Test(envelope, declares_no_extension_that_the_gateway_could_not_carry)
{
    static const struct {
        const char *said, *sent;
    } capabilities[] = {
        { "{\"sampling\":{},\"extensions\":{\"a/b\":{}},\"roots\":{\"listChanged\":true}}",
          "{\"sampling\":{},\"roots\":{\"listChanged\":true}}" },
        { "{\"extensions\":{}}", "{}" },
        { "{\"sampling\":{ }}", "{\"sampling\":{ }}" },
    };

    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
        AUTO_BUF sent = { 0 };
        envelope_request_t request = { .revision = MCP_2026_07_28,
                                       .id = 1,
                                       .method = "tools/call",
                                       .client_capabilities = span_of(capabilities[i].said) };
        AUTO_BUF expected = { 0 };
        envelope_request(&sent, &request);
        buf_addf(&expected, "clientCapabilities\":%s,", capabilities[i].sent);
        cr_assert(strstr(buf_text(&sent), buf_text(&expected)), "%s", buf_text(&sent));
    }
}

Test(envelope, rewrites_what_belongs_to_the_hop_and_keeps_the_rest)
{
    envelope_request(
        &out, &(envelope_request_t){
                  .revision = MCP_2026_07_28,
                  .id = 3,
                  .method = "tools/call",
                  .name = SPAN("t"),
                  .input_responses = SPAN("{\"k\":{}}"),
                  .request_state = SPAN("\"s\\u00e7\""),
                  .client_capabilities = SPAN("{\"sampling\":{}}"),
                  .traceparent = SPAN("00-new"),
                  .progress = true,
                  .meta = SPAN("{\"progressToken\":\"c\",\"traceparent\":\"00-old\",\"tracestate\":\"s\","
                               "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"crew\"},"
                               "\"io.modelcontextprotocol/protocolVersion\":\"x\","
                               "\"io.modelcontextprotocol/clientCapabilities\":{\"roots\":{}}}"),
              });
    expect(
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/"
        "call\",\"params\":{\"name\":\"t\",\"inputResponses\":{\"k\":{}},"
        "\"requestState\":\"s\\u00e7\",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/"
        "clientCapabilities\":{\"sampling\":{}},\"progressToken\":3,\"traceparent\":\"00-new\","
        "\"tracestate\":\"s\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"crew\"}}}}");
}

Test(envelope, keeps_the_clients_traceparent_when_none_is_given)
{
    envelope_request(&out, &(envelope_request_t){ .revision = MCP_2025_11_25,
                                                  .id = 1,
                                                  .method = "tools/call",
                                                  .name = SPAN("t"),
                                                  .meta = SPAN("{\"traceparent\":\"00-old\"}") });
    expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
           "call\",\"params\":{\"name\":\"t\",\"_meta\":{\"traceparent\":"
           "\"00-old\"}}}");
}

Test(envelope, opens_a_legacy_connector)
{
    envelope_request(&out,
                     &(envelope_request_t){ .revision = MCP_2025_11_25, .id = 0, .method = "initialize" });
    expect("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-"
           "11-25\","
           "\"capabilities\":{},\"clientInfo\":{\"name\":\"guiche\",\"version\":\"" GUICHE_VERSION "\"}}}");
    envelope_notification(&out, "notifications/initialized");
    expect("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

Test(envelope, leaves_out_what_is_of_the_wrong_type_in_progress)
{
    envelope_progress(&out, SPAN("7"), SPAN("\"x\""), SPAN("null"), SPAN("5"), SPAN("[]"));
    expect("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
           "progress\",\"params\":{\"progressToken\":7,\"progress\":0}}");
}
