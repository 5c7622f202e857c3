/* The hop client against connectors that misbehave. Each test has a process, a loop and a scripted peer of
 * its own. */
#include "http_client.h"

#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <netdb.h>
#include <poll.h>

#include "clock.h"
#include "http_pool.h"
#include "mem.h"
#include "raw_server.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
#define OK OK_HEAD "2\r\n\r\n{}"

typedef enum { NEVER, IN_HEAD, IN_BODY, IN_END, IN_ERROR } moment_t;

/* What the exchange that runs now has told. */
typedef struct {
    hop_t *hop;
    bool started; /* hop_start() has returned */
    int heads, bodies, ends, errors;
    int status;
    char content_type[64], body[256];
    size_t body_bytes;
    bool drains; /* takes the body as it comes */
    bool sent;
    err_t err;
    moment_t cancels_in;
    bool frees_pool;
} told_t;

static loop_t *loop;
static pool_t *helpers;
static resolver_t *resolver;
static http_pool_t *connections;
static raw_server_t server;
static told_t told;
static http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;

/* The resolver's lookups end up here: names with two addresses, of which the first one refuses. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
    static struct sockaddr_in addresses[2];
    static struct addrinfo infos[2];

    (void)service;
    (void)hints;
    if (strcmp(host, "two.test") != 0) {
        return EAI_NONAME;
    }
    for (int i = 0; i < 2; i++) {
        addresses[i] =
            (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 - (unsigned)i) };
        infos[i] = (struct addrinfo){ .ai_family = AF_INET,
                                      .ai_addr = (struct sockaddr *)&addresses[i],
                                      .ai_addrlen = sizeof(addresses[i]),
                                      .ai_next = i ? NULL : &infos[1] };
    }
    *ret = infos;
    return 0;
}

void freeaddrinfo(struct addrinfo *infos)
{
    (void)infos;
}

static void maybe_cancel(moment_t now)
{
    cr_assert(told.started, "a callback ran before hop_start() had returned");
    if (told.cancels_in == now) {
        hop_cancel(told.hop);
        loop_stop(loop);
    }
}

static void on_head(void *self, const hop_head_t *head)
{
    cr_assert_eq(self, &told);
    told.heads++;
    told.status = head->status;
    snprintf(told.content_type, sizeof(told.content_type), "%.*s", SPAN_ARGS(head->content_type));
    maybe_cancel(IN_HEAD);
}

static void on_body(void *self, struct evbuffer *body)
{
    (void)self;
    told.bodies++;
    if (told.drains) {
        told.body_bytes += evbuffer_get_length(body);
        evbuffer_drain(body, evbuffer_get_length(body));
    }
    maybe_cancel(IN_BODY);
}

static void free_pool(void)
{
    http_pool_free(TAKE(connections));
}

static void on_end(void *self, struct evbuffer *body)
{
    (void)self;
    told.ends++;
    told.body_bytes += evbuffer_get_length(body);
    evbuffer_copyout(body, told.body, sizeof(told.body) - 1);
    maybe_cancel(IN_END);
    if (told.frees_pool) {
        free_pool();
    }
    loop_stop(loop);
}

static void on_error(void *self, const err_t *err, bool sent)
{
    (void)self;
    told.errors++;
    told.err = *err;
    told.sent = sent;
    maybe_cancel(IN_ERROR);
    if (told.frees_pool) {
        free_pool();
    }
    loop_stop(loop);
}

static const hop_events_t events = { on_head, on_body, on_end, on_error };

static void open_pool(const char *text)
{
    hop_url_t url;
    err_t err;

    loop = loop_new();
    helpers = pool_new(1, 10);
    resolver = resolver_new(loop, helpers);
    cr_assert_eq(hop_url_parse(text, &url, &err), 0, "%s", err.text);
    connections = http_pool_new(loop, resolver, &url, &limits);
    hop_url_release(&url);
}

static void set_up(raw_script_f script)
{
    char url[64];

    raw_start(&server, script);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/mcp", server.port);
    open_pool(url);
}

static void tear_down_client(void)
{
    http_pool_free(connections);
    resolver_free(resolver);
    pool_free(helpers);
    loop_free(loop);
}

static void tear_down(void)
{
    tear_down_client();
    raw_stop(&server);
}

static void start_with(const char *method, const char *body, int64_t deadline_ms, bool idempotent)
{
    hop_request_t request = { .method = method,
                              .headers = SPAN("Content-Type: application/json\r\n"),
                              .deadline_ms = clock_ms() + deadline_ms,
                              .idempotent = idempotent };
    AUTO_BUF bytes = { 0 };

    buf_add_text(&bytes, body);
    told.hop = hop_start(connections, &request, &bytes, &events, &told);
    told.started = true;
    cr_assert_eq(bytes.length, 0);
}

static void forget(void)
{
    told = (told_t){ .drains = told.drains, .cancels_in = told.cancels_in, .frees_pool = told.frees_pool };
}

static void call_with(int64_t deadline_ms, bool idempotent)
{
    forget();
    start_with("POST", "{\"a\":1}", deadline_ms, idempotent);
    loop_run(loop);
    cr_assert_leq(told.ends + told.errors, 1);
}

static void call(void)
{
    call_with(20000, false);
}

static void on_rest_over(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    (void)self;
    loop_stop(loop);
}

static void run_loop_ms(int ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_rest_over, NULL, &wait);
    loop_run(loop);
}

static void run_until_closed(void)
{
    for (int i = 0; i < 400 && http_pool_open(connections) > 0; i++) {
        run_loop_ms(50);
    }
    cr_assert_eq(http_pool_open(connections), 0);
}

static void expect_answer(const char *body)
{
    cr_assert_eq(told.errors, 0, "%s", told.err.text);
    cr_assert_eq(told.ends, 1);
    cr_assert_eq(told.heads, 1);
    cr_assert_str_eq(told.body, body);
}

static void expect_error(err_kind_t kind, const char *text, bool sent)
{
    cr_assert_eq(told.errors, 1);
    cr_assert_eq(told.ends, 0);
    cr_assert_str_eq(told.err.text, text);
    cr_assert_eq(told.err.kind, kind);
    cr_assert_eq(told.sent, sent);
}

#define CLOSED_BEFORE "The connector closed the connection before it answered."
#define CLOSED_AMID "The connector closed the connection in the middle of its answer."
#define TOO_LATE "The connector did not answer within its deadline."

static void answer_all(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL) && raw_send(fd, OK)) {
    }
}

Test(http_client, sends_one_request_and_keeps_the_connection_for_the_next)
{
    set_up(answer_all);
    for (int i = 0; i < 3; i++) {
        call();
        expect_answer("{}");
        cr_assert_eq(told.status, 200);
        cr_assert_str_eq(told.content_type, "application/json");
        cr_assert_eq(http_pool_idle(connections), 1);
        cr_assert_eq(http_pool_open(connections), 1);
    }
    cr_assert_eq(server.accepted, 1);
    tear_down();

    char expected[300];
    snprintf(expected, sizeof(expected),
             "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: "
             "7\r\n\r\n"
             "{\"a\":1}",
             server.port);
    cr_assert_str_eq(raw_request, expected);
}

Test(http_client, sends_no_length_with_a_get)
{
    set_up(answer_all);
    start_with("GET", "", 5000, true);
    loop_run(loop);
    expect_answer("{}");
    tear_down();
    cr_assert_eq(strncmp(raw_request, "GET /mcp HTTP/1.1\r\n", 19), 0);
    cr_assert_not(strstr(raw_request, "Content-Length"));
}

Test(http_client, speaks_through_a_unix_socket)
{
    char path[64], url[80];

    snprintf(path, sizeof(path), "/tmp/guiche-hop-%d.sock", getpid());
    unlink(path);
    raw_start_unix(&server, answer_all, path);
    snprintf(url, sizeof(url), "unix:%s:/v2/mcp", path);
    open_pool(url);
    call();
    expect_answer("{}");
    call();
    expect_answer("{}");
    cr_assert_eq(server.accepted, 1);
    tear_down();
    unlink(path);
    cr_assert_eq(strncmp(raw_request, "POST /v2/mcp HTTP/1.1\r\nHost: localhost\r\n", 40), 0);
}

Test(http_client, says_when_the_unix_socket_is_not_there)
{
    open_pool("unix:/tmp/guiche-no-such.sock");
    call();
    expect_error(ERR_UPSTREAM, "The connector is not running: its socket does not exist.", false);
    cr_assert_eq(http_pool_open(connections), 0);
    tear_down_client();
}

Test(http_client, says_when_the_connection_is_refused)
{
    set_up(answer_all);
    raw_stop(&server);
    call();
    expect_error(ERR_UPSTREAM, "The connector refused the connection.", false);
    tear_down_client();
}

Test(http_client, tries_the_next_address_of_a_name)
{
    char url[64];

    raw_start(&server, answer_all);
    snprintf(url, sizeof(url), "http://two.test:%d", server.port);
    open_pool(url);
    call();
    expect_answer("{}");
    tear_down();
}

Test(http_client, says_when_the_name_does_not_resolve)
{
    open_pool("http://nowhere.test:1/mcp");
    call();
    expect_error(ERR_UPSTREAM, "The host name could not be resolved.", false);
    tear_down_client();
}

Test(http_client, gives_up_connecting_before_the_deadline)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[4];
    char url[64];

    /* A backlog that is full drops every further SYN. */
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    listen(listener, 0);
    getsockname(listener, (struct sockaddr *)&address, &size);
    for (size_t i = 0; i < COUNT_OF(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, size);
    }
    usleep(50000);
    limits.connect_timeout_ms = 200;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    open_pool(url);
    int64_t began_ms = clock_ms();
    call_with(30000, false);
    expect_error(ERR_UPSTREAM, "The connector did not accept the connection in time.", false);
    cr_assert_lt(clock_ms() - began_ms, 20000);

    limits.connect_timeout_ms = 30000;
    tear_down_client();
    open_pool(url);
    call_with(200, false);
    expect_error(ERR_TIMEOUT, TOO_LATE, false);
    tear_down_client();
    for (size_t i = 0; i < COUNT_OF(fillers); i++) {
        close(fillers[i]);
    }
    close(listener);
}

