/* Qlik's JSON in, ours out: reloads, predictions, Insight Advisor, lines of text. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "insight.h"
#include "json_of.h"
#include "mem.h"
#include "predict.h"
#include "reload.h"

static void assert_json(const json_t *found, const char *expected)
{
    json_auto_t *wanted = json_of(expected);
    AUTO(mem_free) char *text = json_dumps(found, JSON_ENCODE_ANY);

    cr_assert(json_equal(found, wanted), "%s", text);
}

/* Answers */

Test(qlik_answer, picks_what_is_there_and_leaves_out_empty_values)
{
    static const pick_t picks[] = { { "a", "x", PICK_INTEGER },      { "b", "y.z", PICK_TEXT },
                                    { "c", "none.deep", PICK_TEXT }, { "d", "e", PICK_TEXT },
                                    { "f", "n", PICK_TEXT },         { 0 } };
    json_auto_t *from = json_of("{\"x\":1,\"y\":{\"z\":\"deep\"},\"e\":\"\",\"n\":null}");
    json_auto_t *picked = answer_pick(from, picks);

    assert_json(picked, "{\"a\":1,\"b\":\"deep\"}");
}

Test(qlik_answer, picks_only_what_is_of_the_type_that_the_schema_promises)
{
    static const pick_t picks[] = { { "text", "t", PICK_TEXT },     { "integer", "i", PICK_INTEGER },
                                    { "number", "n", PICK_NUMBER }, { "bool", "b", PICK_BOOL },
                                    { "texts", "l", PICK_TEXTS },   { 0 } };
    json_auto_t *odd = json_of("{\"t\":7,\"i\":1.5,\"n\":\"1\",\"b\":0,\"l\":\"a\"}");
    json_auto_t *right = json_of("{\"t\":\"x\",\"i\":48210.0,\"n\":1.5,\"b\":false,\"l\":[\"a\",1,null]}");
    json_auto_t *of_odd = answer_pick(odd, picks), *of_right = answer_pick(right, picks);

    assert_json(of_odd, "{}");
    assert_json(of_right,
                "{\"text\":\"x\",\"integer\":48210,\"number\":1.5,\"bool\":false,\"texts\":[\"a\"]}");
}

Test(qlik_answer, picks_nothing_from_what_is_no_object)
{
    static const pick_t picks[] = { { "a", "x", PICK_TEXT }, { "b", "y.z", PICK_TEXT }, { 0 } };
    json_auto_t *from = json_of("[1]");
    json_auto_t *picked = answer_pick(from, picks);

    assert_json(picked, "{}");
}

Test(qlik_answer, puts_the_id_behind_the_name_and_quotes_what_has_blanks)
{
    json_auto_t *row =
        json_of("{\"app_id\":\"1\",\"name\":\"Sales\",\"note\":\"a, b\",\"size\":3,\"list\":[1]}");
    AUTO_BUF text = { 0 };

    answer_add_line(&text, row);
    cr_assert_str_eq(buf_text(&text), "Sales (app_id 1): note \"a, b\", size 3");
}

Test(qlik_answer, cuts_between_characters_and_breaks_no_line)
{
    AUTO_BUF text = { 0 };

    answer_add_cut(&text, "one\ntwo\xc3\xa9three", 8);
    cr_assert_str_eq(buf_text(&text), "one two...");
}

/* Reloads */

static const char *reason_of(const char *json)
{
    static char reason[1024];
    json_auto_t *reload = json_of(json);
    AUTO_BUF text = { 0 };

    reload_add_reason(&text, reload);
    snprintf(reason, sizeof(reason), "%s", text.length > 0 ? buf_text(&text) : "");
    return reason;
}

