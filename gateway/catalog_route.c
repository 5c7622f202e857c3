/* See catalog.h: which connector a name or a URI belongs to. A URI goes byte for byte to its connector: what
 * stands before it when two have the same is taken off, and nothing is decoded, so that no two readings of a
 * URI can differ between what policy saw and what is read. */
#include "catalog.h"
#include "uri_template.h"

#include <string.h>

#define NO_CONNECTOR SIZE_MAX
/* Of a URI, over all the templates that begin like it, of which a connector may have thousands: some 40 ms of
 * the worker's time when they are made to be slow, and 1,000 templates for a URI of usual length. */
#define MAX_COMPARED_BYTES (128 * 1024)

static bool found(const catalog_entry_t *entry, span_t own, catalog_route_t *ret)
{
    *ret = (catalog_route_t){ .entry = entry, .own = own };
    return entry != NULL;
}

static bool by_name(const catalog_t *catalog, mcp_kind_t kind, span_t name, catalog_route_t *ret)
{
    const catalog_entry_t *entry = catalog_find(catalog, kind, name);

    return found(entry, entry ? span_of(entry->own_name) : (span_t){ 0 }, ret);
}

void catalog_qualify(buf_t *out, const char *connector, span_t uri)
{
    buf_add_text(out, CATALOG_SCHEME);
    buf_add_text(out, connector);
    buf_add_char(out, '/');
    buf_add_span(out, uri);
}

/* Whose URI stands behind guiche://<connector>/; NO_CONNECTOR: nobody's, or it does not begin so. */
static size_t split(const catalog_t *catalog, span_t uri, span_t *ret_own)
{
    size_t begin = strlen(CATALOG_SCHEME);
    const char *slash = uri.length > begin && memcmp(uri.at, CATALOG_SCHEME, begin) == 0
                            ? memchr(uri.at + begin, '/', uri.length - begin)
                            : NULL;

    if (!slash) {
        return NO_CONNECTOR;
    }
    span_t name = { uri.at + begin, (size_t)(slash - uri.at) - begin };
    *ret_own = (span_t){ slash + 1, uri.length - name.length - begin - 1 };
    for (size_t i = 0; i < catalog->connector_count; i++) {
        if (span_is(name, catalog->connectors[i].config->name)) {
            return i;
        }
    }
    return NO_CONNECTOR;
}

static bool keeps_its_name(const catalog_entry_t *entry)
{
    return strcmp(entry->name, entry->own_name) == 0;
}

/* NULL in *ret: no template. Of this connector, or of any under the name it has by itself. The first of two
 * that say as much wins. False: it cannot be told. Then the URI leads nowhere, and not to what stands for
 * URIs of no template, which a policy may have opened to more people. */
static bool template_of(const catalog_t *catalog, size_t connector, span_t uri, const catalog_entry_t **ret)
{
    size_t most = 0, compared = 0;

    *ret = NULL;
    for (size_t i = catalog->first_template; i < catalog->last_template; i++) {
        const catalog_entry_t *entry = &catalog->entries[i];
        span_t text = span_of(entry->own_name);
        bool counts = connector == NO_CONNECTOR ? keeps_its_name(entry) : entry->connector == connector;
        if (!counts || !uri_template_begins(text, uri)) {
            continue;
        }
        compared += uri.length;
        if (compared > MAX_COMPARED_BYTES || uri.length > URI_TEMPLATE_MAX_URI) {
            return false;
        }
        size_t literals = uri_template_matches(text, uri) ? 1 + uri_template_literals(text) : 0;
        if (literals > most) {
            *ret = entry;
            most = literals;
        }
    }
    return true;
}

/* The one connector that reads any; NO_CONNECTOR: none does, or it cannot be told which is meant. */
static size_t only_reader(const catalog_t *catalog)
{
    size_t only = NO_CONNECTOR;

    for (size_t i = 0; i < catalog->connector_count; i++) {
        if (catalog->connectors[i].unlisted) {
            if (only != NO_CONNECTOR) {
                return NO_CONNECTOR;
            }
            only = i;
        }
    }
    return only;
}

static const catalog_entry_t *unlisted_of(const catalog_t *catalog, size_t connector)
{
    return connector == NO_CONNECTOR ? NULL : catalog->connectors[connector].unlisted;
}

/* What this connector knows under its own name; that of another is no business of it. */
static bool route_within(const catalog_t *catalog, size_t connector, span_t own, catalog_route_t *ret)
{
    const catalog_entry_t *entry = catalog_find(catalog, MCP_RESOURCES, own);

    bool is_listed = entry && entry->connector == connector && keeps_its_name(entry);
    if (!is_listed && !template_of(catalog, connector, own, &entry)) {
        return false;
    }
    bool is_there = found(entry ? entry : unlisted_of(catalog, connector), own, ret);
    ret->qualified = true;
    return is_there;
}

static bool route_resource(const catalog_t *catalog, span_t uri, catalog_route_t *ret)
{
    span_t own;

    if (by_name(catalog, MCP_RESOURCES, uri, ret)) {
        ret->qualified = !keeps_its_name(ret->entry);
        return true;
    }
    size_t connector = split(catalog, uri, &own);
    if (connector != NO_CONNECTOR) {
        return route_within(catalog, connector, own, ret);
    }
    const catalog_entry_t *entry;
    if (!template_of(catalog, NO_CONNECTOR, uri, &entry)) {
        return false;
    }
    return found(entry ? entry : unlisted_of(catalog, only_reader(catalog)), uri, ret);
}

bool catalog_route(const catalog_t *catalog, mcp_kind_t kind, span_t name, catalog_route_t *ret)
{
    return kind == MCP_RESOURCES ? route_resource(catalog, name, ret) : by_name(catalog, kind, name, ret);
}
