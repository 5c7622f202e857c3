/* Messages of connectors: what they are, and what of them is believed. */
#include "relay_read.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static json_scan_t scanned;

static const json_scan_t *scan_of(const char *text)
{
    err_t err;

    cr_assert_eq(json_scan(span_of(text), relay_wants, &scanned, &err), 0, "%s", text);
    return &scanned;
}

static void expect_kind(const char *text, relay_message_t kind)
{
    cr_expect_eq(relay_read_kind(scan_of(text)), kind, "%s", text);
}

Test(relay_read, tells_the_kinds_of_messages_apart)
{
    expect_kind("{\"id\":1,\"result\":{}}", RELAY_ANSWER);
    expect_kind("{}", RELAY_ANSWER);
    expect_kind("{\"id\":1,\"method\":\"ping\"}", RELAY_QUESTION);
    expect_kind("{\"id\":null,\"method\":\"ping\"}", RELAY_QUESTION);
    expect_kind("{\"id\":1,\"method\":\"notifications/progress\"}", RELAY_QUESTION);
    expect_kind("{\"method\":\"notifications/progress\"}", RELAY_PROGRESS);
    expect_kind("{\"method\":\"notifications/message\"}", RELAY_LOG);
    expect_kind("{\"method\":\"notifications/tools/list_changed\"}", RELAY_OTHER);
    expect_kind("{\"method\":7}", RELAY_OTHER);
}

static void expect_question(const char *id, const char *method, bool is_one)
{
    char text[200];
    relay_question_t question;

    snprintf(text, sizeof(text), "{\"id\":%s,\"method\":%s,\"params\":[1]}", id, method);
    cr_expect_eq(relay_read_question(scan_of(text), &question), is_one, "%s", text);
    cr_expect(!is_one || span_is(question.id, id), "%s", text);
}

/* MCP basic "Requests": the id MUST be a string or integer, and MUST NOT be null. */
Test(relay_read, answers_no_question_whose_id_is_none)
{
    expect_question("1", "\"ping\"", true);
    expect_question("\"\"", "\"ping\"", true);
    expect_question("-1.5", "\"ping\"", true);
    expect_question("null", "\"ping\"", false);
    expect_question("true", "\"ping\"", false);
    expect_question("[1]", "\"ping\"", false);
    expect_question("{}", "\"ping\"", false);
    expect_question("1", "5", false);
    expect_question("1", "null", false);
}

static void expect_answer(const char *text, int status, const char *wrong)
{
    relay_answer_t answer = { 0 };
    const char *said = relay_read_answer(scan_of(text), 7, status, &answer);

    if (wrong) {
        cr_expect(said && strstr(said, wrong), "%s: %s", text, said ? said : "taken");
    } else {
        cr_expect_null(said, "%s: %s", text, said);
    }
}

#define MESSAGE(rest) "{\"jsonrpc\":\"2.0\"," rest "}"
#define ERROR "\"error\":{\"code\":-32001,\"message\":\"m\"}"

Test(relay_read, believes_an_error_without_our_id_only_when_the_status_says_so_too)
{
    expect_answer(MESSAGE("\"id\":7," ERROR), 200, NULL);
    expect_answer(MESSAGE("\"id\":null," ERROR), 400, NULL);
    expect_answer(MESSAGE(ERROR), 404, NULL);
    expect_answer(MESSAGE(ERROR), 200, "another request");
    expect_answer(MESSAGE("\"id\":8," ERROR), 404, "another request");
    expect_answer(MESSAGE("\"id\":\"7\"," ERROR), 404, "another request");
    expect_answer(MESSAGE("\"result\":{}"), 400, "another request");
    expect_answer(MESSAGE("\"id\":7,\"result\":{}"), 400, "cannot be read");
    expect_answer(MESSAGE("\"id\":7,\"result\":{}"), 200, NULL);
    expect_answer(MESSAGE("\"id\":7,\"result\":{}," ERROR), 200, "not a JSON-RPC response");
}

static void expect_progress(const char *params, bool is_ours, const char *total)
{
    char text[300];
    mcp_progress_t progress;

    snprintf(text, sizeof(text), "{\"method\":\"notifications/progress\",\"params\":%s}", params);
    cr_expect_eq(relay_read_progress(scan_of(text), 7, &progress), is_ours, "%s", text);
    cr_expect(!is_ours || (total ? span_is(progress.total, total) : !progress.total.at), "%s", text);
}

Test(relay_read, takes_progress_of_our_request_and_leaves_out_what_is_of_a_wrong_type)
{
    expect_progress("{\"progressToken\":7,\"progress\":1,\"total\":2}", true, "2");
    expect_progress("{\"progressToken\":7,\"progress\":1,\"total\":\"2\",\"message\":5,\"_meta\":[]}", true,
                    NULL);
    expect_progress("{\"progressToken\":\"7\",\"progress\":1}", false, NULL);
    expect_progress("{\"progressToken\":7,\"progress\":\"1\"}", false, NULL);
    expect_progress("{\"progressToken\":7}", false, NULL);
    expect_progress("null", false, NULL);
}

Test(relay_read, takes_a_log_message_that_names_its_level)
{
    span_t level, params;

    cr_expect(relay_read_log(scan_of("{\"params\":{\"level\":\"info\",\"data\":1}}"), &level, &params));
    cr_expect(span_is(level, "info"));
    cr_expect(span_is(params, "{\"level\":\"info\",\"data\":1}"));
    cr_expect_not(relay_read_log(scan_of("{\"params\":{\"level\":1}}"), &level, &params));
    cr_expect_not(relay_read_log(scan_of("{}"), &level, &params));
}
