/* Server-sent events: see sse.h. HTML standard 9.2.6 "Interpreting an event stream".
 *
 * Surprising: a CR ends a line at once, and the LF that may follow it can come in the next piece; so a
 * leading LF is skipped when the last line ended in CR. An event whose blank line never comes is dropped, as
 * the standard says.
 */
#include "sse.h"

#include <event2/buffer.h>

#include "mem.h"

struct sse_reader {
    size_t max_event_bytes;
    buf_t line; /* the beginning of a line that is not whole */
    buf_t data, name;
    char next_id[SSE_MAX_ID + 1]; /* of the event that is being read */
    char last_id[SSE_MAX_ID + 1];
    int64_t retry_ms;
    bool has_data, has_name;
    bool after_cr;
    bool started; /* the first line has been seen, and with it a byte order mark */
};

/* writing */

static size_t line_length(const char *at, size_t length)
{
    const char *lf = memchr(at, '\n', length);
    const char *cr = memchr(at, '\r', lf ? (size_t)(lf - at) : length);

    return cr ? (size_t)(cr - at) : lf ? (size_t)(lf - at) : length;
}

void sse_write(struct evbuffer *out, const char *event, span_t data)
{
    const char *at = data.at ? data.at : "", *end = at + data.length;

    if (event) {
        evbuffer_add_printf(out, "event: %s\n", event);
    }
    for (;;) {
        size_t length = line_length(at, (size_t)(end - at));
        evbuffer_add(out, "data: ", 6);
        evbuffer_add(out, at, length);
        evbuffer_add(out, "\n", 1);
        at += length;
        if (at == end) {
            break;
        }
        at += end - at > 1 && at[0] == '\r' && at[1] == '\n' ? 2 : 1;
    }
    evbuffer_add(out, "\n", 1);
}

void sse_write_json(struct evbuffer *out, const char *event, buf_t *json)
{
    for (size_t i = 0; i < json->length; i++) {
        if (json->data[i] == '\n' || json->data[i] == '\r') {
            json->data[i] = ' ';
        }
    }
    sse_write(out, event, buf_span(json));
}

/* reading */

sse_reader_t *sse_reader_new(size_t max_event_bytes)
{
    sse_reader_t *reader = NEW(sse_reader_t);

    reader->max_event_bytes = max_event_bytes;
    reader->retry_ms = -1;
    return reader;
}

void sse_reader_free(sse_reader_t *reader)
{
    if (!reader) {
        return;
    }
    buf_free(&reader->line);
    buf_free(&reader->data);
    buf_free(&reader->name);
    mem_free(reader);
}

/* It goes into a header of ours: what cannot is none. */
static void take_id(sse_reader_t *reader, span_t id)
{
    size_t plain = 0;

    while (plain < id.length && (unsigned char)id.at[plain] >= 0x20 && id.at[plain] != 0x7f) {
        plain++;
    }
    reader->next_id[0] = '\0';
    if (plain == id.length && id.length <= SSE_MAX_ID) {
        memcpy(reader->next_id, id.at, id.length);
        reader->next_id[id.length] = '\0';
    }
}

static void take_retry(sse_reader_t *reader, span_t digits)
{
    int64_t ms = 0;

    for (size_t i = 0; i < digits.length; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9' || i > 8) {
            return;
        }
        ms = ms * 10 + (digits.at[i] - '0');
    }
    reader->retry_ms = digits.length > 0 ? ms : reader->retry_ms;
}

const char *sse_last_id(const sse_reader_t *reader)
{
    return reader->last_id;
}

int64_t sse_retry_ms(const sse_reader_t *reader)
{
    return reader->retry_ms;
}

void sse_reader_restart(sse_reader_t *reader)
{
    buf_clear(&reader->line);
    buf_clear(&reader->data);
    buf_clear(&reader->name);
    memcpy(reader->next_id, reader->last_id, sizeof(reader->next_id));
    reader->has_data = reader->has_name = reader->after_cr = reader->started = false;
}

