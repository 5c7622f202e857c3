/* What the threads of the gateway share: counters, helper threads, and a way to ask the main thread for a
 * discovery. */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "loop.h"
#include "metrics.h"
#include "pool.h"

struct discover;

typedef struct {
    metric_t requests[16]; /* by method, see call_log.c */
    metric_t failures[8];  /* by err_kind_t */
    metric_t open_requests, loop_lag, lists_kept;
} gateway_metrics_t;

typedef struct gateway {
    loop_t *loop; /* the main thread's */
    pool_t *helpers;
    metrics_t *metrics;
    gateway_metrics_t ids;
    struct discover *discover; /* main thread only */
} gateway_t;

/* Any thread: a connector answered as if its tools had changed. Asked again at once, but not more than every
 * few seconds. anew: it may have forgotten the session too, so it is asked from the beginning. */
void gateway_suspect(gateway_t *gateway, const char *connector, bool anew);
