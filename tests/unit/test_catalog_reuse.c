/* What a catalog takes over from the one before, and what it must not. Reuse is seen by the address of a
 * text: the same bytes made anew lie elsewhere. */
#include "catalog_fixture.h"

#include "buf.h"

#define BAD_TOOL "{\"name\":\"bad\"}"
/* "_private": older clients would throw away the whole list. */
#define MODERN_TOOL                                                                                          \
    "{\"name\":\"modern\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"       \
    "\"_private\":{\"type\":\"string\"}},\"required\":[\"_private\"]}}"
#define RESOURCE(uri) "{\"uri\":\"" uri "\",\"name\":\"n\"}"
#define TEMPLATE(uri) "{\"uriTemplate\":\"" uri "\",\"name\":\"n\"}"
#define PROMPT(name) "{\"name\":\"" name "\"}"

static fixture_listing_t crm, odoo;
static metrics_t *metrics;
static catalog_t *before, *now;

static void build_first(void)
{
    metrics = metrics_new();
    before = fixture_catalog(&crm, &odoo, metrics);
}

static void build_next(void)
{
    now = fixture_catalog_after(before, &crm, &odoo, metrics);
}

static void release(void)
{
    catalog_unref(before);
    catalog_unref(now);
    metrics_free(metrics);
}

static const catalog_entry_t *entry_of(const catalog_t *catalog, mcp_kind_t kind, const char *name)
{
    const catalog_entry_t *entry = catalog_find(catalog, kind, span_of(name));

    cr_assert_not_null(entry, "%s is missing", name);
    return entry;
}

static bool is_shared(mcp_kind_t kind, const char *name)
{
    return entry_of(before, kind, name)->forms[MCP_SHAPE_MODERN].at ==
           entry_of(now, kind, name)->forms[MCP_SHAPE_MODERN].at;
}

static void set_item(fixture_listing_t *listing, mcp_kind_t kind, size_t index, const char *declaration)
{
    listing->items[kind][index] = span_of(declaration);
}

Test(catalog_reuse, shares_what_is_declared_in_the_same_bytes)
{
    AUTO(mem_free) char *copy = mem_strdup(READ_TOOL("a")); /* as when it comes over the wire again */

    fixture_add(&crm, READ_TOOL("a"));
    fixture_add_to(&crm, MCP_PROMPTS, PROMPT("p"));
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("odoo://models"));
    build_first();
    set_item(&crm, MCP_TOOLS, 0, copy);
    build_next();
    cr_assert(is_shared(MCP_TOOLS, "crm_a"));
    cr_assert(is_shared(MCP_PROMPTS, "crm_p"));
    cr_assert(is_shared(MCP_RESOURCES, "odoo://models"));
    release();
}

Test(catalog_reuse, makes_anew_only_what_has_changed)
{
    fixture_add(&crm, READ_TOOL("a"));
    fixture_add(&crm, READ_TOOL("b"));
    fixture_add(&crm, READ_TOOL("c"));
    build_first();
    set_item(&crm, MCP_TOOLS, 1, WRITE_TOOL("b"));
    build_next();
    cr_assert(is_shared(MCP_TOOLS, "crm_a"));
    cr_assert(is_shared(MCP_TOOLS, "crm_c"));
    cr_assert_not(is_shared(MCP_TOOLS, "crm_b"));
    cr_assert(entry_of(before, MCP_TOOLS, "crm_b")->read_only);
    cr_assert_not(entry_of(now, MCP_TOOLS, "crm_b")->read_only);
    release();
}

Test(catalog_reuse, tells_a_tool_from_a_prompt_of_the_same_bytes)
{
    fixture_add(&crm, READ_TOOL("a"));
    build_first();
    fixture_add_to(&crm, MCP_PROMPTS, READ_TOOL("a"));
    build_next();
    cr_assert(is_shared(MCP_TOOLS, "crm_a"));
    cr_assert_null(entry_of(now, MCP_PROMPTS, "crm_a")->schema);
    release();
}

