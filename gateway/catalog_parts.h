/* Shared by the files of the catalog alone. */
#pragma once

#include "catalog.h"

/* catalog.c */
uint32_t *catalog_slot(const catalog_t *catalog, mcp_kind_t kind, span_t name);
void catalog_entry_release(catalog_entry_t *entry);

/* catalog_entries.c: adding what one connector declares. */
typedef struct {
    catalog_t *catalog;
    metrics_t *metrics;
    size_t connector; /* index */
    const connector_config_t *config;
    bool news;                            /* log what is kept out */
    bool is_full[MCP_KINDS];              /* has been said */
    struct json_t *quarantined, *refused; /* of this connector, for the status */
} adder_t;

void catalog_add(adder_t *adder, mcp_kind_t kind, span_t declaration);
/* What stands for the URIs that this connector does not list. */
void catalog_add_unlisted(adder_t *adder);
