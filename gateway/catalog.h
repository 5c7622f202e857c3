/* What the gateway offers: the tools of all connectors under their public names, with everything a call or a
 * list needs to know about them ready made. A catalog is built by the main thread from the configuration and
 * what discovery found, never changes afterwards, and is counted atomically: each worker holds one reference
 * and swaps it when a new one comes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "eras.h"
#include "hop.h"
#include "metrics.h"
#include "span.h"

typedef struct policy policy_t;

#define CATALOG_MAX_TOOLS 4096

/* A list may be asked for in the shape of each revision, or as the REST route shows it. */
enum { CATALOG_REST = MCP_SHAPES, CATALOG_FORMS };

typedef struct {
    char *name;       /* public */
    char *own_name;   /* what its connector calls it */
    size_t connector; /* index into the catalog's connectors */
    bool read_only, idempotent, streams;
    span_t forms[CATALOG_FORMS]; /* its declaration, JSON; absent: clients of that revision do not get it */
    char *schema;                /* inputSchema, JSON */
    int64_t timeout_ms;
    metric_t calls, errors, seconds;
} catalog_tool_t;

typedef struct {
    const connector_config_t *config; /* of the catalog's configuration */
    mcp_revision_t revision;
    char *session_id;               /* of a legacy connector that gave one in initialize; NULL */
    char hop_key[HOP_KEY_HEX_SIZE]; /* "" unless trusted */
    metric_t open, idle;            /* connections, gauges of each worker */
    metric_t up, tools;             /* gauges of the main thread */
    size_t tool_count;
    bool is_up;
} catalog_connector_t;

typedef struct catalog {
    config_t *config;      /* a reference */
    catalog_tool_t *tools; /* in the order of lists */
    size_t tool_count;
    catalog_connector_t *connectors; /* one per configured connector, same order */
    size_t connector_count;
    policy_t *policy;
    int64_t ttl_ms;
    bool is_public; /* every connector said that its list is */
    bool ready;
    char *status; /* what /status answers, JSON */
    /* private */
    uint32_t *slots; /* open addressing; tool index + 1 */
    size_t slot_mask;
    uint32_t *by_own_name; /* tool indexes, sorted */
    int references;
} catalog_t;

typedef struct {
    char *bytes;   /* what the spans lie in */
    span_t *tools; /* declarations, JSON objects */
    size_t count;
    int64_t ttl_ms; /* -1: the connector did not say */
    bool is_public;
} listing_t;
void listing_free(listing_t *listing);

/* What discovery knows of one connector. */
typedef struct {
    const listing_t *listing; /* the last good one; NULL: it has not answered yet */
    mcp_revision_t revision;
    const char *session_id;
    const char *last_error; /* NULL: none since the last good answer */
    int64_t stale_since_ms; /* unix; 0: fresh */
    bool asked;             /* its first discovery is over, well or badly */
    bool news;              /* another list than in the catalog before: what is kept out is logged */
} found_t;

/* `found` has one entry per configured connector. Takes its own reference of config. */
catalog_t *catalog_build(config_t *config, const found_t *found, metrics_t *metrics);
catalog_t *catalog_ref(catalog_t *catalog);
void catalog_unref(catalog_t *catalog);

const catalog_tool_t *catalog_find(const catalog_t *catalog, span_t public_name);
/* By the tool's own name, for the REST routes. Two connectors have it: NULL and *ret_other is the second, the
 * return value of the first is in *ret_first. */
const catalog_tool_t *catalog_find_own(const catalog_t *catalog, span_t own_name,
                                       const catalog_tool_t **ret_first, const catalog_tool_t **ret_other);
size_t catalog_index(const catalog_t *catalog, const catalog_tool_t *tool);
