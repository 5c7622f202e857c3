/* The GET stream of our session with a connector of a legacy revision, and what is posted in that session:
 * resources to subscribe to, and answers to its pings. When another session takes its place the stream stays
 * open as long as calls are under way in the old one.
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
#define LOOK_EVERY_MS 1000

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
    watch_session_t *session = NEW(watch_session_t);

    session->watch = watch;
    session->session = session_ref(watch->plan.held);
    session->revision = watch->plan.revision;
    session->stream = watch_open_stream(watch, session->session, &stream_events, session);
    watch->session = session;
}

bool watch_session_is_open(const watch_t *watch)
{
    return watch->session && watch_stream_is_open(watch->session->stream);
}

static void close_session(watch_session_t *session)
{
    if (!session) {
        return;
    }
    if (session->left) {
        LIST_REMOVE(session, link);
    }
    watch_stream_free(session->stream);
    session_unref(session->session);
    mem_free(session);
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
    close_session(TAKE(watch->session));
    while (!LIST_EMPTY(&watch->left)) {
        close_session(LIST_FIRST(&watch->left));
    }
    drop_posts(watch);
}

void watch_session_leave(watch_t *watch)
{
    bool stays = watch_session_is_open(watch) && watch->session->session;
    watch_session_t *session = TAKE(watch->session);

    drop_posts(watch);
    if (!stays) {
        close_session(session);
        return;
    }
    session->left = true;
    LIST_INSERT_HEAD(&watch->left, session, link);
    loop_arm(watch->look, LOOK_EVERY_MS);
}

void watch_session_look(watch_t *watch)
{
    watch_session_t *session, *next;

    for (session = LIST_FIRST(&watch->left); session; session = next) {
        next = LIST_NEXT(session, link);
        if (session_is_alone(session->session)) {
            close_session(session);
        }
    }
    if (!LIST_EMPTY(&watch->left)) {
        loop_arm(watch->look, LOOK_EVERY_MS);
    }
}

static void prepare(void *self, buf_t *lines, buf_t *body)
{
    watch_session_t *session = self;

    (void)body;
    watch_headers(session->watch, session, "", lines);
}

static void on_open(void *self)
{
    watch_session_t *session = self;
    watch_t *watch = session->watch;

    if (watch->session_opened) {
        watch_catch_up(watch);
    }
    session->opened = watch->session_opened = true;
    watch_session_subscribe(watch);
    watch_tell_state(watch);
}

static void on_closed(void *self, bool refused)
{
    watch_session_t *session = self;

    (void)refused;
    if (session->left) {
        close_session(session);
    } else {
        watch_tell_state(session->watch);
    }
}

/* Only of the newest: one that was left is not opened again. Servers without such a stream say 404 too, and
 * another session would have none either: then it is not given up, but listed in, which shows whether it is
 * lost. */
static void on_lost(void *self)
{
    watch_session_t *session = self;
    watch_t *watch = session->watch;

    if (session->opened) {
        session_give_up(session->session);
    }
    drop_posts(watch);
    topics_forget_requests(watch->topics);
    watch_tell_state(watch);
    watch->watches->events->lost(watch->watches->self, watch->name);
}

/* Messages of ours. */

static void post_message(const watch_session_t *session, const char *method, buf_t *body, bool subscribes)
{
    watch_t *watch = session->watch;
    post_t *post = NEW(post_t);
    const connector_config_t *config = watch->connector->config;
    AUTO_BUF lines = { 0 };

    watch_headers(watch, session, method, &lines);
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
    return !watch->subscribing && watch->plan.subscribe && watch_session_is_open(watch) &&
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
    post_message(watch->session, request.method, &body, true);
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

static void answer_ping(const watch_session_t *session, span_t id)
{
    AUTO_BUF body = { 0 };

    if (session->watch->post_count < MAX_POSTS) {
        envelope_result_begin(&body, id);
        buf_add_text(&body, "{}");
        envelope_end(&body);
        post_message(session, "", &body, false);
    }
}

/* One of both eras tells of changes on the listen, too, and one that was left in its newer session. */
static bool is_heard_elsewhere(const watch_session_t *session)
{
    return session->left || watch_listen_is_open(session->watch);
}

static bool on_message(void *self, span_t data)
{
    watch_session_t *session = self;
    watch_t *watch = session->watch;
    AUTO_BUF text = { 0 };
    watch_message_t message;

    if (watch_read(data, &text, &message) || !message.method.at) {
        return true; /* an answer that belongs to nothing of ours */
    }
    if (!message.id.at && !is_heard_elsewhere(session)) {
        watch_take(watch, &message);
    } else if (message.id.at && span_is(message.method, "ping")) {
        answer_ping(session, message.id);
    } else if (message.id.at) {
        watch->watches->events->asked(watch->watches->self, watch->name, session_id(session->session), data);
    }
    return true;
}