static void read_field(sse_reader_t *reader, span_t line)
{
    const char *colon = memchr(line.at, ':', line.length);
    span_t name = { line.at, colon ? (size_t)(colon - line.at) : line.length };
    span_t value = { colon ? colon + 1 : "", colon ? line.length - name.length - 1 : 0 };

    if (value.length > 0 && value.at[0] == ' ') {
        value.at++;
        value.length--;
    }
    if (span_is(name, "data")) {
        if (reader->has_data) {
            buf_add_char(&reader->data, '\n');
        }
        buf_add_span(&reader->data, value);
        reader->has_data = true;
    } else if (span_is(name, "event")) {
        buf_clear(&reader->name);
        buf_add_span(&reader->name, value);
        reader->has_name = value.length > 0;
    } else if (span_is(name, "id")) {
        take_id(reader, value);
    } else if (span_is(name, "retry")) {
        take_retry(reader, value);
    }
}

/* A blank line: hands the event on. What on_event said. Only now its id counts: an event that breaks off has
 * to be sent again. */
static bool dispatch(sse_reader_t *reader, sse_event_f on_event, void *self)
{
    bool go_on = true;

    memcpy(reader->last_id, reader->next_id, sizeof(reader->last_id));
    if (reader->data.length > 0) {
        span_t name = reader->has_name ? buf_span(&reader->name) : (span_t){ 0 };
        go_on = on_event(self, name, buf_span(&reader->data));
    }
    buf_clear(&reader->data);
    buf_clear(&reader->name);
    reader->has_data = reader->has_name = false;
    return go_on;
}

static bool read_line(sse_reader_t *reader, span_t line, sse_event_f on_event, void *self)
{
    if (!reader->started && line.length >= 3 && memcmp(line.at, "\xef\xbb\xbf", 3) == 0) {
        line.at += 3;
        line.length -= 3;
    }
    reader->started = true;
    if (line.length == 0) {
        return dispatch(reader, on_event, self);
    }
    if (line.at[0] != ':') {
        read_field(reader, line);
    }
    return true;
}

static bool is_too_large(const sse_reader_t *reader, size_t more)
{
    return reader->data.length + reader->name.length + reader->line.length + more > reader->max_event_bytes;
}

/* One line, or the beginning of one, from the front of `bytes`: how much was taken. *ret_go_on: what on_event
 * said. */
static size_t take_line(sse_reader_t *reader, span_t bytes, sse_event_f on_event, void *self, bool *ret_go_on)
{
    size_t length = line_length(bytes.at, bytes.length);
    span_t line = { bytes.at, length };

    if (length == bytes.length) {
        buf_add_span(&reader->line, line);
        return length;
    }
    reader->after_cr = bytes.at[length] == '\r';
    if (reader->line.length > 0) {
        buf_add_span(&reader->line, line);
        line = buf_span(&reader->line);
    }
    *ret_go_on = read_line(reader, line, on_event, self);
    buf_clear(&reader->line);
    return length + 1;
}

int sse_read(sse_reader_t *reader, struct evbuffer *in, sse_event_f on_event, void *self, err_t *err)
{
    bool go_on = true;

    while (go_on && evbuffer_get_length(in) > 0) {
        struct evbuffer_iovec piece;
        evbuffer_peek(in, -1, NULL, &piece, 1);
        span_t bytes = { piece.iov_base, piece.iov_len };
        size_t taken = 0;

        while (go_on && taken < bytes.length) {
            span_t rest = { bytes.at + taken, bytes.length - taken };
            if (reader->after_cr && rest.at[0] == '\n') {
                reader->after_cr = false;
                taken++;
                continue;
            }
            reader->after_cr = false;
            if (is_too_large(reader, line_length(rest.at, rest.length))) {
                return err_set(err, ERR_UPSTREAM, "An event of the stream is larger than %zu bytes.",
                               reader->max_event_bytes);
            }
            taken += take_line(reader, rest, on_event, self, &go_on);
        }
        evbuffer_drain(in, taken);
    }
    return 0;
}
