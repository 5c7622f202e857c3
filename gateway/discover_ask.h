/* One discovery of one connector: which era, which tools. Private to discover.c. */
#pragma once

#include "catalog.h"
#include "config.h"
#include "http_client.h"

typedef struct ask ask_t;
typedef enum { ERA_UNKNOWN, ERA_MODERN, ERA_LEGACY } era_t;

typedef struct {
    const connector_config_t *config; /* must outlive the asking */
    http_pool_t *pool;
    era_t era; /* known already: go straight to the list */
    mcp_revision_t revision;
    const char *session_id;
    uint64_t *last_id;      /* of requests, counted on; must outlive the asking */
    const char *hop_secret; /* NULL */
    size_t max_event_bytes;
} ask_request_t;

typedef struct {
    era_t era;
    mcp_revision_t revision;
    const char *session_id;
    listing_t *listing; /* the callback's to keep */
    const char *note;   /* what was odd, though it went well; NULL */
} asked_t;

/* Once, never before ask_start() has returned; exactly one of asked and err. */
typedef void (*ask_f)(void *self, const asked_t *asked, const err_t *err);
ask_t *ask_start(const ask_request_t *request, ask_f done, void *self);
void ask_cancel(ask_t *ask); /* done is not called */
