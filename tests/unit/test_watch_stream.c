/* A stream that is kept open, against a scripted connector. */
#include <criterion/criterion.h>
#include <event2/event.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"
#include "watch_stream.h"

#define TIMER_ROUNDING_MS 50 /* a loop arms its timers by the time at which its turn began */
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define EMPTY(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n\r\n"

static loop_t *loop;
static pool_t *helpers;
static resolver_t *resolver;
static http_pool_t *pool;
static raw_server_t server;
static watch_stream_t *stream;
static char requests[4][2048];
static int opened, closed, refusals, lost, prepared;
static char heard[256];
static bool (*enough)(void);
static bool wants = true, posts, frees;

static void prepare(void *self, buf_t *lines, buf_t *body)
{
    (void)self;
    prepared++;
    buf_add_text(lines, "X-Own: 1\r\n");
    buf_add_text(body, posts ? "{}" : "");
}

static void stop_if_enough(void)
{
    if (enough()) {
        loop_stop(loop);
    }
}

static void on_open(void *self)
{
    (void)self;
    opened++;
    cr_expect(watch_stream_is_open(stream));
    stop_if_enough();
}

static bool on_message(void *self, span_t data)
{
    (void)self;
    snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%.*s;", (int)data.length, data.at);
    if (frees) {
        watch_stream_free(TAKE(stream));
    }
    stop_if_enough();
    return wants;
}

static void on_closed(void *self, bool refused)
{
    (void)self;
    closed++;
    refusals += refused;
    cr_expect_not(watch_stream_is_open(stream));
    stop_if_enough();
}

static void on_lost(void *self)
{
    (void)self;
    lost++;
    stop_if_enough();
}

static const watch_stream_events_t events = { prepare, on_open, on_message, on_closed, on_lost };

static void on_patience(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what, (void)self;
    cr_expect_fail("waited too long");
    loop_stop(loop);
}

static void run(raw_script_f script, bool in_session)
{
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;
    hop_url_t url;
    err_t err;

    raw_start(&server, script);
    AUTO(mem_free) char *text = mem_printf("http://127.0.0.1:%u/mcp", server.port);
    cr_assert_eq(hop_url_parse(text, &url, &err), 0);
    loop = loop_new();
    helpers = pool_new(1, 16);
    resolver = resolver_new(loop, helpers);
    pool = http_pool_new(loop, resolver, &url, &limits);
    hop_url_release(&url);
    watch_stream_options_t options = { loop, pool, 65536, in_session };
    stream = watch_stream_new(&options, &events, NULL);
    struct event *patience = evtimer_new(loop_base(loop), on_patience, NULL);
    loop_arm(patience, 20000);
    loop_run(loop);
    event_free(patience);
    watch_stream_free(stream);
    http_pool_free(pool);
    resolver_free(resolver);
    pool_free(helpers);
    loop_free(loop);
    raw_stop(&server);
}

static bool read_request(int fd, int nth)
{
    bool whole = raw_read_request(fd, NULL);

    if (whole && nth < 4) {
        snprintf(requests[nth], sizeof(requests[nth]), "%.2000s", raw_request);
    }
    return whole;
}

static bool is_opened(void)
{
    return opened == 1;
}

static bool is_opened_twice(void)
{
    return opened == 2;
}

static bool is_closed(void)
{
    return closed == 1;
}

static bool is_lost(void)
{
    return lost == 1;
}

static bool has_heard(void)
{
    return *heard != '\0';
}

static void two_events(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, HEAD ": open\n\nid: e7\ndata:\n\ndata: one\n\n");
        if (nth > 0) {
            raw_wait_for_close(fd);
        }
    }
}

