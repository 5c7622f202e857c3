/* What a connector is told in headers, and which of the caller's headers it gets. */
#include "hop_headers.h"

#include <criterion/criterion.h>
#include <string.h>

#include "errors.h"
#include "http_fake.h"
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
    catalog_connector_t connector = { .config = &theirs };
    AUTO_BUF out = { 0 };
    hop_headers_t headers = {
        .connector = &connector,
        .revision = MCP_2026_07_28,
        .session_id = SPAN("s1"),
        .method = "tools/call",
        .name = SPAN("add"),
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

static forward_header_t forwarded[] = { { "x-qlik-access-token", "x-qlik-access-token", NULL },
                                        { "x-tenant", "x-tenant", NULL } };

Test(hop_headers, forwards_the_configured_headers_and_no_others)
{
    connector_config_t qlik = { .name = "qlik", .forward_headers = forwarded, .forward_count = 2 };
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

Test(hop_headers, sends_a_users_token_under_the_name_that_its_server_knows)
{
    forward_header_t renamed[] = { { "x-github-token", "authorization", "Bearer" },
                                   { "x-team", "x-org", NULL } };
    connector_config_t github = { .name = "github", .forward_headers = renamed, .forward_count = 2 };
    const char *const request[] = {
        "X-GitHub-Token", "secret", "Authorization", "Bearer the gateway's", "x-team", "blue", NULL
    };
    const char *const none[] = { "Authorization", "Bearer the gateway's", NULL };
    AUTO_BUF out = { 0 };
    err_t err;

    cr_assert_eq(hop_forwarded(&out, &github, request, header, &err), 0);
    cr_assert_str_eq(buf_text(&out), "authorization: Bearer secret\r\nx-org: blue\r\n");
    buf_clear(&out);
    cr_assert_eq(hop_forwarded(&out, &github, none, header, &err), 0);
    cr_assert_eq(out.length, 0, "the caller's own Authorization stays here");
}

Test(hop_headers, adds_the_fixed_headers_to_every_request)
{
    fixed_header_t fixed[] = { { "authorization", "Bearer ours" }, { "x-region", "eu" } };
    connector_config_t github = { .name = "github", .fixed_headers = fixed, .fixed_count = 2 };
    catalog_connector_t connector = { .config = &github };
    AUTO_BUF out = { 0 };
    hop_headers_t headers = { .connector = &connector, .revision = MCP_2026_07_28, .method = "tools/call" };

    cr_assert(strstr(lines(&out, &headers), "\r\nauthorization: Bearer ours\r\nx-region: eu\r\n"));
    headers.opening = true;
    headers.revision = MCP_2025_06_18;
    cr_assert(strstr(lines(&out, &headers), "\r\nauthorization: Bearer ours\r\nx-region: eu\r\n"));
}

Test(hop_headers, puts_the_users_own_in_the_place_of_a_fixed_one)
{
    fixed_header_t fixed[] = { { "authorization", "Bearer ours" }, { "x-region", "eu" } };
    forward_header_t renamed[] = { { "x-github-token", "authorization", "Bearer" } };
    connector_config_t github = { .name = "github",
                                  .fixed_headers = fixed,
                                  .fixed_count = 2,
                                  .forward_headers = renamed,
                                  .forward_count = 1 };
    catalog_connector_t connector = { .config = &github };
    const char *const theirs_too[] = { "X-GitHub-Token", "theirs", NULL }, *const none[] = { NULL };
    hop_headers_t headers = { .connector = &connector, .revision = MCP_2026_07_28, .method = "tools/call" };
    AUTO_BUF out = { 0 };
    err_t err;

    AUTO_BUF users = { 0 };
    cr_assert_eq(hop_forwarded(&users, &github, theirs_too, header, &err), 0);
    headers.forwarded = buf_span(&users);
    cr_assert(strstr(lines(&out, &headers), "\r\nx-region: eu\r\nauthorization: Bearer theirs\r\n"));
    cr_assert_null(strstr(buf_text(&out), "ours"), "sent twice, a server might take either");
    buf_clear(&users);
    cr_assert_eq(hop_forwarded(&users, &github, none, header, &err), 0);
    headers.forwarded = buf_span(&users);
    cr_assert(strstr(lines(&out, &headers), "\r\nauthorization: Bearer ours\r\nx-region: eu\r\n"));
    headers.forwarded = SPAN("x-authorization: a\r\nx-reg: authorization: b\r\n");
    cr_assert(strstr(lines(&out, &headers), "\r\nauthorization: Bearer ours\r\nx-region: eu\r\nx-auth"),
              "only a header of the very name gives way");
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
    connector_config_t qlik = { .name = "qlik", .forward_headers = forwarded, .forward_count = 2 };
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
    connector_config_t qlik = { .name = "qlik",
                                .forward_headers = forwarded,
                                .forward_count = 2,
                                .required_headers = required,
                                .required_count = 1 };
    const char *const none[] = { NULL }, *const empty[] = { "X-Qlik-Access-Token", "", NULL };

    refuses(&qlik, none, "Missing Qlik access token.");
    refuses(&qlik, empty, "Missing Qlik access token.");
}

#define MIRRORED                                                                                             \
    "{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"}}}"

