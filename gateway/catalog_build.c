/* How a catalog is made of what discovery found. Order is that of the kinds, then the configured order of
 * connectors, then each connector's own, so that every replica renders the same lists, and that a connector
 * with thousands of resources leaves room for the tools of the others.
 */
#include "catalog.h"

#include <jansson.h>
#include <stdlib.h>

#include "catalog_parts.h"
#include "clock.h"
#include "mem.h"
#include "policy.h"

typedef struct {
    catalog_t *catalog;
    metrics_t *metrics;
    const found_t *found;
    const catalog_t *before;
    adder_t *adders; /* one per connector */
} builder_t;

/* As the status and the metrics name them. */
static const char *const kind_names[MCP_KINDS] = {
    [MCP_TOOLS] = "tools",
    [MCP_RESOURCES] = "resources",
    [MCP_TEMPLATES] = "templates",
    [MCP_PROMPTS] = "prompts",
};

static const char *state_of(const found_t *found)
{
    if (!found->listed) {
        return found->asked ? "down" : "starting";
    }
    return found->stale_since_ms ? "stale" : "ok";
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t unix_ms)
{
    char text[CLOCK_ISO_SIZE];

    return unix_ms ? json_string(clock_iso(unix_ms, text)) : json_null();
}

static void add_counts(json_t *to, const size_t *counts)
{
    for (int kind = 0; kind < MCP_KINDS; kind++) {
        json_object_set_new(to, kind_names[kind], json_integer((json_int_t)counts[kind]));
    }
}

static json_t *describe(const adder_t *adder, const found_t *found)
{
    const char *era = mcp_revision_era(found->revision) == MCP_MODERN ? "modern" : "legacy";
    json_t *legacy = text_or_null(found->speaks_legacy ? mcp_revision_name(found->legacy_revision) : NULL);
    json_t *page = json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", adder->config->name, "state",
                             state_of(found), "era", text_or_null(found->listed ? era : NULL), "revision",
                             text_or_null(found->listed ? mcp_revision_name(found->revision) : NULL),
                             "legacy_revision", legacy);

    add_counts(page, adder->catalog->connectors[adder->connector].counts);
    json_object_set_new(page, "watched", text_or_null(found->watched));
    json_object_set_new(page, "last_error", text_or_null(found->last_error));
    json_object_set_new(page, "stale_since", time_or_null(found->stale_since_ms));
    json_object_set(page, "quarantined", adder->quarantined);
    json_object_set(page, "refused", adder->refused);
    return page;
}

static metric_t entries_gauge(metrics_t *metrics, const char *connector, mcp_kind_t kind)
{
    AUTO_BUF labels = { 0 };

    metrics_label(&labels, "connector", connector);
    metrics_label(&labels, "kind", kind_names[kind]);
    return metrics_gauge(metrics, "guiche_connector_entries", "What it has in the catalog, by kind.",
                         buf_text(&labels));
}

static void register_gauges(metrics_t *metrics, catalog_connector_t *connector)
{
    const char *name = connector->config->name;
    AUTO_BUF labels = { 0 };

    metrics_label(&labels, "connector", name);
    const char *text = buf_text(&labels);
    connector->open = metrics_gauge(metrics, "guiche_hop_connections", "Connections, idle and busy.", text);
    connector->idle = metrics_gauge(metrics, "guiche_hop_connections_idle", "Of these the idle ones.", text);
    connector->up = metrics_gauge(metrics, "guiche_connector_up", "1 when its last listing went well.", text);
    connector->tools = metrics_gauge(metrics, "guiche_connector_tools", "Tools it has in the catalog.", text);
    for (int kind = 0; kind < MCP_KINDS; kind++) {
        connector->kinds[kind] = entries_gauge(metrics, name, kind);
    }
}

static size_t count_declared(const found_t *found)
{
    size_t count = 1; /* what stands for unlisted URIs */

    for (int kind = 0; kind < MCP_KINDS; kind++) {
        count += found->lists[kind] ? found->lists[kind]->count : 0;
    }
    return count;
}

/* The same connector in the last catalog, unless its settings make something else of a declaration now. */
static const catalog_connector_t *find_before(const catalog_t *before, const connector_config_t *now)
{
    const catalog_connector_t *connector = before ? catalog_connector(before, now->name) : NULL;

    return connector && connector->config->trusted == now->trusted &&
                   strcmp(connector->config->prefix, now->prefix) == 0
               ? connector
               : NULL;
}

