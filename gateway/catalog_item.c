/* See catalog_parts.h: a declaration is checked, named, and rendered for each revision. What comes out
 * depends on its bytes, on its connector's prefix and trust, and, of a resource, on who had its URI before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalog_parts.h"
#include "check_entry.h"
#include "check_tool.h"
#include "mem.h"
#include "names.h"
#include "shapes.h"

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
static void render_forms(catalog_item_t *item, const char *modern, const char *legacy)
{
    catalog_entry_t *entry = &item->entry;

    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        const char *source = shape == MCP_SHAPE_MODERN ? modern : legacy;
        buf_t out = { 0 };
        err_t err;
        if (source && shape_entry(entry->kind, span_of(source), entry->name, shape, &out, &err)) {
            mem_free(item->reason);
            item->reason = mem_strdup(err.text);
            buf_clear(&out);
        }
        if (out.length > 0) {
            entry->forms[shape] = steal(&out);
        }
        buf_free(&out);
    }
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

/* NULL: it cannot have one. */
static char *public_name(const adder_t *adder, mcp_kind_t kind, const char *own_name)
{
    char name[NAME_MAX_LENGTH + 1];

    if (kind == MCP_RESOURCES || kind == MCP_TEMPLATES) {
        return name_by_uri(adder, kind, own_name);
    }
    name_by_prefix(adder, own_name, name);
    return *name ? mem_strdup(name) : NULL;
}

static void keep_out(catalog_item_t *item, const err_t *err)
{
    item->entry.own_name = check_entry_name(item->entry.kind, item->declaration);
    item->reason = mem_strdup(err->text);
}

/* False: it is kept out. */
static bool name_item(const adder_t *adder, catalog_item_t *item, const char *own_name)
{
    item->entry.own_name = mem_strdup(own_name);
    item->entry.name = public_name(adder, item->entry.kind, own_name);
    if (!item->entry.name) {
        item->reason = mem_strdup("Nothing of its name is left that clients can take.");
    }
    return item->entry.name != NULL;
}

static void fill_tool(const adder_t *adder, catalog_item_t *item, const checked_tool_t *checked)
{
    catalog_entry_t *tool = &item->entry;

    tool->schema = mem_strdup(checked->schema);
    tool->params = param_headers_read(span_of(tool->schema));
    tool->read_only = checked->read_only;
    tool->idempotent = checked->idempotent;
    /* Only our own runtime says which tools report progress; of others any may. */
    tool->streams = checked->streams || !adder->config->trusted;
    item->reason = checked->legacy ? NULL : mem_strdup(checked->legacy_reason);
    render_forms(item, checked->modern, checked->legacy);
    tool->forms[CATALOG_REST] = rest_form(tool, checked);
}

static void make_tool(const adder_t *adder, catalog_item_t *item)
{
    checked_tool_t checked;
    err_t err;

    if (check_tool(item->declaration, &checked, &err)) {
        keep_out(item, &err);
        return;
    }
    if (name_item(adder, item, checked.own_name)) {
        fill_tool(adder, item, &checked);
    }
    checked_tool_release(&checked);
}

static void make_other(const adder_t *adder, catalog_item_t *item)
{
    checked_entry_t checked;
    err_t err;

    if (check_entry(item->entry.kind, item->declaration, &checked, &err)) {
        keep_out(item, &err);
        return;
    }
    if (name_item(adder, item, checked.own_name)) {
        item->entry.read_only = item->entry.idempotent = item->entry.streams = true;
        render_forms(item, checked.declaration, checked.declaration);
    }
    checked_entry_release(&checked);
}

static catalog_item_t *item_new(mcp_kind_t kind, span_t declaration)
{
    catalog_item_t *item = NEW(catalog_item_t);

    item->references = 1;
    item->entry.kind = kind;
    item->declaration = (span_t){ mem_strndup(declaration.at, declaration.length), declaration.length };
    return item;
}

catalog_item_t *catalog_item_new(const adder_t *adder, mcp_kind_t kind, span_t declaration)
{
    catalog_item_t *item = item_new(kind, declaration);

    if (kind == MCP_TOOLS) {
        make_tool(adder, item);
    } else {
        make_other(adder, item);
    }
    return item;
}

catalog_item_t *catalog_item_unlisted(const adder_t *adder)
{
    catalog_item_t *item = item_new(MCP_RESOURCES, SPAN(""));
    buf_t name = { 0 };

    catalog_qualify(&name, adder->config->name, SPAN("*"));
    item->entry.name = buf_steal(&name);
    item->entry.own_name = mem_strdup("");
    item->entry.read_only = item->entry.idempotent = true;
    return item;
}

static int by_declaration(const void *a, const void *b)
{
    const catalog_item_t *first = *(catalog_item_t *const *)a, *second = *(catalog_item_t *const *)b;
    size_t length = first->declaration.length, other = second->declaration.length;

    if (first->entry.kind != second->entry.kind) {
        return first->entry.kind < second->entry.kind ? -1 : 1;
    }
    if (length != other) {
        return length < other ? -1 : 1;
    }
    return memcmp(first->declaration.at, second->declaration.at, length);
}

void catalog_items_sort(catalog_connector_t *connector)
{
    if (connector->item_count > 0) {
        qsort(connector->items, connector->item_count, sizeof(catalog_item_t *), by_declaration);
    }
}

/* Prefix and trust are the same, see find_before(); who has a URI first may have changed. */
static bool has_same_name(const adder_t *adder, const catalog_item_t *item)
{
    const catalog_entry_t *entry = &item->entry;

    if (entry->kind == MCP_TOOLS || entry->kind == MCP_PROMPTS || !entry->name) {
        return true;
    }
    AUTO(mem_free) char *name = name_by_uri(adder, entry->kind, entry->own_name);
    return strcmp(name, entry->name) == 0;
}

catalog_item_t *catalog_item_same(const adder_t *adder, mcp_kind_t kind, span_t declaration)
{
    const catalog_connector_t *before = adder->before;
    const catalog_item_t key = { .entry.kind = kind, .declaration = declaration }, *wanted = &key;

    if (!before || before->item_count == 0) {
        return NULL;
    }
    catalog_item_t **found =
        bsearch(&wanted, before->items, before->item_count, sizeof(catalog_item_t *), by_declaration);
    if (!found || !has_same_name(adder, *found)) {
        return NULL;
    }
    __atomic_add_fetch(&(*found)->references, 1, __ATOMIC_RELAXED);
    return *found;
}

void catalog_item_unref(catalog_item_t *item)
{
    if (__atomic_sub_fetch(&item->references, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    mem_free((char *)item->declaration.at);
    mem_free(item->entry.name);
    mem_free(item->entry.own_name);
    mem_free(item->entry.schema);
    param_headers_free(item->entry.params);
    for (size_t i = 0; i < CATALOG_FORMS; i++) {
        mem_free((char *)item->entry.forms[i].at);
    }
    mem_free(item->reason);
    mem_free(item);
}