static void close_at_once(int fd, int nth)
{
    (void)fd;
    (void)nth;
}

static void close_after_request(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
}

Test(http_client, survives_a_connector_that_closes_at_once)
{
    set_up(close_at_once);
    for (int i = 0; i < 20; i++) {
        call_with(20000, true);
        cr_assert_eq(told.errors, 1);
        cr_assert_str_eq(told.err.text, CLOSED_BEFORE);
    }
    cr_assert_eq(server.accepted, 20, "a fresh connection that dies is not tried again");
    cr_assert_eq(http_pool_open(connections), 0);
    tear_down();
}

Test(http_client, tells_that_the_request_was_sent_when_nothing_came_back)
{
    set_up(close_after_request);
    call();
    expect_error(ERR_UPSTREAM, CLOSED_BEFORE, true);
    tear_down();
}

static void answer_garbage(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send(fd, "220 mail.example.com ESMTP");
    raw_wait_for_close(fd);
}

Test(http_client, refuses_garbage_at_once_though_the_line_never_ends)
{
    set_up(answer_garbage);
    call();
    expect_error(ERR_UPSTREAM,
                 "The connector's answer is not valid HTTP: it does not begin with a status line.", true);
    tear_down();
}

static void hang(int fd, int nth)
{
    (void)nth;
    raw_wait_for_close(fd);
}

