/* Server-sent events: what is written can be read, and what others write is read as the standard says. */
#include <criterion/criterion.h>

#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "sse.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);
AUTO_DEFINE(sse_reader_t *, sse_reader_free);

static char heard[4096];
static int events;

static bool note(void *self, span_t event, span_t data)
{
    size_t used = strlen(heard);

    snprintf(heard + used, sizeof(heard) - used, "[%.*s|%.*s]", event.at ? (int)event.length : 1,
             event.at ? event.at : "-", SPAN_ARGS(data));
    events++;
    return !self || events < *(int *)self;
}

static const char *read_pieces(const char *text, size_t piece)
{
    AUTO(sse_reader_free) sse_reader_t *reader = sse_reader_new(1000);
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    size_t length = strlen(text);
    err_t err;

    heard[0] = '\0';
    for (size_t at = 0; at < length; at += piece) {
        evbuffer_add(in, text + at, length - at < piece ? length - at : piece);
        cr_assert_eq(sse_read(reader, in, note, NULL, &err), 0);
        cr_assert_eq(evbuffer_get_length(in), 0u);
    }
    return heard;
}

static void expect_reads(const char *text, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        cr_expect_str_eq(read_pieces(text, piece), expected, "\"%s\" in pieces of %zu gives %s", text, piece,
                         heard);
    }
}

Test(sse, reads_events_whatever_the_pieces)
{
    expect_reads("data: one\n\ndata: two\n\n", "[-|one][-|two]");
    expect_reads("event: message\ndata: {\"a\":1}\n\n", "[message|{\"a\":1}]");
    expect_reads("data: a\r\ndata: b\r\n\r\n", "[-|a\nb]");
    expect_reads("data: a\rdata: b\r\rdata: c\r\r", "[-|a\nb][-|c]");
    expect_reads("\xef\xbb\xbf"
                 "data: marked\n\n",
                 "[-|marked]");
}

Test(sse, skips_comments_ids_retry_times_and_empty_events)
{
    expect_reads(": ping\n\n: \n\ndata: x\n\n", "[-|x]");
    expect_reads("id: 7\nretry: 100\nnonsense\ndata:x\n\n", "[-|x]");
    expect_reads("event: e\n\ndata: y\n\n", "[-|y]");
    expect_reads("data:\n\nid: 1\ndata: \n\ndata: z\n\n", "[-|z]");
    expect_reads("database: no\nDATA: no\ndata: yes\n\n", "[-|yes]");
}

Test(sse, takes_one_space_after_the_colon_and_no_more)
{
    expect_reads("data:  two\n\ndata:none\n\n", "[-| two][-|none]");
    expect_reads("data\ndata\n\n", "[-|\n]");
}

Test(sse, forgets_an_event_that_does_not_end)
{
    expect_reads("data: whole\n\ndata: half\n", "[-|whole]");
}

static void read_all(sse_reader_t *reader, const char *text)
{
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    err_t err;

    heard[0] = '\0';
    evbuffer_add(in, text, strlen(text));
    cr_assert_eq(sse_read(reader, in, note, NULL, &err), 0);
}

static void expect_id(const char *text, const char *id)
{
    AUTO(sse_reader_free) sse_reader_t *reader = sse_reader_new(1000);

    read_all(reader, text);
    cr_expect_str_eq(sse_last_id(reader), id, "\"%s\" has the id \"%s\"", text, sse_last_id(reader));
}

Test(sse, knows_the_id_of_the_last_whole_event)
{
    expect_id("data: x\n\n", "");
    expect_id("id: 1\ndata: x\n\ndata: y\n\n", "1");
    expect_id("id: 1\n\n", "1"); /* without data: an event to go on from */
    expect_id("id: 1\ndata: \n\nid: 2\ndata: half\n", "1");
    expect_id("id: 1\n\nid\n\n", "");
}

Test(sse, takes_no_id_that_a_header_cannot_hold)
{
    char text[SSE_MAX_ID + 20], id[SSE_MAX_ID + 2];

    expect_id("id: a\x01\n\n", "");
    expect_id("id: 1\n\nid: a\tb\n\n", "");
    for (size_t length = SSE_MAX_ID; length <= SSE_MAX_ID + 1; length++) {
        memset(id, 'x', length);
        id[length] = '\0';
        snprintf(text, sizeof(text), "id: %s\n\n", id);
        expect_id(text, length == SSE_MAX_ID ? id : "");
    }
}

