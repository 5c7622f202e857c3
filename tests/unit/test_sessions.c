/* Whose session a call gets, and who is told what when one is opened. The handshake is a stand-in that ends
 * when the test says so. */
#include "sessions.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdio.h>

#include "clock.h"
#include "mem.h"

#define SOON_MS 60000

struct handshake {
    handshake_f done;
    void *self;
    int64_t deadline_ms;
    bool over;
};

static struct handshake handshakes[2000];
static int started, cancelled;
static loop_t *loop;
static http_pool_t *pool;
static sessions_t *sessions;

handshake_t *handshake_start(const handshake_request_t *request, handshake_f done, void *self)
{
    handshakes[started] =
        (struct handshake){ .done = done, .self = self, .deadline_ms = request->deadline_ms };
    return &handshakes[started++];
}

void handshake_cancel(handshake_t *handshake)
{
    cr_assert_not(handshake->over);
    handshake->over = true;
    cancelled++;
}

static void finish(int nth, const char *id)
{
    session_options_t options = { .id = span_of(id) };
    handshake_result_t result = { .session = id ? session_new(&options) : NULL };

    handshakes[nth].over = true;
    handshakes[nth].done(handshakes[nth].self, &result, NULL);
    session_unref(result.session);
}

static void fail(int nth, const char *text)
{
    err_t err;

    err_set(&err, ERR_UPSTREAM, "%s", text);
    handshakes[nth].over = true;
    handshakes[nth].done(handshakes[nth].self, NULL, &err);
}

static void set_up(void)
{
    hop_url_t url = { .socket_path = (char *)"/nowhere", .path = (char *)"/mcp", .authority = (char *)"x" };
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;

    started = cancelled = 0;
    loop = loop_new();
    pool = http_pool_new(loop, NULL, &url, &limits);
    sessions = sessions_new(loop_base(loop));
}

static void tear_down(void)
{
    sessions_free(sessions);
    http_pool_free(pool);
    loop_free(loop);
    for (int i = 0; i < started; i++) {
        cr_expect(handshakes[i].over, "handshake %d goes on without its session", i);
    }
}

TestSuite(sessions, .init = set_up, .fini = tear_down);

typedef struct told {
    int times;
    char id[40];
    err_t err;
    bool failed;
    session_wait_t *wait;
    struct told *cancels; /* when told: another that waits */
    bool loses;           /* when told: the session */
    int key;
} told_t;

static session_key_t key_of(int n)
{
    session_key_t key = { 0 };

    memcpy(key.bytes, &n, sizeof(n));
    return key;
}

static void on_open(void *self, session_t *session, const err_t *err)
{
    told_t *told = self;
    session_key_t key = key_of(told->key);

    told->times++;
    told->wait = NULL;
    told->failed = err;
    snprintf(told->id, sizeof(told->id), "%s", session ? session_id(session) : "");
    if (err) {
        told->err = *err;
    }
    if (told->cancels && told->cancels->wait) {
        session_wait_cancel(TAKE(told->cancels->wait));
    }
    if (told->loses) {
        sessions_lose(sessions, &key, session);
    }
}

static void wait_for(told_t *told, int64_t ms)
{
    session_key_t key = key_of(told->key);
    handshake_request_t request = { .pool = pool, .deadline_ms = clock_ms() + ms };

    told->wait = sessions_open(sessions, &key, &request, on_open, told);
}

static const char *found(int n)
{
    session_key_t key = key_of(n);

    return session_id(sessions_find(sessions, &key));
}

static void open_for(int n, const char *id)
{
    told_t told = { .key = n };

    wait_for(&told, SOON_MS);
    finish(started - 1, id);
    cr_assert_str_eq(told.id, id);
}

static session_t *held(int n)
{
    session_key_t key = key_of(n);

    return session_ref(sessions_find(sessions, &key));
}

static void lose(int n, const session_t *session)
{
    session_key_t key = key_of(n);

    sessions_lose(sessions, &key, session);
}

Test(sessions, opens_one_for_all_who_ask_meanwhile)
{
    told_t told[3] = { 0 };

    for (int i = 0; i < 3; i++) {
        wait_for(&told[i], SOON_MS);
    }
    cr_expect_null(found(0), "it is not open yet");
    finish(0, "s");
    cr_expect_eq(started, 1);
    for (int i = 0; i < 3; i++) {
        cr_expect(told[i].times == 1 && strcmp(told[i].id, "s") == 0);
    }
    cr_expect_str_eq(found(0), "s");
}

Test(sessions, keeps_those_of_different_keys_apart)
{
    open_for(1, "one");
    open_for(2, "two");
    cr_expect_str_eq(found(1), "one");
    cr_expect_str_eq(found(2), "two");
    cr_expect_null(found(3));
}

