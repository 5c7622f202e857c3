/* How declarations become a catalog, and what is found in it. */
#include "catalog_fixture.h"

#include "buf.h"

static bool has_text(span_t where, const char *text)
{
    return where.at && memmem(where.at, where.length, text, strlen(text));
}

Test(catalog, finds_exact_public_names_only)
{
    fixture_listing_t crm = { 0 };
    metrics_t *metrics = metrics_new();

    fixture_add(&crm, READ_TOOL("list_agents"));
    fixture_add(&crm, WRITE_TOOL("qualify_lead"));
    catalog_t *catalog = fixture_catalog(&crm, NULL, metrics);
    const catalog_entry_t *tool = catalog_find(catalog, MCP_TOOLS, SPAN("crm_qualify_lead"));
    cr_assert_not_null(tool);
    cr_assert_str_eq(tool->own_name, "qualify_lead");
    cr_assert_not(tool->read_only);
    cr_assert_eq(tool->timeout_ms, 25000);
    cr_assert_null(catalog_find(catalog, MCP_TOOLS, SPAN("qualify_lead")));
    cr_assert_null(catalog_find(catalog, MCP_TOOLS, SPAN("crm_")));
    cr_assert_null(catalog_find(catalog, MCP_TOOLS, SPAN("crm_qualify_lead_x")));
    cr_assert_null(catalog_find(catalog, MCP_TOOLS, SPAN("")));
    catalog_unref(catalog);
    metrics_free(metrics);
}

Test(catalog, keeps_the_order_of_connectors_and_of_their_lists)
{
    fixture_listing_t crm = { 0 }, odoo = { 0 };
    metrics_t *metrics = metrics_new();

    fixture_add(&crm, READ_TOOL("zebra"));
    fixture_add(&crm, READ_TOOL("ant"));
    fixture_add(&odoo, READ_TOOL("bee"));
    catalog_t *catalog = fixture_catalog(&crm, &odoo, metrics);
    cr_assert_str_eq(catalog->entries[0].name, "crm_zebra");
    cr_assert_str_eq(catalog->entries[1].name, "crm_ant");
    cr_assert_str_eq(catalog->entries[2].name, "odoo_bee");
    catalog_unref(catalog);
    metrics_free(metrics);
}

/* CrewAI calls the sanitised form of a name. */
Test(catalog, gives_unsafe_names_a_safe_alias)
{
    fixture_listing_t odoo = { 0 };
    metrics_t *metrics = metrics_new();

    fixture_add(&odoo, READ_TOOL("Get-Sum"));
    catalog_t *catalog = fixture_catalog(NULL, &odoo, metrics);
    const catalog_entry_t *tool = catalog_find(catalog, MCP_TOOLS, SPAN("odoo_get_sum"));
    cr_assert_not_null(tool);
    cr_assert_str_eq(tool->own_name, "Get-Sum", "the connector is called by its own name");
    cr_assert(has_text(tool->forms[MCP_SHAPE_MODERN], "\"odoo_get_sum\""));
    catalog_unref(catalog);
    metrics_free(metrics);
}

Test(catalog, refuses_a_clash_and_keeps_the_neighbours)
{
    fixture_listing_t odoo = { 0 };
    metrics_t *metrics = metrics_new();

    fixture_add(&odoo, READ_TOOL("get_sum"));
    fixture_add(&odoo, READ_TOOL("get-sum"));
    fixture_add(&odoo, READ_TOOL("other"));
    catalog_t *catalog = fixture_catalog(NULL, &odoo, metrics);
    cr_assert_eq(catalog->entry_count, 2);
    cr_assert_str_eq(catalog_find(catalog, MCP_TOOLS, SPAN("odoo_get_sum"))->own_name, "get_sum");
    cr_assert_not_null(catalog_find(catalog, MCP_TOOLS, SPAN("odoo_other")));
    cr_assert(strstr(catalog->status, "\"tool\":\"get-sum\""), "%s", catalog->status);
    catalog_unref(catalog);
    metrics_free(metrics);
}

Test(catalog, keeps_a_bad_tool_out_and_says_why)
{
    fixture_listing_t crm = { 0 };
    metrics_t *metrics = metrics_new();

    fixture_add(&crm, "{\"name\":\"bad\"}");
    fixture_add(&crm, "7");
    fixture_add(&crm, READ_TOOL("good"));
    catalog_t *catalog = fixture_catalog(&crm, NULL, metrics);
    cr_assert_eq(catalog->entry_count, 1);
    cr_assert(strstr(catalog->status, "{\"tool\":\"bad\",\"reason\":\"It has no inputSchema.\"}"));
    cr_assert(strstr(catalog->status, "{\"tool\":\"?\""));
    catalog_unref(catalog);
    metrics_free(metrics);
}

/* Cut in the middle of a character it was no JSON, and the whole report was lost. */
Test(catalog, reports_a_bad_tool_whose_name_is_cut)
{
    fixture_listing_t crm = { 0 };
    metrics_t *metrics = metrics_new();
    char name[128] = { 0 };

    memset(name, 'a', 127);
    AUTO(mem_free) char *declaration = mem_printf("{\"name\":\"%s\u00e9\"}", name);
    fixture_add(&crm, declaration);
    catalog_t *catalog = fixture_catalog(&crm, NULL, metrics);
    cr_assert(strstr(catalog->status, "\"tool\":\"aaaa"), "%s", catalog->status);
    catalog_unref(catalog);
    metrics_free(metrics);
}

