/* How a catalog is made: each declaration is checked, named, and rendered for each revision; what cannot be
 * offered is put down in the status with its reason and never takes a neighbour with it. Order is the
 * configured order of connectors, then each connector's own, so that every replica renders the same lists.
 */
#include "catalog.h"

#include <jansson.h>
#include <stdlib.h>

#include "catalog_parts.h"
#include "check_tool.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "policy.h"
#include "shapes.h"

typedef struct {
    catalog_t *catalog;
    metrics_t *metrics;
    const connector_config_t *connector; /* the one whose tools are being added */
    size_t connector_index;
    size_t offered;
    bool news;                     /* log what is kept out */
    json_t *quarantined, *refused; /* of this connector, for the status */
} builder_t;

static void note(json_t *list, const char *tool, const char *reason)
{
    json_array_append_new(list, json_pack("{s:s, s:s}", "tool", tool, "reason", reason));
}

static void quarantine(builder_t *builder, const char *tool, const char *reason)
{
    note(builder->quarantined, tool, reason);
    if (builder->news && log_begin(LOG_LEVEL_WARN, "tool kept out")) {
        log_str("connector", builder->connector->name);
        log_str("tool", tool);
        log_str("reason", reason);
        log_end();
    }
}

static void refuse(builder_t *builder, const char *tool, const char *name, const char *other)
{
    AUTO(mem_free)
    char *reason =
        mem_printf("Its public name %s is already that of another tool, of connector %s.", name, other);

    note(builder->refused, tool, reason);
    if (builder->news && log_begin(LOG_LEVEL_WARN, "two tools want one name")) {
        log_str("connector", builder->connector->name);
        log_str("tool", tool);
        log_str("name", name);
        log_str("other_connector", other);
        log_end();
    }
}

static int64_t timeout_of(const connector_config_t *connector, const char *public_name)
{
    for (size_t i = 0; i < connector->tool_timeout_count; i++) {
        if (strcmp(connector->tool_timeouts[i].tool, public_name) == 0) {
            return connector->tool_timeouts[i].timeout_ms;
        }
    }
    return connector->timeout_ms;
}

static void register_metrics(builder_t *builder, catalog_tool_t *tool)
{
    AUTO_BUF labels = { 0 };

    metrics_label(&labels, "connector", builder->connector->name);
    metrics_label(&labels, "tool", tool->name);
    const char *text = buf_text(&labels);
    tool->calls = metrics_counter(builder->metrics, "guiche_tool_calls_total",
                                  "Calls of a tool that have ended.", text);
    tool->errors =
        metrics_counter(builder->metrics, "guiche_tool_errors_total", "Calls of a tool that failed.", text);
    tool->seconds = metrics_histogram(builder->metrics, "guiche_tool_call_seconds",
                                      "From the first byte of a call to its answer.", text);
}

static span_t steal(buf_t *text)
{
    size_t length = text->length;

    return (span_t){ buf_steal(text), length };
}

/* {"name","description","parameters","supports_streaming"}: GET /v1/tools/list. */
static span_t rest_form(const catalog_tool_t *tool, const checked_tool_t *checked)
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

static void render_forms(builder_t *builder, catalog_tool_t *tool, const checked_tool_t *checked)
{
    if (!checked->legacy) {
        quarantine(builder, checked->own_name, checked->legacy_reason);
    }
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        const char *source = shape == MCP_SHAPE_MODERN ? checked->modern : checked->legacy;
        buf_t out = { 0 };
        err_t err;
        if (source && shape_tool(span_of(source), tool->name, shape, &out, &err)) {
            quarantine(builder, checked->own_name, err.text);
            buf_clear(&out);
        }
        if (out.length > 0) {
            tool->forms[shape] = steal(&out);
        }
        buf_free(&out);
    }
    tool->forms[CATALOG_REST] = rest_form(tool, checked);
}

static void offer(builder_t *builder, const checked_tool_t *checked, const char *public_name, uint32_t *slot)
{
    catalog_t *catalog = builder->catalog;
    catalog_tool_t *tool = &catalog->tools[catalog->tool_count];

    tool->name = mem_strdup(public_name);
    tool->own_name = mem_strdup(checked->own_name);
    tool->schema = mem_strdup(checked->schema);
    tool->connector = builder->connector_index;
    tool->read_only = checked->read_only;
    tool->idempotent = checked->idempotent;
    /* Only our own runtime says which tools report progress; of others any may. */
    tool->streams = checked->streams || !builder->connector->trusted;
    tool->timeout_ms = timeout_of(builder->connector, public_name);
    render_forms(builder, tool, checked);
    register_metrics(builder, tool);
    *slot = (uint32_t)++catalog->tool_count;
    builder->offered++;
}

static void add_checked(builder_t *builder, const checked_tool_t *checked)
{
    catalog_t *catalog = builder->catalog;
    char name[NAME_MAX_LENGTH + 1];

    name_public(builder->connector->prefix, span_of(checked->own_name), name);
    if (!*name) {
        quarantine(builder, checked->own_name, "Nothing of its name is left that clients can take.");
        return;
    }
    uint32_t *slot = catalog_slot(catalog, span_of(name));
    if (*slot) {
        size_t other = catalog->tools[*slot - 1].connector;
        refuse(builder, checked->own_name, name, catalog->config->connectors[other].name);
        return;
    }
    offer(builder, checked, name, slot);
}

static void add_tool(builder_t *builder, span_t declaration)
{
    checked_tool_t checked;
    err_t err;

    if (check_tool(declaration, &checked, &err)) {
        AUTO(mem_free) char *name = check_tool_name(declaration);
        quarantine(builder, name, err.text);
        return;
    }
    if (builder->catalog->tool_count == CATALOG_MAX_TOOLS) {
        quarantine(builder, checked.own_name, "The catalog is full.");
    } else {
        add_checked(builder, &checked);
    }
    checked_tool_release(&checked);
}

