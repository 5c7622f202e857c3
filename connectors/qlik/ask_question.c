/* ask_question: a question in plain words, answered by Insight Advisor from the data of one app, of several
 * in turn, or of the one that Qlik finds to fit. Without conversation context: each question stands alone, so
 * nothing of one user's questions colours the next. */
#include "answer.h"
#include "cloud.h"
#include "insight.h"

#define MAX_APPS 5
#define MAX_TEXT_BYTES 2000

typedef struct {
    const char *text;
    strings_t app_ids;
} args_t;

static const field_t args[] = {
    FIELD(args_t, text, .required = true, .max_length = 1000,
          .doc = "The question, such as: total sales by region last year."),
    FIELD(args_t, app_ids, .max_items = MAX_APPS,
          .doc = "Up to five apps (from get_apps) that are asked one after the other; without it Qlik "
                 "answers from an app that fits, or names apps to choose from."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    size_t asked;
    json_t *answers;
    buf_t *text;
} flow_t;

static void ask_question(call_t *call, const void *decoded);
static void ask_next(flow_t *f);
static void on_answer(void *self, const json_t *result, const err_t *err);

static const char result_schema[] = STRINGIZE({"type": "object", "required": ["answers"], "properties": {
        "answers": {"type": "array", "items": {"type": "object", "properties": {
            "app_id": {"type": "string"}, "error": {"type": "string"},
            "sentences": {"type": "array", "items": {"type": "string"}},
            "narratives": {"type": "array", "items": {"type": "string"}},
            "values": {"type": "array", "items": {"type": "string"}},
            "follow_ups": {"type": "array", "items": {"type": "string"}},
            "apps": {"type": "array", "items": {"type": "object"}}}}}}});

const tool_t ask_question_tool = {
    .name = "ask_question",
    .title = "Ask a question",
    .description = "Asks Qlik's Insight Advisor a question in plain words and returns what it says: "
                   "sentences, narratives, values and possible follow-up questions, per app. When no app "
                   "fits at once it returns apps to choose from: ask again with app_ids. Charts are not "
                   "drawn; describe_app_data tells which fields there are.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .streams = true,
    .run = ask_question,
};

static void release_json(void *json)
{
    json_decref(json);
}

static void release_buf(void *buf)
{
    buf_free(buf);
}

static void ask_question(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    f->call = call;
    f->args = decoded;
    f->answers = call_own(call, json_array(), release_json);
    f->text = CALL_NEW(call, buf_t);
    call_own(call, f->text, release_buf); /* released before the struct it is in: last in, first out */
    ask_next(f);
}

static void ask_next(flow_t *f)
{
    const strings_t *ids = &f->args->app_ids;
    json_t *body = json_pack("{s:s, s:b}", "text", f->args->text, "disableConversationContext", 1);

    if (ids->count > 0) {
        json_object_set_new(body, "app", json_pack("{s:s}", "id", ids->at[f->asked]));
        call_progress(f->call, "analyzing", (double)f->asked, (double)ids->count, "Asking Insight Advisor.",
                      NULL);
    }
    cloud_question(f->call, "/api/v1/questions/actions/ask", body, on_answer, f);
}

static void add_texts(buf_t *text, const char *before, const json_t *list)
{
    json_t *one;
    size_t i;

    json_array_foreach((json_t *)list, i, one)
    {
        buf_addf(text, "\n%s", before);
        answer_add_cut(text, json_string_value(one), MAX_TEXT_BYTES);
    }
}

static void add_apps_text(buf_t *text, const json_t *apps)
{
    json_t *app;
    size_t i;

    json_array_foreach((json_t *)apps, i, app)
    {
        buf_add_text(text, "\nApp: ");
        answer_add_line(text, app);
    }
}

/* Apps are told where none was named: they are what to choose from. */
static void add_answer_text(buf_t *text, const json_t *answer, bool with_apps)
{
    size_t before = text->length;

    add_texts(text, "", json_object_get(answer, "sentences"));
    add_texts(text, "", json_object_get(answer, "narratives"));
    add_texts(text, "- ", json_object_get(answer, "values"));
    add_texts(text, "Possible follow-up: ", json_object_get(answer, "follow_ups"));
    if (with_apps) {
        add_apps_text(text, json_object_get(answer, "apps"));
    }
    if (text->length == before) {
        buf_add_text(text, "\nInsight Advisor had no answer; name fields as describe_app_data shows them.");
    }
}

/* With several apps, one that refuses does not take the others' answers away. */
static void on_answer(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    const strings_t *ids = &f->args->app_ids;
    const char *app_id = ids->count > 0 ? ids->at[f->asked] : NULL;

    if (err && (ids->count < 2 || err->kind == ERR_DENIED)) {
        call_fail(f->call, err);
        return;
    }
    json_t *answer = err ? json_pack("{s:s}", "error", err->text) : insight_answer(result);
    if (app_id) {
        json_object_set_new(answer, "app_id", json_string(app_id));
    }
    buf_addf(f->text, "%s%s%s:", f->text->length > 0 ? "\n" : "", app_id ? "App " : "Insight Advisor",
             app_id ? app_id : "");
    if (err) {
        buf_addf(f->text, "\n%s", err->text);
    } else {
        add_answer_text(f->text, answer, app_id == NULL);
    }
    json_array_append_new(f->answers, answer);
    if (++f->asked < ids->count) {
        ask_next(f);
        return;
    }
    call_finish_text(f->call, json_pack("{s:O}", "answers", f->answers), f->text);
}
