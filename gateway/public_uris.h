/* URIs in results, as their connector calls them, in the form that clients can read by: a client may ask for
 * what it is shown. Values are raw JSON that has been checked; what changes is appended to `out` whole. */
#pragma once

#include "catalog.h"
#include "json_scan.h"

/* `contents` of a resources/read result, for a qualified route: all its URIs. */
void public_uris_in_contents(buf_t *out, const catalog_t *catalog, const char *connector, span_t contents);

/* Whether a URI that this connector gives out may lead to another one, or nowhere: where several read
 * resources. */
bool public_uris_matter(const catalog_t *catalog, const catalog_connector_t *connector);
/* `content` of a tools/call result, `messages` of a prompts/get one: the URIs of resource_link and resource
 * blocks, but for those that lead to this connector as they are, or into the web (2025-11-25 server/resources
 * "Common URI Schemes": those a client fetches by itself). */
void public_uris_in_content(buf_t *out, const catalog_t *catalog, const char *connector, span_t content);
void public_uris_in_messages(buf_t *out, const catalog_t *catalog, const char *connector, span_t messages);
