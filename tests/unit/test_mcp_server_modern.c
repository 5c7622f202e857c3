/* Revision 2026-07-28: what each request must carry, and in which order it is looked at. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "errors.h"
#include "mcp_fixture.h"
#include "mem.h"

TestSuite(mcp_server_modern, .init = fixture_open, .fini = fixture_close);

#define VERSION "\"io.modelcontextprotocol/protocolVersion\""
#define CAPABILITIES "\"io.modelcontextprotocol/clientCapabilities\""
#define DISCOVER(meta)                                                                                       \
    "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\",\"params\":{\"_meta\":{" meta "}}}"
#define GOOD_META VERSION ":\"2026-07-28\"," CAPABILITIES ":{}"

static void expect_code(const char *headers, const char *body, int status, int code)
{
    char part[60];

    snprintf(part, sizeof(part), "~\"id\":\"d\",\"error\":{\"code\":%d,", code);
    expect_answer(headers, body, status, part);
}

/* MCP 2026-07-28 server/discover */
Test(mcp_server_modern, discover_says_everything_clients_look_for)
{
    expect_answer(MODERN_HEADERS("server/discover"), DISCOVER(GOOD_META), 200,
                  "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"result\":{\"supportedVersions\":[\"2026-07-28\"],"
                  "\"capabilities\":{\"tools\":{}},"
                  "\"instructions\":\"Ask.\",\"ttlMs\":300000,\"cacheScope\":\"private\",\"resultType\":"
                  "\"complete\",\"_meta\":{"
                  "\"io.modelcontextprotocol/"
                  "serverInfo\":{\"name\":\"test\",\"title\":\"Test\",\"version\":\"1.0\"}}}}");
    cr_expect_eq(fixture.ended_revision, MCP_2026_07_28);
}

/* MCP 2026-07-28 server/utilities/caching */
Test(mcp_server_modern, lists_carry_how_long_and_for_whom)
{
    expect_sent(post_modern("tools/list", "", ""), 200,
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"a\",\"inputSchema\":{"
                "\"type\":\"object\"}}],"
                "\"ttlMs\":5000,\"cacheScope\":\"private\",\"resultType\":\"complete\",\"_meta\":{"
                "\"io.modelcontextprotocol/"
                "serverInfo\":{\"name\":\"test\",\"title\":\"Test\",\"version\":\"1.0\"}}}}");
    cr_expect_eq(fixture.listed_as, MCP_SHAPE_MODERN);
    fixture.list.ttl_ms = -1;
    fixture.list.is_public = true;
    expect_sent(post_modern("tools/list", "", ""), 200, "~\"ttlMs\":0,\"cacheScope\":\"public\"");
}

Test(mcp_server_modern, knows_no_cursor)
{
    expect_sent(post_modern("tools/list", "", "\"cursor\":\"x\""), 200, "~\"code\":-32602");
}

/* MCP 2026-07-28 basic "Per-request metadata" */
Test(mcp_server_modern, missing_metadata_is_400_and_32602)
{
    const char *const metas[] = {
        DISCOVER(VERSION ":\"2026-07-28\""),
        DISCOVER(VERSION ":\"2026-07-28\"," CAPABILITIES ":null"),
        DISCOVER(VERSION ":\"2026-07-28\"," CAPABILITIES ":[]"),
        DISCOVER(VERSION ":20260728," CAPABILITIES ":{}"),
        DISCOVER(VERSION ":null," CAPABILITIES ":{}"),
        DISCOVER(CAPABILITIES ":{}"),
        DISCOVER(""),
        "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\",\"params\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\",\"params\":[]}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"initialize\",\"params\":{\"x\":1}}",
    };

    for (size_t i = 0; i < COUNT_OF(metas); i++) {
        expect_code(MODERN_HEADERS("server/discover"), metas[i], 400, RPC_INVALID_PARAMS);
    }
}

/* MCP 2026-07-28 basic/transports/streamable-http "Server Validation" */
Test(mcp_server_modern, headers_must_say_what_the_body_says)
{
    const char *const headers[] = {
        "",
        "MCP-Protocol-Version: 2026-07-28\n",
        "Mcp-Method: server/discover\n",
        "MCP-Protocol-Version: 2025-11-25\nMcp-Method: server/discover\n",
        "MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/list\n",
        "MCP-Protocol-Version: 2026-07-28\nMcp-Method: Server/Discover\n",
        "MCP-Protocol-Version: 2026-07-28\nMcp-Method: \n",
        "MCP-Protocol-Version: 2026-07-28\nMcp-Method: =?base64?c2VydmVyL2Rpc2NvdmVy?=\n",
        "MCP-Protocol-Version: =?base64?MjAyNi0wNy0yOA==?=\nMcp-Method: server/discover\n",
        "MCP-Protocol-Version: 2026-07-28\nMcp-Method: server/discover\nMcp-Method: server/discover\n",
        "MCP-Protocol-Version: 2026-07-28\nMCP-Protocol-Version: 2026-07-28\nMcp-Method: server/discover\n",
    };

    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        expect_code(headers[i], DISCOVER(GOOD_META), 400, MCP_HEADER_MISMATCH);
    }
    expect_answer("mcp-protocol-VERSION:  2026-07-28 \nMCP-METHOD:\tserver/discover\t\n", DISCOVER(GOOD_META),
                  200, "~supportedVersions");
}