Test(qlik_reload, knows_its_ends)
{
    static const struct {
        const char *json;
        reload_end_t end;
    } known[] = {
        { "{\"status\":\"QUEUED\"}", RELOAD_RUNNING },
        { "{\"status\":\"RELOADING\"}", RELOAD_RUNNING },
        { "{\"status\":\"CANCELING\"}", RELOAD_RUNNING },
        { "{\"status\":\"SUCCEEDED\"}", RELOAD_SUCCEEDED },
        { "{\"status\":\"FAILED\"}", RELOAD_ENDED_BADLY },
        { "{\"status\":\"CANCELED\"}", RELOAD_ENDED_BADLY },
        { "{\"status\":\"EXCEEDED_LIMIT\"}", RELOAD_ENDED_BADLY },
        { "{\"status\":\"NEW_IN_2030\"}", RELOAD_RUNNING },
        { "{\"status\":7}", RELOAD_RUNNING },
        { "{}", RELOAD_RUNNING },
    };

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        json_auto_t *reload = json_of(known[i].json);
        cr_assert_eq(reload_end(reload), known[i].end, "%s", known[i].json);
    }
}

Test(qlik_reload, tells_the_message_and_the_line_of_the_log_that_names_the_error)
{
    cr_assert_str_eq(
        reason_of(
            "{\"errorMessage\":\"failed\",\"log\":\"Started\\nError: no file\\r\\nExecution Failed\\n\"}"),
        "failed (log: Error: no file)");
    cr_assert_str_eq(reason_of("{\"log\":\"Started\\nExecution Failed\\n\\n\"}"), "Execution Failed");
    cr_assert_str_eq(reason_of("{\"errorMessage\":\"failed\"}"), "failed");
}

Test(qlik_reload, has_no_reason_where_nothing_is_said)
{
    cr_assert_str_eq(reason_of("{}"), "");
    cr_assert_str_eq(reason_of("{\"log\":\"\",\"errorMessage\":\"\"}"), "");
    cr_assert_str_eq(reason_of("{\"log\":\"\\n\\n\",\"errorMessage\":null}"), "");
    cr_assert_str_eq(reason_of("{\"log\":[1],\"errorMessage\":{}}"), "");
}

Test(qlik_reload, says_in_the_answer_whether_it_is_over)
{
    json_auto_t *failed =
        json_of("{\"id\":\"r\",\"appId\":\"a\",\"status\":\"FAILED\",\"errorMessage\":\"bad\"}");
    AUTO_BUF text = { 0 };
    json_auto_t *answer = reload_answer(failed, &text);

    cr_assert(json_is_true(json_object_get(answer, "finished")));
    cr_assert_str_eq(answer_text(answer, "reason"), "bad");
    cr_assert(strstr(buf_text(&text), "Reason: bad"));
}

/* Predictions */

static json_t *body_of(const char *rows_text)
{
    json_auto_t *rows = json_of(rows_text);
    json_t *body = NULL;

    cr_assert_eq(predict_body(rows, &body, NULL), 0);
    return body;
}

Test(qlik_predict, turns_objects_into_a_table_of_texts)
{
    json_auto_t *body =
        body_of("[{\"age\":41,\"plan\":\"basic\"},{\"plan\":\"pro\",\"vip\":true,\"age\":2.5}]");

    assert_json(body, "{\"schema\":[{\"name\":\"age\"},{\"name\":\"plan\"},{\"name\":\"vip\"}],"
                      "\"rows\":[[\"41\",\"basic\",null],[\"2.5\",\"pro\",\"true\"]]}");
}

Test(qlik_predict, names_the_row_that_is_none)
{
    static const char *const bad[] = { "[{\"a\":1},3]", "[{\"a\":1},{}]", "[{\"a\":1},{\"a\":[1]}]",
                                       "[{\"a\":1},{\"a\":{\"b\":1}}]" };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        json_auto_t *rows = json_of(bad[i]);
        json_t *body = NULL;
        err_t err;
        cr_assert_eq(predict_body(rows, &body, &err), -1);
        cr_assert_null(body);
        cr_assert(err.kind == ERR_CALLER && strstr(err.text, "rows[1]"), "%s", err.text);
    }
}