static const char *state_of(const found_t *found)
{
    if (!found->listing) {
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

static json_t *describe(const builder_t *builder, const found_t *found)
{
    const char *era = mcp_revision_era(found->revision) == MCP_MODERN ? "modern" : "legacy";

    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:o, s:o, s:O, s:O}", "name", builder->connector->name,
                     "state", state_of(found), "era", text_or_null(found->listing ? era : NULL), "revision",
                     text_or_null(found->listing ? mcp_revision_name(found->revision) : NULL), "tools",
                     (json_int_t)builder->offered, "last_error", text_or_null(found->last_error),
                     "stale_since", time_or_null(found->stale_since_ms), "quarantined", builder->quarantined,
                     "refused", builder->refused);
}

static void register_gauges(builder_t *builder, catalog_connector_t *connector)
{
    metrics_t *metrics = builder->metrics;
    AUTO_BUF labels = { 0 };

    metrics_label(&labels, "connector", connector->config->name);
    const char *text = buf_text(&labels);
    connector->open = metrics_gauge(metrics, "guiche_hop_connections", "Connections, idle and busy.", text);
    connector->idle = metrics_gauge(metrics, "guiche_hop_connections_idle", "Of these the idle ones.", text);
    connector->up = metrics_gauge(metrics, "guiche_connector_up", "1 when its last listing went well.", text);
    connector->tools = metrics_gauge(metrics, "guiche_connector_tools", "Tools it has in the catalog.", text);
}

static void add_connector(builder_t *builder, size_t index, const found_t *found, json_t *status)
{
    catalog_t *catalog = builder->catalog;
    catalog_connector_t *connector = &catalog->connectors[index];

    builder->connector = connector->config = &catalog->config->connectors[index];
    builder->connector_index = index;
    builder->offered = 0;
    builder->news = found->news;
    builder->quarantined = json_array();
    builder->refused = json_array();
    connector->revision = found->revision;
    connector->session_id = found->session_id ? mem_strdup(found->session_id) : NULL;
    if (connector->config->trusted && catalog->config->hop_secret) {
        hop_key_derive(span_of(catalog->config->hop_secret), connector->config->name, connector->hop_key);
    }
    for (size_t i = 0; found->listing && i < found->listing->count; i++) {
        add_tool(builder, found->listing->tools[i]);
    }
    register_gauges(builder, connector);
    connector->tool_count = builder->offered;
    connector->is_up = found->listing && !found->stale_since_ms;
    json_array_append_new(status, describe(builder, found));
    json_decref(builder->quarantined);
    json_decref(builder->refused);
}

static size_t count_tools(const found_t *found, size_t connectors)
{
    size_t count = 0;

    for (size_t i = 0; i < connectors; i++) {
        count += found[i].listing ? found[i].listing->count : 0;
    }
    return count < CATALOG_MAX_TOOLS ? count : CATALOG_MAX_TOOLS;
}

/* How long a client may keep a list: as long as the connector asks least. */
static void set_freshness(catalog_t *catalog, const found_t *found)
{
    catalog->ttl_ms = -1;
    catalog->is_public = true;
    for (size_t i = 0; i < catalog->connector_count; i++) {
        const listing_t *listing = found[i].listing;
        int64_t ttl =
            listing && listing->ttl_ms >= 0 ? listing->ttl_ms : catalog->connectors[i].config->refresh_ms;
        if (catalog->ttl_ms < 0 || ttl < catalog->ttl_ms) {
            catalog->ttl_ms = ttl;
        }
        catalog->is_public = catalog->is_public && listing && listing->is_public;
    }
    if (catalog->ttl_ms < 0) {
        catalog->ttl_ms = 0;
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
        answered = answered || found[i].listing;
    }
    return answered;
}

static int by_own_name(const void *a, const void *b, void *self)
{
    const catalog_t *catalog = self;
    const catalog_tool_t *first = &catalog->tools[*(const uint32_t *)a];
    const catalog_tool_t *second = &catalog->tools[*(const uint32_t *)b];
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

static catalog_t *catalog_new(config_t *config, size_t max_tools)
{
    catalog_t *catalog = NEW(catalog_t);
    size_t slots = 16;

    while (slots < max_tools * 2) {
        slots *= 2;
    }
    catalog->references = 1;
    catalog->config = config_ref(config);
    catalog->tools = NEW_ARRAY(catalog_tool_t, max_tools);
    catalog->connectors = NEW_ARRAY(catalog_connector_t, config->connector_count);
    catalog->connector_count = config->connector_count;
    catalog->slots = NEW_ARRAY(uint32_t, slots);
    catalog->slot_mask = slots - 1;
    return catalog;
}

catalog_t *catalog_build(config_t *config, const found_t *found, metrics_t *metrics)
{
    catalog_t *catalog = catalog_new(config, count_tools(found, config->connector_count));
    builder_t builder = { .catalog = catalog, .metrics = metrics };
    json_t *status = json_array();

    for (size_t i = 0; i < config->connector_count; i++) {
        add_connector(&builder, i, &found[i], status);
    }
    index_own_names(catalog);
    set_freshness(catalog, found);
    catalog->ready = is_ready(found, config->connector_count);
    catalog->policy = policy_new(config, catalog->tools, catalog->tool_count);
    json_auto_t *page = json_pack("{s:s, s:b, s:I, s:o}", "version", GUICHE_VERSION, "ready", catalog->ready,
                                  "tools", (json_int_t)catalog->tool_count, "connectors", status);
    catalog->status = json_dumps(page, JSON_COMPACT);
    return catalog;
}
