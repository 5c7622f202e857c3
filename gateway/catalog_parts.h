/* Shared by the files of the catalog alone. */
#pragma once

#include "catalog.h"

/* catalog.c */
uint32_t *catalog_slot(const catalog_t *catalog, mcp_kind_t kind, span_t name);

/* catalog_entries.c: adding what one connector declares. */
typedef struct {
    catalog_t *catalog;
    metrics_t *metrics;
    size_t connector; /* index */
    const connector_config_t *config;
    const catalog_connector_t *before;    /* the same in the last catalog; NULL: there is none */
    bool news;                            /* log what is kept out */
    bool is_full[MCP_KINDS];              /* has been said */
    struct json_t *quarantined, *refused; /* of this connector, for the status */
} adder_t;

void catalog_add(adder_t *adder, mcp_kind_t kind, span_t declaration);
/* What stands for the URIs that this connector does not list. */
void catalog_add_unlisted(adder_t *adder);

/* catalog_item.c: what is made of one declaration. It never changes, and is counted atomically: catalogs
 * share it. Lists are asked for every few minutes and are nearly always the same, and checking and rewriting
 * 4,000 tools takes a quarter of a second. */
struct catalog_item {
    span_t declaration; /* as it came */
    /* What stands in a catalog, but for connector, time limit and metrics. Without a public name it is kept
     * out, and its own name is what the report calls it. */
    catalog_entry_t entry;
    char *reason; /* why it is kept out, or not shown to some clients; NULL: it is not */
    int references;
};

catalog_item_t *catalog_item_new(const adder_t *adder, mcp_kind_t kind, span_t declaration);
catalog_item_t *catalog_item_unlisted(const adder_t *adder);
/* That of the last catalog, with a new reference; NULL: none that would be made just so now. */
catalog_item_t *catalog_item_same(const adder_t *adder, mcp_kind_t kind, span_t declaration);
void catalog_item_unref(catalog_item_t *item);
void catalog_items_sort(catalog_connector_t *connector);