Test(http_client, ends_a_connector_that_hangs_at_the_deadline)
{
    set_up(hang);
    int64_t began_ms = clock_ms();
    call_with(1000, true);
    expect_error(ERR_TIMEOUT, TOO_LATE, true);
    cr_assert_geq(clock_ms() - began_ms, 990);
    cr_assert_lt(clock_ms() - began_ms, 15000);
    cr_assert_eq(http_pool_open(connections), 0);
    tear_down();
}

Test(http_client, sends_nothing_when_the_deadline_has_passed)
{
    set_up(hang);
    call_with(-5, true);
    expect_error(ERR_TIMEOUT, TOO_LATE, false);
    cr_assert_eq(server.accepted, 0);
    tear_down();
}

static void dribble(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send(fd, OK_HEAD "1000\r\n\r\n");
    raw_send_slowly(fd, "{ a line of some sixty bytes that takes three seconds to come }", 50000);
    raw_wait_for_close(fd);
}

Test(http_client, holds_a_dribbling_connector_to_the_absolute_deadline)
{
    set_up(dribble);
    call_with(1500, true);
    expect_error(ERR_TIMEOUT, TOO_LATE, true);
    cr_assert_gt(told.bodies, 1);
    tear_down();
}

static void die_amid(int fd, int nth)
{
    static const char *const halves[] = {
        OK_HEAD "20\r\n\r\n{\"half\":", OK_HEAD "20\r\n\r\n{\"half\":", "HTTP/1.1 200 OK\r\nConte",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    };

    raw_read_request(fd, NULL);
    raw_send(fd, halves[nth]);
    if (nth == 1) {
        usleep(50000);
        raw_reset(fd);
    }
}

