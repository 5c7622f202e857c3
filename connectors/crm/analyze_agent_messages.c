/* analyze_agent_messages: how an agent writes: grammar, tone, brand, each 0..10 with quoted examples.
 *
 * Judged by a language model when one is set (model.h), else, and when it fails, by fixed rules (rubric.h);
 * `method` says which. Messages of deleted contacts are not read. The rules take microseconds per message, so
 * they run on the loop. */
#include <string.h>

#include "analysis.h"
#include "answer.h"
#include "clock.h"
#include "crm.h"
#include "lookup.h"
#include "mem.h"
#include "model.h"
#include "query.h"
#include "utf8.h"

#define MAX_SAMPLE 500
#define QUOTE_MAX_BYTES 200
#define STEPS 3

typedef struct {
    const char *agent_id, *start_date, *end_date;
    int64_t sample_size;
} args_t;

static const field_t args[] = {
    FIELD(args_t, agent_id, .required = true, .max_length = 200,
          .doc = "Whose messages (agent_id from list_agents)."),
    FIELDS_DATES(args_t),
    FIELD(args_t, sample_size, .fallback = "50", .min = 1, .max = MAX_SAMPLE,
          .doc = "How many messages to read, the latest first."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    period_t period;
    int64_t now_ms;
    const char *agent_id, *name;
    message_t *messages;
    size_t count;
    const char *method, *note;
} flow_t;

static void analyze_agent_messages(call_t *call, const void *decoded);
static void on_agent(void *self, const db_rows_t *rows, const err_t *err);
static void on_messages(void *self, const db_rows_t *rows, const err_t *err);
static void on_model(void *self, const analysis_t *analysis, const err_t *err);
static void judge_by_rubric(flow_t *f);
static void finish(flow_t *f, const analysis_t *analysis);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["agent_id", "method", "messages_analyzed", "overall", "grammar", "tone", "brand"],
    "properties": {
        "agent_id": {"type": "string"}, "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "method": {"type": "string"}, "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "messages_analyzed": {"type": "integer"}, "overall": {"type": "number"},
        "grammar": {"type": "object", "properties": {"score": {"type": "number"}, "examples": {"type": "array"}}},
        "tone": {"type": "object", "properties": {"score": {"type": "number"}, "examples": {"type": "array"}}},
        "brand": {"type": "object", "properties": {"score": {"type": "number"}, "examples": {"type": "array"}}},
        "period": {"type": "object", "properties": {
            "from": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "to": {"type": "string"}, "timezone": {"type": "string"}}}}});

const tool_t analyze_agent_messages_tool = {
    .name = "analyze_agent_messages",
    .title = "Analyze an agent's messages",
    .description =
        "Reads the latest messages an agent wrote to customers and judges grammar, tone and brand from 0 to "
        "10, with quoted examples and what was found in them. Use it for coaching. `method` says how: "
        "\"rubric\" (fixed rules) or \"model\" (a language model); `note` says why when the model could not "
        "be used. Without messages in the period the scores are 0 and messages_analyzed is 0. Reports "
        "progress.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .streams = true,
    .run = analyze_agent_messages,
};

static void analyze_agent_messages(call_t *call, const void *decoded)
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
    call_progress(call, "starting", 0, STEPS, "Looking up the agent", NULL);
    lookup_agent(call, f->args->agent_id, on_agent, f);
}

static void on_agent(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (!lookup_found(f->call, rows, err, THING_AGENT, f->args->agent_id)) {
        return;
    }
    f->agent_id = db_text(rows, 0, AGENT_ID);
    f->name = db_text(rows, 0, AGENT_NAME);
    call_progress(f->call, "processing", 1, STEPS, "Reading messages", NULL);
    query_t *query = query_new(f->call);
    query_text(query, "SELECT m.id, SUBSTR(m.text, 1, 2000), m.\"timestamp\" FROM messages m "
                      "LEFT JOIN contacts c ON c.id = m.contact_id AND c.tenant_id = m.tenant_id "
                      "WHERE c.deleted_at IS NULL AND m.text IS NOT NULL AND m.text <> ''");
    query_value(query, " AND m.tenant_id = ", DB_TEXT(call_tenant(f->call)));
    query_value(query, " AND m.agent_id = ", DB_TEXT(f->agent_id));
    query_value(query, " AND m.from_me = ", DB_BOOL(true));
    query_period(query, "m.\"timestamp\"", &f->period);
    query_text(query, " ORDER BY m.\"timestamp\" DESC NULLS LAST, m.id");
    query_value(query, " LIMIT ", DB_INT(f->args->sample_size));
    query_run(query, on_messages, f);
}

