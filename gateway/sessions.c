/* See sessions.h. An idle one is let go after ten minutes.
 * What is surprising: who waits may cancel, or open another one, while it is being told. */
#include "sessions.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "clock.h"
#include "mem.h"

#define IDLE_MS 600000
#define LOOK_EVERY_MS 60000 /* for idle ones */
#define MAX_SESSIONS 1000
#define OPENING_MS 10000 /* for all who wait; each has a deadline of its own besides */

LIST_HEAD(session_waits, session_wait);

/* The session of one key. */
typedef struct seat {
    TAILQ_ENTRY(seat) link;
    sessions_t *sessions;
    session_key_t key;
    session_t *session;     /* NULL: not yet */
    handshake_t *handshake; /* while it is being opened */
    struct session_waits waiting;
    int64_t used_ms;
} seat_t;

struct session_wait {
    LIST_ENTRY(session_wait) link;
    seat_t *seat; /* NULL: it is being told */
    struct event *limit;
    session_f on_open;
    void *self;
};

struct sessions {
    TAILQ_HEAD(seat_list, seat) all; /* used longest ago first */
    size_t count;
    struct event *idle;
};

static void on_idle(evutil_socket_t fd, short what, void *self);

sessions_t *sessions_new(struct event_base *base)
{
    sessions_t *sessions = NEW(sessions_t);

    TAILQ_INIT(&sessions->all);
    sessions->idle = evtimer_new(base, on_idle, sessions);
    return sessions;
}

static void forget(seat_t *seat)
{
    TAILQ_REMOVE(&seat->sessions->all, seat, link);
    seat->sessions->count--;
    if (seat->handshake) {
        handshake_cancel(seat->handshake);
    }
    session_unref(seat->session);
    mem_free(seat);
}

void sessions_free(sessions_t *sessions)
{
    while (!TAILQ_EMPTY(&sessions->all)) {
        forget(TAILQ_FIRST(&sessions->all));
    }
    event_free(sessions->idle);
    mem_free(sessions);
}

static seat_t *find(const sessions_t *sessions, const session_key_t *key)
{
    seat_t *seat;

    TAILQ_FOREACH(seat, &sessions->all, link)
    {
        if (memcmp(&seat->key, key, sizeof(*key)) == 0) {
            return seat;
        }
    }
    return NULL;
}

session_t *sessions_find(sessions_t *sessions, const session_key_t *key)
{
    seat_t *seat = TAILQ_EMPTY(&sessions->all) ? NULL : find(sessions, key);

    if (!seat || !seat->session) {
        return NULL;
    }
    seat->used_ms = clock_ms();
    TAILQ_REMOVE(&sessions->all, seat, link);
    TAILQ_INSERT_TAIL(&sessions->all, seat, link);
    return seat->session;
}

void sessions_lose(sessions_t *sessions, const session_key_t *key, const session_t *session)
{
    seat_t *seat = find(sessions, key);

    if (seat && seat->session == session) {
        forget(seat);
    }
}

/* Those nobody has used for long, and the oldest while there are more than so many; never one that is being
 * opened. */
static void let_go(sessions_t *sessions, size_t max)
{
    int64_t before_ms = clock_ms() - IDLE_MS;
    seat_t *seat, *next;

    for (seat = TAILQ_FIRST(&sessions->all); seat; seat = next) {
        next = TAILQ_NEXT(seat, link);
        if (seat->handshake) {
            continue;
        }
        if (seat->used_ms >= before_ms && sessions->count <= max) {
            return;
        }
        forget(seat);
    }
}

static void on_idle(evutil_socket_t fd, short what, void *self)
{
    sessions_t *sessions = self;

    (void)fd, (void)what;
    let_go(sessions, MAX_SESSIONS);
    if (!TAILQ_EMPTY(&sessions->all)) {
        loop_arm(sessions->idle, LOOK_EVERY_MS);
    }
}

static void wait_free(session_wait_t *wait)
{
    LIST_REMOVE(wait, link);
    event_free(wait->limit);
    mem_free(wait);
}

static void tell(session_wait_t *wait, session_t *session, const err_t *err)
{
    session_f on_open = wait->on_open;
    void *self = wait->self;

    wait_free(wait);
    on_open(self, session, err);
}

/* Out of the seat's list: telling one may cancel another, or make the seat go. */
static void take_waiting(seat_t *seat, struct session_waits *ret)
{
    session_wait_t *wait;

    LIST_INIT(ret);
    while ((wait = LIST_FIRST(&seat->waiting))) {
        LIST_REMOVE(wait, link);
        wait->seat = NULL;
        LIST_INSERT_HEAD(ret, wait, link);
    }
}

static void tell_all(struct session_waits *waiting, session_t *session, const err_t *err)
{
    while (!LIST_EMPTY(waiting)) {
        tell(LIST_FIRST(waiting), session, err);
    }
}

static void forget_unwanted(seat_t *seat)
{
    if (seat && seat->handshake && LIST_EMPTY(&seat->waiting)) {
        forget(seat);
    }
}

static void on_limit(evutil_socket_t fd, short what, void *self)
{
    session_wait_t *wait = self;
    seat_t *seat = wait->seat;
    session_f on_open = wait->on_open;
    void *waiting = wait->self;
    err_t err;

    (void)fd, (void)what;
    err_set(&err, ERR_TIMEOUT, "It has not opened a session in time.");
    wait_free(wait);
    forget_unwanted(seat);
    on_open(waiting, NULL, &err);
}

/* Who is told may open another one for the same key at once, so one that has failed leaves the list before.
 */
static void on_handshake(void *self, const handshake_result_t *result, const err_t *err)
{
    seat_t *seat = self;
    struct session_waits waiting;
    session_t *session = result ? result->session : NULL;

    take_waiting(seat, &waiting);
    seat->handshake = NULL;
    seat->used_ms = clock_ms();
    if (session) {
        seat->session = session_ref(session);
    } else {
        forget(seat);
    }
    tell_all(&waiting, session, err);
}

static seat_t *begin(sessions_t *sessions, const session_key_t *key, const handshake_request_t *request)
{
    seat_t *seat = NEW(seat_t);
    handshake_request_t opening = *request;

    let_go(sessions, MAX_SESSIONS - 1);
    opening.deadline_ms = clock_ms() + OPENING_MS;
    seat->sessions = sessions;
    seat->key = *key;
    LIST_INIT(&seat->waiting);
    TAILQ_INSERT_TAIL(&sessions->all, seat, link);
    sessions->count++;
    seat->handshake = handshake_start(&opening, on_handshake, seat);
    if (!evtimer_pending(sessions->idle, NULL)) {
        loop_arm(sessions->idle, LOOK_EVERY_MS);
    }
    return seat;
}

session_wait_t *sessions_open(sessions_t *sessions, const session_key_t *key,
                              const handshake_request_t *request, session_f on_open, void *self)
{
    seat_t *seat = find(sessions, key);
    session_wait_t *wait = NEW(session_wait_t);

    if (!seat) {
        seat = begin(sessions, key, request);
    }
    wait->seat = seat;
    wait->on_open = on_open;
    wait->self = self;
    wait->limit = evtimer_new(http_pool_base(request->pool), on_limit, wait);
    loop_arm(wait->limit, request->deadline_ms - clock_ms());
    LIST_INSERT_HEAD(&seat->waiting, wait, link);
    return wait;
}

void session_wait_cancel(session_wait_t *wait)
{
    seat_t *seat = wait->seat;

    wait_free(wait);
    forget_unwanted(seat);
}
