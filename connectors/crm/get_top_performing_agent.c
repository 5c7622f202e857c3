/* get_top_performing_agent: who is best by one metric. */
#include "agent_stats.h"
#include "answer.h"
#include "clock.h"
#include "mem.h"

#define MAX_SHOWN 50

typedef struct {
    const char *metric, *period;
} args_t;

static const field_t args[] = {
    FIELD(args_t, metric, .required = true, .choices = "conversion_rate|response_time|satisfaction",
          .doc = "What counts: share of converted sessions, mean seconds to answer (lower wins), or mean "
                 "sentiment score."),
    FIELD(args_t, period, .required = true, .choices = "week|month|quarter",
          .doc = "The calendar week (from Monday), month or quarter up to now."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    metric_kind_t metric;
    period_t period;
    int64_t now_ms;
} flow_t;

static void get_top_performing_agent(call_t *call, const void *decoded);
static void on_agents(void *self, const db_rows_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["agent", "metric", "period", "ranking", "not_ranked"], "properties": {
        "agent": {"anyOf": [{"type": "object", "required": ["agent_id", "name"]}, {"type": "null"}]},
        "metric": {"type": "string"},
        "value": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "period": {"type": "object", "properties": {
            "name": {"type": "string"}, "from": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "to": {"type": "string"}, "timezone": {"type": "string"}}},
        "ranking": {"type": "array", "items": {"type": "object", "properties": {
            "rank": {"type": "integer"}, "agent_id": {"type": "string"},
            "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "value": {"type": "number"}, "sessions": {"type": "integer"}}}},
        "ranked_count": {"type": "integer"},
        "not_ranked": {"type": "array", "items": {"type": "object", "properties": {
            "agent_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "sessions": {"type": "integer"}, "reason": {"type": "string"}}}},
        "not_ranked_count": {"type": "integer"}}});

const tool_t get_top_performing_agent_tool = {
    .name = "get_top_performing_agent",
    .title = "Top agent",
    .description =
        "The best agent of this week, month or quarter by conversion rate, response time or satisfaction, "
        "with the ranking behind it. `agent` is the winner with agent_id and name, `value` the winner's "
        "figure (conversion rate 0 to 1, seconds, or mean sentiment score). Agents with fewer than 5 "
        "sessions in the period are not ranked and stand in not_ranked with the reason; agent is null when "
        "nobody is ranked. Both lists show up to 50.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .run = get_top_performing_agent,
};

static void get_top_performing_agent(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    f->call = call;
    f->args = decoded;
    f->metric = metric_from_name(f->args->metric);
    f->now_ms = clock_unix_ms();
    f->period = period_named(f->args->period, f->now_ms);
    agent_stats_ask(call, &f->period, NULL, 0, on_agents, f);
}

static json_t *ranking_json(const score_t *scores, size_t ranked, metric_kind_t metric)
{
    json_t *ranking = json_array();

    for (size_t i = 0; i < ranked && i < MAX_SHOWN; i++) {
        json_t *agent = answer_named("agent_id", scores[i].id, scores[i].name);
        json_object_set_new(agent, "rank", json_integer((json_int_t)i + 1));
        json_object_set_new(agent, "value", answer_number(score_value(&scores[i], metric)));
        json_object_set_new(agent, "sessions", json_integer(scores[i].sessions));
        json_array_append_new(ranking, agent);
    }
    return ranking;
}

static void add_text(buf_t *text, const flow_t *f, const score_t *scores, size_t ranked, size_t count)
{
    if (ranked == 0) {
        buf_addf(text, "Nobody can be ranked by %s: no agent has %d sessions with it in ", f->args->metric,
                 SCORE_MIN_SESSIONS);
        answer_add_period(text, &f->period, f->now_ms);
        buf_add_text(text, ".");
        return;
    }
    buf_addf(text, "Best %s, ", f->args->metric);
    answer_add_period(text, &f->period, f->now_ms);
    buf_addf(text, ": %s", agent_label(&scores[0]));
    for (size_t i = 0; i < ranked && i < MAX_SHOWN; i++) {
        buf_addf(text, "\n%zu. ", i + 1);
        answer_add_named(text, "agent_id", scores[i].id, scores[i].name);
        buf_add_text(text, ": ");
        agent_stats_add_value(text, f->metric, score_value(&scores[i], f->metric));
        buf_addf(text, ", %lld sessions", (long long)scores[i].sessions);
    }
    if (ranked < count) {
        buf_addf(text, "\nNot ranked (fewer than %d sessions, or nothing recorded): ", SCORE_MIN_SESSIONS);
        buf_add_count(text, count - ranked, "agent");
        buf_add_char(text, '.');
    }
}

static void on_agents(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    size_t count = db_count(rows);
    score_t *scores = call_alloc(f->call, (count + 1) * sizeof(*scores));
    for (size_t i = 0; i < count; i++) {
        scores[i] = agent_stats_read(rows, i);
    }
    size_t ranked = score_rank(scores, count, f->metric);
    json_t *period = answer_period(&f->period, f->now_ms);
    json_object_set_new(period, "name", json_string(f->args->period));
    json_t *answer = json_pack(
        "{s:o, s:s, s:o, s:o, s:I, s:I}", "agent",
        ranked > 0 ? answer_named("agent_id", scores[0].id, scores[0].name) : json_null(), "metric",
        f->args->metric, "value",
        ranked > 0 ? answer_number(score_value(&scores[0], f->metric)) : json_null(), "period", period,
        "ranked_count", (json_int_t)ranked, "not_ranked_count", (json_int_t)(count - ranked));
    json_object_set_new(answer, "ranking", ranking_json(scores, ranked, f->metric));
    json_object_set_new(answer, "not_ranked", agent_stats_not_ranked(scores, count, f->metric, MAX_SHOWN));
    add_text(&text, f, scores, ranked, count);
    call_finish_text(f->call, answer, &text);
}
