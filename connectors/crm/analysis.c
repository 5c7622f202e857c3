/* See analysis.h. */
#include "analysis.h"

#include <stdbool.h>
#include <string.h>

#include "answer.h"

#define FAULTS_SHOWN (ANALYSIS_EXAMPLES - 1)

/* Templates are sent again and again: one of them is enough. */
static bool is_example(const analysis_t *analysis, const message_t *messages, int dimension, size_t message)
{
    for (size_t i = 0; i < analysis->example_count[dimension]; i++) {
        if (strcmp(messages[analysis->examples[dimension][i].message].text, messages[message].text) == 0) {
            return true;
        }
    }
    return false;
}

static void add_example(analysis_t *analysis, int dimension, size_t message, const char *finding)
{
    analysis->examples[dimension][analysis->example_count[dimension]++] = (example_t){ message, finding };
}

/* The message with the lowest score that has a fault and is no example yet; count when there is none. */
static size_t worst(const analysis_t *analysis, const message_t *messages, const judgement_t *judged,
                    size_t count, int dimension)
{
    size_t found = count;

    for (size_t i = 0; i < count; i++) {
        if (judged[i].fault[dimension] && !is_example(analysis, messages, dimension, i) &&
            (found == count || judged[i].score[dimension] < judged[found].score[dimension])) {
            found = i;
        }
    }
    return found;
}

static size_t best(const judgement_t *judged, size_t count, int dimension)
{
    size_t found = 0;

    for (size_t i = 1; i < count; i++) {
        if (judged[i].score[dimension] > judged[found].score[dimension]) {
            found = i;
        }
    }
    return found;
}

static void pick_examples(analysis_t *analysis, const message_t *messages, const judgement_t *judged,
                          size_t count, int dimension)
{
    for (int i = 0; i < FAULTS_SHOWN; i++) {
        size_t message = worst(analysis, messages, judged, count, dimension);
        if (message < count) {
            add_example(analysis, dimension, message, judged[message].fault[dimension]);
        }
    }
    size_t message = best(judged, count, dimension);
    if (!is_example(analysis, messages, dimension, message)) {
        const char *finding = judged[message].merit[dimension];
        finding = finding ? finding : judged[message].fault[dimension];
        add_example(analysis, dimension, message, finding ? finding : "nothing to fault");
    }
}

analysis_t analysis_by_rubric(const message_t *messages, const judgement_t *judged, size_t count)
{
    analysis_t analysis = { 0 };

    for (int dimension = 0; count > 0 && dimension < RUBRIC_COUNT; dimension++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += judged[i].score[dimension];
        }
        analysis.score[dimension] = round_to(sum / (double)count, 1);
        pick_examples(&analysis, messages, judged, count, dimension);
    }
    return analysis;
}
