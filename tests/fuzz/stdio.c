/* Lines of a server on its standard streams: the same lines however the bytes are cut; what is taken as a
 * message is written as one line, and reads back as the same kind with the ids that were put in. */
#include <event2/buffer.h>
#include <string.h>

#include "buf.h"
#include "fuzz.h"
#include "mem.h"
#include "stdio_message.h"

#define UNLIMITED 1048576
#define SMALL 48

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

static void check_message(span_t line)
{
    stdio_message_t message, again;
    AUTO_BUF out = { 0 };

    if (stdio_message_read(line, &message, NULL)) {
        return;
    }
    stdio_change_t changes[] = { { message.id, SPAN("\"new id\"") },
                                 { message.progress_token, SPAN("4711") },
                                 { message.request_id, SPAN("4712") },
                                 { message.subscription_id, SPAN("4713") } };
    stdio_message_write(&out, message.text, changes, COUNT_OF(changes));
    MUST(!memchr(out.data, '\n', out.length) && !memchr(out.data, '\r', out.length));
    MUST(stdio_message_read(buf_span(&out), &again, NULL) == 0);
    MUST(again.kind == message.kind);
    MUST(!message.id.at || span_is(again.id, "\"new id\""));
    MUST(!message.progress_token.at || span_is(again.progress_token, "4711"));
    MUST(!message.request_id.at || span_is(again.request_id, "4712"));
    MUST(!message.subscription_id.at || span_is(again.subscription_id, "4713"));
}

static void on_line(void *self, span_t line, bool cut)
{
    buf_addf(self, "%d %zu ", cut, line.length);
    buf_add_span(self, line);
    MUST(line.length > 0 && !memchr(line.at, '\n', line.length));
    span_t id = stdio_message_guess_id(line);
    MUST(!id.at || (id.at >= line.at && id.at + id.length <= line.at + line.length));
    check_message(line);
}

static void read_cut(span_t text, fuzz_cut_t cut, size_t max_bytes, buf_t *ret)
{
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    stdio_lines_t lines = { .max_bytes = max_bytes };

    while (text.length > 0) {
        size_t piece = fuzz_next_piece(&cut, text.length);
        evbuffer_add(in, text.at, piece);
        stdio_lines_read(&lines, in, on_line, ret);
        MUST(evbuffer_get_length(in) == 0);
        text = (span_t){ text.at + piece, text.length - piece };
    }
    stdio_lines_end(&lines, on_line, ret);
    stdio_lines_release(&lines);
}

static void check_cuts(span_t text, size_t max_bytes)
{
    AUTO_BUF whole = { 0 };

    read_cut(text, fuzz_cut(0, NULL, 0), max_bytes, &whole);
    for (unsigned way = 1; way < FUZZ_WAYS; way++) {
        AUTO_BUF lines = { 0 };
        read_cut(text, fuzz_cut(way, (const uint8_t *)text.at, text.length), max_bytes, &lines);
        MUST(span_equal(buf_span(&lines), buf_span(&whole)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };

    check_cuts(text, UNLIMITED);
    check_cuts(text, SMALL);
    return 0;
}