Test(http_client, never_takes_half_an_answer_for_a_whole_one)
{
    set_up(die_amid);
    for (int i = 0; i < 4; i++) {
        call_with(20000, true);
        expect_error(ERR_UPSTREAM, CLOSED_AMID, true);
    }
    cr_assert_eq(server.accepted, 4, "an answer that has begun is not asked for again");
    tear_down();
}

static void answer_bytewise(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send_slowly(fd,
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nDigest: none\r\n\r\n",
                    200);
    raw_wait_for_close(fd);
}

Test(http_client, reads_a_chunked_answer_that_comes_byte_by_byte_after_a_100)
{
    set_up(answer_bytewise);
    call();
    expect_answer("abcd");
    cr_assert_eq(http_pool_idle(connections), 1);
    tear_down();
}

static void answer_oddly(int fd, int nth)
{
    static const char *const answers[] = {
        OK OK,                                                                 /* two answers */
        OK_HEAD "2\r\n\r\n{}surplus",                                          /* more than the length says */
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", /* but does not close */
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    };

    raw_read_request(fd, NULL);
    raw_send(fd, answers[nth]);
    raw_wait_for_close(fd);
}

Test(http_client, does_not_use_a_connection_again_that_it_cannot_trust)
{
    set_up(answer_oddly);
    for (int i = 0; i < 4; i++) {
        call();
        expect_answer("{}");
        cr_assert_eq(http_pool_open(connections), 0, "case %d", i);
    }
    cr_assert_eq(server.accepted, 4);
    tear_down();
}

/* Until the idle connection has something to say, without telling the loop. */
static void wait_for_news(void)
{
    struct pollfd idle = { .fd = connections->newest->fd, .events = POLLIN };

    cr_assert_eq(poll(&idle, 1, 10000), 1);
}

static atomic_int idle_calls; /* so many answers have been read; what peers do next comes after them */

static void wait_until_idle(int nth)
{
    while (idle_calls <= nth) {
        usleep(1000);
    }
    usleep(30000); /* one used just now is trusted without a look */
}

static void call_until_idle(void)
{
    call();
    cr_assert_eq(http_pool_idle(connections), 1);
    idle_calls++;
}

static void answer_then_talk(int fd, int nth)
{
    raw_read_request(fd, NULL);
    raw_send(fd, OK);
    wait_until_idle(nth);
    raw_send(fd, OK);
    raw_wait_for_close(fd);
}

Test(http_client, drops_an_idle_connection_that_says_something_unasked)
{
    set_up(answer_then_talk);
    call_until_idle();
    run_until_closed();

    call_until_idle();
    wait_for_news(); /* the loop does not see it: the check before reuse does */
    call_until_idle();
    expect_answer("{}");
    cr_assert_eq(server.accepted, 3);
    tear_down();
}

