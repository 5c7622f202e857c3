/* Streamed answers: framing, heartbeats, back-pressure, and clients that leave in the middle. */
#include "http_fixture.h"

static answer_t a;

static void write_text(void *text)
{
    AUTO(evbuffer_free) struct evbuffer *bytes = evbuffer_new();

    evbuffer_add(bytes, text, strlen(text));
    http_stream_write(fx.kept[0], bytes);
    cr_expect_eq(evbuffer_get_length(bytes), 0u);
}

static client_t *begin(const char *request)
{
    client_t *client = client_new();

    hear_head((say(client, request), client), &a);
    cr_assert_eq(a.status, 200);
    return client;
}

Test(http_stream, sends_each_event_at_once_in_chunks, .init = start, .fini = stop)
{
    client_t *client = begin("POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");

    cr_expect(header_is(&a, "Transfer-Encoding", "chunked"));
    cr_expect(header_is(&a, "Content-Type", "text/event-stream"));
    cr_expect(header_is(&a, "X-Content-Type-Options", "nosniff"));
    cr_expect_not(find_header(&a, "Content-Length"));
    cr_expect(hears(client, "d\r\ndata: first\n\n\r\n"));
    on_loop(write_text, "data: second\n\n");
    cr_expect(hears(client, "e\r\ndata: second\n\n\r\n"));
    answer_pending("");
    cr_expect(hears(client, "0\r\n\r\n"));
    cr_expect_eq(ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a)->status, 200,
                 "the connection is kept");
    client_free(client);
}

static void end_with_start(void *self)
{
    write_text(self);
    answer_one(NULL);
}

Test(http_stream, may_end_in_the_turn_of_its_last_event, .init = start, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    on_loop(end_with_start, "data: last\n\n");
    cr_expect(hears(client, "data: last\n\n\r\n0\r\n\r\n"));
    client_free(client);
}

Test(http_stream, ends_with_the_connection_for_an_old_client, .init = start, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    cr_expect_not(find_header(&a, "Transfer-Encoding"));
    cr_expect(header_is(&a, "Connection", "close"));
    cr_expect(hears(client, "data: first\n\n"));
    usleep(50000);
    answer_pending("");
    cr_expect(is_closed(client));
    client_free(client);
}

Test(http_stream, answers_HEAD_without_a_byte_of_it, .init = start, .fini = stop)
{
    client_t *client = begin("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    on_loop(write_text, "data: second\n\n");
    answer_pending("");
    cr_expect_eq(ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a)->status, 200);
    client_free(client);
}

static void start_beating(void)
{
    fx.heartbeat_ms = 300;
    start();
}

Test(http_stream, is_kept_alive_by_comments_when_it_is_quiet, .init = start_beating, .fini = stop)
{
    int64_t from = clock_ms();
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    cr_expect(hears(client, "4\r\n: \n\n\r\n"));
    cr_expect(hears(client, "4\r\n: \n\n\r\n"));
    cr_expect_geq(clock_ms() - from, 550);
    cr_expect_lt(clock_ms() - from, 10000);
    answer_pending("");
    client_free(client);
}

Test(http_stream, has_no_comments_unless_they_are_asked_for, .init = start, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    usleep(700000);
    answer_pending("");
    cr_expect(hears(client, "data: first\n\n\r\n0\r\n\r\n"));
    client_free(client);
}

Test(http_stream, tells_once_that_its_client_hung_up, .init = start, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    client_free(client);
    cr_expect(becomes(&fx.gone, 1));
}

Test(http_stream, tells_once_that_its_client_reset, .init = start_beating, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    int64_t before = cpu_ms();

    client_reset(client);
    cr_expect(becomes(&fx.gone, 1));
    usleep(500000);
    cr_expect_lt(cpu_ms() - before, 200);
}

Test(http_stream, finds_out_by_a_heartbeat_behind_a_pipelining_client, .init = start_beating, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    static char junk[300000];

    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    say_bytes(client, junk, sizeof(junk));
    usleep(50000);
    client_reset(client);
    cr_expect(becomes(&fx.gone, 1));
}

