/* One worker: a thread with its own loop, sockets, connections to the connectors, and memory of tokens and
 * lists. Workers share the catalog, which never changes, and nothing else; everything here belongs to the
 * worker's thread but for what says "any thread".
 *
 * A call works with the view it began with: a catalog and its lanes. When a new catalog comes, the worker
 * gets a new view; the old one goes when its last call has ended, and with it the lanes to connectors that
 * are no longer configured.
 */
#pragma once

#include <sys/queue.h>

#include "buf.h"
#include "catalog.h"
#include "gate.h"
#include "gateway.h"
#include "http_client.h"
#include "http_server.h"
#include "listeners.h"
#include "loop.h"
#include "lru.h"
#include "metrics.h"
#include "policy.h"
#include "proxies.h"
#include "resolve.h"
#include "server.h"
#include "sessions.h"

/* Connections to one connector. */
typedef struct lane {
    http_pool_t *pool;
    sessions_t *sessions; /* with a legacy connector that keeps some */
    unsigned references;  /* views */
} lane_t;

typedef struct view {
    struct worker *worker;
    catalog_t *catalog;
    lane_t **lanes; /* one per connector */
    lru_t *lists;   /* rendered, by form and set of tools */
    unsigned references;
} view_t;

typedef struct worker {
    gateway_t *gateway;
    loop_t *loop;
    resolver_t *resolver;
    http_server_t *server;
    mcp_server_t *mcp;
    mcp_options_t options;
    char ask_prefix[16]; /* "w3": names the worker in the ids of its questions */
    gate_t *gate;
    lru_t *hop_tokens;
    view_t *view;
    proxies_t *proxies;
    listeners_t *listeners;
    metrics_shard_t *shard;
    uint64_t last_id;              /* of requests to connectors */
    buf_t scratch;                 /* header lines of the request being built */
    LIST_HEAD(, forward) forwards; /* calls that wait for a connector */
    LIST_HEAD(, notice) notices;   /* cancellations under way */
    struct event *gauges;
    struct event *delay;    /* while /ready says that it will drain */
    struct event *patience; /* while it drains: when calls that are still open are ended */
    bool stopping;          /* it drains, or will */
    bool impatient;         /* no call may begin any more: nothing could wait for its answer */
} worker_t;

/* The sockets are taken; serving begins with worker_run(). */
worker_t *worker_new(gateway_t *gateway, unsigned number, const int *listen_fds, size_t count,
                     catalog_t *catalog);
void worker_run(worker_t *worker); /* on its thread, until it has drained */
/* Closing ends all but the loop: helper threads may still post to it. Then they are stopped, then the loop
 * may go. */
void worker_close(worker_t *worker);
void worker_free(worker_t *worker);

/* Works with it from now on; the same may come again. See showing.h. */
void worker_take(worker_t *worker, catalog_t *catalog);
/* Any thread: a resource of this connector has changed. */
void worker_updated(worker_t *worker, const char *connector, span_t own_uri);
void worker_drain(worker_t *worker); /* any thread */
/* Any thread: a client's answer (raw message) to a question that this worker may have asked. */
void worker_answer(worker_t *worker, const principal_t *principal, span_t message);

/* before: the view that it takes the place of, or NULL. */
view_t *view_new(worker_t *worker, catalog_t *catalog, const view_t *before);
view_t *view_ref(view_t *view);
void view_unref(view_t *view);

lru_t *worker_lists_new(void); /* of a view */
/* A JSON array of what this principal is offered, in a form of CATALOG_FORMS; borrowed until the next list.
 */
span_t worker_list(worker_t *worker, const principal_t *principal, mcp_kind_t kind, int form);
/* Tells whether what this principal is offered has changed: of a modern client's list. */
uint64_t worker_list_mark(worker_t *worker, const principal_t *principal, mcp_kind_t kind);
/* What lists show to this principal. */
void worker_visible(const worker_t *worker, const principal_t *principal, entry_set_t *ret);
/* The hop token that tells this connector who is asking; absent for a connector that is not ours. */
span_t worker_hop_token(worker_t *worker, const catalog_connector_t *connector, const principal_t *principal);
