/* The subscriptions/listen of a modern connector. A listen is fixed to its filter: for another one a second
 * is opened, and the first goes when that is acknowledged, so that nothing is missed in between. */
#include "watch_private.h"

#include "envelope.h"
#include "mem.h"

#define METHOD "subscriptions/listen"

typedef struct watch_listen {
    watch_t *watch;
    watch_stream_t *stream;
    bool acknowledged;
    bool outdated; /* the filter that it was asked with */
} watch_listen_t;

static void prepare(void *self, buf_t *lines, buf_t *body);
static void on_open(void *self);
static bool on_message(void *self, span_t data);
static void on_closed(void *self, bool refused);

static const watch_stream_events_t stream_events = {
    .prepare = prepare,
    .on_open = on_open,
    .on_message = on_message,
    .on_closed = on_closed,
};

static watch_listen_t *listen_new(watch_t *watch)
{
    watch_listen_t *listen = NEW(watch_listen_t);

    listen->watch = watch;
    listen->stream = watch_open_stream(watch, false, &stream_events, listen);
    return listen;
}

static void listen_free(watch_listen_t *listen)
{
    if (listen) {
        watch_stream_free(listen->stream);
        mem_free(listen);
    }
}

void watch_listen_start(watch_t *watch)
{
    watch->listen = listen_new(watch);
}

/* One that is not acknowledged yet is waited for, or changes that come one after the other would keep any
 * from ever being open, and a connector that is down from being left in peace. */
void watch_listen_refilter(watch_t *watch)
{
    watch_listen_t *newest = watch->coming ? watch->coming : watch->listen;

    if (newest->acknowledged) {
        watch->coming = listen_new(watch);
    } else {
        newest->outdated = true;
    }
}

void watch_listen_stop(watch_t *watch)
{
    listen_free(TAKE(watch->listen));
    listen_free(TAKE(watch->coming));
}

bool watch_listen_is_open(const watch_t *watch)
{
    return watch->listen && watch->listen->acknowledged;
}

static void add_flag(buf_t *out, const plan_t *plan, mcp_kind_t kind, const char *key)
{
    if (plan->kinds & 1u << kind) {
        buf_addf(out, "%s\"%s\":true", out->length > 1 ? "," : "", key);
    }
}

static void add_filter(const watch_t *watch, buf_t *out)
{
    buf_add_char(out, '{');
    add_flag(out, &watch->plan, MCP_TOOLS, "toolsListChanged");
    add_flag(out, &watch->plan, MCP_PROMPTS, "promptsListChanged");
    add_flag(out, &watch->plan, MCP_RESOURCES, "resourcesListChanged");
    if (watch->plan.subscribe && !topics_is_empty(watch->topics)) {
        buf_addf(out, "%s\"resourceSubscriptions\":", out->length > 1 ? "," : "");
        topics_render(watch->topics, out);
    }
    buf_add_char(out, '}');
}

static void prepare(void *self, buf_t *lines, buf_t *body)
{
    watch_listen_t *listen = self;
    AUTO_BUF filter = { 0 };

    listen->outdated = false;
    add_filter(listen->watch, &filter);
    envelope_request_t request = {
        .revision = MCP_2026_07_28,
        .id = ++listen->watch->last_id,
        .method = METHOD,
        .filter = buf_span(&filter),
    };
    envelope_request(body, &request);
    watch_headers(listen->watch, NULL, METHOD, lines);
}

static void on_open(void *self)
{
    (void)self; /* what counts is its acknowledgement */
}

static void take_place(watch_t *watch)
{
    listen_free(watch->listen);
    watch->listen = TAKE(watch->coming);
}

static void on_acknowledged(watch_listen_t *listen)
{
    watch_t *watch = listen->watch;
    bool follows_gap = listen != watch->coming && watch->listen_opened;

    listen->acknowledged = true;
    if (listen == watch->coming) {
        take_place(watch);
    }
    if (follows_gap) {
        watch_catch_up(watch);
    }
    if (listen->outdated) {
        watch_listen_refilter(watch);
    }
    watch->listen_opened = true;
    watch_tell_state(watch);
}

/* A message without a method is its result, after which the stream ends, or the error that refuses it. */
static bool on_message(void *self, span_t data)
{
    watch_listen_t *listen = self;
    AUTO_BUF text = { 0 };
    watch_message_t message;

    if (watch_read(data, &text, &message)) {
        return listen->acknowledged;
    }
    if (span_is(message.method, "notifications/subscriptions/acknowledged")) {
        on_acknowledged(listen);
    } else if (message.method.at && !message.id.at) {
        watch_take(listen->watch, &message);
    }
    return listen->acknowledged || message.method.at;
}

static void on_closed(void *self, bool refused)
{
    watch_listen_t *listen = self;
    watch_t *watch = listen->watch;
    bool was_open = listen->acknowledged;

    listen->acknowledged = false;
    if (listen == watch->coming && refused) {
        listen_free(TAKE(watch->coming));
    } else if (listen == watch->listen && watch->coming) {
        take_place(watch);
    }
    if (was_open) {
        watch_tell_state(watch);
    }
}
