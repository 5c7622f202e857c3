/* Who is better: what is measured about an agent, and how agents are ranked. Plain functions of figures.
 *
 * conversion_rate: converted sessions / sessions the agent was in, 0 without sessions; higher is better.
 * response_time: mean seconds until the agent answered; lower is better. satisfaction: mean sentiment score;
 * higher is better. Equal values: more sessions, then the smaller id. An agent with fewer than 5 sessions is
 * not ranked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCORE_MIN_SESSIONS 5

typedef enum {
    METRIC_CONVERSION_RATE,
    METRIC_RESPONSE_TIME,
    METRIC_SATISFACTION,
    METRIC_COUNT
} metric_kind_t;
metric_kind_t metric_from_name(const char *name); /* one of the names; METRIC_COUNT otherwise */
const char *metric_name(metric_kind_t metric);

typedef struct {
    const char *id, *name;
    int64_t sessions, converted;
    double response_seconds, satisfaction; /* NAN: never recorded */
} score_t;

double score_value(const score_t *score, metric_kind_t metric); /* NAN: none */
/* Why this agent cannot be ranked, or NULL. */
#define SCORE_REASON_SIZE 96
const char *score_not_ranked(const score_t *score, metric_kind_t metric, char reason[SCORE_REASON_SIZE]);
/* Sorts: the ranked ones first, best first; the others by id. Returns how many are ranked. */
size_t score_rank(score_t *scores, size_t count, metric_kind_t metric);

/* Overall: one point per metric that an agent wins; equal points: the better conversion rate (and its tie
 * rules). */
typedef struct {
    const score_t *best[METRIC_COUNT]; /* NULL: nobody is ranked */
    const score_t *winner;             /* NULL: nobody is ranked in anything */
    int points;                        /* the winner's */
    bool by_conversion;                /* points were equal */
} contest_t;
int score_points(const contest_t *contest, const score_t *score);
contest_t score_contest(const score_t *scores, size_t count);
