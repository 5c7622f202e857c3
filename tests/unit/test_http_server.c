/* The server as its clients see it: answers, keep-alive, pipelining, hang-ups, draining. */
#include "http_fixture.h"

static answer_t a;

Test(http_server, answers_with_the_headers_every_answer_has, .init = start, .fini = stop)
{
    client_t *client = client_new();

    ask(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", &a);
    cr_expect_eq(a.status, 200);
    cr_expect_eq(a.length, 5u);
    cr_expect_str_eq(a.body, "hello");
    cr_expect(header_is(&a, "Content-Type", "text/plain"));
    cr_expect(header_is(&a, "X-Content-Type-Options", "nosniff"));
    cr_expect(find_header(&a, "Content-Security-Policy"));
    cr_expect_not(find_header(&a, "Connection"));
    cr_expect_eq(strcspn(find_header(&a, "X-Request-Id"), "\r"), 16u);
    cr_expect_eq(strspn(find_header(&a, "X-Request-Id"), "0123456789abcdef"), 16u);
    cr_expect(strstr(find_header(&a, "Date"), " GMT\r"));
    client_free(client);
}

Test(http_server, says_nothing_of_a_type_when_there_is_none, .init = start, .fini = stop)
{
    client_t *client = client_new();

    ask(client, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect_eq(a.status, 404);
    cr_expect(header_is(&a, "Content-Type", "application/json"));
    cr_expect(strstr(
        a.body, "{\"error\":{\"code\":\"not_found\",\"message\":\"Nothing is here.\",\"request_id\":\""));
    client_free(client);
}

Test(http_server, keeps_a_connection_for_many_requests, .init = start, .fini = stop)
{
    client_t *client = client_new();
    char id[17] = "";

    for (int i = 0; i < 100; i++) {
        ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
        cr_assert_eq(a.status, 200);
        cr_expect_neq(strncmp(id, find_header(&a, "X-Request-Id"), 16), 0,
                      "each request has an id of its own");
        memcpy(id, find_header(&a, "X-Request-Id"), 16);
    }
    client_free(client);
}

static void expect_last(const char *lines)
{
    AUTO(mem_free) char *text = mem_printf("GET /echo HTTP/1.1\r\nHost: x\r\n%s\r\n", lines);
    client_t *client = client_new();

    ask(client, text, &a);
    cr_expect_eq(a.status, 200);
    cr_expect(header_is(&a, "Connection", "close"), "%s", lines);
    cr_expect(is_closed(client), "%s", lines);
    client_free(client);
}

Test(http_server, closes_when_the_client_asks_for_it, .init = start, .fini = stop)
{
    expect_last("Connection: close\r\n");
    expect_last("connection: Close\r\n");
    expect_last("Connection: te, close\r\n");
    expect_last("Connection: keep-alive\r\nConnection: close\r\n");
}

Test(http_server, answers_two_requests_of_one_write_in_order, .init = start, .fini = stop)
{
    client_t *client = client_new();

    say(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo");
    cr_expect_str_eq(hear(client, &a)->body, "one");
    cr_expect_str_eq(hear(client, &a)->body, "two");
    client_free(client);
}

Test(http_server, answers_a_thousand_pipelined_requests, .init = start, .fini = stop)
{
    client_t *client = client_new();

    for (int i = 0; i < 1000; i++) {
        say(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(hear(client, &a)->status, 200, "answer %d", i);
    }
    client_free(client);
}

Test(http_server, keeps_a_pipelined_request_waiting_behind_a_pending_one, .init = start, .fini = stop)
{
    client_t *client = client_new();

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?same-write HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    say(client, "GET /echo?while-watched HTTP/1.1\r\nHost: x\r\n\r\n");
    usleep(100000);
    cr_expect_eq(atomic_load(&fx.requests), 1);
    answer_pending("late");
    cr_expect_str_eq(hear(client, &a)->body, "late");
    cr_expect(header_is(hear(client, &a), "X-Saw-Query", "same-write"));
    cr_expect(header_is(hear(client, &a), "X-Saw-Query", "while-watched"));
    cr_expect_eq(atomic_load(&fx.gone), 0);
    client_free(client);
}

Test(http_server, does_not_hold_what_a_client_sends_behind_a_pending_request, .init = start, .fini = stop)
{
    client_t *client = client_new();
    static char junk[65536];
    size_t before;

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    before = resident_bytes();
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 500; i++) {
        say_bytes(client, junk, sizeof(junk));
        usleep(1000);
    }
    cr_expect_lt(resident_bytes(), before + (4u << 20));
    answer_pending("late");
    client_free(client);
}

Test(http_server, tells_a_pending_request_once_that_its_client_hung_up, .init = start, .fini = stop)
{
    client_t *client = client_new();

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    client_free(client);
    cr_expect(becomes(&fx.gone, 1));
}

Test(http_server, tells_a_pending_request_that_its_client_reset, .init = start, .fini = stop)
{
    client_t *client = client_new();
    int64_t before;

    say(client, "POST /pending HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    cr_assert(becomes(&fx.requests, 1));
    before = cpu_ms();
    client_reset(client);
    cr_expect(becomes(&fx.gone, 1));
    usleep(500000);
    cr_expect_lt(cpu_ms() - before, 200, "and the loop does not spin");
}

/* The bytes of a second request keep the socket readable, and the end of the connection stands behind them.
 */
static void leave_behind_a_pipelined_request(void (*leave)(client_t *client))
{
    client_t *client = client_new();

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    settle();
    leave(client);
    cr_expect(becomes(&fx.gone, 1));
    settle();
    cr_expect_eq(atomic_load(&fx.requests), 1);
    cr_expect_eq(http_server_open_requests(fx.server), 0u);
}

Test(http_server, sees_a_hang_up_behind_a_pipelined_request, .init = start, .fini = stop)
{
    leave_behind_a_pipelined_request(client_free);
}

Test(http_server, sees_a_reset_behind_a_pipelined_request, .init = start, .fini = stop)
{
    leave_behind_a_pipelined_request(client_reset);
}

static void look_for_one_kept(void *found)
{
    *(bool *)found = fx.kept_count == 1;
}

static void wait_for_one_kept(void)
{
    bool found = false;

    for (int i = 0; i < 4000 && !found; i++) {
        usleep(i > 0 ? 5000 : 0);
        on_loop(look_for_one_kept, &found);
    }
    cr_assert(found);
}

static void expect_no_open_requests(void)
{
    for (int i = 0; i < 400 && http_server_open_requests(fx.server) > 0; i++) {
        usleep(50000); /* who vanished is noticed by the next sweep */
    }
    cr_expect_eq(http_server_open_requests(fx.server), 0u);
}

static void answer_if_any(void *text)
{
    if (fx.kept_count > 0) {
        answer_one(text);
    }
}

Test(http_server, answers_a_client_that_reset_before_the_sweep_saw_it, .init = start, .fini = stop)
{
    for (int i = 0; i < 20; i++) {
        client_t *client = client_new();
        say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
        wait_for_one_kept();
        say(client, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
        usleep(5000);
        client_reset(client);
        on_loop(answer_if_any, "nobody reads this");
    }
    expect_no_open_requests();
}

/* Sends `text` cut off after each of its bytes in turn, and vanishes. */
static void vanish_everywhere(const char *text, bool reset)
{
    for (size_t length = 0; length <= strlen(text); length++) {
        client_t *client = client_new();
        say_bytes(client, text, length);
        if (length % 3 == 0) {
            usleep(1000);
        }
        reset ? client_reset(client) : client_free(client);
    }
}

Test(http_server, is_unharmed_by_clients_that_vanish_after_any_byte, .init = start, .fini = stop)
{
    const char *chunked =
        "POST /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    client_t *client;

    vanish_everywhere(
        "POST /pending HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", false);
    vanish_everywhere("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", true);
    vanish_everywhere(chunked, false);
    vanish_everywhere(chunked, true);
    client = client_new();
    cr_expect_eq(ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a)->status, 200);
    client_free(client);
    expect_no_open_requests();
}

Test(http_server, reads_path_query_and_headers_as_they_were_sent, .init = start, .fini = stop)
{
    client_t *client = client_new();

    ask(client,
        "PATCH /echo/a%20b?x=1&y=%41 HTTP/1.1\r\nHost: x\r\nX-Dup:  \tone \r\nx-dup: two\r\nX-DUP: "
        "3\r\n\r\n",
        &a);
    cr_expect(header_is(&a, "X-Saw-Path", "/echo/a%20b"));
    cr_expect(header_is(&a, "X-Saw-Query", "x=1&y=%41"));
    cr_expect(header_is(&a, "X-Saw-Method", "PATCH"));
    cr_expect(header_is(&a, "X-Saw-Dup", "one"));
    cr_expect(header_is(&a, "X-Saw-Count", "3"));
    ask(client, "GET //host/echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect(header_is(&a, "X-Saw-Path", "//host/echo"), "a path, not a host");
    cr_expect(header_is(&a, "X-Saw-Query", "(absent)"));
    cr_expect(header_is(&a, "X-Saw-Dup", "(absent)"));
    ask(client, "GET http://x/echo?q HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect(header_is(&a, "X-Saw-Path", "/echo"));
    cr_expect(header_is(&a, "X-Saw-Query", "q"));
    client_free(client);
}

Test(http_server, takes_a_chunked_body_byte_by_byte, .init = start, .fini = stop)
{
    const char *text = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                       "chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
    client_t *client = client_new();
    const int on = 1;

    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (const char *at = text; *at; at++) {
        say_bytes(client, at, 1);
        usleep(500);
    }
    cr_expect_str_eq(hear(client, &a)->body, "abcdefg");
    client_free(client);
}

Test(http_server, sends_no_body_after_HEAD_but_its_length, .init = start, .fini = stop)
{
    client_t *client = client_new();

    say(client, "HEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_head(client, &a);
    cr_expect_eq(a.status, 404);
    cr_expect_gt(atoi(find_header(&a, "Content-Length")), 20);
    cr_expect_eq(hear_head(client, &a)->status, 200, "the next answer follows at once");
    client_free(client);
}

Test(http_server, asks_for_the_body_of_a_client_that_waits, .init = start, .fini = stop)
{
    client_t *client = client_new();

    say(client, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    cr_expect(hears(client, "HTTP/1.1 100 Continue\r\n\r\n"));
    say(client, "hi");
    cr_expect_str_eq(hear(client, &a)->body, "hi");
    client_free(client);
}

static void start_unix(void)
{
    char path[80];

    snprintf(path, sizeof(path), "unix:/tmp/guiche-test-%d.sock", (int)getpid());
    start_on(path);
}

static void stop_unix(void)
{
    unlink(fx.address + 5);
    stop();
}

Test(http_server, serves_a_unix_socket_whose_clients_have_no_address, .init = start_unix, .fini = stop_unix)
{
    client_t *client = client_new();

    ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect(header_is(&a, "X-Saw-Peer", "(none)"));
    cr_expect(header_is(&a, "X-Saw-Local", "yes"));
    client_free(client);
}

/* libevent 2.1.12 gives up a connection whose peer has a name in the file system. */
Test(http_server, survives_a_unix_client_with_a_name, .init = start_unix, .fini = stop_unix)
{
    struct sockaddr_un own = { .sun_family = AF_UNIX }, at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    client_t *client;

    snprintf(own.sun_path, sizeof(own.sun_path), "/tmp/guiche-test-a-client-with-a-long-name-%d",
             (int)getpid());
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", fx.address + 5);
    cr_assert_eq(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    client = client_new();
    cr_expect_eq(ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a)->status, 200);
    client_free(client);
    close(fd);
    unlink(own.sun_path);
}

Test(http_server, knows_the_loopback_listener, .init = start, .fini = stop)
{
    client_t *client = client_new();

    ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect(header_is(&a, "X-Saw-Local", "yes"));
    cr_expect(header_is(&a, "X-Saw-Peer", "127.0.0.1"));
    client_free(client);
}

static void start_everywhere(void)
{
    start_on("0.0.0.0:0");
}

Test(http_server, does_not_take_a_loopback_client_for_a_loopback_listener, .init = start_everywhere,
     .fini = stop)
{
    client_t *client = client_new();

    ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect(header_is(&a, "X-Saw-Local", "no"));
    client_free(client);
}

/* draining */

static void drain_within(int64_t ms)
{
    on_loop(drain, &ms);
}

Test(http_server, is_drained_at_once_when_nobody_is_there, .init = start, .fini = stop)
{
    drain_within(5000);
    cr_expect(becomes(&fx.done, 1));
    cr_expect_lt(try_connect(), 0);
}

Test(http_server, drains_by_closing_the_idle_and_answering_the_open, .init = start, .fini = stop)
{
    client_t *idle = client_new(), *open = client_new();

    ask(idle, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    say(open, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 2));
    drain_within(60000);
    cr_expect(is_closed(idle));
    cr_expect_lt(try_connect(), 0);
    cr_expect_eq(atomic_load(&fx.done), 0);
    answer_pending("still");
    hear(open, &a);
    cr_expect_str_eq(a.body, "still");
    cr_expect(header_is(&a, "Connection", "close"));
    cr_expect(is_closed(open));
    cr_expect(becomes(&fx.done, 1));
    client_free(idle);
    client_free(open);
}

Test(http_server, drains_a_request_that_was_half_read, .init = start, .fini = stop)
{
    client_t *client = client_new();

    say(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nha");
    settle();
    drain_within(60000);
    ask(client, "lf", &a);
    cr_expect_eq(a.status, 200);
    cr_expect(header_is(&a, "Connection", "close"));
    cr_expect(becomes(&fx.done, 1));
    client_free(client);
}

/* The check of Host against DNS rebinding hangs on it. */
Test(http_server, knows_while_it_drains_that_a_request_came_in_on_loopback, .init = start, .fini = stop)
{
    client_t *client = client_new();

    say(client, "GET /echo HTTP/1.1\r\nHost: x\r\n");
    settle();
    drain_within(60000);
    ask(client, "\r\n", &a);
    cr_expect(header_is(&a, "X-Saw-Local", "yes"));
    client_free(client);
}

Test(http_server, cuts_what_is_open_when_the_drain_is_over, .init = start, .fini = stop)
{
    client_t *client = client_new(), *streaming = client_new();

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    say(streaming, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 2));
    drain_within(300);
    cr_expect(is_closed(client));
    cr_expect(becomes(&fx.gone, 2));
    cr_expect(becomes(&fx.done, 1));
    client_free(client);
    client_free(streaming);
}

Test(http_server, tells_open_requests_when_it_is_freed, .init = start)
{
    client_t *client = client_new(), *streaming = client_new();

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    say(streaming, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 2));
    stop();
    cr_expect_eq(atomic_load(&fx.gone), 2);
    client_free(client);
    client_free(streaming);
}

/* The loop stands still: what is answered now waits to be sent. */
static client_t *stopped_with_a_pending_request(void)
{
    client_t *client = client_new();

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    loop_stop(fx.loop);
    pthread_join(fx.thread, NULL);
    return client;
}

Test(http_server, may_be_freed_before_an_answer_has_left, .init = start)
{
    client_t *client = stopped_with_a_pending_request();

    answer_one("unsent");
    http_server_free(fx.server);
    cr_expect(is_closed(client));
    loop_free(fx.loop);
    mem_free(fx.address);
    client_free(client);
}

Test(http_server, is_unharmed_by_a_client_that_hangs_up_before_its_answer_has_left, .init = start,
     .fini = stop)
{
    client_t *client = stopped_with_a_pending_request();

    client_free(client);
    loop_defer(fx.loop, answer_one, "too late"); /* runs before the hang-up is looked at, the write after */
    pthread_create(&fx.thread, NULL, run_loop, fx.loop);
    client = client_new();
    ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect_eq(a.status, 200);
    cr_expect_eq(atomic_load(&fx.gone), 0, "it had been answered");
    client_free(client);
}