Test(catalog_reuse, follows_the_order_of_the_new_list)
{
    fixture_add(&crm, READ_TOOL("a"));
    fixture_add(&crm, READ_TOOL("gone"));
    fixture_add(&crm, READ_TOOL("b"));
    build_first();
    set_item(&crm, MCP_TOOLS, 0, READ_TOOL("new"));
    set_item(&crm, MCP_TOOLS, 1, READ_TOOL("b"));
    set_item(&crm, MCP_TOOLS, 2, READ_TOOL("a"));
    build_next();
    cr_assert_str_eq(now->entries[0].name, "crm_new");
    cr_assert_str_eq(now->entries[1].name, "crm_b");
    cr_assert_str_eq(now->entries[2].name, "crm_a");
    cr_assert(is_shared(MCP_TOOLS, "crm_a"));
    cr_assert(is_shared(MCP_TOOLS, "crm_b"));
    release();
}

Test(catalog_reuse, outlives_the_catalog_it_was_made_for)
{
    fixture_add(&crm, READ_TOOL("a"));
    build_first();
    build_next();
    catalog_unref(TAKE(before));
    const catalog_entry_t *tool = entry_of(now, MCP_TOOLS, "crm_a");
    cr_assert_str_eq(tool->own_name, "a");
    cr_assert_str_eq(tool->schema, "{\"type\":\"object\"}");
    cr_assert_str_eq(tool->forms[MCP_SHAPE_2025_06].at,
                     "{\"name\":\"crm_a\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\"},"
                     "\"annotations\":{\"readOnlyHint\":true}}");
    release();
}

Test(catalog_reuse, counts_calls_of_a_tool_where_they_were_counted)
{
    fixture_add(&crm, READ_TOOL("a"));
    build_first();
    build_next();
    cr_assert_neq(entry_of(now, MCP_TOOLS, "crm_a")->calls, 0);
    cr_assert_eq(entry_of(now, MCP_TOOLS, "crm_a")->calls, entry_of(before, MCP_TOOLS, "crm_a")->calls);
    release();
}

Test(catalog_reuse, still_says_what_is_kept_out)
{
    fixture_add(&crm, BAD_TOOL);
    fixture_add(&crm, READ_TOOL("!"));
    fixture_add(&odoo, READ_TOOL("get_sum"));
    fixture_add(&odoo, READ_TOOL("get-sum"));
    build_first();
    build_next();
    cr_assert(strstr(now->status, "{\"tool\":\"bad\",\"reason\":\"It has no inputSchema.\"}"), "%s",
              now->status);
    cr_assert(strstr(now->status, "\"tool\":\"get-sum\""));
    cr_assert_str_eq(now->status, before->status);
    release();
}

Test(catalog_reuse, still_says_what_only_some_clients_get)
{
    fixture_add(&crm, MODERN_TOOL);
    build_first();
    build_next();
    cr_assert(is_shared(MCP_TOOLS, "crm_modern"));
    cr_assert_null(entry_of(now, MCP_TOOLS, "crm_modern")->forms[MCP_SHAPE_2025_06].at);
    cr_assert(strstr(now->status, "\"tool\":\"modern\""), "%s", now->status);
    cr_assert_str_eq(now->status, before->status);
    release();
}

/* One that was refused for its neighbour's sake is offered once that is gone. */
Test(catalog_reuse, offers_what_another_stood_in_the_way_of)
{
    fixture_add(&odoo, READ_TOOL("get_sum"));
    fixture_add(&odoo, READ_TOOL("get-sum"));
    build_first();
    set_item(&odoo, MCP_TOOLS, 0, READ_TOOL("other"));
    build_next();
    cr_assert_str_eq(entry_of(before, MCP_TOOLS, "odoo_get_sum")->own_name, "get_sum");
    cr_assert_str_eq(entry_of(now, MCP_TOOLS, "odoo_get_sum")->own_name, "get-sum");
    release();
}

Test(catalog_reuse, gives_a_uri_the_name_that_is_free_now)
{
    fixture_add_to(&odoo, MCP_RESOURCES, RESOURCE("a:x"));
    build_first();
    fixture_add_to(&crm, MCP_RESOURCES, RESOURCE("a:x"));
    build_next();
    cr_assert_eq(entry_of(before, MCP_RESOURCES, "a:x")->connector, 1);
    cr_assert_eq(entry_of(now, MCP_RESOURCES, "a:x")->connector, 0);
    cr_assert_eq(entry_of(now, MCP_RESOURCES, "guiche://odoo/a:x")->connector, 1);
    release();
}

