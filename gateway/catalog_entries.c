/* How a declaration becomes an entry of the catalog: it is checked, named, and rendered for each revision;
 * what cannot be offered is put down for the status with its reason and never takes a neighbour with it. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "catalog_parts.h"
#include "check_entry.h"
#include "check_tool.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "shapes.h"

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

static span_t steal(buf_t *text)
{
    size_t length = text->length;

    return (span_t){ buf_steal(text), length };
}

/* {"name","description","parameters","supports_streaming"}: GET /v1/tools/list. */
static span_t rest_form(const catalog_entry_t *tool, const checked_tool_t *checked)
{
    buf_t out = { 0 };

    buf_add_text(&out, "{\"name\":");
    buf_add_json_string(&out, span_of(tool->name));
    buf_add_text(&out, ",\"description\":");
    buf_add_json_string(&out, span_of(checked->description));
    buf_addf(&out, ",\"parameters\":%s,\"supports_streaming\":%s}", checked->schema,
             tool->streams ? "true" : "false");
    return steal(&out);
}

/* legacy: NULL when clients of earlier revisions do not get it. */
static void render_forms(adder_t *adder, catalog_entry_t *entry, const char *modern, const char *legacy)
{
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        const char *source = shape == MCP_SHAPE_MODERN ? modern : legacy;
        buf_t out = { 0 };
        err_t err;
        if (source && shape_entry(entry->kind, span_of(source), entry->name, shape, &out, &err)) {
            quarantine(adder, entry->kind, entry->own_name, err.text);
            buf_clear(&out);
        }
        if (out.length > 0) {
            entry->forms[shape] = steal(&out);
        }
        buf_free(&out);
    }
}

static catalog_entry_t *new_entry(adder_t *adder, mcp_kind_t kind, const char *name, const char *own_name)
{
    catalog_entry_t *entry = &adder->catalog->entries[adder->catalog->entry_count++];

    entry->kind = kind;
    entry->name = mem_strdup(name);
    entry->own_name = mem_strdup(own_name);
    entry->connector = adder->connector;
    entry->timeout_ms = adder->config->timeout_ms;
    entry->read_only = entry->idempotent = true; /* but of a tool */
    return entry;
}

static void name_by_prefix(const adder_t *adder, const char *own_name, char ret[NAME_MAX_LENGTH + 1])
{
    if (*adder->config->prefix == '\0' && name_is_valid(span_of(own_name))) {
        snprintf(ret, NAME_MAX_LENGTH + 1, "%s", own_name);
    } else {
        name_public(adder->config->prefix, span_of(own_name), ret);
    }
}

/* One that looks like ours (a gateway behind this one has such) could be that of another connector. */
static char *name_by_uri(const adder_t *adder, mcp_kind_t kind, const char *uri)
{
    const catalog_entry_t *other = catalog_find(adder->catalog, kind, span_of(uri));
    bool is_free = !other || other->connector == adder->connector;
    buf_t out = { 0 };

    if (is_free && strncasecmp(uri, CATALOG_SCHEME, strlen(CATALOG_SCHEME)) != 0) {
        return mem_strdup(uri);
    }
    catalog_qualify(&out, adder->config->name, span_of(uri));
    return buf_steal(&out);
}

/* NULL: there is none, which has been said. */
static char *public_name(adder_t *adder, mcp_kind_t kind, const char *own_name)
{
    char name[NAME_MAX_LENGTH + 1];

    if (kind == MCP_RESOURCES || kind == MCP_TEMPLATES) {
        return name_by_uri(adder, kind, own_name);
    }
    name_by_prefix(adder, own_name, name);
    if (!*name) {
        quarantine(adder, kind, own_name, "Nothing of its name is left that clients can take.");
        return NULL;
    }
    return mem_strdup(name);
}

/* Once, or the status would be longer than the catalog. */
static void say_full(adder_t *adder, mcp_kind_t kind, const char *own_name)
{
    if (!adder->is_full[kind]) {
        adder->is_full[kind] = true;
        quarantine(adder, kind, own_name, "The catalog is full: it and all after it are left out.");
    }
}

/* A new entry under its public name; NULL: it cannot have one, which has been said. */
static catalog_entry_t *enter(adder_t *adder, mcp_kind_t kind, const char *own_name)
{
    catalog_t *catalog = adder->catalog;

    if (catalog->entry_count == catalog->capacity) {
        say_full(adder, kind, own_name);
        return NULL;
    }
    AUTO(mem_free) char *name = public_name(adder, kind, own_name);
    if (!name) {
        return NULL;
    }
    uint32_t *slot = catalog_slot(catalog, kind, span_of(name));
    if (*slot) {
        refuse(adder, kind, own_name, &catalog->entries[*slot - 1]);
        return NULL;
    }
    catalog_entry_t *entry = new_entry(adder, kind, name, own_name);
    *slot = (uint32_t)catalog->entry_count;
    catalog->connectors[adder->connector].counts[kind]++;
    return entry;
}

static void offer_tool(adder_t *adder, const checked_tool_t *checked)
{
    catalog_entry_t *tool = enter(adder, MCP_TOOLS, checked->own_name);

    if (!tool) {
        return;
    }
    tool->schema = mem_strdup(checked->schema);
    tool->params = param_headers_read(span_of(tool->schema));
    tool->read_only = checked->read_only;
    tool->idempotent = checked->idempotent;
    /* Only our own runtime says which tools report progress; of others any may. */
    tool->streams = checked->streams || !adder->config->trusted;
    tool->timeout_ms = timeout_of(adder->config, tool->name);
    if (!checked->legacy) {
        quarantine(adder, MCP_TOOLS, checked->own_name, checked->legacy_reason);
    }
    render_forms(adder, tool, checked->modern, checked->legacy);
    tool->forms[CATALOG_REST] = rest_form(tool, checked);
    register_metrics(adder, tool);
}

static void kept_out(adder_t *adder, mcp_kind_t kind, span_t declaration, const err_t *err)
{
    AUTO(mem_free) char *name = check_entry_name(kind, declaration);

    quarantine(adder, kind, name, err->text);
}

static void add_tool(adder_t *adder, span_t declaration)
{
    checked_tool_t checked;
    err_t err;

    if (check_tool(declaration, &checked, &err)) {
        kept_out(adder, MCP_TOOLS, declaration, &err);
        return;
    }
    offer_tool(adder, &checked);
    checked_tool_release(&checked);
}

static void add_other(adder_t *adder, mcp_kind_t kind, span_t declaration)
{
    checked_entry_t checked;
    err_t err;

    if (check_entry(kind, declaration, &checked, &err)) {
        kept_out(adder, kind, declaration, &err);
        return;
    }
    catalog_entry_t *entry = enter(adder, kind, checked.own_name);
    if (entry) {
        entry->streams = true;
        render_forms(adder, entry, checked.declaration, checked.declaration);
    }
    checked_entry_release(&checked);
}

void catalog_add(adder_t *adder, mcp_kind_t kind, span_t declaration)
{
    if (kind == MCP_TOOLS) {
        add_tool(adder, declaration);
    } else {
        add_other(adder, kind, declaration);
    }
}

void catalog_add_unlisted(adder_t *adder)
{
    catalog_t *catalog = adder->catalog;
    AUTO_BUF name = { 0 };

    if (catalog->entry_count < catalog->capacity) {
        catalog_qualify(&name, adder->config->name, SPAN("*"));
        catalog->connectors[adder->connector].unlisted = new_entry(adder, MCP_RESOURCES, buf_text(&name), "");
    }
}
