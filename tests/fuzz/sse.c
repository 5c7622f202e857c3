/* Event streams: the same events however the bytes are cut and wherever the reader is stopped, the same as a
 * reader that follows the HTML standard line by line over the whole text, and what we write reads back. */
#include "sse.h"

#include <event2/buffer.h>
#include <string.h>

#include "buf.h"
#include "fuzz.h"
#include "mem.h"

#define UNLIMITED 1048576
#define SMALL 48

AUTO_DEFINE(struct evbuffer *, evbuffer_free);
AUTO_DEFINE(sse_reader_t *, sse_reader_free);

/* The events as one text, lengths included, so that two readings can be compared. */
typedef struct {
    buf_t *events;
    bool stops; /* after each */
} reading_t;

static void note(buf_t *events, span_t name, span_t data)
{
    buf_addf(events, "%d %zu %zu ", name.at != NULL, name.length, data.length);
    buf_add_span(events, name);
    buf_add_span(events, data);
}

static bool on_event(void *self, span_t name, span_t data)
{
    reading_t *reading = self;

    MUST(data.length > 0);
    note(reading->events, name, data);
    return !reading->stops;
}

/* Until nothing is left: a reader that was stopped goes on where it was. */
static int read_piece(sse_reader_t *reader, struct evbuffer *in, reading_t *reading)
{
    err_t err;

    do {
        if (sse_read(reader, in, on_event, reading, &err)) {
            MUST(err.kind == ERR_UPSTREAM);
            return -1;
        }
        MUST(reading->stops || evbuffer_get_length(in) == 0);
    } while (evbuffer_get_length(in) > 0);
    return 0;
}

static int read_cut(span_t text, fuzz_cut_t cut, bool stops, size_t max_bytes, buf_t *events)
{
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    AUTO(sse_reader_free) sse_reader_t *reader = sse_reader_new(max_bytes);
    reading_t reading = { events, stops };

    while (text.length > 0) {
        size_t piece = fuzz_next_piece(&cut, text.length);
        evbuffer_add(in, text.at, piece);
        text.at += piece;
        text.length -= piece;
        if (read_piece(reader, in, &reading)) {
            return -1;
        }
    }
    return 0;
}

/* The standard's own way: lines first, then fields. */

typedef struct {
    buf_t data, name;
    bool any_data;
} event_t;

static void naive_line(event_t *event, span_t line, buf_t *events)
{
    const char *colon = memchr(line.at, ':', line.length);
    span_t field = { line.at, colon ? (size_t)(colon - line.at) : line.length };
    span_t value = colon ? (span_t){ colon + 1, line.length - field.length - 1 } : SPAN("");

    if (value.length > 0 && value.at[0] == ' ') {
        value = (span_t){ value.at + 1, value.length - 1 };
    }
    if (line.length == 0) {
        if (event->data.length > 1) {
            span_t name = event->name.length > 0 ? buf_span(&event->name) : (span_t){ 0 };
            note(events, name, (span_t){ event->data.data, event->data.length - 1 });
        }
        buf_clear(&event->data);
        buf_clear(&event->name);
    } else if (span_is(field, "data")) {
        buf_add_span(&event->data, value);
        buf_add_char(&event->data, '\n');
    } else if (span_is(field, "event")) {
        buf_clear(&event->name);
        buf_add_span(&event->name, value);
    }
}

static void read_naively(span_t text, buf_t *events)
{
    event_t event = { 0 };
    size_t start = text.length >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    for (size_t i = start; i < text.length; i++) {
        if (text.at[i] != '\r' && text.at[i] != '\n') {
            continue;
        }
        naive_line(&event, (span_t){ text.at + start, i - start }, events);
        i += text.at[i] == '\r' && i + 1 < text.length && text.at[i + 1] == '\n';
        start = i + 1;
    }
    buf_free(&event.data);
    buf_free(&event.name);
}

static void check_cuts(span_t text, size_t max_bytes)
{
    AUTO_BUF whole = { 0 };
    int result = read_cut(text, fuzz_cut(0, NULL, 0), false, max_bytes, &whole);

    for (unsigned way = 0; way < FUZZ_WAYS; way++) {
        AUTO_BUF events = { 0 };
        fuzz_cut_t cut = fuzz_cut(way, (const uint8_t *)text.at, text.length);
        MUST(read_cut(text, cut, true, max_bytes, &events) == result);
        MUST(span_equal(buf_span(&events), buf_span(&whole)));
    }
    if (result == 0) {
        AUTO_BUF naive = { 0 };
        read_naively(text, &naive);
        MUST(span_equal(buf_span(&naive), buf_span(&whole)));
    }
}

/* Line breaks of any kind become LF. */
static void add_joined(buf_t *out, span_t data)
{
    for (size_t i = 0; i < data.length; i++) {
        bool crlf = data.at[i] == '\r' && i + 1 < data.length && data.at[i + 1] == '\n';
        i += crlf;
        buf_add_char(out, data.at[i] == '\r' ? '\n' : data.at[i]);
    }
}

static void check_writing(span_t data)
{
    AUTO_BUF expected = { 0 };
    AUTO_BUF joined = { 0 };
    AUTO_BUF read = { 0 };
    AUTO(evbuffer_free) struct evbuffer *out = evbuffer_new();

    sse_write(out, "message", data);
    add_joined(&joined, data);
    if (joined.length > 0) {
        note(&expected, SPAN("message"), buf_span(&joined));
    }
    size_t size = evbuffer_get_length(out);
    span_t wire = { (const char *)evbuffer_pullup(out, -1), size };
    MUST(read_cut(wire, fuzz_cut(0, NULL, 0), false, UNLIMITED, &read) == 0);
    MUST(span_equal(buf_span(&read), buf_span(&expected)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };

    check_cuts(text, UNLIMITED);
    check_cuts(text, SMALL);
    check_writing(text);
    return 0;
}
