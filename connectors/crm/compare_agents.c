/* compare_agents: two to five agents against each other, with a winner per dimension and overall, and why.
 *
 * One statement per agent, one after the other: progress is told per agent. */
#include <string.h>

#include "agent_stats.h"
#include "answer.h"
#include "clock.h"
#include "lookup.h"
#include "mem.h"

#define MAX_AGENTS 5
#define STEPS_BESIDE 2 /* comparing, and being done */

typedef struct {
    strings_t agent_ids;
    const char *start_date, *end_date;
} args_t;

static const field_t args[] = {
    FIELD(args_t, agent_ids, .required = true, .min_items = 2, .max_items = MAX_AGENTS, .max_length = 200,
          .doc = "Two to five different agents (ids from list_agents)."),
    FIELDS_DATES(args_t),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    period_t period;
    int64_t now_ms;
    score_t scores[MAX_AGENTS];
    size_t read;
} flow_t;

static void compare_agents(call_t *call, const void *decoded);
static void ask_next(flow_t *f);
static void on_agent(void *self, const db_rows_t *rows, const err_t *err);
static void compare(flow_t *f);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["winner", "why", "dimensions", "agents", "not_ranked", "period"], "properties": {
        "winner": {"anyOf": [{"type": "object", "required": ["agent_id", "name"]}, {"type": "null"}]},
        "why": {"type": "string"},
        "dimensions": {"type": "array", "items": {"type": "object", "properties": {
            "dimension": {"type": "string"},
            "winner": {"anyOf": [{"type": "object", "required": ["agent_id", "name"]}, {"type": "null"}]},
            "value": {"anyOf": [{"type": "number"}, {"type": "null"}]}, "why": {"type": "string"}}}},
        "agents": {"type": "array", "items": {"type": "object", "required": ["agent_id"], "properties": {
            "agent_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "sessions": {"type": "integer"}, "converted_sessions": {"type": "integer"},
            "conversion_rate": {"type": "number"},
            "response_time_seconds": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "satisfaction": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "dimensions_won": {"type": "integer"}}}},
        "not_ranked": {"type": "array", "items": {"type": "object"}},
        "period": {"type": "object", "properties": {
            "from": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "to": {"type": "string"}, "timezone": {"type": "string"}}}}});

const tool_t compare_agents_tool = {
    .name = "compare_agents",
    .title = "Compare agents",
    .description =
        "Compares two to five agents by conversion rate, response time and satisfaction. Returns a winner "
        "per dimension and overall (`winner`: agent_id and name), why, and the figures of each agent. "
        "Overall wins who wins most dimensions; on equal terms the better conversion rate decides. Agents "
        "with fewer than 5 sessions in the period are not ranked; winner is null when none is. Reports "
        "progress per agent.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .streams = true,
    .run = compare_agents,
};

static void compare_agents(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t err;

    f->call = call;
    f->args = decoded;
    f->now_ms = clock_unix_ms();
    if (period_between(f->args->start_date, f->args->end_date, &f->period, &err)) {
        call_fail(call, &err);
        return;
    }
    call_progress(call, "starting", 0, (double)f->args->agent_ids.count + STEPS_BESIDE,
                  call_printf(call, "Comparing %zu agents", f->args->agent_ids.count), NULL);
    ask_next(f);
}

static void ask_next(flow_t *f)
{
    agent_stats_ask(f->call, &f->period, &f->args->agent_ids.at[f->read], 1, on_agent, f);
}

/* By the ids the database answers with: PostgreSQL reads one uuid in several spellings. */
static bool was_read(const flow_t *f, const char *id)
{
    size_t i = 0;

    while (i < f->read && strcmp(f->scores[i].id, id) != 0) {
        i++;
    }
    return i < f->read;
}

static void on_agent(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    size_t count = f->args->agent_ids.count;

    if (!lookup_found(f->call, rows, err, THING_AGENT, f->args->agent_ids.at[f->read])) {
        return;
    }
    if (was_read(f, db_text(rows, 0, 0))) {
        call_failf(f->call, ERR_CALLER,
                   "agent_ids names \"%s\" twice; it takes two to five different agents.",
                   db_text(rows, 0, 0));
        return;
    }
    score_t *score = &f->scores[f->read++];
    *score = agent_stats_read(rows, 0);
    call_progress(f->call, "processing", (double)f->read, (double)count + STEPS_BESIDE,
                  call_printf(f->call, "%s: %lld sessions (%zu of %zu)", agent_label(score),
                              (long long)score->sessions, f->read, count),
                  agent_stats_json(score));
    if (f->read < count) {
        ask_next(f);
    } else {
        compare(f);
    }
}

