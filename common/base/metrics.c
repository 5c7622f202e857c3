/* Registry, shards and the text they make (metrics.h).
 *
 * A metric_t is the number of a slot; a histogram owns a row of slots: one per bucket, then the sum. A shard
 * keeps its slots in pages that its thread makes when it first counts there and publishes by an atomic
 * pointer, so counting takes no lock and registering never moves a slot. One thread writes a shard, a scrape
 * only reads: plain relaxed loads and stores do, without a locked instruction. The registry itself (families,
 * series, list of shards) is under one lock, which counting never takes.
 */
#include "metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

#define PAGE_SLOTS 1024
#define MAX_PAGES 256
#define HASH_CHAINS 1024

typedef struct {
    _Atomic uint64_t slots[PAGE_SLOTS];
} page_t;

struct metrics_shard {
    metrics_shard_t *next;
    _Atomic(page_t *) pages[MAX_PAGES];
};

typedef enum { COUNTER, GAUGE, HISTOGRAM } kind_t;

typedef struct series {
    struct series *next;          /* of its family, in order of registration */
    struct series *next_in_chain; /* of its hash */
    const struct family *family;
    char *labels; /* "" without */
    metric_t first_slot;
} series_t;

typedef struct family {
    struct family *next;
    char *name, *help;
    kind_t kind;
    series_t *first, **last;
} family_t;

struct metrics {
    pthread_mutex_t lock;
    family_t *first, **last;
    series_t *chains[HASH_CHAINS];
    metric_t next_slot;
    metrics_shard_t *shards;
    int64_t started_unix;
};

static const struct {
    const char *le;
    int64_t us;
} buckets[] = {
    { "0.0005", 500 },  { "0.001", 1000 },    { "0.0025", 2500 },    { "0.005", 5000 },  { "0.01", 10000 },
    { "0.025", 25000 }, { "0.05", 50000 },    { "0.1", 100000 },     { "0.25", 250000 }, { "0.5", 500000 },
    { "1", 1000000 },   { "2.5", 2500000 },   { "5", 5000000 },      { "10", 10000000 }, { "25", 25000000 },
    { "60", 60000000 }, { "120", 120000000 }, { "+Inf", INT64_MAX },
};
#define SUM_SLOT COUNT_OF(buckets)

metrics_t *metrics_new(void)
{
    metrics_t *metrics = NEW(metrics_t);

    pthread_mutex_init(&metrics->lock, NULL);
    metrics->last = &metrics->first;
    metrics->next_slot = 1; /* 0 counts nowhere */
    metrics->started_unix = clock_unix();
    return metrics;
}

static void shard_free(metrics_shard_t *shard)
{
    for (size_t i = 0; i < MAX_PAGES; i++) {
        free(shard->pages[i]);
    }
    mem_free(shard);
}

static void family_free(family_t *family)
{
    series_t *next;

    for (series_t *series = family->first; series; series = next) {
        next = series->next;
        mem_free(series->labels);
        mem_free(series);
    }
    mem_free(family->name);
    mem_free(family->help);
    mem_free(family);
}

void metrics_free(metrics_t *metrics)
{
    if (!metrics) {
        return;
    }
    while (metrics->shards) {
        metrics_shard_t *shard = metrics->shards;
        metrics->shards = shard->next;
        shard_free(shard);
    }
    while (metrics->first) {
        family_t *family = metrics->first;
        metrics->first = family->next;
        family_free(family);
    }
    pthread_mutex_destroy(&metrics->lock);
    mem_free(metrics);
}

metrics_shard_t *metrics_shard_new(metrics_t *metrics)
{
    metrics_shard_t *shard = NEW(metrics_shard_t);

    pthread_mutex_lock(&metrics->lock);
    shard->next = metrics->shards;
    metrics->shards = shard;
    pthread_mutex_unlock(&metrics->lock);
    return shard;
}

static size_t chain_of(const char *name, const char *labels)
{
    return (span_hash(span_of(name)) + span_hash(span_of(labels))) % HASH_CHAINS;
}

