/* predict: predictions of a deployed ML model, at once (realtime-predictions). */
#include "answer.h"
#include "cloud.h"
#include "mem.h"
#include "predict.h"

#define MAX_ROWS 200
#define ROWS_IN_TEXT 20
#define MAX_LINE_BYTES 400

typedef struct {
    const char *deployment_id;
    json_t *rows;
} args_t;

static const field_t args[] = {
    FIELD(args_t, deployment_id, .required = true,
          .doc = "The ML deployment: resource_id of list_items with resource_type automl-deployment."),
    FIELD(args_t, rows, .required = true,
          .schema = "{\"type\":\"array\",\"minItems\":1,\"maxItems\":200,\"items\":{\"type\":\"object\"}}",
          .doc = "One object per row to predict, feature name to value: [{\"age\": 41, \"plan\": "
                 "\"basic\"}]. Dates as YYYY-MM-DD; a feature that is not known is left out."),
    { 0 },
};

static void predict(call_t *call, const void *decoded);
static void on_predictions(void *self, const json_t *result, const err_t *err);

static const char result_schema[] =
    STRINGIZE({"type": "object", "required": ["predictions", "count"], "properties": {
        "predictions": {"type": "array", "items": {"type": "object"}}, "count": {"type": "integer"}}});

const tool_t predict_tool = {
    .name = "predict",
    .title = "Predict",
    .description = "Predictions of a deployed Qlik AutoML model for up to 200 rows, in the order of rows: "
                   "the predicted value, the probabilities of a classification, and not_predicted_reason "
                   "where Qlik could not predict.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = predict,
};

static void predict(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    const char *path = cloud_path(call, "/api/v1/ml/deployments/", "deployment_id", a->deployment_id,
                                  "/realtime-predictions/actions/run?includeNotPredictedReason=true");
    json_t *body = NULL;
    err_t err;

    if (!path) {
        return;
    }
    if (json_array_size(a->rows) == 0 || json_array_size(a->rows) > MAX_ROWS) {
        call_failf(call, ERR_CALLER, "rows must hold 1 to %d objects.", MAX_ROWS);
        return;
    }
    if (predict_body(a->rows, &body, &err)) {
        call_fail(call, &err);
        return;
    }
    cloud_question(call, path, body, on_predictions, call);
}

static void add_row(buf_t *text, size_t i, const json_t *row)
{
    AUTO(mem_free) char *words = json_dumps(row, JSON_REAL_PRECISION(6));

    buf_addf(text, "\n%zu. ", i + 1);
    answer_add_cut(text, words ? words : "?", MAX_LINE_BYTES);
}

static void on_predictions(void *self, const json_t *result, const err_t *err)
{
    call_t *call = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(call, err);
        return;
    }
    const json_t *attributes = answer_at(result, "data.attributes");
    json_t *rows = predict_rows(attributes ? attributes : result);
    if (!rows) {
        call_failf(call, ERR_UPSTREAM, "Qlik answered without predictions. Trying again is safe.");
        return;
    }
    size_t count = json_array_size(rows);
    buf_add_count(&text, count, "prediction");
    for (size_t i = 0; i < count && i < ROWS_IN_TEXT; i++) {
        add_row(&text, i, json_array_get(rows, i));
    }
    if (count > ROWS_IN_TEXT) {
        buf_addf(&text, "\nThe other %zu are in the structured result; or ask for fewer rows at a time.",
                 count - ROWS_IN_TEXT);
    }
    call_finish_text(call, json_pack("{s:o, s:I}", "predictions", rows, "count", (json_int_t)count), &text);
}
