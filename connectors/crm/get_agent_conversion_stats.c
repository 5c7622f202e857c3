/* get_agent_conversion_stats: how well agents turn sessions into sales.
 *
 * Two statements: the figures per agent, then those of the whole team, which are no sum: a session that two
 * agents shared is one session. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent_stats.h"
#include "answer.h"
#include "clock.h"
#include "lookup.h"
#include "mem.h"
#include "query.h"

#define MAX_SHOWN 200

typedef struct {
    const char *start_date, *end_date;
    strings_t agent_ids;
} args_t;

static const field_t args[] = {
    FIELDS_DATES(args_t),
    FIELD(args_t, agent_ids, .max_items = 100, .max_length = 200,
          .doc = "Only these agents (ids from list_agents). Without it: the whole team."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    period_t period;
    int64_t now_ms;
    score_t *scores;
    size_t count;
} flow_t;

static void get_agent_conversion_stats(call_t *call, const void *decoded);
static void on_agents(void *self, const db_rows_t *rows, const err_t *err);
static void on_team(void *self, const db_rows_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["agents", "team", "period", "has_more"], "properties": {
        "agents": {"type": "array", "items": {"type": "object", "required": ["agent_id", "conversion_rate"], "properties": {
            "agent_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "sessions": {"type": "integer"}, "converted_sessions": {"type": "integer"},
            "conversion_rate": {"type": "number"},
            "response_time_seconds": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "satisfaction": {"anyOf": [{"type": "number"}, {"type": "null"}]}}}},
        "team": {"type": "object", "properties": {
            "agents": {"type": "integer"}, "sessions": {"type": "integer"}, "converted_sessions": {"type": "integer"},
            "conversion_rate": {"type": "number"}}},
        "period": {"type": "object", "properties": {
            "from": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "to": {"type": "string"}, "timezone": {"type": "string"}}},
        "has_more": {"type": "boolean"}}});

const tool_t get_agent_conversion_stats_tool = {
    .name = "get_agent_conversion_stats",
    .title = "Conversion by agent",
    .description =
        "Sessions, converted sessions and conversion rate (0 to 1) of each agent, with mean response time in "
        "seconds and satisfaction (mean sentiment score), and the same for the team as a whole. Use it for "
        "reports and questions about figures; get_top_performing_agent says who is best and compare_agents "
        "weighs a few against each other. Agents without sessions in the period are listed with zeros. Best "
        "conversion rate first; has_more is true when there are over 200 agents.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .run = get_agent_conversion_stats,
};

static void get_agent_conversion_stats(call_t *call, const void *decoded)
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
    agent_stats_ask(call, &f->period, f->args->agent_ids.at, f->args->agent_ids.count, on_agents, f);
}

/* The first id that no row has, or NULL. PostgreSQL reads a uuid in either case and writes small letters. */
static const char *missing_id(const strings_t *ids, const db_rows_t *rows)
{
    for (size_t i = 0; i < ids->count; i++) {
        size_t row = 0;
        while (row < db_count(rows) && strcasecmp(db_text(rows, row, 0), ids->at[i]) != 0) {
            row++;
        }
        if (row == db_count(rows)) {
            return ids->at[i];
        }
    }
    return NULL;
}

static int by_rate(const void *left, const void *right)
{
    const score_t *a = left, *b = right;
    double difference = score_value(b, METRIC_CONVERSION_RATE) - score_value(a, METRIC_CONVERSION_RATE);

    if (difference < 0 || difference > 0) {
        return difference > 0 ? 1 : -1;
    }
    if (a->sessions != b->sessions) {
        return a->sessions > b->sessions ? -1 : 1;
    }
    return strcmp(a->id, b->id);
}

static void ask_team(flow_t *f)
{
    query_t *query = query_new(f->call);

    query_text(query, "SELECT COUNT(*), SUM(CASE WHEN s.converted THEN 1 ELSE 0 END) FROM sessions s");
    query_value(query, " WHERE s.tenant_id = ", DB_TEXT(call_tenant(f->call)));
    query_period(query, "s.started_at", &f->period);
    query_text(query, " AND EXISTS (SELECT 1 FROM agent_sessions x JOIN agents a ON a.id = x.agent_id WHERE "
                      "x.session_id = s.id AND a.tenant_id = s.tenant_id AND a.deleted_at IS NULL");
    if (f->args->agent_ids.count > 0) {
        query_in(query, "a.id", f->args->agent_ids.at, f->args->agent_ids.count);
    }
    query_text(query, ")");
    query_run(query, on_team, f);
}

static void on_agents(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    const char *missing = missing_id(&f->args->agent_ids, rows);
    if (missing) {
        lookup_fail(f->call, THING_AGENT, missing);
        return;
    }
    f->count = db_count(rows);
    f->scores = call_alloc(f->call, (f->count + 1) * sizeof(*f->scores));
    for (size_t i = 0; i < f->count; i++) {
        f->scores[i] = agent_stats_read(rows, i);
    }
    qsort(f->scores, f->count, sizeof(*f->scores), by_rate);
    ask_team(f);
}

static json_t *team_json(const flow_t *f, const score_t *team)
{
    return json_pack("{s:I, s:I, s:I, s:o}", "agents", (json_int_t)f->count, "sessions",
                     (json_int_t)team->sessions, "converted_sessions", (json_int_t)team->converted,
                     "conversion_rate", answer_number(score_value(team, METRIC_CONVERSION_RATE)));
}

static void on_team(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    score_t team = { .sessions = db_int(rows, 0, 0), .converted = db_int(rows, 0, 1) };
    size_t shown = f->count < MAX_SHOWN ? f->count : MAX_SHOWN;
    json_t *agents = json_array();
    answer_add_period(&text, &f->period, f->now_ms);
    buf_add_text(&text, ": ");
    buf_add_count(&text, f->count, "agent");
    buf_addf(&text, ", %" PRId64 " of %" PRId64 " sessions converted (", team.converted, team.sessions);
    agent_stats_add_value(&text, METRIC_CONVERSION_RATE, score_value(&team, METRIC_CONVERSION_RATE));
    buf_add_text(&text, ").");
    for (size_t i = 0; i < shown; i++) {
        json_array_append_new(agents, agent_stats_json(&f->scores[i]));
        buf_add_char(&text, '\n');
        agent_stats_add_text(&text, &f->scores[i]);
    }
    json_t *answer = json_pack("{s:o, s:o, s:o, s:b}", "agents", agents, "team", team_json(f, &team),
                               "period", answer_period(&f->period, f->now_ms), "has_more", shown < f->count);
    call_finish_text(f->call, answer, &text);
}
