/* What the gateway says about itself, by its own words and without sockets. */
#include "status.h"

#include <criterion/criterion.h>
#include <string.h>

#include "config.h"
#include "http_fake.h"
#include "metrics.h"

static http_request_t *get(void)
{
    return fake_request("GET", "", SPAN(""));
}

static void ready_is(bool ready, bool stopping, int status, const char *part)
{
    catalog_t catalog = { .ready = ready };
    http_request_t *request = get();

    status_ready(&catalog, stopping, request);
    cr_assert_eq(request->status, status);
    cr_assert(strstr(fake_sent(request), part), "%s", fake_sent(request));
    fake_free(request);
}

Test(status, is_ready_with_a_catalog_and_until_it_stops)
{
    ready_is(true, false, 200, "\"ready\"");
    ready_is(false, false, 503, "not_ready");
    ready_is(true, true, 503, "stopping");
    ready_is(false, true, 503, "stopping");
}

Test(status, page_is_never_stored)
{
    catalog_t catalog = { .status = "{\"ready\":true}" };
    http_request_t *request = get();

    status_page(&catalog, request);
    cr_assert_str_eq(fake_sent(request), "{\"ready\":true}");
    cr_assert(strstr(buf_text(&request->added), "Cache-Control: no-store"));
    fake_free(request);
}

Test(status, metrics_are_prometheus_text)
{
    gateway_t gateway = { .metrics = metrics_new() };
    http_request_t *request = get();

    status_metrics(&gateway, request);
    cr_assert(strstr(buf_text(&request->type), "version=0.0.4"));
    cr_assert(strstr(fake_sent(request), "process_resident_memory_bytes "));
    fake_free(request);
    metrics_free(gateway.metrics);
}

/* RFC 9728: the resource is public_url, whatever Host the caller names. */
Test(status, names_its_authorization_servers_only_when_it_has_some)
{
    char *servers[] = { "https://id.example.com", NULL }, *none[] = { NULL };
    config_t config = { .public_url = "https://mcp.example.com/mcp", .authorization_servers = servers };
    http_request_t *request = fake_request("GET", "Host: evil.example.com\n", SPAN(""));

    status_resource_metadata(&config, request);
    cr_assert_eq(request->status, 200);
    cr_assert(strstr(fake_sent(request), "\"resource\":\"https://mcp.example.com/mcp\""));
    cr_assert(strstr(fake_sent(request), "\"authorization_servers\":[\"https://id.example.com\"]"));
    cr_assert(!strstr(fake_sent(request), "evil"));
    fake_free(request);

    config.authorization_servers = none;
    request = get();
    status_resource_metadata(&config, request);
    cr_assert_eq(request->status, 404);
    fake_free(request);
}
