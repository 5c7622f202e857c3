/* See session_ends.h. Sessions that nobody holds any more come from any thread by a list under a lock; what
 * happens to them then is the main thread's. A connector has one for discovery and one for each worker at
 * most, but calls may lose them as fast as they come: it is told of so many at once, and the others are let
 * go without a word. */
#include "session_ends.h"

#include <event2/event.h>
#include <pthread.h>

#include "catalog.h"
#include "clock.h"
#include "hop_headers.h"
#include "log.h"
#include "mem.h"
#include "session_private.h"

#define DEADLINE_MS 3000
#define AT_ONCE 32

TAILQ_HEAD(session_queue, session);

/* One connector, while it is being told. */
typedef struct place {
    LIST_ENTRY(place) link;
    session_ends_t *ends;
    config_t *config;
    const connector_config_t *connector; /* of that */
    http_pool_t *pool;
    LIST_HEAD(, end) under_way; /* never empty: else the place goes */
    unsigned count;
} place_t;

typedef struct end {
    LIST_ENTRY(end) link;
    place_t *place;
    hop_t *hop;
    int status;
} end_t;

struct session_ends {
    loop_t *loop;
    resolver_t *resolver;
    pthread_mutex_t lock; /* of the three below, and of what session_private.h says */
    LIST_HEAD(, session) living;
    struct session_queue leaving;
    bool is_over; /* nothing is sent any more */
    /* The main thread's. */
    LIST_HEAD(, place) places;
    struct event *limit;
    loop_f done;
    void *self;
};

static void on_leaving(void *self);
static void on_head(void *self, const hop_head_t *head);
static void on_end(void *self, struct evbuffer *body);
static void on_error(void *self, const err_t *err, bool sent);
static void settle(session_ends_t *ends);
static void on_limit(evutil_socket_t fd, short what, void *self);

static const hop_events_t events = { .on_head = on_head, .on_end = on_end, .on_error = on_error };

session_ends_t *session_ends_new(loop_t *loop, resolver_t *resolver)
{
    session_ends_t *ends = NEW(session_ends_t);

    ends->loop = loop;
    ends->resolver = resolver;
    pthread_mutex_init(&ends->lock, NULL);
    LIST_INIT(&ends->living);
    TAILQ_INIT(&ends->leaving);
    LIST_INIT(&ends->places);
    ends->limit = evtimer_new(loop_base(loop), on_limit, ends);
    return ends;
}

/* Any thread. */

void session_ends_add(session_ends_t *ends, session_t *session)
{
    pthread_mutex_lock(&ends->lock);
    LIST_INSERT_HEAD(&ends->living, session, link);
    pthread_mutex_unlock(&ends->lock);
}

/* Under the lock. */
static void leave(session_ends_t *ends, session_t *session)
{
    LIST_REMOVE(session, link);
    session->ended = true;
    session_ref(session);
    TAILQ_INSERT_TAIL(&ends->leaving, session, turn);
}

bool session_ends_take(session_ends_t *ends, session_t *session)
{
    pthread_mutex_lock(&ends->lock);
    bool taken = !session->ended && !ends->is_over;
    bool first = TAILQ_EMPTY(&ends->leaving);
    if (taken) {
        leave(ends, session);
    } else if (!session->ended) {
        LIST_REMOVE(session, link);
    }
    pthread_mutex_unlock(&ends->lock);
    if (taken && first) {
        loop_post(ends->loop, on_leaving, ends);
    }
    return taken;
}

/* Some servers give the same id again and again: it may be in use by another name. */
static bool is_still_used(session_ends_t *ends, const session_t *session)
{
    const session_t *other;

    pthread_mutex_lock(&ends->lock);
    LIST_FOREACH(other, &ends->living, link)
    {
        if (strcmp(other->id, session->id) == 0 && config_same_place(other->connector, session->connector)) {
            break;
        }
    }
    pthread_mutex_unlock(&ends->lock);
    return other;
}

/* The main thread. */

static place_t *find_place(session_ends_t *ends, const session_t *session)
{
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;
    place_t *place;

    LIST_FOREACH(place, &ends->places, link)
    {
        if (place->connector == session->connector) {
            return place;
        }
    }
    place = NEW(place_t);
    place->ends = ends;
    place->config = session->config ? config_ref(session->config) : NULL;
    place->connector = session->connector;
    place->pool = http_pool_new(ends->loop, ends->resolver, &session->connector->hop, &limits);
    LIST_INIT(&place->under_way);
    LIST_INSERT_HEAD(&ends->places, place, link);
    return place;
}

static void place_free(place_t *place)
{
    LIST_REMOVE(place, link);
    http_pool_free(place->pool);
    config_unref(place->config);
    mem_free(place);
}

