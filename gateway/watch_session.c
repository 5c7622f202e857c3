/* The GET stream of our session with a connector of a legacy revision, and what is posted in that session:
 * resources to subscribe to, and answers to its pings.
 *
 * Servers also ask the client on this stream (sampling, elicitation, roots), when they do not relate the
 * request to a call; those are handed on. */
#include "watch_private.h"

#include "clock.h"
#include "envelope.h"
#include "mem.h"
#include "relay.h"

#define POST_MS 10000
#define MAX_POSTS 16

/* One message on its way. */
typedef struct post {
    LIST_ENTRY(post) link;
    watch_t *watch;
    relay_t *relay;
    bool subscribes;
} post_t;

static void prepare(void *self, buf_t *lines, buf_t *body);
static void on_open(void *self);
static bool on_message(void *self, span_t data);
static void on_closed(void *self, bool refused);
static void on_lost(void *self);
static void on_post_answer(void *self, const relay_answer_t *answer);
static void on_post_error(void *self, const err_t *err, bool sent);

static const watch_stream_events_t stream_events = {
    .prepare = prepare,
    .on_open = on_open,
    .on_message = on_message,
    .on_closed = on_closed,
    .on_lost = on_lost,
};
static const relay_events_t post_events = { .on_answer = on_post_answer, .on_error = on_post_error };

void watch_session_start(watch_t *watch)
{
    watch->session = watch_open_stream(watch, watch->plan.session_id != NULL, &stream_events, watch);
}

static void drop_posts(watch_t *watch)
{
    post_t *post;

    while ((post = LIST_FIRST(&watch->posts))) {
        LIST_REMOVE(post, link);
        relay_cancel(post->relay);
        mem_free(post);
    }
    watch->post_count = 0;
    watch->subscribing = false;
}

void watch_session_stop(watch_t *watch)
{
    watch_stream_free(TAKE(watch->session));
    drop_posts(watch);
}

static void prepare(void *self, buf_t *lines, buf_t *body)
{
    (void)body;
    watch_headers(self, true, "", lines);
}

static void on_open(void *self)
{
    watch_t *watch = self;

    if (watch->session_opened) {
        watch_catch_up(watch);
    }
    watch->session_opened = true;
    watch_session_subscribe(watch);
    watch_tell_state(watch);
}

static void on_closed(void *self, bool refused)
{
    (void)refused;
    watch_tell_state(self);
}

static void on_lost(void *self)
{
    watch_t *watch = self;

    drop_posts(watch);
    topics_forget_requests(watch->topics);
    watch_tell_state(watch);
    watch->watches->events->lost(watch->watches->self, watch->name);
}

/* Messages of ours. */

static void post_message(watch_t *watch, const char *method, buf_t *body, bool subscribes)
{
    post_t *post = NEW(post_t);
    const connector_config_t *config = watch->connector->config;
    AUTO_BUF lines = { 0 };

    watch_headers(watch, true, method, &lines);
    relay_request_t request = {
        .pool = watch->pool,
        .headers = buf_span(&lines),
        .key_holder = config->trusted ? config->name : NULL,
        .deadline_ms = clock_ms() + POST_MS,
        .idempotent = true,
        .id = watch->last_id,
        .max_event_bytes = watch->watches->catalog->config->max_reply_bytes,
    };
    post->watch = watch;
    post->subscribes = subscribes;
    LIST_INSERT_HEAD(&watch->posts, post, link);
    watch->post_count++;
    post->relay = relay_start(&request, body, &post_events, post);
}

/* A connector that speaks our revision too tells on the listen. */
static bool may_subscribe(const watch_t *watch)
{
    return !watch->subscribing && watch->plan.subscribe && watch_stream_is_open(watch->session) &&
           mcp_revision_era(watch->connector->revision) == MCP_LEGACY;
}

void watch_session_subscribe(watch_t *watch)
{
    bool subscribe;
    const char *uri = may_subscribe(watch) ? topics_next_request(watch->topics, &subscribe) : NULL;
    AUTO_BUF body = { 0 };

    if (!uri) {
        return;
    }
    envelope_request_t request = {
        .revision = watch->plan.revision,
        .id = ++watch->last_id,
        .method = subscribe ? "resources/subscribe" : "resources/unsubscribe",
        .uri = span_of(uri),
    };
    envelope_request(&body, &request);
    watch->subscribing = true;
    post_message(watch, request.method, &body, true);
}

/* Refused or not, the next one is told: a resource that cannot be subscribed to is one that does not change.
 */
static void finish(post_t *post)
{
    watch_t *watch = post->watch;
    bool subscribes = post->subscribes;

    LIST_REMOVE(post, link);
    mem_free(post);
    watch->post_count--;
    if (subscribes) {
        watch->subscribing = false;
        watch_session_subscribe(watch);
    }
}

static void on_post_answer(void *self, const relay_answer_t *answer)
{
    (void)answer;
    finish(self);
}

/* That there is no answer is the proper answer to an answer. */
static void on_post_error(void *self, const err_t *err, bool sent)
{
    (void)err, (void)sent;
    finish(self);
}

/* Messages of theirs. */

static void answer_ping(watch_t *watch, span_t id)
{
    AUTO_BUF body = { 0 };

    if (watch->post_count < MAX_POSTS) {
        envelope_result_begin(&body, id);
        buf_add_text(&body, "{}");
        envelope_end(&body);
        post_message(watch, "", &body, false);
    }
}

static bool on_message(void *self, span_t data)
{
    watch_t *watch = self;
    AUTO_BUF text = { 0 };
    watch_message_t message;

    if (watch_read(data, &text, &message) || !message.method.at) {
        return true; /* an answer that belongs to nothing of ours */
    }
    if (!message.id.at && !watch_listen_is_open(watch)) {
        watch_take(watch, &message);
    } else if (!message.id.at) {
        return true; /* one of both eras has told it on the listen, too */
    } else if (span_is(message.method, "ping")) {
        answer_ping(watch, message.id);
    } else {
        watch->watches->events->asked(watch->watches->self, watch->name, watch->plan.session_id, data);
    }
    return true;
}
