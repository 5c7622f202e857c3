/* Which connector a name or a URI leads to, and under which public names entries of two connectors stand. */
#include "catalog_fixture.h"

#include <stdio.h>

#include "buf.h"
#include "uri_template.h"

#define RESOURCE(uri) "{\"uri\":\"" uri "\",\"name\":\"n\"}"
#define TEMPLATE(text) "{\"uriTemplate\":\"" text "\",\"name\":\"n\"}"
#define PROMPT(name) "{\"name\":\"" name "\"}"

static fixture_listing_t crm, odoo;
static metrics_t *metrics;
static catalog_t *catalog;
static catalog_route_t route;

static void build(void)
{
    metrics = metrics_new();
    catalog = fixture_catalog(&crm, &odoo, metrics);
}

static void release(void)
{
    catalog_unref(catalog);
    metrics_free(metrics);
}

static bool leads(mcp_kind_t kind, const char *name)
{
    return catalog_route(catalog, kind, span_of(name), &route);
}

static void expect(const char *uri, const char *entry, const char *own)
{
    cr_assert(leads(MCP_RESOURCES, uri), "%s leads nowhere", uri);
    cr_assert_str_eq(route.entry->name, entry, "%s leads to %s", uri, route.entry->name);
    cr_assert(span_is(route.own, own), "%.*s", SPAN_ARGS(route.own));
}

Test(catalog_route, gives_prompts_the_names_of_tools)
{
    fixture_add_to(&crm, MCP_PROMPTS, PROMPT("Summary-Of Week"));
    fixture_add_to(&crm, MCP_PROMPTS, PROMPT("summary_of_week"));
    fixture_add(&crm, READ_TOOL("summary_of_week"));
    build();
    cr_assert(leads(MCP_PROMPTS, "crm_summary_of_week"), "a tool of that name is another thing");
    cr_assert(span_is(route.own, "Summary-Of Week"));
    cr_assert_not(route.qualified);
    cr_assert_not(leads(MCP_PROMPTS, "summary_of_week"));
    cr_assert(strstr(catalog->status, "\"prompt\":\"summary_of_week\""), "%s", catalog->status);
    cr_assert_eq(catalog->connectors[0].counts[MCP_PROMPTS], 1);
    release();
}

Test(catalog_route, finds_a_listed_resource_by_its_uri)
{
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("odoo://models"));
    build();
    expect("odoo://models", "odoo://models", "odoo://models");
    cr_assert_eq(route.entry->connector, 1);
    cr_assert_not_null(route.entry->forms[MCP_SHAPE_2024_11].at);
    cr_assert_null(route.entry->forms[CATALOG_REST].at);
    release();
}

