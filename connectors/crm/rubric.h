/* The fixed rules by which analyze_agent_messages judges a message when no model is set: the same text always
 * gets the same scores. docs/connectors/crm.md tells people the same rules. */
#pragma once

typedef enum { RUBRIC_GRAMMAR, RUBRIC_TONE, RUBRIC_BRAND, RUBRIC_COUNT } rubric_dimension_t;
extern const char *const rubric_names[RUBRIC_COUNT]; /* "grammar", "tone", "brand" */

typedef struct {
    double score[RUBRIC_COUNT];      /* 0..10 */
    const char *fault[RUBRIC_COUNT]; /* what cost most, or NULL */
    const char *merit[RUBRIC_COUNT]; /* what earned most, or NULL */
} judgement_t;

judgement_t rubric_judge(const char *text);
