/* What is said of an upstream's refusal, and what is read of its answers: JSON that is too large for our
 * numbers, Retry-After. */
#include <string.h>
#include <criterion/criterion.h>

#include "mem.h"
#include "retry_after.h"
#include "upstream.h"
#include "upstream_json.h"

#define KEY "key-7c41e9"

static loop_t *loop;
static upstream_t *upstream;

static void set_up(void)
{
    loop = loop_new();
    upstream = upstream_new(
        loop, &(upstream_options_t){ "Qdrant", "http://host/x", .url_variable = "QDRANT_URL" }, NULL);
}

static void tear_down(void)
{
    upstream_free(upstream);
    loop_free(loop);
}

TestSuite(upstream_text, .init = set_up, .fini = tear_down);

static const upstream_reply_t *reply_of(int status, const char *type, const char *body)
{
    static const char *const sent[] = { "Authorization: Bearer " KEY, "Content-Type: application/json",
                                        NULL };
    static upstream_reply_t reply;

    reply = (upstream_reply_t){
        .status = status, .content_type = span_of(type), .body = span_of(body), .sent_headers = sent
    };
    return &reply;
}

Test(upstream_text, has_a_sentence_for_each_status)
{
    static const struct {
        int status;
        const char *type, *body, *detail, *text;
        err_kind_t kind;
    } cases[] = {
        { 400, NULL, "{}", "Wrong input", "Qdrant refused the request (HTTP 400): Wrong input.", ERR_CALLER },
        { 401, NULL, "", NULL, "Qdrant refused the credentials (HTTP 401).", ERR_DENIED },
        { 403, NULL, "{}", "Forbidden: a\nb.",
          "Qdrant does not allow this with these credentials (HTTP 403): Forbidden: a b.", ERR_DENIED },
        { 404, "text/html", "", "<html><body>no</body></html>",
          "Qdrant did not find what was asked for (HTTP 404).", ERR_CALLER },
        { 500, NULL, "", "Traceback (most recent call last): File",
          "Qdrant failed (HTTP 500). The outcome is unknown: check before repeating.", ERR_UPSTREAM },
        { 422, NULL, "", "bad token " KEY, "Qdrant refused the request (HTTP 422).", ERR_CALLER },
        { 200, "text/html; charset=utf-8", "<html>", NULL,
          "Qdrant answered with a web page. Whoever runs this connector should check QDRANT_URL. The outcome "
          "is "
          "unknown: check before repeating.",
          ERR_UPSTREAM },
        { 200, NULL, "{}", "service is confused",
          "Qdrant reported an error: service is confused. The outcome is unknown: check before repeating.",
          ERR_UPSTREAM },
        { 302, NULL, "", NULL,
          "Qdrant answered with a redirect (HTTP 302), which is not followed. Nothing was changed. Whoever "
          "runs "
          "this connector should check QDRANT_URL.",
          ERR_UPSTREAM },
        { 507, NULL, "", NULL,
          "Qdrant has no space left (HTTP 507). The outcome is unknown: check before repeating.",
          ERR_UPSTREAM },
    };
    err_t err;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const upstream_reply_t *reply = reply_of(cases[i].status, cases[i].type, cases[i].body);
        cr_assert_eq(upstream_refused(upstream, reply, cases[i].detail, &err), -1);
        cr_assert_str_eq(err.text, cases[i].text);
        cr_assert_eq(err.kind, cases[i].kind, "%d", cases[i].status);
    }
}

Test(upstream_text, says_of_what_was_asked_as_repeatable_that_it_may_be_repeated)
{
    upstream_reply_t reply = *reply_of(500, NULL, "");
    err_t err;

    reply.repeatable = true;
    upstream_refused(upstream, &reply, NULL, &err);
    cr_assert_str_eq(err.text, "Qdrant failed (HTTP 500). Trying again is safe.");
}

Test(upstream_text, cuts_a_long_detail)
{
    char detail[2001];
    err_t err;

    memset(detail, 'x', 2000);
    detail[2000] = '\0';
    upstream_refused(upstream, reply_of(400, NULL, ""), detail, &err);
    cr_assert_lt(strlen(err.text), 400);
    cr_assert(strstr(err.text, "xxx..."));
}

Test(upstream_text, refuses_a_base_url_that_is_none)
{
    static const char *const urls[] = { "",
                                        "qdrant:6333",
                                        "ftp://a",
                                        "http://",
                                        "http:///x",
                                        "https://u:p@host",
                                        "http://host?x=1",
                                        "http://host#f",
                                        "http://ho st",
                                        "http://h\xc3\xb6st",
                                        "https://:80" };
    err_t err;

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        cr_assert_null(
            upstream_new(loop, &(upstream_options_t){ "Q", urls[i], .url_variable = "QDRANT_URL" }, &err),
            "%s", urls[i]);
        cr_assert(strstr(err.text, "QDRANT_URL"), "%s", err.text);
    }
}

Test(upstream_text, knows_seconds_and_dates_of_retry_after)
{
    const int64_t now = 1795171275; /* Fri, 20 Nov 2026 10:41:15 GMT */

    cr_assert_eq(retry_after_ms(SPAN(" 7 "), now), 7000);
    cr_assert_eq(retry_after_ms(SPAN("Fri, 20 Nov 2026 10:41:45 GMT"), now), 30000);
    cr_assert_eq(retry_after_ms(SPAN("Fri, 20 Nov 2026 10:41:00 GMT"), now), 0);
    cr_assert_eq(retry_after_ms(SPAN("99999999999999999999999"), now), 86400000);
    cr_assert_eq(retry_after_ms(SPAN("soon"), now), -1);
    cr_assert_eq(retry_after_ms(SPAN("-1"), now), -1);
    cr_assert_eq(retry_after_ms(SPAN("Fri, 20 Nov 2026 10:41:45 GMT and then some more text"), now), -1);
    cr_assert_eq(retry_after_ms((span_t){ 0 }, now), -1);
}

static void expect_json(const char *text, const char *expected)
{
    json_auto_t *json = upstream_read_json(span_of(text));

    cr_assert_not_null(json, "%s", text);
    AUTO(mem_free) char *is = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    cr_assert_str_eq(is, expected);
}

Test(upstream_text, reads_integers_that_no_number_of_ours_holds_as_text)
{
    expect_json("[18446744073709551615, 9223372036854775807]",
                "[\"18446744073709551615\",9223372036854775807]");
    expect_json(
        "{\"a\\\\\":-9223372036854775809,\"b\":\"9 18446744073709551615 \\\" 1\",\"c\":-9223372036854775808}",
        "{\"a\\\\\":\"-9223372036854775809\",\"b\":\"9 18446744073709551615 \\\" "
        "1\",\"c\":-9223372036854775808}");
    expect_json("{\"a\":\"x\\u0000y\"}", "{\"a\":\"x\\u0000y\"}");
}

Test(upstream_text, reads_nothing_else_that_is_no_json)
{
    static const char *const wrong[] = { "",
                                         "{",
                                         "[1,2,,3]",
                                         "[18446744073709551615",
                                         "\"18446744073709551615",
                                         "[1e999]",
                                         "[18446744073709551615,\"\\",
                                         "{\"a\":\"\xff\"}" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_assert_null(upstream_read_json(span_of(wrong[i])), "%s", wrong[i]);
    }
}
