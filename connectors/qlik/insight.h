/* What Insight Advisor says, in the shapes agents get: its conversational answers and its recommended
 * analyses. Plain functions of Qlik's JSON. */
#pragma once

#include <jansson.h>

/* {"text", "narratives", "values", "follow_ups", "apps"} of an answer to questions/actions/ask. The response
 * may be one object or an array of them (Qlik's specification has both). */
json_t *insight_answer(const json_t *result);

/* [{"title", "analysis", "chart_type", "relevance", "dimensions", "measures"}] of the first `limit` analyses.
 */
json_t *insight_recommendations(const json_t *result, size_t limit);

/* How the question was understood: [{"text", "type", "field"}]. */
json_t *insight_understood(const json_t *result);