static void begin_connector(builder_t *builder, size_t index)
{
    catalog_t *catalog = builder->catalog;
    catalog_connector_t *connector = &catalog->connectors[index];
    const found_t *found = &builder->found[index];

    connector->config = &catalog->config->connectors[index];
    connector->revision = found->revision;
    connector->asked_count = found->asked_count;
    connector->legacy_known = found->legacy_known;
    connector->speaks_legacy = found->speaks_legacy;
    connector->legacy_revision = found->legacy_revision;
    connector->session = session_ref(found->session);
    connector->declared = found->declared;
    connector->is_up = found->listed && !found->stale_since_ms;
    connector->items = NEW_ARRAY(catalog_item_t *, count_declared(found));
    if (connector->config->trusted && catalog->config->hop_secret) {
        hop_key_derive(span_of(catalog->config->hop_secret), connector->config->name, connector->hop_key);
    }
    register_gauges(builder->metrics, connector);
    builder->adders[index] = (adder_t){
        .catalog = catalog,
        .metrics = builder->metrics,
        .connector = index,
        .config = connector->config,
        .before = find_before(builder->before, connector->config),
        .news = found->news,
        .quarantined = json_array(),
        .refused = json_array(),
    };
}

static void add_list(adder_t *adder, mcp_kind_t kind, const listing_t *listing)
{
    for (size_t i = 0; listing && i < listing->count; i++) {
        catalog_add(adder, kind, listing->items[i]);
    }
}

static bool has_any(const listing_t *listing)
{
    return listing && listing->count > 0;
}

static bool has_resources(const found_t *found)
{
    return found->declared.offers.resources || has_any(found->lists[MCP_RESOURCES]) ||
           has_any(found->lists[MCP_TEMPLATES]);
}

static void add_kind(builder_t *builder, mcp_kind_t kind)
{
    for (size_t i = 0; i < builder->catalog->connector_count; i++) {
        add_list(&builder->adders[i], kind, builder->found[i].lists[kind]);
    }
}

/* Before the resources, of which there may be more than the catalog takes. */
static void add_unlisted(builder_t *builder)
{
    for (size_t i = 0; i < builder->catalog->connector_count; i++) {
        if (has_resources(&builder->found[i])) {
            catalog_add_unlisted(&builder->adders[i]);
        }
    }
}

static void add_entries(builder_t *builder)
{
    catalog_t *catalog = builder->catalog;

    add_kind(builder, MCP_TOOLS);
    catalog->tool_count = catalog->entry_count;
    add_kind(builder, MCP_PROMPTS);
    catalog->first_template = catalog->entry_count;
    add_kind(builder, MCP_TEMPLATES);
    catalog->last_template = catalog->entry_count;
    add_unlisted(builder);
    add_kind(builder, MCP_RESOURCES);
    for (size_t i = 0; i < catalog->connector_count; i++) {
        catalog_items_sort(&catalog->connectors[i]);
    }
}

static size_t count_items(const found_t *found, size_t connectors)
{
    size_t count = 0;

    for (size_t i = 0; i < connectors; i++) {
        count += count_declared(&found[i]);
    }
    return count < CATALOG_MAX_ENTRIES ? count : CATALOG_MAX_ENTRIES;
}

/* How long a client may keep a list: as long as the connector asks least. */
static void set_freshness(catalog_t *catalog, mcp_kind_t kind, const found_t *found)
{
    int64_t least = -1;

    catalog->is_public[kind] = true;
    for (size_t i = 0; i < catalog->connector_count; i++) {
        const listing_t *listing = found[i].lists[kind];
        int64_t ttl =
            listing && listing->ttl_ms >= 0 ? listing->ttl_ms : catalog->connectors[i].config->refresh_ms;
        least = least < 0 || ttl < least ? ttl : least;
        catalog->is_public[kind] = catalog->is_public[kind] && listing && listing->is_public;
    }
    catalog->ttl_ms[kind] = least < 0 ? 0 : least;
}