static family_t *family_get(metrics_t *metrics, kind_t kind, const char *name, const char *help)
{
    for (family_t *family = metrics->first; family; family = family->next) {
        if (strcmp(family->name, name) == 0) {
            assert(family->kind == kind);
            return family;
        }
    }
    family_t *family = NEW(family_t);
    family->name = mem_strdup(name);
    family->help = mem_strdup(help);
    family->kind = kind;
    family->last = &family->first;
    *metrics->last = family;
    metrics->last = &family->next;
    return family;
}

static metric_t series_add(metrics_t *metrics, family_t *family, const char *labels, series_t **chain)
{
    size_t slots = family->kind == HISTOGRAM ? SUM_SLOT + 1 : 1;

    if (metrics->next_slot + slots > (size_t)PAGE_SLOTS * MAX_PAGES) {
        return 0;
    }
    series_t *series = NEW(series_t);
    series->family = family;
    series->labels = mem_strdup(labels);
    series->first_slot = metrics->next_slot;
    metrics->next_slot += (metric_t)slots;
    *family->last = series;
    family->last = &series->next;
    series->next_in_chain = *chain;
    *chain = series;
    return series->first_slot;
}

static metric_t series_get(metrics_t *metrics, kind_t kind, const char *name, const char *help,
                           const char *labels)
{
    series_t **chain = &metrics->chains[chain_of(name, labels)];
    family_t *family = family_get(metrics, kind, name, help);

    for (const series_t *series = *chain; series; series = series->next_in_chain) {
        if (series->family == family && strcmp(series->labels, labels) == 0) {
            return series->first_slot;
        }
    }
    return series_add(metrics, family, labels, chain);
}

static metric_t register_series(metrics_t *metrics, kind_t kind, const char *name, const char *help,
                                const char *labels)
{
    pthread_mutex_lock(&metrics->lock);
    metric_t metric = series_get(metrics, kind, name, help, labels ? labels : "");
    pthread_mutex_unlock(&metrics->lock);
    return metric;
}

metric_t metrics_counter(metrics_t *metrics, const char *name, const char *help, const char *labels)
{
    return register_series(metrics, COUNTER, name, help, labels);
}

metric_t metrics_gauge(metrics_t *metrics, const char *name, const char *help, const char *labels)
{
    return register_series(metrics, GAUGE, name, help, labels);
}

metric_t metrics_histogram(metrics_t *metrics, const char *name, const char *help, const char *labels)
{
    return register_series(metrics, HISTOGRAM, name, help, labels);
}

void metrics_label(buf_t *labels, const char *key, const char *value)
{
    buf_addf(labels, "%s%s=\"", labels->length > 0 ? "," : "", key);
    for (; *value; value++) {
        if (*value == '\n') {
            buf_add_text(labels, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\') {
            buf_add_char(labels, '\\');
        }
        buf_add_char(labels, *value);
    }
    buf_add_char(labels, '"');
}

static page_t *page_make(_Atomic(page_t *) *ret)
{
    page_t *page = aligned_alloc(64, sizeof(*page));

    if (!page) {
        abort();
    }
    memset(page, 0, sizeof(*page));
    atomic_store_explicit(ret, page, memory_order_release);
    return page;
}

static _Atomic uint64_t *slot_of(metrics_shard_t *shard, size_t slot)
{
    page_t *page = atomic_load_explicit(&shard->pages[slot / PAGE_SLOTS], memory_order_relaxed);

    if (!page) {
        page = page_make(&shard->pages[slot / PAGE_SLOTS]);
    }
    return &page->slots[slot % PAGE_SLOTS];
}

static void add(metrics_shard_t *shard, size_t slot, uint64_t amount)
{
    _Atomic uint64_t *at = slot_of(shard, slot);

    atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + amount, memory_order_relaxed);
}

void metrics_add(metrics_shard_t *shard, metric_t counter, uint64_t amount)
{
    if (counter != 0) {
        add(shard, counter, amount);
    }
}

void metrics_set(metrics_shard_t *shard, metric_t gauge, int64_t value)
{
    if (gauge != 0) {
        atomic_store_explicit(slot_of(shard, gauge), (uint64_t)value, memory_order_relaxed);
    }
}

