/* Counting on many threads, and the text a scrape gets. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "metrics.h"

static bool has_line(buf_t *page, const char *line)
{
    AUTO(mem_free) char *between = mem_printf("\n%s\n", line);
    AUTO(mem_free) char *whole = mem_printf("\n%s", buf_text(page));

    return strstr(whole, between) != NULL;
}

static void render(metrics_t *metrics, buf_t *ret)
{
    buf_clear(ret);
    metrics_render(metrics, ret);
}

Test(metrics, adds_the_shards_up)
{
    AUTO_BUF page = { 0 };
    metrics_t *metrics = metrics_new();
    metrics_shard_t *a = metrics_shard_new(metrics), *b = metrics_shard_new(metrics);
    metric_t calls = metrics_counter(metrics, "guiche_calls_total", "Calls.", "connector=\"crm\"");
    metric_t open = metrics_gauge(metrics, "guiche_open", "Open calls.", NULL);

    metrics_add(a, calls, 2);
    metrics_add(b, calls, 40);
    metrics_set(a, open, 5);
    metrics_set(b, open, -2);
    render(metrics, &page);
    cr_assert(has_line(&page, "# HELP guiche_calls_total Calls."));
    cr_assert(has_line(&page, "# TYPE guiche_calls_total counter"));
    cr_assert(has_line(&page, "guiche_calls_total{connector=\"crm\"} 42"));
    cr_assert(has_line(&page, "# TYPE guiche_open gauge"));
    cr_assert(has_line(&page, "guiche_open 3"));
    metrics_free(metrics);
}

Test(metrics, gives_the_same_number_for_the_same_series)
{
    metrics_t *metrics = metrics_new();
    metric_t one = metrics_counter(metrics, "a_total", "A.", "x=\"1\"");
    metric_t other = metrics_counter(metrics, "a_total", "A.", "x=\"2\"");

    cr_assert_neq(one, 0);
    cr_assert_neq(one, other);
    cr_assert_eq(metrics_counter(metrics, "a_total", "A.", "x=\"1\""), one);
    cr_assert_neq(metrics_counter(metrics, "b_total", "B.", "x=\"1\""), one);
    metrics_free(metrics);
}

Test(metrics, names_each_family_once_and_keeps_its_series_together)
{
    AUTO_BUF page = { 0 };
    metrics_t *metrics = metrics_new();

    metrics_counter(metrics, "a_total", "A.", "x=\"1\"");
    metrics_counter(metrics, "b_total", "B.", NULL);
    metrics_counter(metrics, "a_total", "A.", "x=\"2\"");
    render(metrics, &page);
    cr_assert(strstr(buf_text(&page),
                     "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 0\na_total{x=\"2\"} 0\n"
                     "# HELP b_total B.\n# TYPE b_total counter\nb_total 0\n"));
    metrics_free(metrics);
}

Test(metrics, counts_nowhere_for_number_0)
{
    AUTO_BUF page = { 0 };
    metrics_t *metrics = metrics_new();
    metrics_shard_t *shard = metrics_shard_new(metrics);
    metric_t first = metrics_counter(metrics, "a_total", "A.", NULL);

    metrics_add(shard, 0, 7);
    metrics_set(shard, 0, 7);
    metrics_observe_us(shard, 0, 7);
    render(metrics, &page);
    cr_assert_neq(first, 0);
    cr_assert(has_line(&page, "a_total 0"));
    metrics_free(metrics);
}

Test(metrics, puts_latencies_into_cumulative_buckets_in_seconds)
{
    AUTO_BUF page = { 0 };
    metrics_t *metrics = metrics_new();
    metrics_shard_t *shard = metrics_shard_new(metrics);
    metric_t seconds = metrics_histogram(metrics, "call_seconds", "Latency.", "tool=\"t\"");
    metric_t after = metrics_counter(metrics, "after_total", "Next slot.", NULL);

    metrics_add(shard, after, 9);
    metrics_observe_us(shard, seconds, -5);
    metrics_observe_us(shard, seconds, 500); /* le is inclusive */
    metrics_observe_us(shard, seconds, 501);
    metrics_observe_us(shard, seconds, 30000000);
    metrics_observe_us(shard, seconds, 500000000);
    render(metrics, &page);
    cr_assert(has_line(&page, "# TYPE call_seconds histogram"));
    cr_assert(has_line(&page, "call_seconds_bucket{tool=\"t\",le=\"0.0005\"} 2"));
    cr_assert(has_line(&page, "call_seconds_bucket{tool=\"t\",le=\"0.001\"} 3"));
    cr_assert(has_line(&page, "call_seconds_bucket{tool=\"t\",le=\"25\"} 3"));
    cr_assert(has_line(&page, "call_seconds_bucket{tool=\"t\",le=\"60\"} 4"));
    cr_assert(has_line(&page, "call_seconds_bucket{tool=\"t\",le=\"120\"} 4"));
    cr_assert(has_line(&page, "call_seconds_bucket{tool=\"t\",le=\"+Inf\"} 5"));
    cr_assert(has_line(&page, "call_seconds_count{tool=\"t\"} 5"));
    cr_assert(has_line(&page, "call_seconds_sum{tool=\"t\"} 530.001001"));
    cr_assert(has_line(&page, "after_total 9"));
    metrics_free(metrics);
}

