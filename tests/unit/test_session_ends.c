/* How sessions end, with connectors that let them, do not, or do not answer. A thread plays the connector. */
#include "session.h"

#include <criterion/criterion.h>
#include <event2/event.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define AGREED "HTTP/1.1 204 X\r\nConnection: close\r\n\r\n"
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
    run(200);
    cr_assert_eq(requests, 1);
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
    run(200);
    cr_assert_eq(requests, 1);
}

Test(session_ends, leave_an_id_alone_that_another_session_has_too)
{
    session_t *again;

    session_unref(open_one("s1"));
    again = open_one("s1");
    run(100);
    cr_assert_eq(requests, 0);
    session_unref(again);
    run(200);
    cr_assert_eq(requests, 1);
}

static void end_many(void)
{
    for (int i = 0; i < 20; i++) {
        AUTO(mem_free) char *id = mem_printf("s%d", i);
        session_unref(open_one(id));
    }
}

Test(session_ends, are_told_of_each)
{
    end_many();
    run(500);
    cr_assert_eq(requests, 20);
}

Test(session_ends, stop_asking_who_does_not_allow_it)
{
    says = REFUSED;
    end_many();
    run(500);
    cr_assert_leq(requests, 4, "%d", requests);
    session_unref(open_one("later"));
    run(200);
    cr_assert_leq(requests, 5);
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
    run(200);
    cr_assert_eq(requests, 1);
}

Test(session_ends, finish_with_those_that_are_still_held)
{
    session_t *session = open_one("s1");

    session_unref(open_one("s2"));
    cr_expect_lt(finish(5000), 1000);
    cr_assert_eq(requests, 2);
    session_unref(session);
    session_unref(open_one("s3"));
    run(100);
    cr_assert_eq(requests, 2, "nothing is sent any more");
}

Test(session_ends, finish_at_once_without_any)
{
    cr_expect_lt(finish(5000), 100);
}

Test(session_ends, finish_without_who_does_not_answer)
{
    says = NULL;
    end_many();
    int64_t took_ms = finish(100);
    cr_expect(took_ms >= 90 && took_ms < 1000, "%d", (int)took_ms);
}

Test(session_ends, bear_it_that_all_is_over_at_once)
{
    says = NULL;
    end_many();
    run(50);
    end_many();
}
