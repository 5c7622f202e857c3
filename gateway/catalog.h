/* What the gateway offers: tools, resources, resource templates and prompts of all connectors under their
 * public names, with everything a call or a list needs to know about them ready made. A catalog is built by
 * the main thread from the configuration and what discovery found, never changes afterwards, and is counted
 * atomically: each worker holds one reference and swaps it when a new one comes. What was made of a
 * declaration (catalog_item_t) passes on to the next catalog that has the same one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "config.h"
#include "eras.h"
#include "hop.h"
#include "metrics.h"
#include "param_headers.h"
#include "server.h"
#include "session.h"
#include "span.h"

typedef struct policy policy_t;
typedef struct catalog_item catalog_item_t;

#define CATALOG_MAX_ENTRIES 4096

/* A list may be asked for in the shape of each revision, or as the REST route shows it. */
enum { CATALOG_REST = MCP_SHAPES, CATALOG_FORMS };

/* One entry of one of the four lists. A resource goes by its URI, a template by its uriTemplate.
 *
 * A connector may read URIs that it does not list: for these it has one more resource of no form, which no
 * list shows and no name finds; catalog_route() leads there. Its name is its connector's part of
 * CATALOG_SCHEME with a star for the URI; that is what a policy opens. */
typedef struct {
    mcp_kind_t kind;
    /* The texts are those of its item, which the connector holds. */
    char *name;       /* public */
    char *own_name;   /* what its connector calls it; "" of what stands for unlisted URIs */
    size_t connector; /* index into the catalog's connectors */
    bool read_only, idempotent, streams;
    span_t forms[CATALOG_FORMS]; /* its declaration, JSON; absent: clients of that revision do not get it */
    char *schema;                /* inputSchema of a tool, JSON; else NULL */
    param_headers_t *params;     /* arguments that are mirrored in headers; NULL: none, as usual */
    int64_t timeout_ms;
    metric_t calls, errors, seconds; /* of a tool */
} catalog_entry_t;

/* What a connector says of itself in server/discover or initialize. */
typedef struct {
    mcp_capabilities_t offers;
    bool list_changed[MCP_KINDS]; /* it tells when that list changes; templates: as resources */
    bool subscribe;               /* it tells when a resource changes */
} declared_t;

typedef struct {
    const connector_config_t *config; /* of the catalog's configuration */
    mcp_revision_t revision;          /* the newest it speaks */
    /* Set when it answers initialize too. Calls of legacy clients then go over that wire: what asks them
     * questions on it cannot do so on the modern one. Not for connectors of ours, which ask either way. */
    uint64_t asked_count; /* how often it has been asked, well or badly */
    bool legacy_known, speaks_legacy;
    mcp_revision_t legacy_revision;
    session_t *session;             /* that initialize has opened, a reference; NULL: it keeps none */
    char hop_key[HOP_KEY_HEX_SIZE]; /* "" unless trusted */
    declared_t declared;
    metric_t open, idle;                  /* connections, gauges of each worker */
    metric_t up, tools, kinds[MCP_KINDS]; /* gauges of the main thread */
    size_t counts[MCP_KINDS];             /* entries that are offered */
    const catalog_entry_t *unlisted; /* what stands for URIs that it does not list; NULL: it reads none */
    bool is_up;
    catalog_item_t **items; /* private: of all that it declares, sorted by declaration */
    size_t item_count;
} catalog_connector_t;

