/* See session_ends.h. Sessions that nobody holds any more come from any thread by a list under a lock; what
 * happens to them then is the main thread's. A few at a time for each connector: a thousand users' sessions
 * may grow old together. */
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
#define AT_ONCE 4

TAILQ_HEAD(session_queue, session);

/* One connector, while it is being told. */
typedef struct place {
    LIST_ENTRY(place) link;
    session_ends_t *ends;
    config_t *config;
    const connector_config_t *connector; /* of that */
    http_pool_t *pool;
    struct session_queue waiting;
    LIST_HEAD(, end) under_way;
    unsigned count;
} place_t;

typedef struct end {
    LIST_ENTRY(end) link;
    place_t *place;
    session_t *session;
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
static void go_on(place_t *place);
static void begin(place_t *place, session_t *session);
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
    TAILQ_INIT(&place->waiting);
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

static void on_leaving(void *self)
{
    session_ends_t *ends = self;
    struct session_queue leaving = TAILQ_HEAD_INITIALIZER(leaving);
    session_t *session;
    place_t *place, *next;

    pthread_mutex_lock(&ends->lock);
    TAILQ_CONCAT(&leaving, &ends->leaving, turn);
    pthread_mutex_unlock(&ends->lock);
    while ((session = TAILQ_FIRST(&leaving))) {
        TAILQ_REMOVE(&leaving, session, turn);
        TAILQ_INSERT_TAIL(&find_place(ends, session)->waiting, session, turn);
    }
    for (place = LIST_FIRST(&ends->places); place; place = next) {
        next = LIST_NEXT(place, link);
        go_on(place);
    }
}

static void drop_waiting(struct session_queue *waiting)
{
    session_t *session;

    while ((session = TAILQ_FIRST(waiting))) {
        TAILQ_REMOVE(waiting, session, turn);
        session_unref(session);
    }
}

static void go_on(place_t *place)
{
    session_ends_t *ends = place->ends;
    session_t *session;

    while (place->count < AT_ONCE && (session = TAILQ_FIRST(&place->waiting))) {
        TAILQ_REMOVE(&place->waiting, session, turn);
        if (is_still_used(ends, session)) {
            session_unref(session);
        } else {
            begin(place, session);
        }
    }
    if (place->count == 0) {
        place_free(place);
        settle(ends);
    }
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

static void begin(place_t *place, session_t *session)
{
    end_t *end = NEW(end_t);
    AUTO_BUF lines = { 0 };

    write_headers(session, &lines);
    hop_request_t request = {
        .method = "DELETE",
        .headers = buf_span(&lines),
        .deadline_ms = clock_ms() + DEADLINE_MS,
    };
    end->place = place;
    end->session = session;
    LIST_INSERT_HEAD(&place->under_way, end, link);
    place->count++;
    end->hop = hop_start(place->pool, &request, NULL, &events, end);
    mem_wipe(lines.data, lines.length);
}

static void on_head(void *self, const hop_head_t *head)
{
    end_t *end = self;

    end->status = head->status;
}

static void end_free(end_t *end)
{
    LIST_REMOVE(end, link);
    end->place->count--;
    session_unref(end->session);
    mem_free(end);
}

static void log_refusal(const end_t *end)
{
    if (log_begin(LOG_LEVEL_DEBUG, "a session could not be ended")) {
        log_str("connector", end->place->connector->name);
        log_int("status", end->status);
        log_end();
    }
}

/* Whoever does not let sessions be ended, or does not answer, will not do so for the next one. */
static void finish(end_t *end)
{
    place_t *place = end->place;
    bool refused = end->status == 0 || end->status == 405;

    if (end->status >= 300 || refused) {
        log_refusal(end);
    }
    end_free(end);
    if (refused) {
        drop_waiting(&place->waiting);
    }
    go_on(place);
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
    end_t *end;

    while ((place = LIST_FIRST(&ends->places))) {
        drop_waiting(&place->waiting);
        while ((end = LIST_FIRST(&place->under_way))) {
            hop_cancel(end->hop);
            end_free(end);
        }
        place_free(place);
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
    pthread_mutex_lock(&ends->lock);
    ends->is_over = true;
    pthread_mutex_unlock(&ends->lock);
    drop_waiting(&ends->leaving);
    drop_all(ends);
    event_free(TAKE(ends->limit));
}

void session_ends_free(session_ends_t *ends)
{
    pthread_mutex_destroy(&ends->lock);
    mem_free(ends);
}
