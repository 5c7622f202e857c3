/* How sessions end, with connectors that let them, do not, or do not answer. A thread plays the connector. */
#include "session.h"

#include <criterion/criterion.h>
#include <event2/event.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define AGREED "HTTP/1.1 204 X\r\nConnection: close\r\n\r\n"
#define AT_ONCE 32 /* session_ends.c */
#define REFUSED "HTTP/1.1 405 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

static const char *says; /* NULL: nothing */
static atomic_int requests;
static raw_server_t server;
static loop_t *loop;
static pool_t *helpers;
static resolver_t *resolver;
static session_ends_t *ends;
static fixed_header_t fixed[] = { { (char *)"x-key", (char *)"k" } };
static connector_config_t connectors[1];
static config_t config = { .connectors = connectors, .connector_count = 1, .references = 1000000 };

static void play(int fd, int nth)
{
    (void)nth;
    if (!raw_read_request(fd, NULL)) {
        return;
    }
    requests++;
    if (says) {
        raw_send(fd, says);
    } else {
        raw_wait_for_close(fd);
    }
}

static void set_up(void)
{
    err_t err;

    raw_start(&server, play);
    connectors[0] = (connector_config_t){ .name = (char *)"old", .fixed_headers = fixed, .fixed_count = 1 };
    connectors[0].url = mem_printf("http://127.0.0.1:%u/mcp", server.port);
    cr_assert_eq(hop_url_parse(connectors[0].url, &connectors[0].hop, &err), 0);
    loop = loop_new();
    helpers = pool_new(1, 8);
    resolver = resolver_new(loop, helpers);
    ends = session_ends_new(loop, resolver);
    says = AGREED;
}

static void tear_down(void)
{
    session_ends_close(ends);
    resolver_free(resolver);
    pool_free(helpers);
    loop_free(loop);
    session_ends_free(ends);
    raw_stop(&server);
    hop_url_release(&connectors[0].hop);
    mem_free(connectors[0].url);
}

TestSuite(session_ends, .init = set_up, .fini = tear_down);

static session_t *open_one(const char *id)
{
    session_options_t options = {
        .ends = ends,
        .config = &config,
        .connector = &connectors[0],
        .revision = MCP_2025_06_18,
        .id = span_of(id),
    };

    return session_new(&options);
}

static void on_over(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what, (void)self;
    loop_stop(loop);
}

static void run(int ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_over, NULL, &wait);
    loop_run(loop);
}

/* 20 s: a busy machine is slow, and a failure is rare. */
static void run_until_told(int count)
{
    for (int i = 0; i < 1000 && requests < count; i++) {
        run(20);
    }
    cr_assert_eq(requests, count);
}

static void on_done(void *self)
{
    *(bool *)self = true;
    loop_stop(loop);
}

static int64_t finish(int64_t limit_ms)
{
    int64_t begun_ms = clock_ms();
    bool done = false;

    session_ends_finish(ends, limit_ms, on_done, &done);
    cr_assert_not(done);
    while (!done) {
        loop_run(loop);
    }
    return clock_ms() - begun_ms;
}

Test(session_ends, are_told_once_with_what_the_requests_carried)
{
    session_unref(open_one("s1"));
    run_until_told(1);
    cr_expect(strstr(raw_request, "DELETE /mcp HTTP/1.1\r\n") == raw_request);
    cr_expect(strstr(raw_request, "\r\nMcp-Session-Id: s1\r\n"));
    cr_expect(strstr(raw_request, "\r\nMCP-Protocol-Version: 2025-06-18\r\n"));
    cr_expect(strstr(raw_request, "\r\nx-key: k\r\n"));
    cr_expect_null(strstr(raw_request, "Content-"), "%s", raw_request);
}

Test(session_ends, come_when_the_last_lets_go)
{
    session_t *session = open_one("s1");

    session_ref(session);
    session_unref(session);
    run(100);
    cr_assert_eq(requests, 0);
    session_give_up(session);
    session_unref(session);
    run_until_told(1);
}

Test(session_ends, leave_an_id_alone_that_another_session_has_too)
{
    session_t *again;

    session_unref(open_one("s1"));
    again = open_one("s1");
    run(100);
    cr_assert_eq(requests, 0);
    session_unref(again);
    run_until_told(1);
}

static void end_many(int count)
{
    for (int i = 0; i < count; i++) {
        AUTO(mem_free) char *id = mem_printf("s%d", i);
        session_unref(open_one(id));
    }
}

Test(session_ends, are_told_of_each)
{
    end_many(AT_ONCE);
    run_until_told(AT_ONCE);
    session_unref(open_one("later"));
    run_until_told(AT_ONCE + 1);
}

Test(session_ends, are_let_go_without_a_word_when_they_are_too_many)
{
    end_many(AT_ONCE + 8);
    run_until_told(AT_ONCE);
    run(100);
    cr_assert_eq(requests, AT_ONCE);
}

Test(session_ends, are_not_told_again_to_who_refuses)
{
    says = REFUSED;
    session_unref(open_one("s1"));
    run_until_told(1);
    run(100);
    cr_assert_eq(requests, 1);
    session_unref(open_one("s2"));
    run_until_told(2);
}

static void *let_go(void *self)
{
    for (int i = 0; i < 200; i++) {
        session_unref(self);
    }
    return NULL;
}

Test(session_ends, may_begin_on_any_thread)
{
    session_t *session = open_one("s1");
    pthread_t threads[4];

    for (int i = 1; i < 800; i++) {
        session_ref(session);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        pthread_create(&threads[i], NULL, let_go, session);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    run_until_told(1);
    run(100);
    cr_assert_eq(requests, 1);
}

Test(session_ends, finish_with_those_that_are_still_held)
{
    session_t *session = open_one("s1");

    session_unref(open_one("s2"));
    cr_expect_lt(finish(60000), 30000);
    cr_assert_eq(requests, 2);
    session_unref(session);
    session_unref(open_one("s3"));
    run(100);
    cr_assert_eq(requests, 2, "nothing is sent any more");
}

Test(session_ends, finish_at_once_without_any)
{
    cr_expect_lt(finish(60000), 30000);
}

/* Well before the deadline of each, 3 s: unless the machine stands still, which it does not three times. */
Test(session_ends, finish_without_who_does_not_answer)
{
    int64_t took_ms = INT64_MAX;

    for (int i = 0; i < 3 && took_ms >= 2500; i++) {
        tear_down();
        set_up();
        says = NULL;
        end_many(8);
        took_ms = finish(100);
        cr_expect_geq(took_ms, 90);
    }
    cr_expect_lt(took_ms, 2500);
}

Test(session_ends, bear_it_that_all_is_over_at_once)
{
    says = NULL;
    end_many(8);
    run(50);
    end_many(8);
}