Test(qlik_predict, reads_rows_of_any_length)
{
    json_auto_t *result =
        json_of("{\"schema\":[{\"name\":\"a\"},{\"name\":\"b\"},{}],\"rows\":[[1,2,3,4],[5],[],7]}");
    json_auto_t *rows = predict_rows(result);

    assert_json(rows, "[{\"a\":1,\"b\":2},{\"a\":5},{},{}]");
}

Test(qlik_predict, knows_what_is_no_prediction)
{
    static const char *const bad[] = { "{}", "{\"schema\":[]}", "{\"schema\":{},\"rows\":[]}", "[]", "null" };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        json_auto_t *result = json_of(bad[i]);
        cr_assert_null(predict_rows(result), "%s", bad[i]);
    }
}

/* Insight Advisor */

Test(qlik_insight, reads_one_response_and_a_list_of_them)
{
    const char *part = "{\"responses\":[{\"sentence\":{\"text\":\"S\"}},{\"narrative\":{\"text\":\"N\"},"
                       "\"followupSentence\":\"F\"},"
                       "{\"infoValues\":[[\"v1\",\"v2\"],[{\"id\":\"1\",\"name\":\"App\"}]]}],\"apps\":[{"
                       "\"id\":\"1\",\"name\":\"App\"}]}";
    const char *expected = "{\"sentences\":[\"S\"],\"narratives\":[\"N\"],\"values\":[\"v1\",\"v2\",\"App\"],"
                           "\"follow_ups\":[\"F\"],\"apps\":[{\"app_id\":\"1\",\"name\":\"App\"}]}";

    for (int is_list = 0; is_list < 2; is_list++) {
        AUTO(mem_free)
        char *text =
            mem_printf("{\"conversationalResponse\":%s%s%s}", is_list ? "[" : "", part, is_list ? "]" : "");
        json_auto_t *result = json_of(text);
        json_auto_t *answer = insight_answer(result);
        assert_json(answer, expected);
    }
}

Test(qlik_insight, survives_answers_of_any_shape)
{
    static const char *const odd[] = {
        "{}",
        "{\"conversationalResponse\":7}",
        "{\"conversationalResponse\":[7,{\"responses\":[3,{\"sentence\":[],\"infoValues\":[1,[null]]}]}]}",
        "{\"apps\":[1,{}],\"data\":[[],{}]}",
        ("{\"data\":{\"recAnalyses\":[1,{\"options\":{\"qHyperCubeDef\":{\"qDimensions\":[1,{}]}}}],"
         "\"nluInfo\":7}}"),
    };

    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        json_auto_t *result = json_of(odd[i]);
        json_auto_t *answer = insight_answer(result);
        json_auto_t *recommended = insight_recommendations(result, 5);
        json_auto_t *understood = insight_understood(result);
        cr_assert(json_is_object(answer) && json_is_array(recommended) && json_is_array(understood));
    }
}

Test(qlik_insight, names_dimensions_and_measures_of_an_analysis)
{
    const char *details =
        "{\"recAnalyses\":[{\"analysis\":{\"title\":\"T\",\"analysis\":\"rank\"},\"chartType\":\"barchart\","
        "\"relevance\":0.5,"
        "\"options\":{\"qHyperCubeDef\":{\"qDimensions\":[{\"qDef\":{\"qFieldDefs\":[\"Region\"]}}],"
        "\"qMeasures\":[{\"qDef\":{\"qDef\":\"Sum(A)\",\"qLabel\":\"\"}}]}}},{\"analysis\":{\"title\":\"U\"}}"
        "]}";

    for (int is_list = 0; is_list < 2; is_list++) {
        AUTO(mem_free)
        char *text = mem_printf("{\"data\":%s%s%s}", is_list ? "[" : "", details, is_list ? "]" : "");
        json_auto_t *result = json_of(text);
        json_auto_t *rows = insight_recommendations(result, 1);
        assert_json(rows,
                    "[{\"title\":\"T\",\"analysis\":\"rank\",\"chart_type\":\"barchart\",\"relevance\":0.5,"
                    "\"dimensions\":[\"Region\"],\"measures\":[\"Sum(A)\"]}]");
    }
}
