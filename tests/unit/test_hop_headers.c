/* What a connector is told in headers, and which of the caller's headers it gets. */
#include "hop_headers.h"

#include <criterion/criterion.h>
#include <string.h>

#include "mem.h"

static connector_config_t ours = { .name = "crm", .trusted = true }, theirs = { .name = "github" };

static const char *lines(buf_t *out, const hop_headers_t *headers)
{
    buf_clear(out);
    hop_headers(out, headers);
    return buf_text(out);
}

Test(hop_headers, tells_our_connectors_who_asks_and_others_nothing)
{
    catalog_connector_t connector = { .config = &ours };
    AUTO_BUF out = { 0 };
    hop_headers_t headers = {
        .connector = &connector,
        .revision = MCP_2026_07_28,
        .method = "tools/call",
        .name = SPAN("add"),
        .principal = SPAN("jwt"),
        .request_id = SPAN("00112233"),
        .traceparent = SPAN("00-a-b-01"),
        .timeout_ms = 25000,
    };

    cr_assert(strstr(lines(&out, &headers), "Guiche-Principal: jwt\r\nGuiche-Request-Id: 00112233\r\n"
                                            "traceparent: 00-a-b-01\r\nGuiche-Timeout-Ms: 25000\r\n"));
    connector.config = &theirs;
    cr_assert_null(strcasestr(lines(&out, &headers), "guiche-"));
    cr_assert_null(strcasestr(buf_text(&out), "traceparent"));
}

/* MCP 2026-07-28 basic/transports/streamable-http "Standard headers". */
Test(hop_headers, mirrors_method_and_name_to_modern_connectors_only)
{
    catalog_connector_t connector = { .config = &theirs, .session_id = "s1" };
    AUTO_BUF out = { 0 };
    hop_headers_t headers = {
        .connector = &connector, .revision = MCP_2026_07_28, .method = "tools/call", .name = SPAN("add")
    };

    cr_assert(strstr(lines(&out, &headers), "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
                                            "Mcp-Name: add\r\n"));
    cr_assert_null(strstr(buf_text(&out), "Session"));
    headers.revision = MCP_2025_06_18;
    cr_assert(strstr(lines(&out, &headers), "MCP-Protocol-Version: 2025-06-18\r\nMcp-Session-Id: s1\r\n"));
    cr_assert_null(strstr(buf_text(&out), "Mcp-Method"));
    headers.opening = true;
    cr_assert_null(strstr(lines(&out, &headers), "Session"));
    cr_assert_null(strstr(buf_text(&out), "Protocol-Version"), "initialize negotiates it");
}

/* "Value Encoding": and nothing may break out of a line. */
Test(hop_headers, encodes_names_that_a_header_cannot_hold)
{
    catalog_connector_t connector = { .config = &theirs };
    static const struct {
        const char *name, *line;
    } names[] = {
        { "caf\xc3\xa9", "Mcp-Name: =?base64?Y2Fmw6k=?=\r\n" },
        { "a\r\nX: y", "Mcp-Name: =?base64?YQ0KWDogeQ==?=\r\n" },
        { " a", "Mcp-Name: =?base64?IGE=?=\r\n" },
        { "=?base64?x?=", "Mcp-Name: =?base64?PT9iYXNlNjQ/eD89?=\r\n" },
        { "plain name", "Mcp-Name: plain name\r\n" },
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        AUTO_BUF out = { 0 };
        hop_headers_t headers = { .connector = &connector,
                                  .revision = MCP_2026_07_28,
                                  .method = "tools/call",
                                  .name = span_of(names[i].name) };
        cr_assert(strstr(lines(&out, &headers), names[i].line), "%s", buf_text(&out));
    }
}

/* The caller's headers: name, value, name, value, NULL. */
static span_t header(const void *request, const char *name, size_t *ret_count)
{
    span_t found = { 0 };

    *ret_count = 0;
    for (const char *const *at = request; *at; at += 2) {
        if (strcasecmp(at[0], name) == 0) {
            found = (*ret_count)++ == 0 ? span_of(at[1]) : found;
        }
    }
    return found;
}

static char *forwarded[] = { "x-qlik-access-token", "x-tenant", NULL };

Test(hop_headers, forwards_the_configured_headers_and_no_others)
{
    connector_config_t qlik = { .name = "qlik", .forward_headers = forwarded };
    const char *const request[] = {
        "X-Qlik-Access-Token", "secret", "Authorization", "Bearer x", "Cookie", "c", NULL
    };
    AUTO_BUF out = { 0 };
    err_t err;

    cr_assert_eq(hop_forwarded(&out, &qlik, request, header, &err), 0);
    cr_assert_str_eq(buf_text(&out), "x-qlik-access-token: secret\r\n");
    buf_clear(&out);
    cr_assert_eq(hop_forwarded(&out, &theirs, request, header, &err), 0);
    cr_assert_eq(out.length, 0);
}

static void refuses(const connector_config_t *connector, const char *const *request, const char *reason)
{
    AUTO_BUF out = { 0 };
    err_t err;

    cr_assert_eq(hop_forwarded(&out, connector, request, header, &err), -1);
    cr_assert_eq(err.kind, ERR_CALLER);
    cr_assert(strstr(err.text, reason), "%s", err.text);
    cr_assert_null(strstr(err.text, "secret"), "an error must not repeat the value");
}

Test(hop_headers, refuses_what_occurs_twice_is_too_long_or_breaks_out)
{
    connector_config_t qlik = { .name = "qlik", .forward_headers = forwarded };
    AUTO(mem_free) char *value = mem_alloc(HOP_HEADER_MAX_VALUE + 2);
    const char *const twice[] = { "X-Tenant", "secret", "x-tenant", "secret", NULL };
    const char *const long_one[] = { "X-Tenant", value, NULL };
    const char *const broken[] = { "X-Tenant", "secret\r\nGuiche-Principal: forged", NULL };

    memset(value, 'a', HOP_HEADER_MAX_VALUE + 1);
    refuses(&qlik, twice, "2 times");
    refuses(&qlik, long_one, "longer than 8192");
    refuses(&qlik, broken, "control");
}

Test(hop_headers, ends_a_call_without_a_required_header_with_its_sentence)
{
    struct required_header required[] = { { "x-qlik-access-token", "Missing Qlik access token." } };
    connector_config_t qlik = {
        .name = "qlik", .forward_headers = forwarded, .required_headers = required, .required_count = 1
    };
    const char *const none[] = { NULL }, *const empty[] = { "X-Qlik-Access-Token", "", NULL };

    refuses(&qlik, none, "Missing Qlik access token.");
    refuses(&qlik, empty, "Missing Qlik access token.");
}
