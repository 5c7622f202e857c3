/* The figures of agents, read from the database: sessions, conversions, response time, satisfaction.
 *
 * A session counts once for every agent who was in it, however often they joined, by the time it started.
 * Deleted agents do not count; a session whose contact was deleted meanwhile still took place and does. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "crm.h"
#include "scores.h"

/* Rows for agent_stats_read: all agents of the tenant, those without sessions too, or those with these ids
 * (count 0: all). */
void agent_stats_ask(call_t *call, const period_t *period, const char *const *ids, size_t count, db_f cb,
                     void *self);
/* One row as figures; texts belong to the rows. */
score_t agent_stats_read(const db_rows_t *rows, size_t row);

/* {"agent_id", "name", "sessions", "converted_sessions", "conversion_rate", "response_time_seconds",
 * "satisfaction"} */
json_t *agent_stats_json(const score_t *score);
/* "Ana Souza (agent_id ...): 12 of 40 sessions converted (30.0 %), response time 95 s, satisfaction 0.55". */
void agent_stats_add_text(buf_t *text, const score_t *score);
void agent_stats_add_value(buf_t *text, metric_kind_t metric, double value); /* "30.0 %", "95 s", "0.55" */
/* Those who are not ranked: [{"agent_id","name","sessions","reason"}]. */
json_t *agent_stats_not_ranked(const score_t *scores, size_t count, metric_kind_t metric, size_t max);

/* What to call an agent: the name, or the id when there is none. */
const char *agent_label(const score_t *score);
