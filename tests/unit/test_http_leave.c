/* hop_leave(): an exchange whose answer nobody wants the rest of, against connectors that end it in time,
 * late, or never. */
#include "http_client.h"

#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <event2/event.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define STREAM                                                                                               \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"               \
    "9\r\ndata: x\n\n\r\n"
#define LAST_CHUNK "0\r\n\r\n"

typedef struct {
    hop_t *hop;
    bool pauses; /* before it leaves, as a caller does whose own client is slow */
    bool left;
} caller_t;

static atomic_bool has_left; /* what the peer sends then is a read of its own */
static loop_t *loop;
static http_pool_t *connections;
static raw_server_t server;
static char path[64];
static http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;

static void on_body(void *self, struct evbuffer *body)
{
    caller_t *caller = self;

    cr_assert_not(caller->left, "a callback after hop_leave()");
    cr_assert_gt(evbuffer_get_length(body), 0);
    if (caller->pauses) {
        hop_pause(caller->hop, true);
    }
    caller->left = true;
    hop_leave(caller->hop);
    has_left = true;
}

static void on_end(void *self, struct evbuffer *body)
{
    (void)self, (void)body;
    cr_assert_fail("the end is told of an exchange that was left");
}

static void on_error(void *self, const err_t *err, bool sent)
{
    (void)self, (void)sent;
    cr_assert_fail("an error is told of an exchange that was left: %s", err->text);
}

static const hop_events_t events = { .on_body = on_body, .on_end = on_end, .on_error = on_error };

static void set_up(raw_script_f script)
{
    hop_url_t url = { .socket_path = path, .path = "/mcp", .authority = "localhost" };

    snprintf(path, sizeof(path), "/tmp/guiche-leave-%d.sock", getpid());
    unlink(path);
    raw_start_unix(&server, script, path);
    loop = loop_new();
    connections = http_pool_new(loop, NULL, &url, &limits);
}

static void tear_down(void)
{
    http_pool_free(connections);
    loop_free(loop);
    raw_stop(&server);
    unlink(path);
}

static void start(caller_t *caller)
{
    hop_request_t request = { .method = "POST", .deadline_ms = clock_ms() + 20000 };

    has_left = false;
    caller->hop = hop_start(connections, &request, NULL, &events, caller);
}

/* Until the caller has left and so many connections are `counted`. */
static void run_until(const caller_t *caller, size_t (*counted)(const http_pool_t *), size_t count)
{
    int64_t until_ms = clock_ms() + 30000;

    while (!caller->left || counted(connections) != count) {
        cr_assert_lt(clock_ms(), until_ms, "%zu connections", counted(connections));
        event_base_loop(loop_base(loop), EVLOOP_ONCE);
    }
}

static void wait_until_left(void)
{
    for (int i = 0; i < 5000 && !has_left; i++) {
        usleep(1000);
    }
}

static void end_soon(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL) && raw_send(fd, STREAM)) {
        wait_until_left();
        raw_send(fd, "3\r\n:\n\n\r\n" LAST_CHUNK);
    }
}

Test(hop_leave, keeps_the_connection_of_a_stream_that_ends)
{
    set_up(end_soon);
    for (int i = 0; i < 3; i++) {
        caller_t caller = { .pauses = i == 1 };
        start(&caller);
        run_until(&caller, http_pool_idle, 1);
    }
    cr_assert_eq(server.accepted, 1);
    tear_down();
}

static void never_end(int fd, int nth)
{
    (void)nth;
    if (raw_read_request(fd, NULL) && raw_send(fd, STREAM)) {
        while (raw_send(fd, "3\r\n:\n\n\r\n")) {
            usleep(20000);
        }
    }
}

Test(hop_leave, closes_the_connection_of_a_stream_that_does_not_end)
{
    caller_t caller = { 0 };
    int64_t began_ms = clock_ms();

    set_up(never_end);
    start(&caller);
    run_until(&caller, http_pool_open, 0);
    cr_assert_geq(clock_ms() - began_ms, 900);
    tear_down();
}

static void break_off(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send(fd, STREAM);
    wait_until_left();
}

static void lose_its_way(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send(fd, STREAM);
    wait_until_left();
    raw_send(fd, "no chunk\r\n");
    raw_wait_for_close(fd);
}

static void say_more(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send(fd, STREAM);
    wait_until_left();
    raw_send(fd, LAST_CHUNK "HTTP/1.1 200 OK\r\n");
    raw_wait_for_close(fd);
}

Test(hop_leave, closes_a_connection_that_cannot_be_trusted)
{
    static const raw_script_f scripts[] = { break_off, lose_its_way, say_more };

    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        caller_t caller = { 0 };
        set_up(scripts[i]);
        start(&caller);
        run_until(&caller, http_pool_open, 0);
        tear_down();
    }
}

Test(hop_leave, holds_no_more_connections_than_may_be_idle)
{
    caller_t caller = { 0 };

    limits.max_idle = 0;
    set_up(never_end);
    start(&caller);
    run_until(&caller, http_pool_open, 0);
    tear_down();
}

Test(hop_leave, does_not_outlive_its_pool)
{
    caller_t caller = { 0 };

    set_up(never_end);
    start(&caller);
    run_until(&caller, http_pool_open, 1);
    tear_down();
}

static void on_body_free(void *self, struct evbuffer *body)
{
    caller_t *caller = self;

    (void)body;
    caller->left = true;
    hop_leave(caller->hop);
    http_pool_free(TAKE(connections));
}

Test(hop_leave, lets_the_callback_that_leaves_free_the_pool)
{
    static const hop_events_t freeing = { .on_body = on_body_free, .on_end = on_end, .on_error = on_error };
    hop_request_t request = { .method = "POST", .deadline_ms = clock_ms() + 20000 };
    caller_t caller = { 0 };

    set_up(never_end);
    caller.hop = hop_start(connections, &request, NULL, &freeing, &caller);
    while (!caller.left) {
        event_base_loop(loop_base(loop), EVLOOP_ONCE);
    }
    tear_down();
}
