/* See watch_stream.h. Events with ids are asked for again after a break by the last of them (2025-11-25
 * basic/transports "Resumability and Redelivery"), and the wait is not shorter than the server wants it. */
#include "watch_stream.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <strings.h>

#include "clock.h"
#include "mem.h"
#include "sse.h"

#define FIRST_WAIT_MS 500
#define LAST_WAIT_MS 30000
#define REFUSED_FOR_MS 600000
#define QUIET_MS 600000
#define STEADY_MS 5000 /* open for so long it is worth a quick attempt again */

struct watch_stream {
    watch_stream_options_t options;
    const watch_stream_events_t *events;
    void *self;
    hop_t *hop;
    sse_reader_t *reader; /* while it is open */
    struct event *timer;  /* until it is opened anew */
    char last_id[SSE_MAX_ID + 1];
    int64_t retry_ms; /* what the server asked for; -1 */
    int64_t opened_ms;
    unsigned failures;
    int status;
    bool reading, freed; /* inside sse_read(): the reader must stay */
    bool unwanted;       /* on_message() said so */
};

static void on_timer(evutil_socket_t fd, short what, void *self);
static void on_head(void *self, const hop_head_t *head);
static void on_body(void *self, struct evbuffer *body);
static void on_end(void *self, struct evbuffer *body);
static void on_error(void *self, const err_t *err, bool sent);

static const hop_events_t hop_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_error,
};

watch_stream_t *watch_stream_new(const watch_stream_options_t *options, const watch_stream_events_t *events,
                                 void *self)
{
    watch_stream_t *stream = NEW(watch_stream_t);

    stream->options = *options;
    stream->events = events;
    stream->self = self;
    stream->retry_ms = -1;
    stream->timer = evtimer_new(loop_base(options->loop), on_timer, stream);
    loop_arm(stream->timer, 0);
    return stream;
}

void watch_stream_free(watch_stream_t *stream)
{
    if (!stream) {
        return;
    }
    event_del(stream->timer);
    if (stream->hop) {
        hop_cancel(TAKE(stream->hop));
    }
    stream->freed = true;
    if (!stream->reading) {
        sse_reader_free(stream->reader);
        event_free(stream->timer);
        mem_free(stream);
    }
}

bool watch_stream_is_open(const watch_stream_t *stream)
{
    return stream && stream->reader;
}

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    watch_stream_t *stream = self;
    AUTO_BUF lines = { 0 }, body = { 0 };

    (void)fd, (void)what;
    stream->events->prepare(stream->self, &lines, &body);
    if (*stream->last_id && body.length == 0) {
        buf_addf(&lines, "Last-Event-ID: %s\r\n", stream->last_id);
    }
    hop_request_t request = {
        .method = body.length > 0 ? "POST" : "GET",
        .headers = buf_span(&lines),
        .deadline_ms = clock_ms() + QUIET_MS,
        .idempotent = true,
    };
    stream->status = 0;
    stream->hop =
        hop_start(stream->options.pool, &request, body.length > 0 ? &body : NULL, &hop_events, stream);
}

/* Replicas and connectors shall not fall into step: half of the wait is chance. */
static int64_t spread(int64_t ms)
{
    return ms / 2 + random() % (ms / 2 + 1);
}

static int64_t wait_ms(const watch_stream_t *stream)
{
    int64_t ms = FIRST_WAIT_MS;

    for (unsigned i = 1; i < stream->failures && ms < LAST_WAIT_MS; i++) {
        ms *= 2;
    }
    ms = spread(ms < LAST_WAIT_MS ? ms : LAST_WAIT_MS);
    int64_t retry_ms = stream->retry_ms < REFUSED_FOR_MS ? stream->retry_ms : REFUSED_FOR_MS;
    return retry_ms > ms ? retry_ms : ms;
}