void metrics_observe_us(metrics_shard_t *shard, metric_t histogram, int64_t us)
{
    size_t bucket = 0;

    if (histogram == 0) {
        return;
    }
    if (us < 0) {
        us = 0;
    }
    while (us > buckets[bucket].us) {
        bucket++;
    }
    add(shard, histogram + bucket, 1);
    add(shard, histogram + SUM_SLOT, (uint64_t)us);
}

static uint64_t sum(const metrics_t *metrics, size_t slot)
{
    uint64_t total = 0;

    for (metrics_shard_t *shard = metrics->shards; shard; shard = shard->next) {
        page_t *page = atomic_load_explicit(&shard->pages[slot / PAGE_SLOTS], memory_order_acquire);
        if (page) {
            total += atomic_load_explicit(&page->slots[slot % PAGE_SLOTS], memory_order_relaxed);
        }
    }
    return total;
}

/* name_suffix{labels} without a value. */
static void add_name(buf_t *out, const series_t *series, const char *suffix)
{
    buf_add_text(out, series->family->name);
    buf_add_text(out, suffix);
    if (series->labels[0]) {
        buf_addf(out, "{%s}", series->labels);
    }
    buf_add_char(out, ' ');
}

static void render_histogram(const metrics_t *metrics, const series_t *series, buf_t *out)
{
    uint64_t count = 0;
    uint64_t us = sum(metrics, series->first_slot + SUM_SLOT);

    for (size_t i = 0; i < COUNT_OF(buckets); i++) {
        count += sum(metrics, series->first_slot + i);
        buf_addf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", series->family->name, series->labels,
                 series->labels[0] ? "," : "", buckets[i].le, count);
    }
    add_name(out, series, "_sum");
    buf_addf(out, "%" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
    add_name(out, series, "_count");
    buf_addf(out, "%" PRIu64 "\n", count);
}

static void render_series(const metrics_t *metrics, const series_t *series, buf_t *out)
{
    kind_t kind = series->family->kind;

    if (kind == HISTOGRAM) {
        render_histogram(metrics, series, out);
        return;
    }
    uint64_t value = sum(metrics, series->first_slot);
    add_name(out, series, "");
    if (kind == GAUGE) {
        buf_addf(out, "%" PRId64 "\n", (int64_t)value);
    } else {
        buf_addf(out, "%" PRIu64 "\n", value);
    }
}

static void add_head(buf_t *out, const char *name, const char *help, const char *type)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void render_families(metrics_t *metrics, buf_t *out)
{
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"
    };

    pthread_mutex_lock(&metrics->lock);
    for (const family_t *family = metrics->first; family; family = family->next) {
        add_head(out, family->name, family->help, types[family->kind]);
        for (const series_t *series = family->first; series; series = series->next) {
            render_series(metrics, series, out);
        }
    }
    pthread_mutex_unlock(&metrics->lock);
}

static int64_t resident_bytes(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file) {
        if (fscanf(file, "%*d %lld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_descriptors(void)
{
    int64_t count = -3; /* ".", "..", and the one that reads */
    DIR *dir = opendir("/proc/self/fd");

    if (!dir) {
        return 0;
    }
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

static double cpu_seconds(void)
{
    struct rusage used = { 0 };

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void render_process(const metrics_t *metrics, buf_t *out)
{
    add_head(out, "process_resident_memory_bytes", "Resident memory.", "gauge");
    buf_addf(out, "process_resident_memory_bytes %" PRId64 "\n", resident_bytes());
    add_head(out, "process_open_fds", "Open file descriptors.", "gauge");
    buf_addf(out, "process_open_fds %" PRId64 "\n", open_descriptors());
    add_head(out, "process_cpu_seconds_total", "User and system time.", "counter");
    buf_addf(out, "process_cpu_seconds_total %.6f\n", cpu_seconds());
    add_head(out, "process_start_time_seconds", "Start, in seconds since 1970.", "gauge");
    buf_addf(out, "process_start_time_seconds %" PRId64 "\n", metrics->started_unix);
    add_head(out, "guiche_log_lines_dropped_total", "Log lines that did not fit.", "counter");
    buf_addf(out, "guiche_log_lines_dropped_total %" PRIu64 "\n", log_dropped());
}

void metrics_render(metrics_t *metrics, buf_t *out)
{
    render_families(metrics, out);
    render_process(metrics, out);
}