Test(watch_stream, that_ends_is_opened_again_where_it_was)
{
    enough = is_opened_twice;
    int64_t begin_ms = clock_ms();

    run(two_events, true);
    cr_expect_geq(clock_ms() - begin_ms, 250 - TIMER_ROUNDING_MS, "after a wait");
    cr_expect_eq(strncmp(requests[0], "GET /mcp ", 9), 0);
    cr_expect_not_null(strstr(requests[0], "X-Own: 1\r\n"));
    cr_expect_null(strstr(requests[0], "Last-Event-ID"));
    cr_expect_not_null(strstr(requests[1], "Last-Event-ID: e7\r\n"));
    cr_expect_eq(prepared, 2);
    cr_expect_eq(strncmp(heard, "one;", 4), 0, "an event without data says nothing");
}

Test(watch_stream, by_post_is_begun_anew)
{
    enough = is_opened_twice;
    posts = true;
    run(two_events, false);
    cr_expect_eq(strncmp(requests[1], "POST /mcp ", 10), 0);
    cr_expect_null(strstr(requests[1], "Last-Event-ID"));
}

static void asks_for_patience(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, HEAD "retry: 1200\ndata: x\n\n");
        if (nth > 0) {
            raw_wait_for_close(fd);
        }
    }
}

Test(watch_stream, waits_as_long_as_the_server_wants)
{
    int64_t begin_ms = clock_ms();

    enough = is_opened_twice;
    run(asks_for_patience, true);
    cr_expect_geq(clock_ms() - begin_ms, 1200 - TIMER_ROUNDING_MS);
}

static void not_allowed(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, EMPTY("405 Not"));
    }
}

static void busy(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, EMPTY("503 Busy"));
    }
}

static void conflict(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, EMPTY("409 There is one"));
    }
}

static void json(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    }
}

static void unknown(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, EMPTY("404 No"));
    }
}

static void expect_closed(raw_script_f script, bool refused)
{
    enough = is_closed;
    run(script, false);
    cr_expect_eq(opened, 0);
    cr_expect_eq(refusals, refused);
}

Test(watch_stream, is_refused_by_405)
{
    expect_closed(not_allowed, true);
}

Test(watch_stream, is_refused_by_json)
{
    expect_closed(json, true);
}

Test(watch_stream, is_refused_by_404_where_no_session_can_be_meant)
{
    expect_closed(unknown, true);
}

Test(watch_stream, is_tried_again_when_the_server_is_busy)
{
    expect_closed(busy, false);
}

Test(watch_stream, is_tried_again_while_the_server_thinks_that_the_last_one_is_open)
{
    expect_closed(conflict, false);
}

Test(watch_stream, says_when_its_session_is_lost)
{
    enough = is_lost;
    run(unknown, true);
    cr_expect_eq(closed, 0);
}

static void one_event(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, HEAD "data: one\n\ndata: two\n\n");
        raw_wait_for_close(fd);
    }
}

Test(watch_stream, may_be_freed_by_what_it_tells)
{
    frees = true;
    enough = has_heard;
    run(one_event, false);
    cr_expect_str_eq(heard, "one;");
}

Test(watch_stream, that_is_no_stream_to_be_kept_is_refused)
{
    wants = false;
    enough = is_closed;
    run(one_event, false);
    cr_expect_eq(refusals, 1);
    cr_expect_str_eq(heard, "one;");
}

static void endless(int fd, int nth)
{
    (void)nth;
    if (read_request(fd, nth) && raw_send(fd, HEAD "data: ")) {
        char block[8192];
        memset(block, 'x', sizeof(block));
        while (raw_send_bytes(fd, block, sizeof(block))) {
        }
    }
}

Test(watch_stream, with_an_event_without_end_is_given_up)
{
    enough = is_closed;
    run(endless, false);
    cr_expect_eq(refusals, 1);
}

static void head_alone(int fd, int nth)
{
    if (read_request(fd, nth)) {
        raw_send(fd, HEAD);
        raw_wait_for_close(fd);
    }
}

Test(watch_stream, is_open_with_its_head)
{
    enough = is_opened;
    run(head_alone, false);
    cr_expect_eq(closed, 0);
}
