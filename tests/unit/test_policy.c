/* Who may call what, and what a denial says. */
#include "catalog_fixture.h"

typedef struct {
    fixture_listing_t crm, odoo;
    metrics_t *metrics;
    catalog_t *catalog;
} world_t;

static void open_world(world_t *world)
{
    fixture_add(&world->crm, READ_TOOL("list_agents"));
    fixture_add(&world->crm, WRITE_TOOL("qualify_lead"));
    fixture_add(&world->odoo, READ_TOOL("search"));
    world->metrics = metrics_new();
    world->catalog = fixture_catalog(&world->crm, &world->odoo, world->metrics);
}

static void close_world(world_t *world)
{
    catalog_unref(world->catalog);
    metrics_free(world->metrics);
}

static bool allows(const world_t *world, const char *permission, const char *tool)
{
    principal_t *principal = principal_new("anna", "demo", &permission, permission ? 1 : 0);
    size_t index = catalog_index(world->catalog, catalog_find(world->catalog, MCP_TOOLS, span_of(tool)));
    entry_set_t set;

    policy_allowed(world->catalog->policy, principal, &set);
    bool allowed = policy_allows(world->catalog->policy, principal, index);
    cr_assert_eq(allowed, entry_set_has(&set, index), "list and call must agree on %s for %s", tool,
                 permission);
    principal_unref(principal);
    return allowed;
}

Test(policy, has_two_permissions_per_connector_without_a_section)
{
    world_t world = { 0 };

    fixture_config.has_policies = false;
    open_world(&world);
    cr_assert(allows(&world, "crm.read", "crm_list_agents"));
    cr_assert_not(allows(&world, "crm.read", "crm_qualify_lead"));
    cr_assert(allows(&world, "crm.write", "crm_qualify_lead"));
    cr_assert_not(allows(&world, "crm.write", "crm_list_agents"), "write is no superset of read");
    cr_assert_not(allows(&world, "crm.read", "odoo_search"));
    cr_assert(allows(&world, "*", "odoo_search"));
    cr_assert_not(allows(&world, NULL, "odoo_search"));
    cr_assert_not(allows(&world, "crm.*", "crm_list_agents"), "permissions are no globs");
    close_world(&world);
}

Test(policy, gives_nothing_that_no_rule_names)
{
    char *reads[] = { "crm_list_*", "odoo_search", NULL }, *none[] = { NULL };
    policy_rule_t rules[] = { { "reports", reads }, { "nothing", none } };
    world_t world = { 0 };
    err_t err;

    fixture_config.has_policies = true;
    fixture_config.policies = rules;
    fixture_config.policy_count = COUNT_OF(rules);
    open_world(&world);
    cr_assert(allows(&world, "reports", "crm_list_agents"));
    cr_assert(allows(&world, "reports", "odoo_search"));
    cr_assert_not(allows(&world, "reports", "crm_qualify_lead"));
    cr_assert_not(allows(&world, "nothing", "odoo_search"));
    cr_assert_not(allows(&world, "crm.write", "crm_qualify_lead"), "the usual permissions are gone");
    cr_assert(allows(&world, "*", "crm_qualify_lead"));
    const catalog_entry_t *tool = catalog_find(world.catalog, MCP_TOOLS, SPAN("crm_qualify_lead"));
    policy_deny(world.catalog->policy, tool, catalog_index(world.catalog, tool), &err);
    cr_assert(strstr(err.text, "permission *"), "%s", err.text);
    close_world(&world);
}

/* An empty `policies:` is no way to open everything. */
Test(policy, gives_nothing_by_an_empty_section)
{
    world_t world = { 0 };

    fixture_config.has_policies = true;
    fixture_config.policy_count = 0;
    open_world(&world);
    cr_assert_not(allows(&world, "crm.read", "crm_list_agents"));
    cr_assert(allows(&world, "*", "crm_list_agents"));
    close_world(&world);
}

Test(policy, names_the_permission_that_was_missing)
{
    world_t world = { 0 };
    err_t err;

    fixture_config.has_policies = false;
    open_world(&world);
    const catalog_entry_t *tool = catalog_find(world.catalog, MCP_TOOLS, SPAN("crm_qualify_lead"));
    cr_assert_eq(policy_deny(world.catalog->policy, tool, catalog_index(world.catalog, tool), &err), -1);
    cr_assert_eq(err.kind, ERR_DENIED);
    cr_assert_str_eq(err.text, "Not allowed: crm_qualify_lead needs the permission crm.write.");
    close_world(&world);
}

Test(policy, unites_what_several_permissions_give)
{
    const char *const permissions[] = { "crm.write", "odoo.read", "unheard.of" };
    principal_t *principal = principal_new("anna", "demo", permissions, COUNT_OF(permissions));
    world_t world = { 0 };
    entry_set_t set;

    fixture_config.has_policies = false;
    open_world(&world);
    policy_allowed(world.catalog->policy, principal, &set);
    cr_assert_eq(set.words[0], 6u);
    principal_unref(principal);
    close_world(&world);
}