static void answer_and_go(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send(fd, OK);
}

static void answer_twice(int fd, int nth)
{
    raw_read_request(fd, NULL);
    raw_send(fd, OK);
    raw_send(fd, nth == 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\"early\"" : "");
    raw_wait_for_close(fd);
}

static void start_in_a_turn(void *self)
{
    (void)self;
    start_with("POST", "{}", 5000, false);
}

/* Within a turn that has seen the connection end or talk, and not come to it: nothing of the request has left
 * by then, so it may go out on another one whatever it does. */
Test(http_client, sends_on_a_fresh_connection_when_the_kept_one_ends_in_the_same_turn)
{
    static void (*const servers[])(int fd, int nth) = { answer_and_go, answer_twice };

    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        set_up(servers[i]);
        call();
        if (http_pool_idle(connections) > 0) {
            wait_for_news();
        }
        forget();
        loop_defer(loop, start_in_a_turn, NULL);
        loop_run(loop);
        expect_answer("{}");
        cr_assert_eq(server.accepted, 2);
        tear_down();
    }
}

Test(http_client, may_be_cancelled_before_its_request_has_left)
{
    set_up(answer_all);
    call();
    start_with("POST", "{}", 5000, true);
    hop_cancel(told.hop);
    run_loop_ms(50);
    cr_assert_eq(http_pool_open(connections), 0);
    call();
    expect_answer("{}");
    tear_down();
}

static void answer_to_close(int fd, int nth)
{
    raw_read_request(fd, NULL);
    raw_send(fd, nth ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\nall there is");
}

Test(http_client, takes_a_body_that_ends_with_the_connection)
{
    set_up(answer_to_close);
    call();
    expect_answer("all there is");
    call();
    expect_answer("");
    tear_down();
}

static void reset_amid_close_delimited(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send(fd, "HTTP/1.1 200 OK\r\n\r\nhalf of");
    usleep(50000);
    raw_reset(fd);
}

Test(http_client, does_not_take_a_reset_for_the_end_of_a_body)
{
    set_up(reset_amid_close_delimited);
    call();
    expect_error(ERR_UPSTREAM, CLOSED_AMID, true);
    tear_down();
}

static void answer_204(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL) && raw_send(fd, "HTTP/1.1 204 No Content\r\n\r\n")) {
    }
}

Test(http_client, needs_no_length_for_a_204)
{
    set_up(answer_204);
    call();
    expect_answer("");
    call();
    expect_answer("");
    cr_assert_eq(server.accepted, 1);
    tear_down();
}

static void answer_64_mib(int fd, int nth)
{
    static char mebibyte[1 << 20];

    (void)nth;
    raw_read_request(fd, NULL);
    memset(mebibyte, 'x', sizeof(mebibyte));
    bool open = raw_send(fd, OK_HEAD "67108864\r\n\r\n");
    for (int i = 0; open && i < 64; i++) {
        open = raw_send_bytes(fd, mebibyte, sizeof(mebibyte));
    }
    raw_wait_for_close(fd);
}

Test(http_client, refuses_an_answer_that_is_too_large)
{
    limits.max_reply_bytes = 1000000;
    set_up(answer_64_mib);
    call();
    expect_error(ERR_UPSTREAM, "The connector's answer is larger than 1000000 bytes.", true);
    tear_down();
}

Test(http_client, lets_a_reader_that_drains_read_on)
{
    limits.max_reply_bytes = 1000000;
    set_up(answer_64_mib);
    told.drains = true;
    call_with(60000, false);
    cr_assert_eq(told.ends, 1, "%s", told.err.text);
    cr_assert_eq(told.body_bytes, 67108864);
    cr_assert_lt(told.bodies, 4000, "reads are large: %d", told.bodies);
    cr_assert_eq(http_pool_idle(connections), 1);
    tear_down();
}