Test(metrics, writes_a_histogram_without_labels)
{
    AUTO_BUF page = { 0 };
    metrics_t *metrics = metrics_new();

    metrics_histogram(metrics, "h_seconds", "H.", NULL);
    render(metrics, &page);
    cr_assert(has_line(&page, "h_seconds_bucket{le=\"0.0005\"} 0"));
    cr_assert(has_line(&page, "h_seconds_sum 0.000000"));
    metrics_free(metrics);
}

Test(metrics, escapes_label_values)
{
    AUTO_BUF labels = { 0 };

    metrics_label(&labels, "connector", "a\"b\\c\nd");
    metrics_label(&labels, "tool", "t");
    cr_assert_str_eq(buf_text(&labels), "connector=\"a\\\"b\\\\c\\nd\",tool=\"t\"");
}

Test(metrics, tells_about_the_process)
{
    AUTO_BUF page = { 0 };
    metrics_t *metrics = metrics_new();

    render(metrics, &page);
    cr_assert(strstr(buf_text(&page), "\nprocess_resident_memory_bytes "));
    cr_assert_null(strstr(buf_text(&page), "\nprocess_resident_memory_bytes 0\n"));
    cr_assert(strstr(buf_text(&page), "\nprocess_open_fds "));
    cr_assert(strstr(buf_text(&page), "\nprocess_start_time_seconds "));
    cr_assert(strstr(buf_text(&page), "\nprocess_cpu_seconds_total "));
    cr_assert(has_line(&page, "guiche_log_lines_dropped_total 0"));
    metrics_free(metrics);
}

#define SERIES 3000 /* more than one page of slots */
#define ROUNDS 200

typedef struct {
    metrics_t *metrics;
    metrics_shard_t *shard;
    metric_t series[SERIES];
} counting_t;

static void *count_much(void *self)
{
    counting_t *counting = self;

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SERIES; i++) {
            metrics_add(counting->shard, counting->series[i], 1);
        }
    }
    return NULL;
}

Test(metrics, may_be_scraped_and_extended_while_threads_count, .timeout = 60)
{
    AUTO_BUF page = { 0 };
    metrics_t *metrics = metrics_new();
    counting_t *counting[2];
    pthread_t threads[2];

    for (int t = 0; t < 2; t++) {
        counting[t] = NEW(counting_t);
        counting[t]->shard = metrics_shard_new(metrics);
        for (int i = 0; i < SERIES; i++) {
            AUTO(mem_free) char *labels = mem_printf("i=\"%d\"", i);
            counting[t]->series[i] = metrics_counter(metrics, "a_total", "A.", labels);
        }
    }
    for (int t = 0; t < 2; t++) {
        pthread_create(&threads[t], NULL, count_much, counting[t]);
    }
    for (int i = 0; i < 5; i++) {
        AUTO(mem_free) char *labels = mem_printf("late=\"%d\"", i);
        metrics_counter(metrics, "a_total", "A.", labels);
        render(metrics, &page);
    }
    for (int t = 0; t < 2; t++) {
        pthread_join(threads[t], NULL);
        mem_free(counting[t]);
    }
    render(metrics, &page);
    cr_assert(has_line(&page, "a_total{i=\"0\"} 400"));
    cr_assert(has_line(&page, "a_total{i=\"2999\"} 400"));
    metrics_free(metrics);
}

Test(metrics, counts_nowhere_once_all_slots_are_taken)
{
    metrics_t *metrics = metrics_new();
    metric_t last = 1;

    for (int i = 0; i < 20000 && last != 0; i++) {
        AUTO(mem_free) char *labels = mem_printf("i=\"%d\"", i);
        last = metrics_histogram(metrics, "h_seconds", "H.", labels);
    }
    cr_assert_eq(last, 0);
    metrics_free(metrics);
}
