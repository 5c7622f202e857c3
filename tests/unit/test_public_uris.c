/* URIs in results: which change, which stay, and that all else is copied byte for byte. */
#include "public_uris.h"

#include "catalog_fixture.h"

#include "buf.h"

#define RESOURCE(uri) "{\"uri\":\"" uri "\",\"name\":\"n\"}"
#define LINK(uri) "{\"type\":\"resource_link\",\"uri\":\"" uri "\",\"name\":\"n\"}"
#define EMBEDDED(uri) "{ \"type\" : \"resource\",\"resource\":{\"text\":\"\\\"uri\\\"\",\"uri\":\"" uri "\"}}"

static fixture_listing_t crm, odoo;
static metrics_t *metrics;
static catalog_t *catalog;

/* Both read resources; x://same is crm's. */
static void set_up(void)
{
    metrics = metrics_new();
    fixture_add_to(&crm, MCP_RESOURCES, RESOURCE("x://same"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("x://same"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("odoo://models"));
    catalog = fixture_catalog(&crm, &odoo, metrics);
}

static void tear_down(void)
{
    catalog_unref(catalog);
    metrics_free(metrics);
}

TestSuite(public_uris, .init = set_up, .fini = tear_down);

static void expect_content(const char *connector, const char *content, const char *wanted)
{
    AUTO_BUF out = { 0 };

    public_uris_in_content(&out, catalog, connector, span_of(content));
    cr_assert(span_is(buf_span(&out), wanted), "%.*s", SPAN_ARGS(buf_span(&out)));
}

Test(public_uris, say_whose_a_link_is_that_would_lead_to_another)
{
    expect_content("odoo", "[" LINK("x://same") "]", "[" LINK("guiche://odoo/x://same") "]");
    expect_content("crm", "[" LINK("x://same") "]", "[" LINK("x://same") "]");
}

Test(public_uris, say_whose_a_link_is_that_would_lead_nowhere)
{
    expect_content("crm", "[" LINK("x://unlisted") "," LINK("odoo://models") "]",
                   "[" LINK("guiche://crm/x://unlisted") "," LINK("guiche://crm/odoo://models") "]");
}

Test(public_uris, leave_what_leads_home_or_into_the_web)
{
    expect_content("odoo",
                   "[" LINK("odoo://models") "," LINK("https://example.com/a") "," LINK("HTTP://x.y/") "]",
                   "[" LINK("odoo://models") "," LINK("https://example.com/a") "," LINK("HTTP://x.y/") "]");
    expect_content("odoo", "[" LINK("guiche://odoo/x://same") "]", "[" LINK("guiche://odoo/x://same") "]");
}

Test(public_uris, are_those_of_embedded_resources_too)
{
    expect_content("odoo", "[" EMBEDDED("x://same") "]",
                   "[{\"type\":\"resource\",\"resource\":{\"text\":\"\\\"uri\\\"\","
                   "\"uri\":\"guiche://odoo/x://same\"}}]");
}

Test(public_uris, leave_other_blocks_as_they_are)
{
    static const char content[] =
        "[ {\"type\":\"text\",\"uri\":\"x://same\" , \"n\":1e3}, 3, {\"uri\":\"x://same\"},"
        "{\"type\":\"resource_link\",\"uri\":7},{\"type\":\"resource\",\"resource\":[]}]";
    static const char wanted[] =
        "[{\"type\":\"text\",\"uri\":\"x://same\" , \"n\":1e3},3,{\"uri\":\"x://same\"},"
        "{\"type\":\"resource_link\",\"uri\":7},{\"type\":\"resource\",\"resource\":[]}]";

    expect_content("odoo", content, wanted);
    expect_content("odoo", "{\"uri\":\"x://same\"}", "{\"uri\":\"x://same\"}");
    expect_content("odoo", "[]", "[]");
}

Test(public_uris, are_found_behind_escapes)
{
    expect_content("odoo", "[" LINK("x:\\/\\/s\\u0061me") "]", "[" LINK("guiche://odoo/x://same") "]");
}

Test(public_uris, stand_in_the_messages_of_prompts)
{
    AUTO_BUF out = { 0 };

    public_uris_in_messages(
        &out, catalog, "odoo",
        SPAN("[{\"role\":\"user\",\"content\":" LINK(
            "x://same") "},"
                        "{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"x://same\"}}]"));
    cr_assert(span_is(buf_span(&out),
                      "[{\"role\":\"user\",\"content\":" LINK(
                          "guiche://odoo/x://same") "},"
                                                    "{\"role\":\"user\",\"content\":{\"type\":\"text\","
                                                    "\"text\":\"x://same\"}}]"),
              "%.*s", SPAN_ARGS(buf_span(&out)));
}

Test(public_uris, all_change_in_what_was_read_by_a_qualified_one)
{
    AUTO_BUF out = { 0 };

    public_uris_in_contents(
        &out, catalog, "odoo",
        SPAN("[ {\"uri\" : \"x:\\u0031\\\"\", \"text\":\"\\\"uri\\\"\"}, 7,{\"blob\":\"\"},"
             "{\"uri\":null},{}]"));
    cr_assert_str_eq(buf_text(&out), "[{\"uri\":\"guiche://odoo/x:1\\\"\",\"text\":\"\\\"uri\\\"\"},7,"
                                     "{\"blob\":\"\"},{\"uri\":null},{}]");
    buf_clear(&out);
    public_uris_in_contents(&out, catalog, "odoo", SPAN("[]"));
    public_uris_in_contents(&out, catalog, "odoo", SPAN("null"));
    cr_assert_str_eq(buf_text(&out), "[]null");
}

Test(public_uris, matter_only_where_several_read_resources)
{
    cr_assert(public_uris_matter(catalog, &catalog->connectors[0]));
    cr_assert(public_uris_matter(catalog, &catalog->connectors[1]));
    catalog_unref(catalog);
    crm = (fixture_listing_t){ 0 };
    catalog = fixture_catalog(&crm, &odoo, metrics);
    cr_assert_not(public_uris_matter(catalog, &catalog->connectors[0]));
    cr_assert_not(public_uris_matter(catalog, &catalog->connectors[1]));
}
