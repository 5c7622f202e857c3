/* See sessions.h. An idle one is forgotten after ten minutes; the connector forgets it by its own rules.
 * What is surprising: who waits may cancel, or open another one, while it is being told. */
#include "sessions.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "clock.h"
#include "mem.h"

#define IDLE_MS 600000
#define MAX_SESSIONS 1000
#define OPENING_MS 10000 /* for all who wait; each has a deadline of its own besides */

LIST_HEAD(session_waits, session_wait);

typedef struct session {
    TAILQ_ENTRY(session) link;
    sessions_t *sessions;
    session_key_t key;
    char *id;               /* NULL: none, or not yet */
    handshake_t *handshake; /* while it is being opened */
    struct session_waits waiting;
    int64_t used_ms;
} session_t;

struct session_wait {
    LIST_ENTRY(session_wait) link;
    session_t *session; /* NULL: it is being told */
    struct event *limit;
    session_f on_open;
    void *self;
};

struct sessions {
    TAILQ_HEAD(session_list, session) all; /* used longest ago first */
    size_t count;
    char *lost;
};

sessions_t *sessions_new(void)
{
    sessions_t *sessions = NEW(sessions_t);

    TAILQ_INIT(&sessions->all);
    return sessions;
}

static void forget(session_t *session)
{
    TAILQ_REMOVE(&session->sessions->all, session, link);
    session->sessions->count--;
    if (session->handshake) {
        handshake_cancel(session->handshake);
    }
    mem_free(session->id);
    mem_free(session);
}

void sessions_free(sessions_t *sessions)
{
    while (!TAILQ_EMPTY(&sessions->all)) {
        forget(TAILQ_FIRST(&sessions->all));
    }
    mem_free(sessions->lost);
    mem_free(sessions);
}

static session_t *find(const sessions_t *sessions, const session_key_t *key)
{
    session_t *session;

    TAILQ_FOREACH(session, &sessions->all, link)
    {
        if (memcmp(&session->key, key, sizeof(*key)) == 0) {
            return session;
        }
    }
    return NULL;
}

span_t sessions_find(sessions_t *sessions, const session_key_t *key)
{
    session_t *session = TAILQ_EMPTY(&sessions->all) ? NULL : find(sessions, key);

    if (!session || !session->id) {
        return (span_t){ 0 };
    }
    session->used_ms = clock_ms();
    TAILQ_REMOVE(&sessions->all, session, link);
    TAILQ_INSERT_TAIL(&sessions->all, session, link);
    return span_of(session->id);
}

void sessions_lose(sessions_t *sessions, const session_key_t *key, span_t id)
{
    session_t *session = find(sessions, key);

    if (session && session->id && span_is(id, session->id)) {
        forget(session);
    } else if (!session) {
        mem_free(sessions->lost);
        sessions->lost = mem_strndup(id.at, id.length);
    }
}

bool sessions_is_lost(const sessions_t *sessions, span_t id)
{
    return sessions->lost && span_is(id, sessions->lost);
}

/* Those nobody has used for long, and the oldest when there are too many; never one that is being opened. */
static void make_room(sessions_t *sessions)
{
    int64_t before_ms = clock_ms() - IDLE_MS;
    session_t *session, *next;

    for (session = TAILQ_FIRST(&sessions->all); session; session = next) {
        next = TAILQ_NEXT(session, link);
        if (session->handshake) {
            continue;
        }
        if (session->used_ms >= before_ms && sessions->count < MAX_SESSIONS) {
            return;
        }
        forget(session);
    }
}

static void wait_free(session_wait_t *wait)
{
    LIST_REMOVE(wait, link);
    event_free(wait->limit);
    mem_free(wait);
}

static void tell(session_wait_t *wait, span_t id, const err_t *err)
{
    session_f on_open = wait->on_open;
    void *self = wait->self;

    wait_free(wait);
    on_open(self, id, err);
}

/* Out of the session's list: telling one may cancel another, or make the session go. */
static void take_waiting(session_t *session, struct session_waits *ret)
{
    session_wait_t *wait;

    LIST_INIT(ret);
    while ((wait = LIST_FIRST(&session->waiting))) {
        LIST_REMOVE(wait, link);
        wait->session = NULL;
        LIST_INSERT_HEAD(ret, wait, link);
    }
}

static void tell_all(struct session_waits *waiting, span_t id, const err_t *err)
{
    while (!LIST_EMPTY(waiting)) {
        tell(LIST_FIRST(waiting), id, err);
    }
}

static void forget_unwanted(session_t *session)
{
    if (session && session->handshake && LIST_EMPTY(&session->waiting)) {
        forget(session);
    }
}

static void on_limit(evutil_socket_t fd, short what, void *self)
{
    session_wait_t *wait = self;
    session_t *session = wait->session;
    session_f on_open = wait->on_open;
    void *waiting = wait->self;
    err_t err;

    (void)fd, (void)what;
    err_set(&err, ERR_TIMEOUT, "It has not opened a session in time.");
    wait_free(wait);
    forget_unwanted(session);
    on_open(waiting, (span_t){ 0 }, &err);
}

/* Who is told may open another one for the same key at once, so one that has failed leaves the list before.
 */
static void on_handshake(void *self, const handshake_result_t *result, const err_t *err)
{
    session_t *session = self;
    struct session_waits waiting;
    span_t id = result ? result->session_id : (span_t){ 0 };

    take_waiting(session, &waiting);
    session->handshake = NULL;
    session->used_ms = clock_ms();
    if (id.at) {
        session->id = mem_strndup(id.at, id.length);
    } else {
        forget(session);
    }
    tell_all(&waiting, id, err);
}

static session_t *begin(sessions_t *sessions, const session_key_t *key, const handshake_request_t *request)
{
    session_t *session = NEW(session_t);
    handshake_request_t opening = *request;

    make_room(sessions);
    opening.deadline_ms = clock_ms() + OPENING_MS;
    session->sessions = sessions;
    session->key = *key;
    LIST_INIT(&session->waiting);
    TAILQ_INSERT_TAIL(&sessions->all, session, link);
    sessions->count++;
    session->handshake = handshake_start(&opening, on_handshake, session);
    return session;
}

session_wait_t *sessions_open(sessions_t *sessions, const session_key_t *key,
                              const handshake_request_t *request, session_f on_open, void *self)
{
    session_t *session = find(sessions, key);
    session_wait_t *wait = NEW(session_wait_t);

    if (!session) {
        session = begin(sessions, key, request);
    }
    wait->session = session;
    wait->on_open = on_open;
    wait->self = self;
    wait->limit = evtimer_new(http_pool_base(request->pool), on_limit, wait);
    loop_arm(wait->limit, request->deadline_ms - clock_ms());
    LIST_INSERT_HEAD(&session->waiting, wait, link);
    return wait;
}

void session_wait_cancel(session_wait_t *wait)
{
    session_t *session = wait->session;

    wait_free(wait);
    forget_unwanted(session);
}