Test(http_stream, answers_a_request_that_was_sent_behind_it, .init = start, .fini = stop)
{
    client_t *client =
        begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?behind HTTP/1.1\r\nHost: x\r\n\r\n");

    on_loop(write_text, "data: second\n\n");
    answer_pending("");
    cr_expect(hears(client, "0\r\n\r\n"));
    cr_expect(header_is(hear(client, &a), "X-Saw-Query", "behind"));
    client_free(client);
}

Test(http_stream, does_not_hold_what_a_client_sends_meanwhile, .init = start, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    static char junk[65536];
    size_t before = resident_bytes();

    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 500; i++) {
        say_bytes(client, junk, sizeof(junk));
        on_loop(write_text, "data: more\n\n");
        usleep(1000);
    }
    cr_expect_lt(resident_bytes(), before + (8u << 20));
    answer_pending("");
    client_free(client);
}

/* back-pressure */

#define FLOOD_BYTES (64u << 20)
static size_t flooded;
static atomic_int drains, ended;

/* Writes until it is told to stop, and once more whenever the stream is drained. */
static void flood(void *self)
{
    static char block[16384];
    AUTO(evbuffer_free) struct evbuffer *bytes = evbuffer_new();
    http_request_t *request = self;
    size_t waiting = 0;

    while (flooded < FLOOD_BYTES && waiting <= HTTP_STREAM_HIGH_BYTES) {
        evbuffer_add(bytes, block, sizeof(block));
        waiting = http_stream_write(request, bytes);
        flooded += sizeof(block);
    }
    atomic_fetch_add(&drains, 1);
    if (flooded >= FLOOD_BYTES) {
        forget(request);
        http_stream_end(request);
        atomic_store(&ended, 1);
    }
}

static void begin_flood(void *self)
{
    (void)self;
    http_stream_on_drained(fx.kept[0], flood, fx.kept[0]);
    flood(fx.kept[0]);
}

Test(http_stream, costs_no_memory_when_its_reader_stalls, .init = start, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    static char sink[1 << 16];
    size_t before = resident_bytes(), read = 0;
    ssize_t got;

    on_loop(begin_flood, NULL);
    usleep(500000);
    cr_expect_eq(atomic_load(&ended), 0, "the reader has not read yet");
    cr_expect_lt(resident_bytes(), before + (8u << 20));
    while (read < FLOOD_BYTES && (got = recv(client->fd, sink, sizeof(sink), 0)) > 0) {
        read += (size_t)got;
    }
    cr_expect_geq(read, FLOOD_BYTES);
    cr_expect(becomes(&ended, 1));
    cr_expect_gt(atomic_load(&drains), 4);
    cr_expect_lt(resident_bytes(), before + (8u << 20));
    client_free(client);
}

static void start_impatient(void)
{
    const http_limits_t limits = HTTP_LIMITS_DEFAULT;

    fx.limits = limits;
    fx.limits.idle_timeout_ms = 700;
    start();
}

Test(http_stream, gives_up_a_reader_that_stalls_too_long, .init = start_impatient, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    on_loop(begin_flood, NULL);
    cr_expect(becomes(&fx.gone, 1));
    client_free(client);
}

Test(http_stream, may_be_quiet_for_longer_than_a_reader_may_stall, .init = start_impatient, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    usleep(1500000);
    answer_pending("");
    cr_expect(hears(client, "0\r\n\r\n"));
    cr_expect_eq(atomic_load(&fx.gone), 0);
    client_free(client);
}

Test(http_stream, is_finished_by_a_drain_and_its_connection_closed, .init = start, .fini = stop)
{
    client_t *client = begin("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    int64_t wait = 60000;

    on_loop(drain, &wait);
    on_loop(write_text, "data: during\n\n");
    answer_pending("");
    cr_expect(hears(client, "data: during\n\n\r\n0\r\n\r\n"));
    cr_expect(is_closed(client));
    cr_expect(becomes(&fx.done, 1));
    client_free(client);
}