/* What is remembered of a stream that was read. */
static void leave_reader(watch_stream_t *stream)
{
    if (*sse_last_id(stream->reader)) {
        strcpy(stream->last_id, sse_last_id(stream->reader));
    }
    stream->retry_ms = sse_retry_ms(stream->reader);
    if (clock_ms() - stream->opened_ms >= STEADY_MS) {
        stream->failures = 0;
    }
    sse_reader_free(TAKE(stream->reader));
}

static void close_stream(watch_stream_t *stream, bool refused)
{
    if (stream->hop) {
        hop_cancel(TAKE(stream->hop));
    }
    if (stream->reader) {
        leave_reader(stream);
    } else {
        *stream->last_id = '\0'; /* perhaps it is what was refused */
    }
    stream->unwanted = false;
    stream->failures++;
    loop_arm(stream->timer, refused ? REFUSED_FOR_MS / 2 + spread(REFUSED_FOR_MS) : wait_ms(stream));
    stream->events->on_closed(stream->self, refused);
}

/* Another session is another stream. But some servers give the same id again. */
static void lose(watch_stream_t *stream)
{
    hop_cancel(TAKE(stream->hop));
    *stream->last_id = '\0';
    loop_arm(stream->timer, spread(LAST_WAIT_MS));
    stream->events->on_lost(stream->self);
}

/* A client error says that there is no such stream here, but for those that may pass: credentials that are
 * being changed, too much at once, the stream before that the server still thinks is open. */
static bool is_refusal(int status)
{
    static const int passing[] = { 401, 403, 408, 409, 425, 429 };

    for (size_t i = 0; i < COUNT_OF(passing); i++) {
        if (status == passing[i]) {
            return false;
        }
    }
    return status < 500 || status == 501;
}

static bool is_stream(span_t content_type)
{
    static const char name[] = "text/event-stream";
    size_t length = sizeof(name) - 1;

    return content_type.length >= length && strncasecmp(content_type.at, name, length) == 0 &&
           (content_type.length == length || strchr("; \t", content_type.at[length]));
}

static void on_head(void *self, const hop_head_t *head)
{
    watch_stream_t *stream = self;

    stream->status = head->status;
    if (head->status == 404 && stream->options.in_session) {
        lose(stream);
    } else if (head->status != 200 || !is_stream(head->content_type)) {
        close_stream(stream, is_refusal(head->status));
    } else {
        stream->reader = sse_reader_new(stream->options.max_event_bytes);
        stream->opened_ms = clock_ms();
        stream->events->on_open(stream->self);
    }
}

static bool on_event(void *self, span_t event, span_t data)
{
    watch_stream_t *stream = self;

    (void)event;
    if (data.length > 0 && !stream->events->on_message(stream->self, data)) {
        stream->unwanted = true;
    }
    return !stream->freed && !stream->unwanted;
}

/* False once the stream has been closed or freed. */
static bool read_events(watch_stream_t *stream, struct evbuffer *body)
{
    err_t err;

    stream->reading = true;
    bool failed = sse_read(stream->reader, body, on_event, stream, &err);
    stream->reading = false;
    if (stream->freed) {
        watch_stream_free(stream);
        return false;
    }
    if (failed || stream->unwanted) {
        close_stream(stream, true);
        return false;
    }
    return true;
}

static void on_body(void *self, struct evbuffer *body)
{
    watch_stream_t *stream = self;

    if (stream->reader) {
        hop_extend(stream->hop, clock_ms() + QUIET_MS);
        read_events(stream, body);
    }
}

static void on_end(void *self, struct evbuffer *body)
{
    watch_stream_t *stream = self;

    stream->hop = NULL;
    if (!stream->reader || read_events(stream, body)) {
        close_stream(stream, false);
    }
}

static void on_error(void *self, const err_t *err, bool sent)
{
    watch_stream_t *stream = self;

    (void)err, (void)sent;
    stream->hop = NULL;
    close_stream(stream, false);
}
