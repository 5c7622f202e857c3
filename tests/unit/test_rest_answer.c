/* What tools answer, in the words of the REST routes. */
#include "rest_answer.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include "mem.h"

#define TIME INT64_C(1795170075123)

static size_t members_of(const char *result, json_scan_t *scan)
{
    err_t err;

    cr_assert_eq(json_scan_members(span_of(result), scan, &err), 0, "%s", result);
    return scan->member_count;
}

static void gives(const char *result, const char *expected)
{
    AUTO_BUF out = { 0 };
    json_scan_t scan;

    rest_result(&out, scan.members, members_of(result, &scan));
    cr_assert_str_eq(buf_text(&out), expected);
}

Test(rest_answer, prefers_structured_content_to_text)
{
    gives("{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"structuredContent\":{\"total_leads\":3}}",
          "{\"total_leads\":3}");
    gives("{\"content\":[],\"structuredContent\":[1,2]}", "[1,2]");
    gives("{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"structuredContent\":null}", "\"x\"");
}

Test(rest_answer, joins_text_blocks_and_leaves_others_out)
{
    gives("{\"content\":[{\"type\":\"text\",\"text\":\"a\\n\\\"b\\\"\"},{\"type\":\"image\",\"data\":\"\"},"
          "{\"type\":\"text\",\"text\":\"c\"}]}",
          "\"a\\n\\\"b\\\"\\nc\"");
    gives("{\"content\":[]}", "\"\"");
    gives("{}", "\"\"");
    gives("{\"content\":7}", "\"\"");
    gives("{\"content\":[7,null,[]]}", "\"\"");
}

static err_t failure_of(const char *result)
{
    json_scan_t scan;
    err_t err;
    size_t count = members_of(result, &scan);

    cr_assert(rest_is_error(scan.members, count));
    rest_result_error(scan.members, count, &err);
    return err;
}

Test(rest_answer, maps_the_kind_a_connector_names_to_a_status)
{
    err_t err = failure_of("{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"no such lead\"}],"
                           "\"_meta\":{\"guiche/kind\":\"caller\"}}");

    cr_assert_eq(err_rest_status(err.kind), 400);
    cr_assert_str_eq(err.text, "no such lead");
    err = failure_of("{\"isError\":true,\"content\":[]}");
    cr_assert_eq(err_rest_status(err.kind), 502, "a connector that names none is to blame");
    err = failure_of("{\"isError\":true,\"_meta\":{\"guiche/kind\":\"timeout\"}}");
    cr_assert_eq(err_rest_status(err.kind), 504);
    err = failure_of("{\"isError\":true,\"_meta\":{\"guiche/kind\":\"made up\"}}");
    cr_assert_eq(err_rest_status(err.kind), 502);
    err = failure_of("{\"isError\":true,\"_meta\":7}");
    cr_assert_eq(err_rest_status(err.kind), 502);
}

Test(rest_answer, takes_invalid_params_as_the_callers_mistake)
{
    err_t err;

    rest_rpc_error(&(mcp_rpc_error_t){ .code = -32602, .message = SPAN("\"bad id\"") }, &err);
    cr_assert_eq(err_rest_status(err.kind), 400);
    cr_assert_str_eq(err.text, "bad id");
    rest_rpc_error(&(mcp_rpc_error_t){ .code = -32603, .message = SPAN("\"\"") }, &err);
    cr_assert_eq(err_rest_status(err.kind), 502);
    cr_assert_str_not_empty(err.text);
}

static json_t *event_of(const rest_event_t *event)
{
    AUTO_BUF out = { 0 };
    rest_event(&out, event, TIME);
    json_t *json = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, NULL);

    cr_assert_not_null(json, "%s", buf_text(&out));
    cr_assert_eq(json_object_size(json), 6);
    return json;
}

static const char *text_of(json_t *event, const char *key)
{
    return json_string_value(json_object_get(event, key));
}

Test(rest_answer, gives_every_event_every_key)
{
    json_auto_t *event = event_of(&(rest_event_t){ .type = "progress", .stage = "starting", .progress = -1 });

    cr_assert_str_eq(text_of(event, "type"), "progress");
    cr_assert_str_eq(text_of(event, "stage"), "starting");
    cr_assert(json_is_null(json_object_get(event, "progress")));
    cr_assert_str_eq(text_of(event, "message"), "");
    cr_assert_eq(json_object_size(json_object_get(event, "data")), 0);
    cr_assert_str_eq(text_of(event, "timestamp"), "2026-11-20T10:21:15.123Z");
}

static double progress_of(const char *done, const char *total)
{
    rest_event_t event;

    rest_progress(&(mcp_progress_t){ .progress = span_of(done), .total = span_of(total) }, &event);
    cr_assert_str_eq(event.stage, "processing");
    return event.progress;
}

Test(rest_answer, keeps_progress_between_0_and_1)
{
    cr_assert_float_eq(progress_of("1", "4"), 0.25, 1e-9);
    cr_assert_float_eq(progress_of("9", "4"), 1, 1e-9);
    cr_assert_float_eq(progress_of("-1", "4"), 0, 1e-9);
    cr_assert_lt(progress_of("1", NULL), 0);
    cr_assert_lt(progress_of("1", "0"), 0);
    cr_assert_lt(progress_of("1", "-5"), 0);
    cr_assert_lt(progress_of("1e400", "1"), 0);
}

Test(rest_answer, knows_four_stages_and_no_others)
{
    rest_event_t event;
    mcp_progress_t progress = { .progress = SPAN("1"),
                                .meta = SPAN("{\"guiche/stage\":\"comparing\",\"guiche/data\":{\"n\":1}}") };

    rest_progress(&progress, &event);
    cr_assert_str_eq(event.stage, "comparing");
    cr_assert(span_is(event.data, "{\"n\":1}"));
    progress.meta = SPAN("{\"guiche/stage\":\"done\",\"guiche/data\":[1]}");
    rest_progress(&progress, &event);
    cr_assert_str_eq(event.stage, "processing", "only the last event is done");
    cr_assert_null(event.data.at);
}

static void ends_with(const char *result, const char *expected)
{
    AUTO_BUF out = { 0 };

    rest_done_data(&out, span_of(result));
    cr_assert_str_eq(buf_text(&out), expected);
}

Test(rest_answer, gives_the_last_event_the_results_own_keys_and_result)
{
    ends_with("{\"winner\":\"a\"}", "{\"winner\":\"a\",\"result\":{\"winner\":\"a\"}}");
    ends_with("{ \"a\":{\"b\":1} } ", "{ \"a\":{\"b\":1} ,\"result\":{ \"a\":{\"b\":1} }}");
    ends_with("{}", "{\"result\":{}}");
    ends_with("{ }", "{\"result\":{ }}");
    ends_with("\"text\"", "{\"result\":\"text\"}");
    ends_with("[1]", "{\"result\":[1]}");
    ends_with("{\"result\":5}", "{\"result\":5}");
}