/* The union, also of connectors that are down: they have their last good lists and words. */
static void set_offers(catalog_t *catalog, const found_t *found)
{
    mcp_capabilities_t *offers = &catalog->offers;

    offers->tools = true;
    for (size_t i = 0; i < catalog->connector_count; i++) {
        const mcp_capabilities_t *one = &found[i].declared.offers;
        offers->resources = offers->resources || has_resources(&found[i]);
        offers->prompts = offers->prompts || one->prompts || has_any(found[i].lists[MCP_PROMPTS]);
        offers->completions = offers->completions || one->completions;
        offers->logging = offers->logging || one->logging;
    }
}

/* Ready: everyone was asked, and somebody answered. */
static bool is_ready(const found_t *found, size_t connectors)
{
    bool answered = connectors == 0;

    for (size_t i = 0; i < connectors; i++) {
        if (!found[i].asked) {
            return false;
        }
        answered = answered || found[i].listed;
    }
    return answered;
}

static int by_own_name(const void *a, const void *b, void *self)
{
    const catalog_t *catalog = self;
    const catalog_entry_t *first = &catalog->entries[*(const uint32_t *)a];
    const catalog_entry_t *second = &catalog->entries[*(const uint32_t *)b];
    int order = strcmp(first->own_name, second->own_name);

    return order ? order : (first > second) - (first < second);
}

static void index_own_names(catalog_t *catalog)
{
    catalog->by_own_name = NEW_ARRAY(uint32_t, catalog->tool_count);
    for (size_t i = 0; i < catalog->tool_count; i++) {
        catalog->by_own_name[i] = (uint32_t)i;
    }
    qsort_r(catalog->by_own_name, catalog->tool_count, sizeof(uint32_t), by_own_name, catalog);
}

static catalog_t *catalog_new(config_t *config, size_t capacity)
{
    catalog_t *catalog = NEW(catalog_t);
    size_t slots = 16;

    while (slots < capacity * 2) {
        slots *= 2;
    }
    catalog->references = 1;
    catalog->config = config_ref(config);
    catalog->keys = keys_ref(config->keys);
    catalog->entries = NEW_ARRAY(catalog_entry_t, capacity);
    catalog->capacity = capacity;
    catalog->connectors = NEW_ARRAY(catalog_connector_t, config->connector_count);
    catalog->connector_count = config->connector_count;
    catalog->slots = NEW_ARRAY(uint32_t, slots);
    catalog->slot_mask = slots - 1;
    return catalog;
}

static char *status_text(const builder_t *builder)
{
    const catalog_t *catalog = builder->catalog;
    json_auto_t *page = json_pack("{s:s, s:b}", "version", GUICHE_VERSION, "ready", catalog->ready);
    json_t *connectors = json_array();
    size_t counts[MCP_KINDS] = { 0 };

    for (size_t i = 0; i < catalog->connector_count; i++) {
        for (int kind = 0; kind < MCP_KINDS; kind++) {
            counts[kind] += catalog->connectors[i].counts[kind];
        }
        json_array_append_new(connectors, describe(&builder->adders[i], &builder->found[i]));
    }
    add_counts(page, counts);
    json_object_set_new(page, "connectors", connectors);
    return json_dumps(page, JSON_COMPACT);
}

static void builder_release(builder_t *builder)
{
    for (size_t i = 0; i < builder->catalog->connector_count; i++) {
        json_decref(builder->adders[i].quarantined);
        json_decref(builder->adders[i].refused);
    }
    mem_free(builder->adders);
}

catalog_t *catalog_build(config_t *config, const found_t *found, metrics_t *metrics, const catalog_t *before)
{
    catalog_t *catalog = catalog_new(config, count_items(found, config->connector_count));
    builder_t builder = { .catalog = catalog, .metrics = metrics, .found = found, .before = before };

    builder.adders = NEW_ARRAY(adder_t, catalog->connector_count);
    for (size_t i = 0; i < catalog->connector_count; i++) {
        begin_connector(&builder, i);
    }
    add_entries(&builder);
    index_own_names(catalog);
    for (int kind = 0; kind < MCP_KINDS; kind++) {
        set_freshness(catalog, kind, found);
    }
    set_offers(catalog, found);
    catalog->ready = is_ready(found, config->connector_count);
    catalog->policy = policy_new(config, catalog->entries, catalog->entry_count);
    catalog->status = status_text(&builder);
    builder_release(&builder);
    return catalog;
}