typedef struct catalog {
    config_t *config;         /* a reference */
    catalog_entry_t *entries; /* of all kinds, each kind in the order of its list */
    size_t entry_count, capacity;
    catalog_connector_t *connectors; /* one per configured connector, same order */
    size_t connector_count;
    policy_t *policy;
    mcp_capabilities_t offers; /* what some connector does */
    int64_t ttl_ms[MCP_KINDS]; /* how long a client may keep the list */
    bool is_public[MCP_KINDS]; /* every connector said that its list is */
    bool ready;
    keys_t *keys;     /* a reference: what tokens are checked with */
    bool awaits_keys; /* those of auth.jwks_url are not among them yet */
    char *status;     /* what /status answers, JSON */
    /* private */
    uint32_t *slots; /* open addressing by kind and name; entry index + 1 */
    size_t slot_mask;
    uint32_t *by_own_name; /* indexes of tools, sorted */
    size_t tool_count;     /* they come first */
    size_t first_template, last_template;
    int references;
} catalog_t;

/* One list of one connector. */
typedef struct {
    char *bytes;   /* what the spans lie in */
    span_t *items; /* declarations, JSON */
    size_t count;
    int64_t ttl_ms; /* -1: the connector did not say */
    bool is_public;
} listing_t;
void listing_free(listing_t *listing);
bool listing_is_same(const listing_t *a, const listing_t *b); /* NULL is like none */
bool listing_has_same_items(const listing_t *a, const listing_t *b);

/* What discovery knows of one connector. */
typedef struct {
    const listing_t *lists[MCP_KINDS]; /* the last good ones; NULL: never had */
    bool listed;                       /* it has answered once, so that it has a list of tools at least */
    declared_t declared;
    mcp_revision_t revision;
    uint64_t asked_count;
    bool legacy_known, speaks_legacy;
    mcp_revision_t legacy_revision;
    session_t *session;
    const char *watched;    /* how its changes are heard of: "listen", "stream", "polled" */
    const char *last_error; /* NULL: none since the last good answer */
    int64_t stale_since_ms; /* unix; 0: fresh */
    bool asked;             /* its first discovery is over, well or badly */
    bool news;              /* other lists than in the catalog before: what is kept out is logged */
} found_t;

/* `found` has one entry per configured connector. Takes its own reference of config. before: the last one
 * that was built, or NULL; what connectors declare byte for byte as they did then is not made anew. */
catalog_t *catalog_build(config_t *config, const found_t *found, metrics_t *metrics, const catalog_t *before);
catalog_t *catalog_ref(catalog_t *catalog);
void catalog_unref(catalog_t *catalog);

const catalog_entry_t *catalog_find(const catalog_t *catalog, mcp_kind_t kind, span_t public_name);

/* Whose is it, and what does its connector call it? */
typedef struct {
    const catalog_entry_t *entry; /* for permission and deadline; of a resource perhaps its template */
    span_t own;                   /* name or URI to send; lies in the entry or in the name asked for */
    bool qualified;               /* a URI with CATALOG_SCHEME; those in the answer are to get it, too */
} catalog_route_t;

/* Two connectors may have the same URI. The first keeps it; that of the second gets this before it, its name
 * and a slash, and is as it was after that: still a URI, of a template still a template, and the same on
 * every replica. */
#define CATALOG_SCHEME "guiche://"

/* A tool or prompt by its public name, a template by its public text. A resource: one that is listed, else
 * what stands behind CATALOG_SCHEME and a connector's name, else one of a template, that with the most
 * literal text; else, where only one connector has resources, that one is asked. False: there is none such.
 */
bool catalog_route(const catalog_t *catalog, mcp_kind_t kind, span_t name, catalog_route_t *ret);
/* The public URI of what a connector calls by its own, appended. */
void catalog_qualify(buf_t *out, const char *connector, span_t uri);
/* By a tool's own name, for the REST routes. Two connectors have it: NULL and *ret_other is the second, the
 * return value of the first is in *ret_first. */
const catalog_entry_t *catalog_find_own(const catalog_t *catalog, span_t own_name,
                                        const catalog_entry_t **ret_first, const catalog_entry_t **ret_other);
const catalog_connector_t *catalog_connector(const catalog_t *catalog,
                                             const char *name); /* NULL: none such */
size_t catalog_index(const catalog_t *catalog, const catalog_entry_t *entry);
