/* See catalog.h: looking things up. How one is made is catalog_build.c. */
#include "catalog.h"

#include <stdlib.h>

#include "catalog_parts.h"
#include "mem.h"
#include "policy.h"

static bool is_it(const catalog_entry_t *entry, mcp_kind_t kind, span_t name)
{
    return entry->kind == kind && span_is(name, entry->name);
}

/* The slot of this name, or the empty one where it would go. Names from outside only probe; names that sit in
 * the table come from connectors and are capped in number. */
uint32_t *catalog_slot(const catalog_t *catalog, mcp_kind_t kind, span_t name)
{
    size_t at = (span_hash(name) + (uint32_t)kind) & catalog->slot_mask;

    while (catalog->slots[at] && !is_it(&catalog->entries[catalog->slots[at] - 1], kind, name)) {
        at = (at + 1) & catalog->slot_mask;
    }
    return &catalog->slots[at];
}

const catalog_entry_t *catalog_find(const catalog_t *catalog, mcp_kind_t kind, span_t public_name)
{
    uint32_t slot = *catalog_slot(catalog, kind, public_name);

    return slot ? &catalog->entries[slot - 1] : NULL;
}

static const catalog_entry_t *own(const catalog_t *catalog, size_t rank)
{
    return &catalog->entries[catalog->by_own_name[rank]];
}

static int compare(span_t a, const char *b)
{
    span_t other = span_of(b);
    int order = memcmp(a.at, other.at, a.length < other.length ? a.length : other.length);

    return order ? order : (a.length > other.length) - (a.length < other.length);
}

/* The first rank whose own name is not below this one. */
static size_t lower_bound(const catalog_t *catalog, span_t own_name)
{
    size_t low = 0, high = catalog->tool_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(own_name, own(catalog, middle)->own_name) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const catalog_entry_t *catalog_find_own(const catalog_t *catalog, span_t own_name,
                                        const catalog_entry_t **ret_first, const catalog_entry_t **ret_other)
{
    size_t at = own_name.at ? lower_bound(catalog, own_name) : catalog->tool_count;

    *ret_first = NULL;
    *ret_other = NULL;
    if (at == catalog->tool_count || !span_is(own_name, own(catalog, at)->own_name)) {
        return NULL;
    }
    *ret_first = own(catalog, at);
    if (at + 1 < catalog->tool_count && span_is(own_name, own(catalog, at + 1)->own_name)) {
        *ret_other = own(catalog, at + 1);
        return NULL;
    }
    return *ret_first;
}

const catalog_connector_t *catalog_connector(const catalog_t *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->connector_count; i++) {
        if (strcmp(catalog->connectors[i].config->name, name) == 0) {
            return &catalog->connectors[i];
        }
    }
    return NULL;
}

size_t catalog_index(const catalog_t *catalog, const catalog_entry_t *entry)
{
    return (size_t)(entry - catalog->entries);
}

catalog_t *catalog_ref(catalog_t *catalog)
{
    __atomic_add_fetch(&catalog->references, 1, __ATOMIC_RELAXED);
    return catalog;
}

static void release_connector(catalog_connector_t *connector)
{
    for (size_t i = 0; i < connector->item_count; i++) {
        catalog_item_unref(connector->items[i]);
    }
    mem_free(connector->items);
    session_unref(connector->session);
    mem_wipe(connector->hop_key, sizeof(connector->hop_key));
}

void catalog_unref(catalog_t *catalog)
{
    if (!catalog || __atomic_sub_fetch(&catalog->references, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    for (size_t i = 0; i < catalog->connector_count; i++) {
        release_connector(&catalog->connectors[i]);
    }
    policy_free(catalog->policy);
    mem_free(catalog->entries);
    mem_free(catalog->connectors);
    mem_free(catalog->slots);
    mem_free(catalog->by_own_name);
    mem_free(catalog->status);
    keys_free(catalog->keys);
    config_unref(catalog->config);
    mem_free(catalog);
}

void listing_free(listing_t *listing)
{
    if (listing) {
        mem_free(listing->bytes);
        mem_free(listing->items);
        mem_free(listing);
    }
}

bool listing_is_same(const listing_t *a, const listing_t *b)
{
    return listing_has_same_items(a, b) && a->ttl_ms == b->ttl_ms && a->is_public == b->is_public;
}

bool listing_has_same_items(const listing_t *a, const listing_t *b)
{
    if (!a || !b || a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!span_equal(a->items[i], b->items[i])) {
            return false;
        }
    }
    return true;
}