Test(catalog_reuse, gives_a_uri_back_its_own_name_when_the_other_is_gone)
{
    fixture_add_to(&crm, MCP_TEMPLATES, TEMPLATE("a:{x}"));
    fixture_add_to(&odoo, MCP_TEMPLATES, TEMPLATE("a:{x}"));
    fixture_add_to(&odoo, MCP_TEMPLATES, TEMPLATE("a:{x}")); /* twice: the second is refused, then as now */
    build_first();
    set_item(&crm, MCP_TEMPLATES, 0, TEMPLATE("b:{x}"));
    build_next();
    cr_assert_eq(entry_of(before, MCP_TEMPLATES, "guiche://odoo/a:{x}")->connector, 1);
    cr_assert_eq(entry_of(now, MCP_TEMPLATES, "a:{x}")->connector, 1);
    cr_assert_null(catalog_find(now, MCP_TEMPLATES, SPAN("guiche://odoo/a:{x}")));
    cr_assert_eq(now->connectors[1].counts[MCP_TEMPLATES], 1);
    release();
}

Test(catalog_reuse, names_tools_by_the_new_prefix)
{
    fixture_add(&crm, READ_TOOL("a"));
    build_first();
    connector_config_t connectors[CONNECTORS] = { fixture_connectors[0], fixture_connectors[1] };
    config_t config = { .connectors = connectors, .connector_count = CONNECTORS, .references = 1000000 };
    found_t found[CONNECTORS] = { fixture_found(&crm, MCP_2026_07_28), fixture_found(NULL, MCP_2026_07_28) };
    connectors[0].prefix = "sales_";
    now = catalog_build(&config, found, metrics, before);
    cr_assert_null(catalog_find(now, MCP_TOOLS, SPAN("crm_a")));
    span_t form = entry_of(now, MCP_TOOLS, "sales_a")->forms[MCP_SHAPE_MODERN];
    cr_assert_not_null(memmem(form.at, form.length, "\"sales_a\"", 9));
    release();
}

Test(catalog_reuse, believes_a_connector_only_as_far_as_it_is_trusted_now)
{
    fixture_add(&crm, READ_TOOL("a"));
    build_first();
    connector_config_t connectors[CONNECTORS] = { fixture_connectors[0], fixture_connectors[1] };
    config_t config = { .connectors = connectors, .connector_count = CONNECTORS, .references = 1000000 };
    found_t found[CONNECTORS] = { fixture_found(&crm, MCP_2026_07_28), fixture_found(NULL, MCP_2026_07_28) };
    connectors[0].trusted = false;
    connectors[0].timeout_ms = 7000;
    now = catalog_build(&config, found, metrics, before);
    cr_assert_not(entry_of(before, MCP_TOOLS, "crm_a")->streams);
    cr_assert(entry_of(now, MCP_TOOLS, "crm_a")->streams);
    cr_assert_eq(entry_of(now, MCP_TOOLS, "crm_a")->timeout_ms, 7000);
    release();
}

/* Connectors are known by name: their places in the configuration may change. */
Test(catalog_reuse, goes_with_a_connector_to_its_new_place)
{
    fixture_add(&crm, READ_TOOL("a"));
    build_first();
    connector_config_t connectors[CONNECTORS] = { fixture_connectors[1], fixture_connectors[0] };
    config_t config = { .connectors = connectors, .connector_count = CONNECTORS, .references = 1000000 };
    found_t found[CONNECTORS] = { fixture_found(NULL, MCP_2026_07_28), fixture_found(&crm, MCP_2026_07_28) };
    now = catalog_build(&config, found, metrics, before);
    cr_assert(is_shared(MCP_TOOLS, "crm_a"));
    cr_assert_eq(entry_of(now, MCP_TOOLS, "crm_a")->connector, 1);
    release();
}
