/* See agent_stats.h. */
#include "agent_stats.h"

#include <inttypes.h>
#include <math.h>

#include "answer.h"
#include "mem.h"
#include "query.h"

void agent_stats_ask(call_t *call, const period_t *period, const char *const *ids, size_t count, db_f cb,
                     void *self)
{
    query_t *query = query_new(call);
    const char *tenant = call_tenant(call);

    query_text(query, "SELECT a.id, a.name, COUNT(d.id), SUM(CASE WHEN d.converted THEN 1 ELSE 0 END), "
                      "AVG(d.agent_response_time_seconds), AVG(d.sentiment_score) FROM agents a LEFT JOIN ("
                      "SELECT DISTINCT x.agent_id, s.id, s.converted, s.agent_response_time_seconds, "
                      "s.sentiment_score FROM sessions s JOIN agent_sessions x ON x.session_id = s.id");
    query_value(query, " WHERE s.tenant_id = ", DB_TEXT(tenant));
    query_period(query, "s.started_at", period);
    if (count > 0) {
        query_in(query, "x.agent_id", ids, count);
    }
    query_text(query, ") d ON d.agent_id = a.id WHERE a.deleted_at IS NULL");
    query_value(query, " AND a.tenant_id = ", DB_TEXT(tenant));
    if (count > 0) {
        query_in(query, "a.id", ids, count);
    }
    query_text(query, " GROUP BY a.id, a.name ORDER BY a.name COLLATE \"C\", a.id");
    query_run(query, cb, self);
}

/* Rounded so that equal means are equal on every database: ties are decided by other rules. */
static double mean(const db_rows_t *rows, size_t row, int column)
{
    return db_is_null(rows, row, column) ? NAN : round_to(db_real(rows, row, column), 9);
}

score_t agent_stats_read(const db_rows_t *rows, size_t row)
{
    return (score_t){
        .id = db_text(rows, row, 0),
        .name = db_text(rows, row, 1),
        .sessions = db_int(rows, row, 2),
        .converted = db_int(rows, row, 3),
        .response_seconds = mean(rows, row, 4),
        .satisfaction = mean(rows, row, 5),
    };
}

const char *agent_label(const score_t *score)
{
    return score->name && *score->name != '\0' ? score->name : score->id;
}

json_t *agent_stats_json(const score_t *score)
{
    json_t *agent = answer_named("agent_id", score->id, score->name);

    json_object_set_new(agent, "sessions", json_integer(score->sessions));
    json_object_set_new(agent, "converted_sessions", json_integer(score->converted));
    json_object_set_new(agent, "conversion_rate", answer_number(score_value(score, METRIC_CONVERSION_RATE)));
    json_object_set_new(agent, "response_time_seconds", answer_number(score->response_seconds));
    json_object_set_new(agent, "satisfaction", answer_number(score->satisfaction));
    return agent;
}

void agent_stats_add_value(buf_t *text, metric_kind_t metric, double value)
{
    if (isnan(value)) {
        buf_add_text(text, "not recorded");
    } else if (metric == METRIC_CONVERSION_RATE) {
        buf_addf(text, "%.1f %%", value * 100);
    } else {
        buf_addf(text, metric == METRIC_RESPONSE_TIME ? "%.0f s" : "%.2f", value);
    }
}

void agent_stats_add_text(buf_t *text, const score_t *score)
{
    answer_add_named(text, "agent_id", score->id, score->name);
    buf_addf(text, ": %" PRId64 " of %" PRId64 " sessions converted (", score->converted, score->sessions);
    agent_stats_add_value(text, METRIC_CONVERSION_RATE, score_value(score, METRIC_CONVERSION_RATE));
    buf_add_text(text, "), response time ");
    agent_stats_add_value(text, METRIC_RESPONSE_TIME, score->response_seconds);
    buf_add_text(text, ", satisfaction ");
    agent_stats_add_value(text, METRIC_SATISFACTION, score->satisfaction);
}

json_t *agent_stats_not_ranked(const score_t *scores, size_t count, metric_kind_t metric, size_t max)
{
    json_t *list = json_array();
    char reason[SCORE_REASON_SIZE];

    for (size_t i = 0; i < count && json_array_size(list) < max; i++) {
        if (!score_not_ranked(&scores[i], metric, reason)) {
            continue;
        }
        json_t *agent = answer_named("agent_id", scores[i].id, scores[i].name);
        json_object_set_new(agent, "sessions", json_integer(scores[i].sessions));
        json_object_set_new(agent, "reason", json_string(reason));
        json_array_append_new(list, agent);
    }
    return list;
}
