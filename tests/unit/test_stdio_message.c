/* JSON-RPC messages as lines: what each is about, what is changed on the way, and where lines end. */
#include <criterion/criterion.h>

#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "stdio_message.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

static stdio_message_t read_well(const char *text)
{
    stdio_message_t message;
    err_t err;

    cr_assert_eq(stdio_message_read(span_of(text), &message, &err), 0, "%s: %s", text, err.text);
    return message;
}

static void expect_span(span_t found, const char *expected)
{
    if (expected) {
        cr_expect(span_is(found, expected), "found %.*s instead of %s", SPAN_ARGS(found), expected);
    } else {
        cr_expect_null(found.at);
    }
}

Test(stdio_message, tells_the_three_kinds_apart)
{
    cr_expect_eq(read_well("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}").kind, STDIO_REQUEST);
    cr_expect_eq(read_well("{\"jsonrpc\":\"2.0\",\"method\":\"x\"}").kind, STDIO_NOTIFICATION);
    cr_expect_eq(read_well("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}").kind, STDIO_RESPONSE);
    cr_expect_eq(read_well("{\"error\":{\"code\":1},\"id\":\"a\",\"jsonrpc\":\"2.0\"}").kind, STDIO_RESPONSE);
}

Test(stdio_message, refuses_what_is_none_of_them)
{
    static const char *const bad[] = {
        "",
        "7",
        "[]",
        "{",
        "{}",
        "[{\"jsonrpc\":\"2.0\",\"method\":\"x\"}]",
        "{\"jsonrpc\":\"1.0\",\"method\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}",
        "{\"jsonrpc\":\"2.0\",\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"x\"} trailing",
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        stdio_message_t message;
        err_t err;
        cr_expect_eq(stdio_message_read(span_of(bad[i]), &message, &err), -1, "taken: %s", bad[i]);
        cr_expect_eq(err.kind, ERR_PROTOCOL);
    }
}

Test(stdio_message, finds_tokens_and_tags_where_each_kind_has_them)
{
    stdio_message_t call = read_well("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":"
                                     "{\"progressToken\":8,\"_meta\":{\"progressToken\":\"t\"}}}");
    stdio_message_t progress = read_well("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
                                         "\"params\":{\"progressToken\":9,\"progress\":1}}");
    stdio_message_t cancelled = read_well("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                                          "\"params\":{\"requestId\":\"r\"}}");
    stdio_message_t tagged = read_well("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{\"_meta\":"
                                       "{\"io.modelcontextprotocol/subscriptionId\":4}}}");
    stdio_message_t last = read_well("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"_meta\":"
                                     "{\"io.modelcontextprotocol/subscriptionId\":4}}}");

    expect_span(call.progress_token, "\"t\"");
    expect_span(progress.progress_token, "9");
    expect_span(cancelled.request_id, "\"r\"");
    expect_span(cancelled.progress_token, NULL);
    expect_span(tagged.subscription_id, "4");
    expect_span(last.subscription_id, "4");
}

Test(stdio_message, finds_no_token_in_what_only_looks_like_one)
{
    stdio_message_t call = read_well("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":"
                                     "{\"arguments\":{\"_meta\":{\"progressToken\":1},\"requestId\":2}}}");
    stdio_message_t odd =
        read_well("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":[1]}");

    expect_span(call.progress_token, NULL);
    expect_span(call.request_id, NULL);
    expect_span(odd.progress_token, NULL);
}

static void expect_written(span_t text, const stdio_change_t *changes, size_t count, const char *expected)
{
    AUTO_BUF out = { 0 };

    stdio_message_write(&out, text, changes, count);
    cr_expect_str_eq(buf_text(&out), expected);
}

Test(stdio_message, changes_parts_in_any_order_and_nothing_else)
{
    stdio_message_t message = read_well("{\"params\":{\"_meta\":{\"progressToken\":\"t\"},\"n\":1.50},"
                                        "\"method\":\"m\",\"id\":\"long id\",\"jsonrpc\":\"2.0\"}");
    stdio_change_t changes[] = { { message.id, SPAN("7") },
                                 { message.subscription_id, SPAN("never") },
                                 { message.progress_token, SPAN("1234567") } };

    expect_written(message.text, changes, COUNT_OF(changes),
                   "{\"params\":{\"_meta\":{\"progressToken\":1234567},\"n\":1.50},"
                   "\"method\":\"m\",\"id\":7,\"jsonrpc\":\"2.0\"}");
    expect_written(message.text, NULL, 0, message.text.at);
}

Test(stdio_message, has_no_line_break_when_written)
{
    /* 2025-11-25 basic/transports "stdio" */
    expect_written(SPAN("{\r\n\"a\":\n\"\\n\"}"), NULL, 0, "{  \"a\": \"\\n\"}");
}

Test(stdio_message, guesses_the_id_of_a_broken_answer_from_where_servers_write_it)
{
    expect_span(stdio_message_guess_id(SPAN("{\"jsonrpc\":\"2.0\",\"id\": 12,\"result\":{\"id\":7,")), "12");
    expect_span(stdio_message_guess_id(SPAN("{\"result\":{\"id\":7},\"jsonrpc\":\"2.0\",\"id\":12}")), "12");
    expect_span(stdio_message_guess_id(SPAN("{\"id\":\"text\"}")), NULL);
    expect_span(stdio_message_guess_id(SPAN("listening\"id\":")), NULL);
    expect_span(stdio_message_guess_id(SPAN("")), NULL);
}

/* Lines. */

static char heard[256];

static void note(void *self, span_t line, bool cut)
{
    size_t used = strlen(heard);

    (void)self;
    snprintf(heard + used, sizeof(heard) - used, "[%.*s%s]", SPAN_ARGS(line), cut ? "..." : "");
}

static const char *cut_lines(const char *text, size_t piece, size_t max_bytes)
{
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    stdio_lines_t lines = { .max_bytes = max_bytes };
    size_t length = strlen(text);

    heard[0] = '\0';
    for (size_t at = 0; at < length; at += piece) {
        evbuffer_add(in, text + at, length - at < piece ? length - at : piece);
        stdio_lines_read(&lines, in, note, NULL);
        cr_assert_eq(evbuffer_get_length(in), 0u);
    }
    stdio_lines_end(&lines, note, NULL);
    stdio_lines_release(&lines);
    return heard;
}

static void expect_lines(const char *text, size_t max_bytes, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        cr_expect_str_eq(cut_lines(text, piece, max_bytes), expected, "in pieces of %zu: %s", piece, heard);
    }
}

Test(stdio_lines, end_at_line_feeds_whatever_the_pieces)
{
    expect_lines("one\ntwo\r\nthree\n", 100, "[one][two][three]");
    expect_lines("a\rb\n", 100, "[a\rb]");
}

Test(stdio_lines, leave_out_blank_ones_and_keep_the_last_without_its_end)
{
    expect_lines("\n\r\n  \n\na\n\nlast", 100, "[a][last]");
}

Test(stdio_lines, are_cut_when_they_are_too_long_and_the_next_is_whole)
{
    expect_lines("12345\n123456\n1234567890123\nabc\n", 5, "[12345][12345...][12345...][abc]");
}
