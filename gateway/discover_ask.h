/* One discovery of one connector: which era, which lists. Private to discover_source.c. */
#pragma once

#include "catalog.h"
#include "config.h"
#include "http_client.h"

typedef struct ask ask_t;
typedef enum { ERA_UNKNOWN, ERA_MODERN, ERA_LEGACY } era_t;

typedef struct {
    config_t *all;
    const connector_config_t *config; /* of that; both must outlive the asking */
    http_pool_t *pool;
    session_ends_t *ends;
    era_t era; /* known already, with what stands below it: go straight to the lists */
    mcp_revision_t revision;
    bool want_legacy; /* of a modern one: find out too whether it answers initialize */
    bool legacy_known, speaks_legacy;
    mcp_revision_t legacy_revision;
    session_t *session; /* borrowed; that it can go on in, also where the era is not known; NULL: none */
    declared_t declared;
    uint64_t *last_id; /* of requests, counted on; must outlive the asking */
    size_t max_event_bytes;
} ask_request_t;

typedef struct {
    era_t era;
    mcp_revision_t revision;
    bool legacy_known, speaks_legacy; /* whether it answers initialize, if it was asked */
    mcp_revision_t legacy_revision;
    session_t *session; /* borrowed */
    declared_t declared;
    listing_t *lists[MCP_KINDS]; /* the callback's to keep; NULL: it failed, as the note says */
    const char *note;            /* what was odd, though it went well; NULL */
} asked_t;

/* Once, never before ask_start() has returned; exactly one of asked and err. */
typedef void (*ask_f)(void *self, const asked_t *asked, const err_t *err);
ask_t *ask_start(const ask_request_t *request, ask_f done, void *self);
void ask_cancel(ask_t *ask); /* done is not called */
