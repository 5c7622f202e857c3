/* See public_uris.h. Values are copied as they are up to the URIs, never parsed into anything. */
#include "public_uris.h"

#include <string.h>
#include <strings.h>

typedef struct writer writer_t;
typedef void (*add_f)(const writer_t *writer, span_t key, span_t value);

struct writer {
    buf_t *out;
    const catalog_t *catalog; /* NULL: all URIs change */
    const char *connector;
};

static bool is_of_the_web(span_t uri)
{
    return (uri.length > 8 && strncasecmp(uri.at, "https://", 8) == 0) ||
           (uri.length > 7 && strncasecmp(uri.at, "http://", 7) == 0);
}

static bool leads_home(const writer_t *writer, span_t uri)
{
    const catalog_t *catalog = writer->catalog;
    catalog_route_t route;

    return catalog_route(catalog, MCP_RESOURCES, uri, &route) &&
           strcmp(catalog->connectors[route.entry->connector].config->name, writer->connector) == 0;
}

static void add_uri(const writer_t *writer, span_t key, span_t value)
{
    AUTO_BUF own = { 0 };
    AUTO_BUF uri = { 0 };

    if (!span_is(key, "uri") || !scan_string(value, &own) ||
        (writer->catalog && (is_of_the_web(buf_span(&own)) || leads_home(writer, buf_span(&own))))) {
        buf_add_span(writer->out, value);
        return;
    }
    catalog_qualify(&uri, writer->connector, buf_span(&own));
    buf_add_json_string(writer->out, buf_span(&uri));
}

static void add_object(const writer_t *writer, span_t object, add_f add_value)
{
    json_member_t member;
    bool first = true;

    if (scan_kind(object) != SCAN_OBJECT) {
        buf_add_span(writer->out, object);
        return;
    }
    buf_add_char(writer->out, '{');
    for (span_t rest = object; scan_next_member(&rest, &member); first = false) {
        buf_add_text(writer->out, first ? "\"" : ",\"");
        buf_add_span(writer->out, member.key);
        buf_add_text(writer->out, "\":");
        add_value(writer, member.key, member.value);
    }
    buf_add_char(writer->out, '}');
}

static void add_array(const writer_t *writer, span_t array, add_f add_item)
{
    bool first = true;

    if (scan_kind(array) != SCAN_ARRAY) {
        buf_add_span(writer->out, array);
        return;
    }
    buf_add_char(writer->out, '[');
    for (span_t rest = array, item; scan_next_item(&rest, &item); first = false) {
        buf_add_text(writer->out, first ? "" : ",");
        add_item(writer, (span_t){ 0 }, item);
    }
    buf_add_char(writer->out, ']');
}

static void add_content(const writer_t *writer, span_t key, span_t value)
{
    (void)key;
    add_object(writer, value, add_uri);
}

void public_uris_in_contents(buf_t *out, const catalog_t *catalog, const char *connector, span_t contents)
{
    (void)catalog;
    add_array(&(writer_t){ .out = out, .connector = connector }, contents, add_content);
}

static void add_embedded(const writer_t *writer, span_t key, span_t value)
{
    if (span_is(key, "resource")) {
        add_object(writer, value, add_uri);
    } else {
        buf_add_span(writer->out, value);
    }
}

static void add_block(const writer_t *writer, span_t key, span_t block)
{
    span_t type = scan_plain_string(scan_member(block, "type"));

    (void)key;
    if (span_is(type, "resource_link")) {
        add_object(writer, block, add_uri);
    } else if (span_is(type, "resource")) {
        add_object(writer, block, add_embedded);
    } else {
        buf_add_span(writer->out, block);
    }
}

static void add_member_of_message(const writer_t *writer, span_t key, span_t value)
{
    if (span_is(key, "content")) {
        add_block(writer, key, value);
    } else {
        buf_add_span(writer->out, value);
    }
}

static void add_message(const writer_t *writer, span_t key, span_t message)
{
    (void)key;
    add_object(writer, message, add_member_of_message);
}

bool public_uris_matter(const catalog_t *catalog, const catalog_connector_t *connector)
{
    bool matter = false;

    for (size_t i = 0; connector->unlisted && i < catalog->connector_count && !matter; i++) {
        matter = catalog->connectors[i].unlisted && &catalog->connectors[i] != connector;
    }
    return matter;
}

void public_uris_in_content(buf_t *out, const catalog_t *catalog, const char *connector, span_t content)
{
    add_array(&(writer_t){ .out = out, .catalog = catalog, .connector = connector }, content, add_block);
}

void public_uris_in_messages(buf_t *out, const catalog_t *catalog, const char *connector, span_t messages)
{
    add_array(&(writer_t){ .out = out, .catalog = catalog, .connector = connector }, messages, add_message);
}