Test(mcp_server_modern, an_unknown_version_is_named_with_those_served)
{
    expect_answer("MCP-Protocol-Version: v999.0.0\nMcp-Method: server/discover\n",
                  DISCOVER(VERSION ":\"v999.0.0\"," CAPABILITIES ":{}"), 400,
                  "~\"data\":{\"supported\":[\"2026-07-28\"],\"requested\":\"v999.0.0\"}}");
    expect_code("MCP-Protocol-Version: v999.0.0\nMcp-Method: server/discover\n",
                DISCOVER(VERSION ":\"v999.0.0\"," CAPABILITIES ":{}"), 400, MCP_UNSUPPORTED_VERSION);
    expect_code("MCP-Protocol-Version: 2025-11-25\nMcp-Method: server/discover\n",
                DISCOVER(VERSION ":\"2025-11-25\"," CAPABILITIES ":{}"), 400, MCP_UNSUPPORTED_VERSION);
}

Test(mcp_server_modern, the_first_failure_wins)
{
    /* metadata before headers, headers before version, version before name, name before method */
    expect_code("", DISCOVER(VERSION ":\"v9\""), 400, RPC_INVALID_PARAMS);
    expect_code("MCP-Protocol-Version: v8\n", DISCOVER(VERSION ":\"v9\"," CAPABILITIES ":{}"), 400,
                MCP_HEADER_MISMATCH);
    expect_sent(post_modern("prompts/get", "", "\"name\":\"p\""), 400, "~\"code\":-32020");
    expect_sent(post_modern("prompts/get", "Mcp-Name: p\n", "\"name\":\"p\""), 404, "~\"code\":-32601");
    expect_sent(post_modern("resources/read", "Mcp-Name: a://b\n", "\"uri\":\"a://b\""), 404,
                "~\"code\":-32601");
    expect_sent(post_modern("resources/read", "Mcp-Name: a://b\n", "\"name\":\"a://b\""), 200,
                "~params.uri must be a string");
}

Test(mcp_server_modern, methods_of_the_past_and_unknown_ones_are_404)
{
    const char *const names[] = { "initialize",
                                  "ping",
                                  "logging/setLevel",
                                  "resources/subscribe",
                                  "resources/unsubscribe",
                                  "unknown/method",
                                  "subscriptions/listen" };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        expect_sent(post_modern(names[i], "", ""), 404, "~\"id\":1,\"error\":{\"code\":-32601,");
    }
}

Test(mcp_server_modern, takes_notifications)
{
    expect_answer("",
                  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{" MODERN_META "}}",
                  202, "");
    expect_answer("MCP-Protocol-Version: 2026-07-28\n",
                  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}", 202, "");
    expect_answer("", "{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{\"_meta\":{" VERSION ":\"v9\"}}}",
                  400, "~\"code\":-32022");
}

static void expect_name(const char *header, const char *params, bool matches)
{
    http_request_t *request = post_modern("tools/call", header, params);

    cr_expect_eq(!request->over, matches, "%s", fake_sent(request));
    if (matches) {
        mcp_call_error(TAKE(fixture.open_call), &(err_t){ .kind = ERR_CALLER });
        check_answer(request);
        fake_free(request);
    } else {
        expect_sent(request, 400, "~\"code\":-32020");
    }
}

Test(mcp_server_modern, mcp_name_must_be_the_name_called)
{
    expect_name("Mcp-Name: crm_x\n", "\"name\":\"crm_x\"", true);
    expect_name("Mcp-Name:   crm_x  \n", "\"name\":\"crm\\u005fx\"", true);
    expect_name("Mcp-Name: =?base64?Y3JtX3g=?=\n", "\"name\":\"crm_x\"", true);
    expect_name("Mcp-Name: =?base64?w6c=?=\n", "\"name\":\"\xC3\xA7\"", true);
    expect_name("Mcp-Name: =?base64?Y3JtX3g=\n", "\"name\":\"=?base64?Y3JtX3g=\"", true);
    expect_name("", "\"name\":\"crm_x\"", false);
    expect_name("Mcp-Name: crm_y\n", "\"name\":\"crm_x\"", false);
    expect_name("Mcp-Name: CRM_X\n", "\"name\":\"crm_x\"", false);
    expect_name("Mcp-Name: crm_x\nMcp-Name: crm_x\n", "\"name\":\"crm_x\"", false);
    expect_name("Mcp-Name: =?base64?Y3JtX3g?=\n", "\"name\":\"crm_x\"", false);
    expect_name("Mcp-Name: =?BASE64?Y3JtX3g=?=\n", "\"name\":\"crm_x\"", false);
    expect_name("Mcp-Name: \xC3\xA7\n", "\"name\":\"\xC3\xA7\"", false);
    expect_name("Mcp-Name: =?base64?YQA=?=\n", "\"name\":\"a\"", false);
    expect_name("Mcp-Name: =?base64?YQBi?=\n", "\"name\":\"a\\u0000b\"", false);
}

Test(mcp_server_modern, a_call_without_a_name_says_so)
{
    expect_sent(post_modern("tools/call", "Mcp-Name: x\n", "\"name\":7"), 200, "~\"code\":-32602");
}
