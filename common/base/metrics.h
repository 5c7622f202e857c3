/* Counters, gauges and histograms in Prometheus text. A thread counts into a shard of its own without locks
 * or shared cache lines; a scrape adds the shards up. Series are registered where names are known (start,
 * catalog build), never on a call: a call counts by number. Registering the same name and labels again gives
 * the same number, so a rebuilt catalog keeps its counts. Labels come from configuration and catalog only,
 * never from a request.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

typedef struct metrics metrics_t;             /* one per process */
typedef struct metrics_shard metrics_shard_t; /* one per thread that counts */
typedef uint32_t metric_t;                    /* a registered series; 0 counts nowhere */

metrics_t *metrics_new(void);
void metrics_free(metrics_t *metrics); /* and its shards */
metrics_shard_t *metrics_shard_new(metrics_t *metrics);

/* Thread-safe. `labels` is ready text such as connector="crm",tool="list_agents" (metrics_label), or NULL. */
metric_t metrics_counter(metrics_t *metrics, const char *name, const char *help, const char *labels);
metric_t metrics_gauge(metrics_t *metrics, const char *name, const char *help, const char *labels);
/* Latency in seconds; buckets 0.5 ms ... 120 s, the same for all. */
metric_t metrics_histogram(metrics_t *metrics, const char *name, const char *help, const char *labels);
void metrics_label(buf_t *labels, const char *key, const char *value); /* appends key="escaped" */

void metrics_add(metrics_shard_t *shard, metric_t counter, uint64_t amount);
void metrics_set(metrics_shard_t *shard, metric_t gauge, int64_t value); /* gauges of shards are added up */
void metrics_observe_us(metrics_shard_t *shard, metric_t histogram, int64_t us);

/* Any thread. Figures of the process (memory, descriptors, CPU, start, log lines dropped) are appended. */
void metrics_render(metrics_t *metrics, buf_t *out);
