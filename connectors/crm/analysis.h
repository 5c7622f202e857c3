/* A sample of messages and what was found about them, by the rubric or by a model. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rubric.h"

#define ANALYSIS_EXAMPLES 3 /* per dimension */

typedef struct {
    const char *id, *text;
    int64_t sent_ms;
} message_t;

typedef struct {
    size_t message;      /* index into the sample */
    const char *finding; /* borrowed from the rubric, or owned by the call */
} example_t;

typedef struct {
    double score[RUBRIC_COUNT];
    example_t examples[RUBRIC_COUNT][ANALYSIS_EXAMPLES];
    size_t example_count[RUBRIC_COUNT];
} analysis_t;

/* By the rubric: mean scores; the worst messages as examples, then the best one. judged[i] is of
 * messages[i]. */
analysis_t analysis_by_rubric(const message_t *messages, const judgement_t *judged, size_t count);