static int params_of(const char *headers, mcp_era_t era, const char *id, buf_t *out, err_t *err)
{
    param_headers_t *params = param_headers_read(span_of(MIRRORED));
    http_request_t *http = fake_request("POST", headers, SPAN(""));
    mcp_request_t request = {
        .era = era, .id = span_of(id), .arguments = SPAN("{\"region\":\"eu\"}"), .http = http
    };
    int rc = hop_params_check(params, &request, err) ? -1 : hop_params(out, params, &request, err);

    http->over = true;
    fake_free(http);
    param_headers_free(params);
    return rc;
}

/* MCP 2026-07-28 basic/transports/streamable-http "Client Behavior": made from the body; what the tool does
 * not declare is copied. */
Test(hop_headers, carries_mirrored_arguments_and_the_callers_unknown_ones)
{
    AUTO_BUF out = { 0 };
    err_t err;

    cr_assert_eq(params_of("Mcp-Param-Region: eu\nmcp-param-New: 1\nX-Other: 2\nMcp-Param-: 3\n", MCP_MODERN,
                           "1", &out, &err),
                 0);
    cr_expect_str_eq(buf_text(&out), "Mcp-Param-Region: eu\r\nmcp-param-New: 1\r\n");
    buf_clear(&out);
    cr_assert_eq(params_of("Mcp-Param-Region: us\nMcp-Param-New: 1\n", MCP_LEGACY, "1", &out, &err), 0);
    cr_expect_str_eq(buf_text(&out), "Mcp-Param-Region: eu\r\n", "nothing of a legacy caller's is passed on");
    buf_clear(&out);
    cr_assert_eq(params_of("", MCP_MODERN, NULL, &out, &err), 0, "REST mirrors nothing");
    cr_expect_str_eq(buf_text(&out), "Mcp-Param-Region: eu\r\n");
    buf_clear(&out);
    cr_assert_eq(params_of("", MCP_MODERN, "1", &out, &err), -1);
    cr_expect_eq(err.code, MCP_HEADER_MISMATCH);
}

Test(hop_headers, passes_on_so_many_unknown_ones_and_no_more)
{
    AUTO_BUF headers = { 0 };
    AUTO_BUF out = { 0 };
    err_t err;

    buf_add_text(&headers, "Mcp-Param-Region: eu\n");
    for (int i = 0; i < HOP_PARAMS_MAX; i++) {
        buf_addf(&headers, "Mcp-Param-X%d: 1\n", i);
    }
    cr_expect_eq(params_of(buf_text(&headers), MCP_MODERN, "1", &out, &err), 0);
    buf_add_text(&headers, "Mcp-Param-Y: 1\n");
    cr_expect_eq(params_of(buf_text(&headers), MCP_MODERN, "1", &out, &err), -1);
    cr_expect_eq(err.kind, ERR_CALLER);
}