static int64_t retry_of(const char *text)
{
    AUTO(sse_reader_free) sse_reader_t *reader = sse_reader_new(1000);

    read_all(reader, text);
    return sse_retry_ms(reader);
}

Test(sse, takes_digits_only_for_a_retry_time)
{
    cr_expect_eq(retry_of("data: x\n\n"), -1);
    cr_expect_eq(retry_of("retry: 500\n\n"), 500);
    cr_expect_eq(retry_of("retry: 500\nretry: -1\nretry: 5s\nretry:\nretry: 99999999999\n\n"), 500);
}

Test(sse, begins_a_further_stream_with_nothing_of_the_one_that_broke_off)
{
    AUTO(sse_reader_free) sse_reader_t *reader = sse_reader_new(1000);

    read_all(reader, "id: 1\nretry: 7\ndata: x\n\nid: 2\nevent: e\ndata: half\ndata: a li");
    sse_reader_restart(reader);
    cr_expect_str_eq(sse_last_id(reader), "1");
    cr_expect_eq(sse_retry_ms(reader), 7);
    read_all(reader, "\xef\xbb\xbf"
                     "data: whole\n\n");
    cr_expect_str_eq(heard, "[-|whole]");
    cr_expect_str_eq(sse_last_id(reader), "1");
}

Test(sse, stops_when_it_is_told_to_and_leaves_the_rest)
{
    AUTO(sse_reader_free) sse_reader_t *reader = sse_reader_new(1000);
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    int most = 1;
    err_t err;

    evbuffer_add_printf(in, "data: a\n\ndata: b\n\n");
    cr_expect_eq(sse_read(reader, in, note, &most, &err), 0);
    cr_expect_str_eq(heard, "[-|a]");
    cr_expect_eq(evbuffer_get_length(in), 9u);
    cr_expect_eq(sse_read(reader, in, note, NULL, &err), 0);
    cr_expect_str_eq(heard, "[-|a][-|b]");
}

static void expect_too_large(const char *line, int times)
{
    AUTO(sse_reader_free) sse_reader_t *reader = sse_reader_new(1000);
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    err_t err = { 0 };
    int result = 0;

    for (int i = 0; i < times && result == 0; i++) {
        evbuffer_add(in, line, strlen(line));
        result = sse_read(reader, in, note, NULL, &err);
    }
    cr_expect_eq(result, -1, "%s", line);
    cr_expect_eq(err.kind, ERR_UPSTREAM);
    cr_expect(strstr(err.text, "1000 bytes"));
}

Test(sse, refuses_an_event_that_grows_without_end)
{
    expect_too_large("data: never a line end", 100);
    expect_too_large("data: many lines\n", 200);
    expect_too_large("data\n", 2000);
    expect_too_large(": a comment without end", 100);
    cr_expect_eq(events, 0);
}

Test(sse, reads_any_number_of_small_events)
{
    AUTO(sse_reader_free) sse_reader_t *reader = sse_reader_new(1000);
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    err_t err;

    for (int i = 0; i < 10000; i++) {
        evbuffer_add_printf(in, "event: e\ndata: %d\n\n", i);
    }
    cr_expect_eq(sse_read(reader, in, note, NULL, &err), 0);
    cr_expect_eq(events, 10000);
}

static const char *written(const char *event, const char *data)
{
    static char text[256];
    AUTO(evbuffer_free) struct evbuffer *out = evbuffer_new();

    sse_write(out, event, span_of(data));
    text[evbuffer_remove(out, text, sizeof(text) - 1)] = '\0';
    return text;
}

Test(sse, writes_one_data_line_per_line)
{
    cr_expect_str_eq(written("message", "{}"), "event: message\ndata: {}\n\n");
    cr_expect_str_eq(written(NULL, "x"), "data: x\n\n");
    cr_expect_str_eq(written(NULL, ""), "data: \n\n");
    cr_expect_str_eq(written(NULL, "a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
    cr_expect_str_eq(written(NULL, "a\n\nevent: evil\n"), "data: a\ndata: \ndata: event: evil\ndata: \n\n");
}

Test(sse, reads_back_what_it_writes)
{
    expect_reads(written("progress", "{\n  \"a\": 1\n}"), "[progress|{\n  \"a\": 1\n}]");
}
