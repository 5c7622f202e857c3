/* Shared by discover.c (which connectors there are) and discover_source.c (one of them) alone. */
#pragma once

#include <event2/event.h>

#include "discover.h"
#include "discover_ask.h"

#define CHANGED_EVERY_MS 100

/* One connector. */
typedef struct {
    struct discover *discover;
    const connector_config_t *config;
    ask_t *ask; /* while it is being asked */
    http_pool_t *pool;
    struct event *timer;
    int64_t begun_ms;
    era_t era; /* what is known of its era; unknown again after a failure */
    int64_t era_until_ms;
    mcp_revision_t revision; /* of the last good answer */
    uint64_t asked_count;
    bool wants_legacy; /* a legacy client has called it */
    bool legacy_known, speaks_legacy;
    mcp_revision_t legacy_revision;
    session_t *session;       /* NULL: it keeps none */
    int64_t session_until_ms; /* then one is opened anew when it is asked from the beginning */
    declared_t declared;
    listing_t *lists[MCP_KINDS]; /* the last good ones */
    char *last_error;
    int64_t stale_since_ms;
    uint64_t last_id; /* of requests */
    unsigned failures;
    bool asked;
    bool listed;             /* it has answered once */
    bool emptied[MCP_KINDS]; /* it said that it has none any more, once */
    bool awaited;            /* a call waits for what comes of it, be it the same */
    bool again;              /* it said that something has changed while it was being asked */
    bool news;               /* a list has changed since the last discover_found() */
    /* Lists it said have changed: not yet asked for; asked for, until it answers; found to look the same. */
    unsigned said, asking, heard;
} source_t;

struct discover {
    loop_t *loop;
    resolver_t *resolver;
    session_ends_t *ends;
    config_t *config;
    source_t **sources; /* one per connector of the configuration */
    size_t count;
    loop_f changed;
    void *self;
    bool telling; /* changed() is deferred */
    bool fresh;   /* something is to be told that is not only `heard` */
    bool over;    /* freed meanwhile: what was deferred only clears up */
};

void discover_tell(discover_t *discover);      /* soon: there is something new */
void discover_tell_said(discover_t *discover); /* the same for what is only `heard` */

source_t *discover_source_new(discover_t *discover, const connector_config_t *config);
void discover_source_free(source_t *source);
void discover_source_begin(source_t *source); /* now, unless it is being asked */
/* The same, but not before so long after the last asking began. */
void discover_source_ask_again(source_t *source, int64_t every_ms);