Test(catalog, lets_only_modern_clients_see_what_older_ones_cannot_take)
{
    fixture_listing_t crm = { 0 };
    metrics_t *metrics = metrics_new();

    fixture_add(&crm,
                "{\"name\":\"a\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
                "\"_x\":{\"type\":\"string\"}},\"required\":[\"_x\"]}}");
    catalog_t *catalog = fixture_catalog(&crm, NULL, metrics);
    cr_assert_null(catalog->entries[0].forms[MCP_SHAPE_2025_06].at);
    cr_assert_not_null(catalog->entries[0].forms[MCP_SHAPE_MODERN].at);
    catalog_unref(catalog);
    metrics_free(metrics);
}

Test(catalog, finds_own_names_unless_two_connectors_have_them)
{
    fixture_listing_t crm = { 0 }, odoo = { 0 };
    const catalog_entry_t *first, *other;
    metrics_t *metrics = metrics_new();

    fixture_add(&crm, READ_TOOL("count"));
    fixture_add(&crm, READ_TOOL("only_here"));
    fixture_add(&odoo, READ_TOOL("count"));
    fixture_add(&odoo, READ_TOOL("counter"));
    catalog_t *catalog = fixture_catalog(&crm, &odoo, metrics);
    cr_assert_str_eq(catalog_find_own(catalog, SPAN("only_here"), &first, &other)->name, "crm_only_here");
    cr_assert_str_eq(catalog_find_own(catalog, SPAN("counter"), &first, &other)->name, "odoo_counter");
    cr_assert_null(catalog_find_own(catalog, SPAN("count"), &first, &other));
    cr_assert_str_eq(first->name, "crm_count");
    cr_assert_str_eq(other->name, "odoo_count");
    cr_assert_null(catalog_find_own(catalog, SPAN("coun"), &first, &other));
    cr_assert_null(other);
    cr_assert_null(catalog_find_own(catalog, SPAN(""), &first, &other));
    cr_assert_null(catalog_find_own(catalog, (span_t){ 0 }, &first, &other));
    catalog_unref(catalog);
    metrics_free(metrics);
}

Test(catalog, streams_what_says_so_and_whatever_is_not_ours)
{
    fixture_listing_t crm = { 0 }, odoo = { 0 };
    metrics_t *metrics = metrics_new();

    fixture_add(&crm, READ_TOOL("quiet"));
    fixture_add(&crm, "{\"name\":\"loud\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\"},"
                      "\"_meta\":{\"guiche/streams\":true}}");
    fixture_add(&odoo, READ_TOOL("unknown"));
    catalog_t *catalog = fixture_catalog(&crm, &odoo, metrics);
    cr_assert_not(catalog->entries[0].streams);
    cr_assert(catalog->entries[1].streams);
    cr_assert(catalog->entries[2].streams);
    cr_assert(has_text(catalog->entries[1].forms[CATALOG_REST], "\"supports_streaming\":true"));
    catalog_unref(catalog);
    metrics_free(metrics);
}

Test(catalog, is_ready_when_all_were_asked_and_one_answered)
{
    metrics_t *metrics = metrics_new();
    found_t found[CONNECTORS] = { { .listed = true, .asked = true }, { .asked = false } };

    catalog_t *waiting = catalog_build(&fixture_config, found, metrics, NULL);
    cr_assert_not(waiting->ready);
    found[1].asked = true;
    catalog_t *ready = catalog_build(&fixture_config, found, metrics, NULL);
    cr_assert(ready->ready);
    found[0].listed = false;
    catalog_t *dead = catalog_build(&fixture_config, found, metrics, NULL);
    cr_assert_not(dead->ready);
    catalog_unref(waiting);
    catalog_unref(ready);
    catalog_unref(dead);
    metrics_free(metrics);
}

Test(catalog, may_be_kept_as_long_as_the_shortest_list)
{
    fixture_listing_t crm = { 0 }, odoo = { 0 };
    metrics_t *metrics = metrics_new();

    fixture_add(&crm, READ_TOOL("a"));
    fixture_add(&odoo, READ_TOOL("b"));
    crm.lists[MCP_TOOLS].ttl_ms = 10000;
    catalog_t *catalog = fixture_catalog(&crm, &odoo, metrics);
    cr_assert_eq(catalog->ttl_ms[MCP_TOOLS], 10000);
    cr_assert_not(catalog->is_public[MCP_TOOLS]);
    catalog_unref(catalog);
    metrics_free(metrics);
}

Test(catalog, derives_keys_for_trusted_connectors_only)
{
    metrics_t *metrics = metrics_new();
    catalog_t *catalog = fixture_catalog(NULL, NULL, metrics);

    cr_assert_eq(strlen(catalog->connectors[0].hop_key), HOP_KEY_HEX_SIZE - 1);
    cr_assert_str_empty(catalog->connectors[1].hop_key);
    catalog_unref(catalog);
    metrics_free(metrics);
}
