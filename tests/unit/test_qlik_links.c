/* Addresses from Qlik's answers: what is on the tenant's own host, and what only looks like it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "links.h"
#include "mem.h"

#define TENANT "https://acme.eu.qlikcloud.com"

static const char *local_path(const char *href)
{
    static char path[256];
    span_t span = links_local(TENANT, span_of(href));

    snprintf(path, sizeof(path), "%.*s", SPAN_ARGS(span));
    return span.at ? path : NULL;
}

Test(qlik_links, takes_the_path_of_an_address_on_the_tenants_host)
{
    cr_assert_str_eq(local_path(TENANT "/api/v1/items?next=a"), "/api/v1/items?next=a");
    cr_assert_str_eq(local_path("HTTPS://ACME.eu.QlikCloud.com/api/v1/x"), "/api/v1/x");
    cr_assert_str_eq(local_path("https://acme.eu.qlikcloud.com:443/api/v1/x"), "/api/v1/x");
}

Test(qlik_links, takes_an_address_without_a_host)
{
    cr_assert_str_eq(local_path("/api/v1/users/1"), "/api/v1/users/1");
}

Test(qlik_links, refuses_addresses_that_lead_elsewhere)
{
    static const char *const elsewhere[] = {
        "https://evil.example/api/v1/items?next=a",
        "http://acme.eu.qlikcloud.com/api/v1/items",
        "https://acme.eu.qlikcloud.com.evil.example/api",
        "https://acme.eu.qlikcloud.com:8443/api",
        "https://acme.eu.qlikcloud.com@evil.example/api",
        "https://evil.example\\@acme.eu.qlikcloud.com/api",
        "https://acme.eu.qlikcloud.com\\@evil.example/api",
        "//evil.example/api",
        "/\\evil.example/api",
        "ftp://acme.eu.qlikcloud.com/api",
        "javascript:alert(1)",
        "api/v1/items",
        "?next=a",
        "https://acme.eu.qlikcloud.com",
        "https://",
        "",
    };

    for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
        cr_assert_null(local_path(elsewhere[i]), "%s", elsewhere[i]);
    }
    cr_assert_null(links_local(TENANT, (span_t){ 0 }).at);
}

Test(qlik_links, refuses_paths_that_would_break_a_request_line)
{
    cr_assert_null(local_path("/api/v1/users/1\r\nHost: evil.example"));
    cr_assert_null(local_path("/api/v1/users/a b"));
    cr_assert_null(local_path("/api/v1/users/\xc3\xa9"));
    cr_assert_null(local_path("/api/v1/users/1#x"));
}

static char *value_of(const char *path, const char *name)
{
    return links_query_value(span_of(path), name);
}

Test(qlik_links, finds_a_cursor_and_decodes_it)
{
    AUTO(mem_free) char *plain = value_of("/api/v1/items?limit=10&next=abc", "next");
    AUTO(mem_free) char *encoded = value_of("/x?next=a%2Fb%3d+c&limit=1", "next");

    cr_assert_str_eq(plain, "abc");
    cr_assert_str_eq(encoded, "a/b= c");
}

Test(qlik_links, keeps_a_percent_sign_that_begins_nothing)
{
    AUTO(mem_free) char *text = value_of("/x?next=100%25&a=1", "next");
    AUTO(mem_free) char *half = value_of("/x?next=5%2", "next");
    AUTO(mem_free) char *none = value_of("/x?next=5%zz", "next");

    cr_assert_str_eq(text, "100%");
    cr_assert_str_eq(half, "5%2");
    cr_assert_str_eq(none, "5%zz");
}

Test(qlik_links, has_no_cursor_where_there_is_none)
{
    cr_assert_null(value_of("/x?limit=1", "next"));
    cr_assert_null(value_of("/x?next=", "next"));
    cr_assert_null(value_of("/x?next", "next"));
    cr_assert_null(value_of("/x?notnext=1", "next"));
    cr_assert_null(value_of("/next=1", "next"));
    cr_assert_null(value_of("/x?next=a%0d%0ab", "next"), "a line break is no cursor");
    cr_assert_null(links_query_value((span_t){ 0 }, "next"));
}

static int check(const char *url, bool is_production)
{
    err_t err = { 0 };
    int failed = links_check_tenant(url, is_production, &err);

    cr_assert(!failed || (err.kind == ERR_CALLER && strstr(err.text, "QLIK_CLOUD_TENANT_URL")));
    return failed;
}

Test(qlik_links, takes_a_tenant_and_nothing_more)
{
    cr_assert_eq(check(TENANT, true), 0);
    cr_assert_eq(check(TENANT "/", true), 0);
    cr_assert_eq(check("http://127.0.0.1:8099", false), 0);
    cr_assert_neq(check(TENANT "/api/v1", false), 0);
    cr_assert_neq(check("https://user@acme.eu.qlikcloud.com", false), 0);
    cr_assert_neq(check("acme.eu.qlikcloud.com", false), 0);
    cr_assert_neq(check(TENANT "?x=1", false), 0);
    cr_assert_neq(check("https://", false), 0);
}

Test(qlik_links, refuses_plain_http_in_production)
{
    cr_assert_neq(check("http://acme.eu.qlikcloud.com", true), 0);
}
