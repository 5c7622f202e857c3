/* The loop: what runs when, on which thread, and what its clock says. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "clock.h"
#include "log.h"
#include "loop.h"

static loop_t *loop;
static char order[128];
static int64_t seen[3];

static void set_up(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    loop = loop_new();
}

static void tear_down(void)
{
    loop_free(loop);
}

static void say(void *letter)
{
    strncat(order, letter, 1);
}

static void stop(void *self)
{
    (void)self;
    loop_stop(loop);
}

static void defer_and_say(void *self)
{
    loop_defer(loop, say, "b");
    loop_defer(loop, say, "c");
    loop_defer(loop, stop, NULL);
    say(self);
}

Test(loop, runs_deferred_functions_in_order_after_the_one_that_runs, .init = set_up, .fini = tear_down)
{
    loop_defer(loop, defer_and_say, "a");
    loop_run(loop);
    cr_expect_str_eq(order, "abc");
}

static loop_write_t writes[64];

static void write_soon_and_say(void *self)
{
    loop_write_soon(loop, &writes[0], say, "b");
    loop_write_soon(loop, &writes[1], say, "-");
    loop_write_soon(loop, &writes[2], say, "c");
    loop_write_cancel(loop, &writes[1]);
    loop_write_cancel(loop, &writes[1]);
    loop_stop(loop);
    say(self);
}

Test(loop, writes_in_order_at_the_end_of_the_turn, .init = set_up, .fini = tear_down)
{
    loop_defer(loop, write_soon_and_say, "a");
    loop_run(loop);
    cr_expect_str_eq(order, "abc");
    loop_write_cancel(loop, &writes[0]);

    loop_defer(loop, write_soon_and_say, "d");
    loop_run(loop);
    cr_expect_str_eq(order, "abcdbc", "and so in the next");
}

Test(loop, writes_at_once_what_is_much, .init = set_up, .fini = tear_down)
{
    for (int i = 0; i < 63; i++) {
        loop_write_soon(loop, &writes[i], say, "w");
    }
    cr_expect_str_eq(order, "");
    loop_write_cancel(loop, &writes[7]);
    loop_write_soon(loop, &writes[63], say, "w");
    cr_expect_str_eq(order, "", "one has been cancelled");
    order[0] = '\0';
    loop_write_soon(loop, &writes[7], stop, NULL);
    cr_expect_eq(strlen(order), 63u);
    loop_run(loop);
    cr_expect_eq(strlen(order), 63u, "once");
}

static void free_and_say(void *self)
{
    loop_write_t *write = self;

    memset(write, 0xAA, sizeof(*write));
    say("f");
}

Test(loop, lets_a_write_free_what_it_is_in, .init = set_up, .fini = tear_down)
{
    loop_write_soon(loop, &writes[0], free_and_say, &writes[0]);
    loop_write_soon(loop, &writes[1], free_and_say, &writes[1]);
    loop_write_soon(loop, &writes[2], stop, NULL);
    loop_run(loop);
    cr_expect_str_eq(order, "ff");
}

static int rounds;

static void defer_again(void *self)
{
    if (++rounds < 1000) {
        loop_defer(loop, defer_again, self);
    } else {
        loop_stop(loop);
    }
}

Test(loop, lets_a_deferred_function_defer_again, .init = set_up, .fini = tear_down)
{
    loop_defer(loop, defer_again, NULL);
    loop_run(loop);
    cr_expect_eq(rounds, 1000);
}

#define POSTERS 4
#define POSTS 5000
static int posted[POSTERS];
static pthread_t home;
static bool away;

static void on_post(void *self)
{
    int *counter = self;

    away |= !pthread_equal(pthread_self(), home);
    if (++*counter == POSTS && posted[0] + posted[1] + posted[2] + posted[3] == POSTERS * POSTS) {
        loop_stop(loop);
    }
}

static void *post_many(void *self)
{
    for (int i = 0; i < POSTS; i++) {
        loop_post(loop, on_post, self);
    }
    return NULL;
}

Test(loop, runs_what_other_threads_post_on_its_own, .init = set_up, .fini = tear_down)
{
    pthread_t threads[POSTERS];

    home = pthread_self();
    for (int i = 0; i < POSTERS; i++) {
        pthread_create(&threads[i], NULL, post_many, &posted[i]);
    }
    loop_run(loop);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(posted[i], POSTS);
    }
    cr_expect_not(away);
}

Test(loop, returns_at_once_when_it_was_stopped_before_and_may_run_again, .init = set_up, .fini = tear_down)
{
    loop_stop(loop);
    loop_run(loop);
    loop_defer(loop, say, "x");
    loop_defer(loop, stop, NULL);
    loop_run(loop);
    cr_expect_str_eq(order, "x");
}

Test(loop, runs_what_is_left_when_it_is_freed)
{
    set_up();
    loop_post(loop, defer_and_say, "a");
    loop_free(loop);
    cr_expect_str_eq(order, "abc");
}

static void busy(int ms)
{
    int64_t until = clock_ms() + ms;

    while (clock_ms() < until) {
    }
}

static void read_clock(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    seen[0] = loop_now_ms(loop);
    busy(30);
    seen[1] = loop_now_ms(loop);
    event_base_once(loop_base(loop), -1, EV_TIMEOUT, self, loop, NULL);
}

static void read_later(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    seen[2] = loop_now_ms(self);
    loop_stop(loop);
}

Test(loop, reads_the_clock_once_per_turn, .init = set_up, .fini = tear_down)
{
    const struct timeval soon = { .tv_usec = 10000 }, *now = &soon;
    struct event *event = evtimer_new(loop_base(loop), read_clock, read_later);

    event_add(event, now);
    loop_run(loop);
    cr_expect_eq(seen[0], seen[1]);
    cr_expect_geq(seen[2], seen[0]);
    int64_t before_ms = clock_ms(), now_ms = loop_now_ms(loop);
    cr_expect(before_ms <= now_ms && now_ms <= clock_ms(), "outside of a turn it is the clock itself");
    event_free(event);
}

static void note_time(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    *(int64_t *)self = clock_ms();
    loop_stop(loop);
}

Test(loop, arms_a_timer_anew_and_at_once_for_what_is_past, .init = set_up, .fini = tear_down)
{
    int64_t fired_ms = 0, began_ms = clock_ms();
    struct event *event = evtimer_new(loop_base(loop), note_time, &fired_ms);

    loop_arm(event, 3600000);
    loop_arm(event, 30);
    loop_run(loop);
    cr_expect_geq(fired_ms - began_ms, 25, "libevent's clock may be some milliseconds behind");
    loop_arm(event, -5);
    loop_run(loop);
    cr_expect_lt(clock_ms() - began_ms, 60000);
    event_free(event);
}

static void block(void *self)
{
    (void)self;
    busy(400);
}

static void look_at_lag(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    (void)self;
    seen[0] = seen[0] > loop_lag_us(loop) ? seen[0] : loop_lag_us(loop);
    if (++rounds == 30) {
        loop_stop(loop);
    }
}

Test(loop, shows_what_blocks_it_as_lag, .init = set_up, .fini = tear_down)
{
    const struct timeval often = { .tv_usec = 20000 };
    struct event *event = event_new(loop_base(loop), -1, EV_PERSIST, look_at_lag, NULL);

    event_add(event, &often);
    loop_post(loop, block, NULL);
    loop_run(loop);
    cr_expect_gt(seen[0], 200000);
    event_free(event);
}

Test(loop, formats_the_date_as_HTTP_wants_it, .init = set_up, .fini = tear_down)
{
    time_t now = time(NULL);
    struct tm utc, read;
    char again[40];
    const char *date = loop_http_date(loop);

    memset(&read, 0, sizeof(read));
    cr_assert(strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &read), "%s", date);
    cr_expect(timegm(&read) >= now - 1 && timegm(&read) <= time(NULL) + 1, "%s", date);
    gmtime_r(&(time_t){ timegm(&read) }, &utc);
    strftime(again, sizeof(again), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    cr_expect_str_eq(date, again);
}

Test(loop, makes_the_process_survive_a_closed_pipe, .init = set_up, .fini = tear_down)
{
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_expect_eq(write(ends[1], "x", 1), -1);
    close(ends[1]);
}

/* event_base_loop() on a loop that runs already is refused with a complaint: as many as one likes. */
static void complain(void *self)
{
    for (int i = 0; i < 1000; i++) {
        event_base_loop(self, EVLOOP_NONBLOCK);
    }
    loop_stop(loop);
}

