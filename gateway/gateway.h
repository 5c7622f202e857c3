/* What the threads of the gateway share: counters, helper threads, and a way to ask the main thread for a
 * discovery. */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "loop.h"
#include "http_server.h"
#include "metrics.h"
#include "pool.h"
#include "span.h"

struct discover;
struct session_ends;
struct watches;

typedef struct {
    metric_t requests[24];               /* by method, see call_log.c */
    metric_t failures[ERR_INTERNAL + 1]; /* by err_kind_t */
    metric_t open_requests, connections, held_bytes, loop_lag, lists_kept, listens, watches;
} gateway_metrics_t;

typedef struct gateway {
    loop_t *loop; /* the main thread's */
    pool_t *helpers;
    metrics_t *metrics;
    http_quota_t *quota; /* of the workers' servers */
    gateway_metrics_t ids;
    struct discover *discover; /* main thread only */
    struct watches *watches;   /* the same */
    unsigned listens;          /* open subscriptions/listen of all workers; atomic */
    struct worker **workers;   /* made before their threads start, and not changed while these run */
    size_t worker_count;
    int64_t stray_second; /* main thread only: stray.c */
    unsigned strays;
    struct jwks_fetch *jwks;           /* there before the workers are, and after them */
    struct session_ends *session_ends; /* the same */
} gateway_t;

/* Any thread: a connector answered as if its tools had changed. Asked again at once, but not more than every
 * few seconds. anew: it may have forgotten the session too, so it is asked from the beginning. */
void gateway_suspect(gateway_t *gateway, const char *connector, bool anew);
/* The same for a legacy client's call that waits to know whether a modern connector answers initialize too.
 */
void gateway_want_legacy(gateway_t *gateway, const char *connector);
/* The same for a call that waits for the next catalog: asked within half a second, and one always comes. */
void gateway_await(gateway_t *gateway, const char *connector);

/* Any thread: a token named a key that is not known. The key set is fetched again, within jwks_rules.h. Fits
 * gate_unknown_f. */
void gateway_want_key(void *gateway, const char *kid);

/* Any thread: somebody listens to this resource of a connector, by the connector's own URI, or no longer. */
void gateway_hold(gateway_t *gateway, const char *connector, span_t own_uri, bool held);
