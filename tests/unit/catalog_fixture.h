/* A configuration and catalogs for tests, written down instead of read from a file. */
#pragma once

#include <criterion/criterion.h>
#include <string.h>

#include "catalog.h"
#include "mem.h"
#include "policy.h"

#define CONNECTORS 2

static connector_config_t fixture_connectors[CONNECTORS] = {
    { .name = "crm",
      .prefix = "crm_",
      .url = "unix:/x",
      .trusted = true,
      .timeout_ms = 25000,
      .progress_timeout_ms = 120000,
      .refresh_ms = 60000 },
    { .name = "odoo",
      .prefix = "odoo_",
      .url = "unix:/y",
      .timeout_ms = 5000,
      .progress_timeout_ms = 120000,
      .refresh_ms = 30000 },
};
/* More references than any test gives back: it is not on the heap. */
static config_t fixture_config = {
    .connectors = fixture_connectors,
    .connector_count = CONNECTORS,
    .hop_secret = "0123456789abcdef0123456789abcdef",
    .references = 1000000,
};

#define FIXTURE_ITEMS 16
typedef struct {
    listing_t lists[MCP_KINDS];
    span_t items[MCP_KINDS][FIXTURE_ITEMS];
    mcp_capabilities_t offers;
} fixture_listing_t;

static inline void fixture_add_to(fixture_listing_t *to, mcp_kind_t kind, const char *declaration)
{
    listing_t *list = &to->lists[kind];

    list->items = to->items[kind];
    list->ttl_ms = -1;
    to->items[kind][list->count++] = span_of(declaration);
}

static inline void fixture_add(fixture_listing_t *to, const char *declaration)
{
    fixture_add_to(to, MCP_TOOLS, declaration);
}

/* NULL: it has not answered. */
static inline found_t fixture_found(const fixture_listing_t *listing, mcp_revision_t revision)
{
    found_t found = { .revision = revision, .asked = true, .listed = listing != NULL };

    for (int kind = 0; listing && kind < MCP_KINDS; kind++) {
        found.lists[kind] = &listing->lists[kind];
        found.declared.offers = listing->offers;
    }
    return found;
}

static inline catalog_t *fixture_catalog_after(const catalog_t *before, fixture_listing_t *crm,
                                               fixture_listing_t *odoo, metrics_t *metrics)
{
    found_t found[CONNECTORS] = {
        fixture_found(crm, MCP_2026_07_28),
        fixture_found(odoo, MCP_2025_06_18),
    };

    return catalog_build(&fixture_config, found, metrics, before);
}

static inline catalog_t *fixture_catalog(fixture_listing_t *crm, fixture_listing_t *odoo, metrics_t *metrics)
{
    return fixture_catalog_after(NULL, crm, odoo, metrics);
}

#define READ_TOOL(name)                                                                                      \
    "{\"name\":\"" name "\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\"},\"annotations\":{"   \
    "\"readOnlyHint\":true}}"
#define WRITE_TOOL(name) "{\"name\":\"" name "\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\"}}"
