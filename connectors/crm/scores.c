/* See scores.h. */
#include "scores.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[METRIC_COUNT] = { "conversion_rate", "response_time", "satisfaction" };

metric_kind_t metric_from_name(const char *name)
{
    metric_kind_t metric = 0;

    while (metric < METRIC_COUNT && strcmp(names[metric], name) != 0) {
        metric++;
    }
    return metric;
}

const char *metric_name(metric_kind_t metric)
{
    return names[metric];
}

double score_value(const score_t *score, metric_kind_t metric)
{
    switch (metric) {
    case METRIC_CONVERSION_RATE:
        return score->sessions > 0 ? (double)score->converted / (double)score->sessions : 0;
    case METRIC_RESPONSE_TIME:
        return score->response_seconds;
    default:
        return score->satisfaction;
    }
}

const char *score_not_ranked(const score_t *score, metric_kind_t metric, char reason[SCORE_REASON_SIZE])
{
    if (score->sessions < SCORE_MIN_SESSIONS) {
        snprintf(reason, SCORE_REASON_SIZE, "%" PRId64 " session%s in this period; ranking takes %d",
                 score->sessions, score->sessions == 1 ? "" : "s", SCORE_MIN_SESSIONS);
        return reason;
    }
    if (isnan(score_value(score, metric))) {
        snprintf(reason, SCORE_REASON_SIZE, "no %s was recorded in this period", names[metric]);
        return reason;
    }
    return NULL;
}

static bool is_ranked(const score_t *score, metric_kind_t metric)
{
    char reason[SCORE_REASON_SIZE];

    return !score_not_ranked(score, metric, reason);
}

/* Below 0: a is better. Both are ranked. */
static int compare_ranked(const score_t *a, const score_t *b, metric_kind_t metric)
{
    double a_value = score_value(a, metric), b_value = score_value(b, metric);

    if (a_value < b_value || a_value > b_value) {
        bool a_higher = a_value > b_value;
        return a_higher == (metric != METRIC_RESPONSE_TIME) ? -1 : 1;
    }
    if (a->sessions != b->sessions) {
        return a->sessions > b->sessions ? -1 : 1;
    }
    return strcmp(a->id, b->id);
}

static int compare(const void *left, const void *right, void *self)
{
    const score_t *a = left, *b = right;
    metric_kind_t metric = *(const metric_kind_t *)self;
    bool a_ranked = is_ranked(a, metric), b_ranked = is_ranked(b, metric);

    if (a_ranked != b_ranked) {
        return a_ranked ? -1 : 1;
    }
    return a_ranked ? compare_ranked(a, b, metric) : strcmp(a->id, b->id);
}

size_t score_rank(score_t *scores, size_t count, metric_kind_t metric)
{
    size_t ranked = 0;

    qsort_r(scores, count, sizeof(*scores), compare, &metric);
    while (ranked < count && is_ranked(&scores[ranked], metric)) {
        ranked++;
    }
    return ranked;
}

static const score_t *best_of(const score_t *scores, size_t count, metric_kind_t metric)
{
    const score_t *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (is_ranked(&scores[i], metric) && (!best || compare_ranked(&scores[i], best, metric) < 0)) {
            best = &scores[i];
        }
    }
    return best;
}

int score_points(const contest_t *contest, const score_t *score)
{
    int points = 0;

    for (metric_kind_t metric = 0; metric < METRIC_COUNT; metric++) {
        points += contest->best[metric] == score;
    }
    return points;
}

contest_t score_contest(const score_t *scores, size_t count)
{
    contest_t contest = { 0 };

    for (metric_kind_t metric = 0; metric < METRIC_COUNT; metric++) {
        contest.best[metric] = best_of(scores, count, metric);
    }
    for (size_t i = 0; i < count; i++) {
        int points = score_points(&contest, &scores[i]);
        if (points == 0 || points < contest.points) {
            continue;
        }
        bool equal = contest.winner && points == contest.points;
        if (!equal || compare_ranked(&scores[i], contest.winner, METRIC_CONVERSION_RATE) < 0) {
            contest.winner = &scores[i];
        }
        contest.by_conversion = equal;
        contest.points = points;
    }
    return contest;
}