/* "Ana Souza 55.0 %, Bruno Lima 35.0 %; Zeca Torres not ranked (2 sessions ...)": the figures a verdict rests
 * on. */
static void add_figures(buf_t *text, const flow_t *f, metric_kind_t metric)
{
    char reason[SCORE_REASON_SIZE];

    for (size_t i = 0; i < f->read; i++) {
        const score_t *score = &f->scores[i];
        buf_addf(text, "%s%s ", i > 0 ? ", " : "", agent_label(score));
        if (score_not_ranked(score, metric, reason)) {
            buf_addf(text, "not ranked (%s)", reason);
        } else {
            agent_stats_add_value(text, metric, score_value(score, metric));
        }
    }
}

static bool has_equal(const flow_t *f, const score_t *best, metric_kind_t metric)
{
    char reason[SCORE_REASON_SIZE];
    bool equal = false;

    for (size_t i = 0; i < f->read; i++) {
        const score_t *score = &f->scores[i];
        equal = equal || (score != best && !score_not_ranked(score, metric, reason) &&
                          !(score_value(score, metric) < score_value(best, metric)) &&
                          !(score_value(score, metric) > score_value(best, metric)));
    }
    return equal;
}

static json_t *dimension_json(const flow_t *f, const score_t *best, metric_kind_t metric, buf_t *text)
{
    AUTO_BUF why = { 0 };

    if (best) {
        buf_addf(&why, "%s is best (%s wins%s): ", agent_label(best),
                 metric == METRIC_RESPONSE_TIME ? "lower" : "higher",
                 has_equal(f, best, metric) ? "; equal ones by sessions, then id" : "");
    } else {
        buf_add_text(&why, "Nobody can be ranked: ");
    }
    add_figures(&why, f, metric);
    buf_addf(text, "\n%s: %s.", metric_name(metric), buf_text(&why));
    return json_pack("{s:s, s:o, s:o, s:o}", "dimension", metric_name(metric), "winner",
                     best ? answer_named("agent_id", best->id, best->name) : json_null(), "value",
                     best ? answer_number(score_value(best, metric)) : json_null(), "why",
                     answer_text(buf_text(&why)));
}

static void add_why(buf_t *why, const contest_t *contest)
{
    bool first = true;

    if (!contest->winner) {
        buf_addf(why, "No winner: none of these agents has %d sessions in this period.", SCORE_MIN_SESSIONS);
        return;
    }
    buf_addf(why, "%s wins %d of %d dimensions (", agent_label(contest->winner), contest->points,
             METRIC_COUNT);
    for (metric_kind_t metric = 0; metric < METRIC_COUNT; metric++) {
        if (contest->best[metric] == contest->winner) {
            buf_addf(why, "%s%s", first ? "" : ", ", metric_name(metric));
            first = false;
        }
    }
    buf_add_text(why, ")");
    buf_add_text(why,
                 contest->by_conversion ? ", as many as another; the better conversion rate decides." : ".");
}

static json_t *agents_json(const flow_t *f, const contest_t *contest)
{
    json_t *agents = json_array();

    for (size_t i = 0; i < f->read; i++) {
        json_t *agent = agent_stats_json(&f->scores[i]);
        json_object_set_new(agent, "dimensions_won", json_integer(score_points(contest, &f->scores[i])));
        json_array_append_new(agents, agent);
    }
    return agents;
}

static void compare(flow_t *f)
{
    contest_t contest = score_contest(f->scores, f->read);
    AUTO_BUF text = { 0 };
    AUTO_BUF why = { 0 };

    call_progress(f->call, "comparing", (double)f->read + 1, (double)f->read + STEPS_BESIDE,
                  "Weighing the dimensions", NULL);
    add_why(&why, &contest);
    answer_add_period(&text, &f->period, f->now_ms);
    buf_addf(&text, ": %s", buf_text(&why));
    json_t *dimensions = json_array();
    for (metric_kind_t metric = 0; metric < METRIC_COUNT; metric++) {
        json_array_append_new(dimensions, dimension_json(f, contest.best[metric], metric, &text));
    }
    for (size_t i = 0; i < f->read; i++) {
        buf_add_char(&text, '\n');
        agent_stats_add_text(&text, &f->scores[i]);
    }
    const score_t *winner = contest.winner;
    json_t *answer = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "winner",
                               winner ? answer_named("agent_id", winner->id, winner->name) : json_null(),
                               "why", answer_text(buf_text(&why)), "dimensions", dimensions, "agents",
                               agents_json(f, &contest), "not_ranked",
                               agent_stats_not_ranked(f->scores, f->read, METRIC_CONVERSION_RATE, MAX_AGENTS),
                               "period", answer_period(&f->period, f->now_ms));
    call_finish_text(f->call, answer, &text);
}