Test(http_client, stops_reading_while_paused_and_extends_the_deadline)
{
    set_up(answer_64_mib);
    told.drains = true;
    start_with("POST", "{}", 400, false);
    hop_pause(told.hop, true);
    hop_extend(told.hop, clock_ms() + 60000);
    run_loop_ms(500);
    cr_assert_eq(told.heads + told.errors, 0, "%s", told.err.text);
    hop_pause(told.hop, false);
    loop_run(loop);
    cr_assert_eq(told.ends, 1);
    cr_assert_eq(told.body_bytes, 67108864);
    tear_down();
}

Test(http_client, ends_at_the_deadline_even_when_paused)
{
    set_up(answer_all);
    start_with("POST", "{}", 1000, false);
    hop_pause(told.hop, true);
    loop_run(loop);
    expect_error(ERR_TIMEOUT, TOO_LATE, true);
    tear_down();
}

static void refuse_body(int fd, int nth)
{
    char some[1000];

    (void)nth;
    recv(fd, some, sizeof(some), 0);
    raw_send(fd, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
    shutdown(fd, SHUT_WR);
    raw_wait_for_close(fd);
}

static char *long_text(size_t length)
{
    char *text = mem_alloc(length + 1);

    memset(text, 'x', length);
    return text;
}

Test(http_client, hears_a_server_that_answers_before_it_has_read_the_request)
{
    AUTO(mem_free) char *body = long_text(8000000);

    set_up(refuse_body);
    start_with("POST", body, 5000, false);
    loop_run(loop);
    expect_answer("big");
    cr_assert_eq(told.status, 413);
    cr_assert_eq(http_pool_open(connections), 0);
    tear_down();
}

static atomic_size_t seen_bytes;

static void count_body(int fd, int nth)
{
    size_t bytes = 0;

    (void)nth;
    while (raw_read_request(fd, &bytes) && raw_send(fd, OK)) {
        seen_bytes += bytes;
    }
}

Test(http_client, writes_a_large_request_as_the_socket_takes_it)
{
    AUTO(mem_free) char *body = long_text(4194304);

    set_up(count_body);
    for (int i = 0; i < 3; i++) {
        forget();
        start_with("POST", body, 10000, false);
        loop_run(loop);
        expect_answer("{}");
    }
    tear_down();
    cr_assert_eq(seen_bytes, 3 * 4194304);
}

/* Connection 0 answers once and dies at the second request; later ones answer. */
static void die_when_reused(int fd, int nth)
{
    raw_read_request(fd, NULL);
    raw_send(fd, OK);
    if (nth == 0) {
        raw_read_request(fd, NULL);
        raw_reset(fd);
    } else {
        answer_all(fd, nth);
    }
}

Test(http_client, repeats_an_idempotent_request_once_when_a_reused_connection_died)
{
    set_up(die_when_reused);
    call();
    call_with(20000, true);
    expect_answer("{}");
    cr_assert_eq(server.accepted, 2);
    tear_down();
}

Test(http_client, leaves_the_repeating_of_other_requests_to_its_caller)
{
    set_up(die_when_reused);
    call();
    call_with(20000, false);
    expect_error(ERR_UPSTREAM, CLOSED_BEFORE, true);
    cr_assert_eq(server.accepted, 1);
    tear_down();
}

static void die_again(int fd, int nth)
{
    raw_read_request(fd, NULL);
    if (nth == 0) {
        raw_send(fd, OK);
        raw_read_request(fd, NULL);
    }
}

Test(http_client, repeats_only_once)
{
    set_up(die_again);
    call();
    call_with(20000, true);
    expect_error(ERR_UPSTREAM, CLOSED_BEFORE, true);
    cr_assert_eq(server.accepted, 2);
    tear_down();
}

static void reset_when_idle(int fd, int nth)
{
    raw_read_request(fd, NULL);
    raw_send(fd, OK);
    wait_until_idle(nth);
    raw_reset(fd);
}

Test(http_client, drops_idle_connections_that_are_reset)
{
    set_up(reset_when_idle);
    call_until_idle();
    run_until_closed();

    call_until_idle();
    wait_for_news(); /* reset, and the loop has not seen it */
    call_until_idle();
    expect_answer("{}");
    cr_assert_eq(server.accepted, 3);
    tear_down();
}

Test(http_client, closes_what_has_been_idle_too_long)
{
    limits.idle_ms = 1500;
    set_up(answer_all);
    call();
    run_loop_ms(50);
    cr_assert_eq(http_pool_idle(connections), 1);
    run_until_closed();
    call();
    expect_answer("{}");
    tear_down();
}

static void *answer_on_thread(void *self)
{
    int fd = (int)(intptr_t)self;

    answer_all(fd, 0);
    close(fd);
    return NULL;
}

static void answer_beside(int fd, int nth)
{
    pthread_t thread;

    (void)nth;
    pthread_create(&thread, NULL, answer_on_thread, (void *)(intptr_t)dup(fd));
    pthread_detach(thread);
}

static int still_open;

static void on_one_of_many(void *self, struct evbuffer *body)
{
    (void)self;
    (void)body;
    if (--still_open == 0) {
        loop_stop(loop);
    }
}

Test(http_client, keeps_no_more_idle_connections_than_allowed)
{
    const hop_events_t many = { .on_end = on_one_of_many, .on_error = on_error };
    const hop_request_t request = { .method = "POST", .deadline_ms = clock_ms() + 20000 };

    limits.max_idle = 2;
    set_up(answer_beside);
    told.started = true;
    for (still_open = 0; still_open < 5; still_open++) {
        hop_start(connections, &request, NULL, &many, &told);
    }
    cr_assert_eq(http_pool_open(connections), 0, "names and literals are looked up first");
    loop_run(loop);
    cr_assert_eq(told.errors, 0, "%s", told.err.text);
    cr_assert_eq(http_pool_idle(connections), 2);
    cr_assert_eq(http_pool_open(connections), 2);
    tear_down();
}

Test(http_client, may_be_cancelled_within_any_of_its_callbacks)
{
    static const moment_t moments[] = { IN_HEAD, IN_BODY, IN_END };

    for (size_t i = 0; i < COUNT_OF(moments); i++) {
        set_up(moments[i] == IN_BODY ? dribble : answer_all);
        told.cancels_in = moments[i];
        call();
        cr_assert_eq(told.errors, 0);
        cr_assert_eq(told.ends, moments[i] == IN_END);
        cr_assert_eq(http_pool_open(connections), moments[i] == IN_END);
        run_loop_ms(50);
        cr_assert_eq(told.heads, 1);
        tear_down();
    }
}

Test(http_client, may_be_cancelled_within_on_error)
{
    set_up(close_after_request);
    told.cancels_in = IN_ERROR;
    call();
    cr_assert_eq(told.errors, 1);
    tear_down();
}

Test(http_client, may_be_cancelled_before_anything_happened)
{
    set_up(hang);
    start_with("POST", "{}", 5000, true);
    hop_cancel(told.hop);
    run_loop_ms(50);
    start_with("POST", "{}", 5000, true);
    run_loop_ms(50);
    hop_cancel(told.hop);
    cr_assert_eq(http_pool_open(connections), 0);
    run_loop_ms(50);
    cr_assert_eq(told.heads + told.bodies + told.ends + told.errors, 0);
    tear_down();
}

Test(http_client, may_be_cancelled_when_a_failure_waits_to_be_told)
{
    open_pool("unix:/tmp/guiche-no-such.sock");
    start_with("POST", "{}", 5000, true);
    hop_extend(told.hop, clock_ms() + 9000);
    hop_cancel(told.hop);
    run_loop_ms(20);
    cr_assert_eq(told.errors, 0);
    tear_down_client();
}

Test(http_client, lets_the_last_exchange_free_the_pool)
{
    told.frees_pool = true;
    set_up(answer_all);
    call();
    expect_answer("{}");
    tear_down();

    set_up(close_after_request);
    call();
    cr_assert_eq(told.errors, 1);
    tear_down();
}

static const struct {
    const char *text, *socket_path, *host, *path, *authority;
    uint16_t port;
    int tls;
} urls[] = {
    { "unix:/run/guiche/odoo.sock", "/run/guiche/odoo.sock", NULL, "/mcp", "localhost", 0, 0 },
    { "unix:/run/o.sock:/v1/mcp?x=1", "/run/o.sock", NULL, "/v1/mcp?x=1", "localhost", 0, 0 },
    { "http://mcp-odoo:8000/mcp", NULL, "mcp-odoo", "/mcp", "mcp-odoo:8000", 8000, 0 },
    { "http://mcp-odoo", NULL, "mcp-odoo", "/mcp", "mcp-odoo", 80, 0 },
    { "http://mcp_odoo.example/", NULL, "mcp_odoo.example", "/", "mcp_odoo.example", 80, 0 },
    { "http://h?u=anna", NULL, "h", "/mcp?u=anna", "h", 80, 0 },
    { "http://[::1]:65535/a", NULL, "::1", "/a", "[::1]:65535", 65535, 0 },
    { "https://mcp.example.com", NULL, "mcp.example.com", "/mcp", "mcp.example.com", 443, 1 },
    { "https://mcp.example.com:8443/v1?x=1", NULL, "mcp.example.com", "/v1?x=1", "mcp.example.com:8443", 8443,
      1 },
    { "https://[::1]/a", NULL, "::1", "/a", "[::1]", 443, 1 },
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

Test(hop_url, reads_where_a_connector_listens)
{
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        hop_url_t url;
        err_t err;

        cr_assert_eq(hop_url_parse(urls[i].text, &url, &err), 0, "%s", err.text);
        cr_assert(same(url.socket_path, urls[i].socket_path), "%s", urls[i].text);
        cr_assert(same(url.host, urls[i].host), "%s", urls[i].text);
        cr_assert(same(url.path, urls[i].path), "%s", urls[i].text);
        cr_assert(same(url.authority, urls[i].authority), "%s", urls[i].text);
        cr_assert_eq(url.port, urls[i].port, "%s", urls[i].text);
        cr_assert_eq(url.tls, urls[i].tls, "%s", urls[i].text);
        cr_assert_null(url.ca_file);
        hop_url_release(&url);
    }
}

Test(hop_url, refuses_what_it_does_not_serve_with_a_sentence)
{
    static const char *const refused[][2] = {
        { "https://", "host" },
        { "https://user:secret@h/mcp", "user name" },
        { "https://h/mcp#a", "blank" },
        { "https://h:0/", "port" },
        { "https:/h/", "none of unix:/, http:// and https://" },
        { "HTTPS://h/", "none of unix:/, http:// and https://" },
        { "ftp://h/", "none of unix:/" },
        { "", "none of unix:/" },
        { "HTTP", "none of unix:/" },
        { "unix:odoo.sock", "whole path" },
        { "unix:", "whole path" },
        { "unix:/"
          "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
          "89012"
          "345678",
          "too long" },
        { "http://", "host" },
        { "http:///mcp", "host" },
        { "http://:80", "host" },
        { "http://a b/", "blank" },
        { "http://h/\r\nX: y", "blank" },
        { "http://h/#a", "blank" },
        { "http://h\xc3\xa9/", "blank" },
        { "http://user:secret@h/", "user name" },
        { "http://h:0/", "port" },
        { "http://h:65536/", "port" },
        { "http://h:/", "port" },
        { "http://h:8x/", "port" },
        { "http://h:-1/", "port" },
        { "http://[::1/", "host" },
        { "http://[::1]x/", "host" },
        { "http://[]/", "host" },
        { "http://[/", "host" },
        { "http://h,i/", "host" },
    };

    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        hop_url_t url;
        err_t err = { 0 };

        cr_assert_eq(hop_url_parse(refused[i][0], &url, &err), -1, "%s was taken", refused[i][0]);
        cr_assert(strstr(err.text, refused[i][1]), "%s: %s", refused[i][0], err.text);
        cr_assert_not(strstr(err.text, "secret"));
    }
}
