/* Who may speak to us from a browser (DNS rebinding). */
#include <criterion/criterion.h>

#include "http_fake.h"
#include "mem.h"
#include "origin.h"

static const char *const origins[] = { "https://app.example.com", "null" };
static origin_rules_t rules = { NULL, 0, NULL };

static int check(const char *headers, bool local, const char *peer)
{
    http_request_t *request = fake_request("POST", headers, SPAN(""));
    err_t err;

    request->local = local;
    request->peer = peer;
    int ret = origin_check(&rules, request, &err);
    cr_expect(ret == 0 || err.kind == ERR_DENIED);
    fake_free(request);
    return ret;
}

static void expect_allowed(const char *headers)
{
    cr_expect_eq(check(headers, true, "127.0.0.1"), 0, "refused: %s", headers);
}

static void expect_denied(const char *headers)
{
    cr_expect_eq(check(headers, true, "127.0.0.1"), -1, "allowed: %s", headers);
}

Test(origin, loopback_hosts_are_ours_on_loopback)
{
    expect_allowed("Host: 127.0.0.1:8080\n");
    expect_allowed("Host: localhost:8080\n");
    expect_allowed("Host: LOCALHOST\n");
    expect_allowed("Host: [::1]:8080\n");
    expect_allowed("Host: 127.1.2.3\n");
}

Test(origin, any_other_host_on_loopback_is_rebinding)
{
    expect_denied("Host: evil.example.com\n");
    expect_denied("Host: 127.0.0.1.evil.example.com\n");
    expect_denied("Host: localhost.evil.example.com\n");
    expect_denied("Host: [::2]\n");
    expect_denied("Host: 128.0.0.1\n");
    expect_denied("Host: 127.0.0.1@evil.example.com\n");
    expect_denied("Host: \n");
    expect_denied("");
    expect_denied("Host: localhost\nHost: localhost\n");
}

Test(origin, the_host_of_public_url_is_ours_too)
{
    rules = (origin_rules_t){ .public_url = "https://mcp.example.com/mcp" };
    expect_allowed("Host: mcp.example.com\n");
    expect_allowed("Host: MCP.example.com:443\nOrigin: https://mcp.example.com\n");
    expect_denied("Host: evil.mcp.example.com\n");
    expect_denied("Host: mcp.example.com\nOrigin: http://mcp.example.com\n");
}

Test(origin, hosts_are_not_looked_at_elsewhere)
{
    cr_expect_eq(check("Host: mcp-odoo:8000\n", false, "10.0.0.1"), 0);
    cr_expect_eq(check("Host: anything\n", true, ""), 0, "a unix socket");
}

Test(origin, a_page_of_this_very_server_may_speak)
{
    expect_allowed("Host: 127.0.0.1:8080\nOrigin: http://127.0.0.1:8080\n");
    expect_allowed("Host: localhost:8080\nOrigin: http://localhost:8080\n");
}

/* MCP 2026-07-28 basic/transports/streamable-http "Security Warning" */
Test(origin, pages_of_other_sites_may_not)
{
    expect_denied("Host: 127.0.0.1:8080\nOrigin: http://evil.example.com\n");
    expect_denied("Host: 127.0.0.1:8080\nOrigin: http://127.0.0.1:9999\n");
    expect_denied("Host: 127.0.0.1:8080\nOrigin: http://localhost:8080\n");
    expect_denied("Host: 127.0.0.1:8080\nOrigin: null\n");
    expect_denied("Host: 127.0.0.1:8080\nOrigin: \n");
    expect_denied("Host: 127.0.0.1:8080\nOrigin: http://127.0.0.1:8080\nOrigin: http://127.0.0.1:8080\n");
    expect_denied("Host: 127.0.0.1:8080\nOrigin: 127.0.0.1:8080\n");
    expect_denied("Host: 127.0.0.1:8080\nOrigin: ftp://127.0.0.1:8080\n");
    expect_denied("Host: evil.example.com\nOrigin: http://evil.example.com\n");
}

Test(origin, a_page_is_not_ours_because_its_host_resolves_to_us)
{
    cr_expect_eq(check("Host: evil.example.com\nOrigin: http://evil.example.com\n", false, "10.0.0.1"), -1);
    cr_expect_eq(check("Host: localhost:8080\nOrigin: http://localhost:8080\n", false, "10.0.0.1"), -1);
}

Test(origin, configured_origins_are_taken_exactly)
{
    rules = (origin_rules_t){ .origins = origins, .count = COUNT_OF(origins) };
    expect_allowed("Host: localhost\nOrigin: https://app.example.com\n");
    expect_allowed("Host: localhost\nOrigin: null\n");
    expect_denied("Host: localhost\nOrigin: https://app.example.com.evil.com\n");
    expect_denied("Host: localhost\nOrigin: https://APP.example.com\n");
    expect_denied("Host: localhost\nOrigin: http://app.example.com\n");
}

Test(origin, only_allowed_origins_may_read_answers)
{
    http_request_t *good =
        fake_request("POST", "Host: localhost\nOrigin: https://app.example.com\n", SPAN(""));
    http_request_t *bad =
        fake_request("POST", "Host: localhost\nOrigin: https://evil.example.com\n", SPAN(""));
    http_request_t *none = fake_request("POST", "Host: localhost\n", SPAN(""));

    rules = (origin_rules_t){ .origins = origins, .count = COUNT_OF(origins) };
    cr_expect(span_is(origin_allowed(&rules, good), "https://app.example.com"));
    cr_expect_null(origin_allowed(&rules, bad).at);
    cr_expect_null(origin_allowed(&rules, none).at);
    fake_free(good);
    fake_free(bad);
    fake_free(none);
}