static void write_headers(const session_t *session, buf_t *out)
{
    const connector_config_t *config = session->connector;
    catalog_connector_t connector = { .config = config };

    if (config->trusted && session->config->hop_secret) {
        hop_key_derive(span_of(session->config->hop_secret), config->name, connector.hop_key);
    }
    AUTO(mem_free) char *token = hop_own_token(&connector);
    hop_headers_t headers = {
        .connector = &connector,
        .bodiless = true,
        .revision = session->revision,
        .session_id = span_of(session->id),
        .method = "",
        .principal = span_of(token),
    };
    hop_headers(out, &headers);
    mem_wipe(connector.hop_key, sizeof(connector.hop_key));
}

static void begin(place_t *place, const session_t *session)
{
    AUTO_BUF lines = { 0 };

    if (place->count == AT_ONCE) {
        return;
    }
    write_headers(session, &lines);
    hop_request_t request = {
        .method = "DELETE",
        .headers = buf_span(&lines),
        .deadline_ms = clock_ms() + DEADLINE_MS,
    };
    end_t *end = NEW(end_t);
    end->place = place;
    LIST_INSERT_HEAD(&place->under_way, end, link);
    place->count++;
    end->hop = hop_start(place->pool, &request, NULL, &events, end);
    mem_wipe(lines.data, lines.length);
}

static void on_leaving(void *self)
{
    session_ends_t *ends = self;
    struct session_queue leaving = TAILQ_HEAD_INITIALIZER(leaving);
    session_t *session;

    pthread_mutex_lock(&ends->lock);
    TAILQ_CONCAT(&leaving, &ends->leaving, turn);
    pthread_mutex_unlock(&ends->lock);
    while ((session = TAILQ_FIRST(&leaving))) {
        TAILQ_REMOVE(&leaving, session, turn);
        if (!is_still_used(ends, session)) {
            begin(find_place(ends, session), session);
        }
        session_unref(session);
    }
}

static void on_head(void *self, const hop_head_t *head)
{
    end_t *end = self;

    end->status = head->status;
}

static void end_free(end_t *end)
{
    place_t *place = end->place;

    LIST_REMOVE(end, link);
    mem_free(end);
    if (--place->count == 0) {
        place_free(place);
    }
}

static void log_refusal(const end_t *end)
{
    if (log_begin(LOG_LEVEL_DEBUG, "a session could not be ended")) {
        log_str("connector", end->place->connector->name);
        log_int("status", end->status);
        log_end();
    }
}

static void finish(end_t *end)
{
    session_ends_t *ends = end->place->ends;

    if (end->status < 200 || end->status >= 300) {
        log_refusal(end);
    }
    end_free(end);
    settle(ends);
}

static void on_end(void *self, struct evbuffer *body)
{
    (void)body;
    finish(self);
}

static void on_error(void *self, const err_t *err, bool sent)
{
    (void)err, (void)sent;
    finish(self);
}

/* The end of it all. */

static void settle(session_ends_t *ends)
{
    if (!ends->done || !LIST_EMPTY(&ends->places)) {
        return;
    }
    event_del(ends->limit);
    pthread_mutex_lock(&ends->lock);
    ends->is_over = true;
    pthread_mutex_unlock(&ends->lock);
    loop_defer(ends->loop, TAKE(ends->done), ends->self);
}

static void leave_all(session_ends_t *ends)
{
    session_t *session, *next;

    pthread_mutex_lock(&ends->lock);
    for (session = LIST_FIRST(&ends->living); session; session = next) {
        next = LIST_NEXT(session, link);
        leave(ends, session);
    }
    pthread_mutex_unlock(&ends->lock);
}

void session_ends_finish(session_ends_t *ends, int64_t limit_ms, loop_f done, void *self)
{
    ends->done = done;
    ends->self = self;
    leave_all(ends);
    loop_arm(ends->limit, limit_ms);
    on_leaving(ends);
    settle(ends);
}

static void drop_all(session_ends_t *ends)
{
    place_t *place;

    while ((place = LIST_FIRST(&ends->places))) {
        end_t *end = LIST_FIRST(&place->under_way);
        hop_cancel(end->hop);
        end_free(end);
    }
}

static void on_limit(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    drop_all(self);
    settle(self);
}

void session_ends_close(session_ends_t *ends)
{
    session_t *session;

    pthread_mutex_lock(&ends->lock);
    ends->is_over = true;
    pthread_mutex_unlock(&ends->lock);
    while ((session = TAILQ_FIRST(&ends->leaving))) {
        TAILQ_REMOVE(&ends->leaving, session, turn);
        session_unref(session);
    }
    drop_all(ends);
    event_free(TAKE(ends->limit));
}

void session_ends_free(session_ends_t *ends)
{
    pthread_mutex_destroy(&ends->lock);
    mem_free(ends);
}