Test(loop, logs_a_few_of_a_thousand_complaints_of_libevent, .init = set_up, .fini = tear_down)
{
    static char text[1 << 16];
    int ends[2], lines = 0;

    cr_assert_eq(pipe(ends), 0);
    log_open(ends[1], "test", LOG_LEVEL_WARN);
    loop_defer(loop, complain, loop_base(loop));
    loop_run(loop);
    cr_assert_gt(read(ends[0], text, sizeof(text) - 1), 0);
    for (const char *at = text; (at = strstr(at, "reentrant")); at++) {
        lines++;
    }
    cr_expect(lines >= 1 && lines <= 50, "%d lines: a few per second, and it took some", lines);
    log_open(2, "test", LOG_LEVEL_ERROR);
}

static void on_byte(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    say(self);
    loop_stop(loop);
}

Test(loop, meets_descriptors_ahead_without_a_harm_to_those_in_use, .init = set_up, .fini = tear_down)
{
    int in_use[2], later[2];
    struct event before, after;

    cr_assert_eq(pipe(in_use), 0);
    event_assign(&before, loop_base(loop), in_use[0], EV_READ, on_byte, "a");
    event_add(&before, NULL);

    loop_expect_fds(loop, 2000);
    loop_expect_fds(loop, 100); /* known already */

    cr_assert_eq(pipe(later), 0);
    event_assign(&after, loop_base(loop), later[0], EV_READ, on_byte, "b");
    event_add(&after, NULL);
    cr_assert_eq(write(in_use[1], "x", 1), 1);
    loop_run(loop);
    cr_assert_eq(write(later[1], "x", 1), 1);
    loop_run(loop);
    cr_expect_str_eq(order, "ab");
}
