/* recommend_analysis: which analyses and charts of an app answer a question. */
#include "answer.h"
#include "cloud.h"
#include "insight.h"
#include "mem.h"

typedef struct {
    const char *app_id, *text;
    int64_t limit;
} args_t;

static const field_t args[] = {
    FIELD(args_t, app_id, .required = true, .doc = "The app, from get_apps."),
    FIELD(args_t, text, .required = true, .max_length = 1000,
          .doc = "The question, such as: show me sales by product."),
    FIELD(args_t, limit, .fallback = "5", .min = 1, .max = 20,
          .doc = "Analyses at most, the most relevant first."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void recommend_analysis(call_t *call, const void *decoded);
static void on_recommendations(void *self, const json_t *result, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["recommendations", "understood"], "properties": {
        "recommendations": {"type": "array", "items": {"type": "object", "properties": {
            "title": {"type": "string"}, "analysis": {"type": "string"}, "chart_type": {"type": "string"},
            "relevance": {"type": "number"}, "dimensions": {"type": "array", "items": {"type": "string"}},
            "measures": {"type": "array", "items": {"type": "string"}}}}},
        "understood": {"type": "array", "items": {"type": "object"}}}});

const tool_t recommend_analysis_tool = {
    .name = "recommend_analysis",
    .title = "Recommend an analysis",
    .description = "Which analyses of a Qlik app answer a question in plain words: title, kind of analysis, "
                   "chart type, dimensions and measures, and how the words of the question were understood. "
                   "It recommends; ask_question answers.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = recommend_analysis,
};

static void recommend_analysis(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    f->call = call;
    f->args = decoded;
    const char *path =
        cloud_path(call, CLOUD_APPS "/", "app_id", f->args->app_id, "/insight-analyses/actions/recommend");
    if (path) {
        cloud_question(call, path, json_pack("{s:s}", "text", f->args->text), on_recommendations, f);
    }
}

static void add_names(buf_t *text, const char *before, const json_t *names)
{
    json_t *name;
    size_t i;

    json_array_foreach((json_t *)names, i, name)
    {
        buf_add_text(text, i == 0 ? before : ", ");
        answer_add_cut(text, json_string_value(name), 100);
    }
}

static void add_recommendation(buf_t *text, size_t i, const json_t *row)
{
    const char *title = answer_text(row, "title");
    const char *chart = answer_text(row, "chart_type");

    buf_addf(text, "\n%zu. ", i + 1);
    answer_add_cut(text, title ? title : "(no title)", 200);
    buf_addf(text, "%s%s", chart ? ", as a " : "", chart ? chart : "");
    add_names(text, "; by ", json_object_get(row, "dimensions"));
    add_names(text, "; measures: ", json_object_get(row, "measures"));
}

static void on_recommendations(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    json_t *rows = insight_recommendations(result, (size_t)f->args->limit);
    if (json_array_size(rows) == 0) {
        buf_add_text(&text, "No analysis of this app fits; name fields as describe_app_data shows them.");
    } else {
        buf_add_count(&text, json_array_size(rows), "recommendation");
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        add_recommendation(&text, i, json_array_get(rows, i));
    }
    json_t *answer =
        json_pack("{s:o, s:o}", "recommendations", rows, "understood", insight_understood(result));
    call_finish_text(f->call, answer, &text);
}