Test(sessions, tells_all_why_none_could_be_opened_and_tries_anew_next_time)
{
    told_t told[2] = { 0 };

    wait_for(&told[0], SOON_MS);
    wait_for(&told[1], SOON_MS);
    fail(0, "It is closed.");
    cr_expect(told[0].failed && told[1].failed);
    cr_expect_str_eq(told[1].err.text, "It is closed.");
    open_for(0, "s");
    cr_expect_eq(started, 2);
}

Test(sessions, remembers_nothing_of_a_connector_that_keeps_none)
{
    told_t told = { 0 };

    wait_for(&told, SOON_MS);
    finish(0, NULL);
    cr_expect(told.times == 1 && !told.failed && *told.id == '\0');
    cr_expect_null(found(0));
}

Test(sessions, forgets_a_lost_one_but_not_the_one_that_has_replaced_it)
{
    open_for(0, "old");
    session_t *old = held(0);
    lose(0, old);
    cr_expect_null(found(0));
    open_for(0, "new");
    lose(0, old);
    cr_expect_str_eq(found(0), "new", "another call noticed the same loss later");
    session_unref(old);
}

Test(sessions, lets_one_cancel_while_the_others_wait_on)
{
    told_t told[2] = { 0 };

    wait_for(&told[0], SOON_MS);
    wait_for(&told[1], SOON_MS);
    session_wait_cancel(told[0].wait);
    finish(0, "s");
    cr_expect(told[0].times == 0 && told[1].times == 1);
    cr_expect_eq(cancelled, 0);
}

Test(sessions, does_not_open_what_nobody_waits_for)
{
    told_t told[2] = { 0 };

    wait_for(&told[0], SOON_MS);
    wait_for(&told[1], SOON_MS);
    session_wait_cancel(told[0].wait);
    session_wait_cancel(told[1].wait);
    cr_expect_eq(cancelled, 1);
    cr_expect_null(found(0));
    open_for(0, "s");
    cr_expect_eq(started, 2);
}

Test(sessions, bears_it_that_who_is_told_cancels_another)
{
    told_t told[3] = { 0 };

    for (int i = 0; i < 3; i++) {
        told[i].cancels = &told[(i + 1) % 3];
        wait_for(&told[i], SOON_MS);
    }
    finish(0, "s");
    cr_expect(told[0].times + told[1].times + told[2].times == 2, "one was cancelled");
    cr_expect_str_eq(found(0), "s");
}

Test(sessions, bears_it_that_who_is_told_loses_it_at_once)
{
    told_t told[2] = { { .loses = true }, { .loses = true } };

    wait_for(&told[0], SOON_MS);
    wait_for(&told[1], SOON_MS);
    finish(0, "s");
    cr_expect(told[0].times == 1 && told[1].times == 1);
    cr_expect_str_eq(told[1].id, "s");
    cr_expect_null(found(0));
}

static void on_time_over(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    loop_stop(self);
}

static void run_for(int64_t ms)
{
    struct event *timer = evtimer_new(loop_base(loop), on_time_over, loop);

    loop_arm(timer, ms);
    loop_run(loop);
    event_free(timer);
}

Test(sessions, tells_who_cannot_wait_longer_and_lets_the_others_wait_on)
{
    told_t told[2] = { 0 };

    wait_for(&told[0], 20);
    wait_for(&told[1], SOON_MS);
    run_for(60);
    cr_expect(told[0].times == 1 && told[0].err.kind == ERR_TIMEOUT);
    cr_expect(told[1].times == 0 && cancelled == 0);
    finish(0, "s");
    cr_expect_str_eq(told[1].id, "s");
}

Test(sessions, ends_the_opening_when_the_last_one_cannot_wait_longer)
{
    told_t told = { 0 };

    wait_for(&told, -5);
    run_for(30);
    cr_expect(told.times == 1 && told.failed);
    cr_expect_eq(cancelled, 1);
}

Test(sessions, gives_the_opening_a_time_of_its_own)
{
    told_t told = { 0 };

    wait_for(&told, 20);
    cr_expect_gt(handshakes[0].deadline_ms, clock_ms() + 1000, "others may come who can wait longer");
    session_wait_cancel(told.wait);
}

Test(sessions, keeps_a_thousand_and_forgets_the_one_used_longest_ago)
{
    char id[20];

    for (int n = 1; n <= 1000; n++) {
        snprintf(id, sizeof(id), "s%d", n);
        open_for(n, id);
    }
    cr_expect_str_eq(found(1), "s1", "used now, so the next to go is the second");
    open_for(1001, "more");
    cr_expect_str_eq(found(1), "s1");
    cr_expect_null(found(2));
    cr_expect_str_eq(found(3), "s3");
}

Test(sessions, never_forgets_one_that_is_being_opened)
{
    told_t told = { .key = 5000 };

    wait_for(&told, SOON_MS);
    for (int n = 1; n <= 1100; n++) {
        open_for(n, "s");
    }
    finish(0, "first");
    cr_expect_str_eq(told.id, "first");
}