Test(catalog_route, lets_the_first_of_two_keep_a_uri)
{
    fixture_add_to(&crm, MCP_RESOURCES, RESOURCE("x://same"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("x://same"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("x://same"));
    build();
    expect("x://same", "x://same", "x://same");
    cr_assert_eq(route.entry->connector, 0);
    cr_assert_not(route.qualified);
    expect("guiche://odoo/x://same", "guiche://odoo/x://same", "x://same");
    cr_assert_eq(route.entry->connector, 1);
    cr_assert(route.qualified);
    expect("guiche://crm/x://same", "x://same", "x://same");
    cr_assert(route.qualified);
    cr_assert_eq(catalog->connectors[1].counts[MCP_RESOURCES], 1, "its own second one is refused");
    cr_assert(strstr(catalog->status, "\"refused\":[{\"resource\":\"x://same\""), "%s", catalog->status);
    release();
}

Test(catalog_route, finds_the_template_with_the_most_literal_text)
{
    fixture_add_to(&crm, MCP_TEMPLATES, TEMPLATE("x://{+all}"));
    fixture_add_to(&odoo, MCP_TEMPLATES, TEMPLATE("x://row/{id}"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("x://row/1"));
    build();
    expect("x://row/2", "x://row/{id}", "x://row/2");
    cr_assert_eq(route.entry->kind, MCP_TEMPLATES);
    expect("x://row/2/3", "x://{+all}", "x://row/2/3");
    expect("x://row/1", "x://row/1", "x://row/1");
    cr_assert_eq(route.entry->kind, MCP_RESOURCES, "what is listed comes first");
    release();
}

Test(catalog_route, lets_the_first_of_two_keep_a_template)
{
    fixture_add_to(&crm, MCP_TEMPLATES, TEMPLATE("x://{id}"));
    fixture_add_to(&odoo, MCP_TEMPLATES, TEMPLATE("x://{id}"));
    build();
    expect("x://a%20b", "x://{id}", "x://a%20b");
    cr_assert_eq(route.entry->connector, 0);
    expect("guiche://odoo/x://a%20b", "guiche://odoo/x://{id}", "x://a%20b");
    cr_assert_eq(route.entry->connector, 1);
    cr_assert(leads(MCP_TEMPLATES, "guiche://odoo/x://{id}"), "completions name the template");
    cr_assert(span_is(route.own, "x://{id}"));
    release();
}

Test(catalog_route, hands_an_unlisted_uri_to_the_only_one_that_reads_any)
{
    fixture_add(&crm, READ_TOOL("a"));
    odoo.offers.resources = true;
    build();
    expect("other://thing", "guiche://odoo/*", "other://thing");
    cr_assert(route.entry->read_only);
    expect("guiche://odoo/other://thing", "guiche://odoo/*", "other://thing");
    cr_assert_not(leads(MCP_RESOURCES, "guiche://crm/other://thing"), "crm reads nothing");
    cr_assert_null(catalog_find(catalog, MCP_RESOURCES, SPAN("guiche://odoo/*")), "no name finds it");
    cr_assert_eq(catalog->connectors[1].counts[MCP_RESOURCES], 0, "it is not offered");
    release();
}

Test(catalog_route, does_not_guess_between_two_that_read)
{
    fixture_add_to(&crm, MCP_RESOURCES, RESOURCE("a://x"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("b://x"));
    build();
    cr_assert_not(leads(MCP_RESOURCES, "b://y"));
    expect("guiche://odoo/b://y", "guiche://odoo/*", "b://y");
    cr_assert_not(leads(MCP_RESOURCES, "guiche://nobody/b://y"));
    cr_assert_not(leads(MCP_RESOURCES, "guiche://odoo"));
    cr_assert_not(leads(MCP_RESOURCES, ""));
    release();
}

/* Who names a connector means it, though another has a template for everything. */
Test(catalog_route, goes_to_the_connector_that_a_uri_names)
{
    fixture_add_to(&crm, MCP_TEMPLATES, TEMPLATE("{+anything}"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("b://x"));
    build();
    expect("guiche://odoo/b://y", "guiche://odoo/*", "b://y");
    expect("b://y", "{+anything}", "b://y");
    expect("guiche://nobody/b://y", "{+anything}", "guiche://nobody/b://y");
    release();
}

/* Each connector is reached for what is its own only. */
Test(catalog_route, does_not_reach_a_neighbours_resource_through_another)
{
    fixture_add_to(&crm, MCP_RESOURCES, RESOURCE("a://x"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("b://x"));
    build();
    expect("guiche://odoo/a://x", "guiche://odoo/*", "a://x");
    cr_assert_eq(route.entry->connector, 1);
    release();
}

/* Else who asks for a resource of one connector would get it from another. */
Test(catalog_route, lets_no_connector_take_a_name_of_ours)
{
    fixture_add_to(&crm, MCP_RESOURCES, RESOURCE("guiche://odoo/b://x"));
    fixture_add_to(&crm, MCP_TEMPLATES, TEMPLATE("guiche://odoo/{+any}"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("b://x"));
    build();
    expect("guiche://odoo/b://x", "b://x", "b://x");
    cr_assert_eq(route.entry->connector, 1);
    expect("guiche://odoo/b://y", "guiche://odoo/*", "b://y");
    expect("guiche://crm/guiche://odoo/b://x", "guiche://crm/guiche://odoo/b://x", "guiche://odoo/b://x");
    cr_assert_eq(route.entry->connector, 0, "it has it all the same, as a gateway behind a gateway has");
    release();
}

/* Not even to what stands for unlisted URIs, which a policy may open to those whom a template is closed to.
 */
Test(catalog_route, leads_nowhere_when_a_template_cannot_be_told)
{
    char uri[URI_TEMPLATE_MAX_URI + 2] = "a://";

    fixture_add_to(&crm, MCP_TEMPLATES, TEMPLATE("a://{+any}"));
    build();
    memset(uri + 4, 'x', URI_TEMPLATE_MAX_URI - 4);
    cr_assert(leads(MCP_RESOURCES, uri));
    cr_assert_eq(route.entry->kind, MCP_TEMPLATES);
    uri[URI_TEMPLATE_MAX_URI] = 'x';
    cr_assert_not(leads(MCP_RESOURCES, uri), "longer than what is compared");
    release();
}

static char many_texts[CATALOG_MAX_ENTRIES][128];

Test(catalog_route, does_not_compare_for_ever)
{
    char uri[URI_TEMPLATE_MAX_URI + 1] = "";
    listing_t *list = &crm.lists[MCP_TEMPLATES];

    list->count = CATALOG_MAX_ENTRIES - 2;
    list->items = NEW_ARRAY(span_t, list->count);
    for (size_t i = 0; i < list->count; i++) {
        snprintf(many_texts[i], sizeof(many_texts[i]), "{\"uriTemplate\":\"x{+a}x{+b}x%zu\",\"name\":\"n\"}",
                 i);
        list->items[i] = span_of(many_texts[i]);
    }
    build();
    memset(uri, 'x', sizeof(uri) - 1);
    cr_assert_not(leads(MCP_RESOURCES, uri));
    expect("xyxzx7", "x{+a}x{+b}x7", "xyxzx7");
    expect("other", "guiche://crm/*", "other");
    mem_free(list->items);
    release();
}

Test(catalog_route, does_not_list_what_stands_for_unlisted_uris)
{
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("b://x"));
    build();
    for (size_t i = 0; i < catalog->entry_count; i++) {
        const catalog_entry_t *entry = &catalog->entries[i];
        cr_assert(*entry->own_name || !entry->forms[MCP_SHAPE_MODERN].at);
    }
    cr_assert(strstr(catalog->status, "\"resources\":1,\"templates\":0"), "%s", catalog->status);
    release();
}

Test(catalog_route, offers_what_some_connector_declares)
{
    crm.offers.prompts = true;
    odoo.offers.completions = odoo.offers.logging = true;
    build();
    cr_assert(catalog->offers.tools);
    cr_assert(catalog->offers.prompts);
    cr_assert(catalog->offers.completions);
    cr_assert(catalog->offers.logging);
    cr_assert_not(catalog->offers.resources);
    release();
}

Test(catalog_route, keeps_each_list_as_long_as_its_own_connectors_say)
{
    fixture_add_to(&crm, MCP_PROMPTS, PROMPT("p"));
    fixture_add_to(&crm, MCP_RESOURCES, RESOURCE("a://x"));
    crm.lists[MCP_PROMPTS].ttl_ms = 7000;
    odoo.lists[MCP_PROMPTS].ttl_ms = 9000;
    crm.lists[MCP_PROMPTS].is_public = odoo.lists[MCP_PROMPTS].is_public = true;
    build();
    cr_assert_eq(catalog->ttl_ms[MCP_PROMPTS], 7000);
    cr_assert(catalog->is_public[MCP_PROMPTS]);
    cr_assert_not(catalog->is_public[MCP_RESOURCES]);
    release();
}

Test(catalog_route, leaves_names_alone_where_a_single_connector_has_no_prefix)
{
    static connector_config_t alone[] = { { .name = "one", .prefix = "", .url = "unix:/x" } };
    static config_t config = { .connectors = alone, .connector_count = 1, .references = 1000000 };
    found_t found[1];

    fixture_add(&crm, READ_TOOL("Get-Sum.v2/x"));
    fixture_add(&crm, READ_TOOL("get sum"));
    fixture_add_to(&crm, MCP_PROMPTS, PROMPT("My-Prompt"));
    found[0] = fixture_found(&crm, MCP_2026_07_28);
    metrics = metrics_new();
    catalog = catalog_build(&config, found, metrics, NULL);
    cr_assert(leads(MCP_TOOLS, "Get-Sum.v2/x"));
    cr_assert(leads(MCP_TOOLS, "get_sum"), "what the specification does not take gets its alias");
    cr_assert(leads(MCP_PROMPTS, "My-Prompt"));
    release();
}

Test(catalog_route, leaves_room_for_the_tools_of_all_before_the_resources_of_one)
{
    static char texts[CATALOG_MAX_ENTRIES + 10][64];
    listing_t *list = &crm.lists[MCP_RESOURCES];

    list->count = CATALOG_MAX_ENTRIES + 10;
    list->items = NEW_ARRAY(span_t, list->count);
    for (size_t i = 0; i < list->count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "{\"uri\":\"a:%zu\",\"name\":\"n\"}", i);
        list->items[i] = span_of(texts[i]);
    }
    fixture_add(&odoo, READ_TOOL("still_there"));
    build();
    cr_assert_eq(catalog->entry_count, CATALOG_MAX_ENTRIES);
    cr_assert(leads(MCP_TOOLS, "odoo_still_there"));
    const char *said = strstr(catalog->status, "The catalog is full");
    cr_assert_not_null(said);
    cr_assert_null(strstr(said + 1, "The catalog is full"), "once is enough");
    mem_free(list->items);
    release();
}

/* MCP policies: <connector>.read opens resources and prompts, and a glob their public names. */
Test(catalog_route, is_opened_by_the_permission_to_read)
{
    static const char *const may[] = { "odoo.read", NULL };

    fixture_add_to(&odoo, MCP_PROMPTS, PROMPT("p"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("b://x"));
    fixture_add_to(&crm, MCP_RESOURCES, RESOURCE("a://x"));
    build();
    principal_t *principal = principal_new("s", "t", may, 1);
    cr_assert(leads(MCP_PROMPTS, "odoo_p"));
    cr_assert(policy_allows(catalog->policy, principal, catalog_index(catalog, route.entry)));
    cr_assert(leads(MCP_RESOURCES, "guiche://odoo/b://unlisted"));
    cr_assert(policy_allows(catalog->policy, principal, catalog_index(catalog, route.entry)));
    cr_assert(leads(MCP_RESOURCES, "a://x"));
    cr_assert_not(policy_allows(catalog->policy, principal, catalog_index(catalog, route.entry)));
    principal_unref(principal);
    release();
}
