/* How a declaration becomes an entry of the catalog: what is made of it (catalog_item.c) gets its place, if
 * its name is free; what cannot be offered is put down for the status with its reason and never takes a
 * neighbour with it. */
#include <jansson.h>
#include <string.h>

#include "catalog_parts.h"
#include "check_entry.h"
#include "log.h"
#include "mem.h"

/* As the status and the log call one of them. */
static const char *const words[MCP_KINDS] = { "tool", "resource", "template", "prompt" };

static void note(json_t *list, mcp_kind_t kind, const char *name, const char *reason)
{
    json_array_append_new(list, json_pack("{s:s, s:s}", words[kind], name, "reason", reason));
}

static void quarantine(adder_t *adder, mcp_kind_t kind, const char *name, const char *reason)
{
    static const char *const events[MCP_KINDS] = { "tool kept out", "resource kept out",
                                                   "resource template kept out", "prompt kept out" };

    note(adder->quarantined, kind, name, reason);
    if (adder->news && log_begin(LOG_LEVEL_WARN, events[kind])) {
        log_str("connector", adder->config->name);
        log_str(words[kind], name);
        log_str("reason", reason);
        log_end();
    }
}

static void refuse(adder_t *adder, mcp_kind_t kind, const char *own_name, const catalog_entry_t *other)
{
    const char *holder = adder->catalog->config->connectors[other->connector].name;
    AUTO(mem_free)
    char *reason = mem_printf("Its public name %s is already that of another %s, of connector %s.",
                              other->name, words[kind], holder);

    note(adder->refused, kind, own_name, reason);
    if (adder->news && log_begin(LOG_LEVEL_WARN, "two entries want one name")) {
        log_str("connector", adder->config->name);
        log_str(words[kind], own_name);
        log_str("name", other->name);
        log_str("other_connector", holder);
        log_end();
    }
}

static int64_t timeout_of(const connector_config_t *connector, const char *tool)
{
    for (size_t i = 0; i < connector->tool_timeout_count; i++) {
        if (strcmp(connector->tool_timeouts[i].tool, tool) == 0) {
            return connector->tool_timeouts[i].timeout_ms;
        }
    }
    return connector->timeout_ms;
}

static void register_metrics(adder_t *adder, catalog_entry_t *tool)
{
    AUTO_BUF labels = { 0 };

    metrics_label(&labels, "connector", adder->config->name);
    metrics_label(&labels, "tool", tool->name);
    const char *text = buf_text(&labels);
    tool->calls =
        metrics_counter(adder->metrics, "guiche_tool_calls_total", "Calls of a tool that have ended.", text);
    tool->errors =
        metrics_counter(adder->metrics, "guiche_tool_errors_total", "Calls of a tool that failed.", text);
    tool->seconds = metrics_histogram(adder->metrics, "guiche_tool_call_seconds",
                                      "From the first byte of a call to its answer.", text);
}

/* Once, or the status would be longer than the catalog. */
static void say_full(adder_t *adder, mcp_kind_t kind, span_t declaration)
{
    if (!adder->is_full[kind]) {
        AUTO(mem_free) char *name = check_entry_name(kind, declaration);
        adder->is_full[kind] = true;
        quarantine(adder, kind, name, "The catalog is full: it and all after it are left out.");
    }
}

static catalog_entry_t *enter(adder_t *adder, const catalog_item_t *item)
{
    catalog_entry_t *entry = &adder->catalog->entries[adder->catalog->entry_count++];

    *entry = item->entry;
    entry->connector = adder->connector;
    entry->timeout_ms = adder->config->timeout_ms;
    return entry;
}

static void offer(adder_t *adder, const catalog_item_t *item)
{
    catalog_t *catalog = adder->catalog;
    mcp_kind_t kind = item->entry.kind;
    uint32_t *slot = catalog_slot(catalog, kind, span_of(item->entry.name));

    if (*slot) {
        refuse(adder, kind, item->entry.own_name, &catalog->entries[*slot - 1]);
        return;
    }
    catalog_entry_t *entry = enter(adder, item);
    *slot = (uint32_t)catalog->entry_count;
    catalog->connectors[adder->connector].counts[kind]++;
    if (kind == MCP_TOOLS) {
        entry->timeout_ms = timeout_of(adder->config, entry->name);
        register_metrics(adder, entry);
    }
    if (item->reason) {
        quarantine(adder, kind, entry->own_name, item->reason);
    }
}

static const catalog_item_t *keep(adder_t *adder, catalog_item_t *item)
{
    catalog_connector_t *connector = &adder->catalog->connectors[adder->connector];

    return connector->items[connector->item_count++] = item;
}

void catalog_add(adder_t *adder, mcp_kind_t kind, span_t declaration)
{
    if (adder->catalog->entry_count == adder->catalog->capacity) {
        say_full(adder, kind, declaration);
        return;
    }
    catalog_item_t *same = catalog_item_same(adder, kind, declaration);
    const catalog_item_t *item = keep(adder, same ? same : catalog_item_new(adder, kind, declaration));
    if (item->entry.name) {
        offer(adder, item);
    } else {
        quarantine(adder, kind, item->entry.own_name, item->reason);
    }
}

void catalog_add_unlisted(adder_t *adder)
{
    catalog_t *catalog = adder->catalog;

    if (catalog->entry_count < catalog->capacity) {
        const catalog_item_t *item = keep(adder, catalog_item_unlisted(adder));
        catalog->connectors[adder->connector].unlisted = enter(adder, item);
    }
}