static void on_messages(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    f->count = db_count(rows);
    f->messages = call_alloc(f->call, (f->count + 1) * sizeof(*f->messages));
    for (size_t i = 0; i < f->count; i++) {
        f->messages[i] = (message_t){ db_text(rows, i, 0), db_text(rows, i, 1), db_time_ms(rows, i, 2) };
    }
    bool use_model = crm_of(f->call)->web && f->count > 0;
    call_progress(
        f->call, "analyzing", 2, STEPS,
        call_printf(f->call, "Judging %zu messages%s", f->count, use_model ? " by the language model" : ""),
        NULL);
    if (use_model) {
        model_judge(f->call, f->messages, f->count, on_model, f);
    } else {
        f->note =
            f->count == 0 ? "The agent wrote no messages in this period: there is nothing to judge." : NULL;
        judge_by_rubric(f);
    }
}

static void on_model(void *self, const analysis_t *analysis, const err_t *err)
{
    flow_t *f = self;

    if (err) {
        f->note = call_printf(f->call, "%s The messages were judged by fixed rules instead.", err->text);
        judge_by_rubric(f);
        return;
    }
    f->method = "model";
    finish(f, analysis);
}

static void judge_by_rubric(flow_t *f)
{
    judgement_t *judged = call_alloc(f->call, (f->count + 1) * sizeof(*judged));

    for (size_t i = 0; i < f->count; i++) {
        judged[i] = rubric_judge(f->messages[i].text);
    }
    f->method = "rubric";
    analysis_t analysis = analysis_by_rubric(f->messages, judged, f->count);
    finish(f, &analysis);
}

static const char *quote(const flow_t *f, const message_t *message)
{
    size_t length = utf8_cut(span_of(message->text), QUOTE_MAX_BYTES);

    return call_printf(f->call, "%.*s%s", (int)length, message->text,
                       message->text[length] != '\0' ? "..." : "");
}

static json_t *dimension_json(const flow_t *f, const analysis_t *analysis, int dimension, buf_t *text)
{
    json_t *examples = json_array();

    if (f->count > 0) {
        buf_addf(text, "\n%s %.1f", rubric_names[dimension], analysis->score[dimension]);
    }
    for (size_t i = 0; i < analysis->example_count[dimension]; i++) {
        const example_t *example = &analysis->examples[dimension][i];
        const message_t *message = &f->messages[example->message];
        json_array_append_new(
            examples, json_pack("{s:o, s:o, s:o, s:o}", "message_id", answer_text(message->id), "sent_at",
                                answer_time(message->sent_ms), "quote", answer_text(quote(f, message)),
                                "finding", answer_text(example->finding)));
        buf_addf(text, "\n- \"%s\": %s", quote(f, message), example->finding);
    }
    return json_pack("{s:o, s:o}", "score", answer_number(analysis->score[dimension]), "examples", examples);
}

static void add_head(buf_t *text, const flow_t *f, double overall)
{
    answer_add_named(text, "agent_id", f->agent_id, f->name);
    buf_add_text(text, ", ");
    buf_add_count(text, f->count, "message");
    buf_add_text(text, ", ");
    answer_add_period(text, &f->period, f->now_ms);
    if (f->count > 0) { /* else a 0 would read like a verdict; the note says what is the matter */
        buf_addf(text, ": overall %.1f of 10, judged by %s.", overall,
                 strcmp(f->method, "model") == 0 ? "a language model" : "fixed rules");
    }
}

static void finish(flow_t *f, const analysis_t *analysis)
{
    AUTO_BUF text = { 0 };
    double overall = 0;

    for (int dimension = 0; dimension < RUBRIC_COUNT; dimension++) {
        overall += analysis->score[dimension] / RUBRIC_COUNT;
    }
    overall = round_to(overall, 1);
    add_head(&text, f, overall);
    json_t *answer = answer_named("agent_id", f->agent_id, f->name);
    for (int dimension = 0; dimension < RUBRIC_COUNT; dimension++) {
        json_object_set_new(answer, rubric_names[dimension], dimension_json(f, analysis, dimension, &text));
    }
    if (f->note) {
        buf_addf(&text, "\n%s", f->note);
    }
    json_object_set_new(answer, "method", json_string(f->method));
    json_object_set_new(answer, "note", answer_text(f->note));
    json_object_set_new(answer, "messages_analyzed", json_integer((json_int_t)f->count));
    json_object_set_new(answer, "overall", answer_number(overall));
    json_object_set_new(answer, "period", answer_period(&f->period, f->now_ms));
    call_finish_text(f->call, answer, &text);
}
