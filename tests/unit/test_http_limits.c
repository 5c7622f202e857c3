/* What the server refuses, and how it says so: always in JSON, always closing, always so that the client can
 * read it. */
#include "http_fixture.h"

static answer_t a;

/* Sends `text` and expects a refusal in our own form, and the end of the connection. */
static void expect_refusal(client_t *client, const char *text, int status, const char *code)
{
    AUTO(mem_free) char *start = mem_printf("{\"error\":{\"code\":\"%s\",\"message\":\"", code);

    ask(client, text, &a);
    cr_expect_eq(a.status, status, "%d for %.60s", a.status, text);
    cr_expect(strncmp(a.body, start, strlen(start)) == 0, "%s", a.body);
    cr_expect(header_is(&a, "Content-Type", "application/json"));
    cr_expect(header_is(&a, "Connection", "close"));
    cr_expect(header_is(&a, "X-Content-Type-Options", "nosniff"));
    cr_expect(find_header(&a, "X-Request-Id") && strstr(a.body, "\"request_id\":\""));
    cr_expect(is_closed(client));
    client_free(client);
}

static void refused(const char *text, int status, const char *code)
{
    expect_refusal(client_new(), text, status, code);
}

static char *request_with_lines(int lines, size_t length)
{
    char *text = mem_alloc(20 + (size_t)lines * (length + 2) + 100), *at = text;

    at += sprintf(at, "GET /echo HTTP/1.1\r\nHost: x\r\n");
    for (int i = 1; i < lines; i++) {
        int name = sprintf(at, "X-%d: ", i);
        memset(at + name, 'v', length - (size_t)name);
        at += length;
        at += sprintf(at, "\r\n");
    }
    strcpy(at, "\r\n");
    return text;
}

Test(http_limits, takes_exactly_a_hundred_header_lines, .init = start, .fini = stop)
{
    AUTO(mem_free) char *most = request_with_lines(100, 20), *more = request_with_lines(101, 20);
    client_t *client = client_new();

    cr_expect_eq(ask(client, most, &a)->status, 200);
    expect_refusal(client, more, 431, "headers_too_large");
}

Test(http_limits, refuses_two_thousand_header_lines, .init = start, .fini = stop)
{
    AUTO(mem_free) char *text = request_with_lines(2000, 10);

    refused(text, 431, "headers_too_large");
}

Test(http_limits, refuses_headers_of_a_megabyte, .init = start, .fini = stop)
{
    AUTO(mem_free) char *one_line = request_with_lines(2, 1 << 20), *many = request_with_lines(90, 12000);

    refused(one_line, 431, "headers_too_large");
    refused(many, 431, "headers_too_large");
    cr_expect_eq(atomic_load(&fx.requests), 0);
}

Test(http_limits, refuses_an_endless_request_line, .init = start, .fini = stop)
{
    AUTO(mem_free) char *text = mem_alloc(100001);

    memset(text, 'A', 100000);
    refused(text, 431, "headers_too_large");
}

Test(http_limits, takes_headers_just_below_their_limit, .init = start, .fini = stop)
{
    AUTO(mem_free) char *text = request_with_lines(90, 360);
    client_t *client = client_new();

    cr_expect_eq(ask(client, text, &a)->status, 200);
    client_free(client);
}

Test(http_limits, refuses_a_declared_body_before_it_is_sent, .init = start, .fini = stop)
{
    refused("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4194305\r\n\r\n", 413, "body_too_large");
    refused("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n", 413,
            "body_too_large");
}

/* curl and most clients send on while they wait for an answer: they must still get it. */
Test(http_limits, lets_a_client_that_sends_ten_megabytes_read_the_refusal, .init = start, .fini = stop)
{
    client_t *client = client_new();
    static char junk[1 << 20];

    say(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        say_bytes(client, junk, sizeof(junk));
    }
    expect_refusal(client, "", 413, "body_too_large");
}

static void send_chunks(client_t *client, int count, size_t size)
{
    AUTO(mem_free) char *chunk = mem_alloc(size + 32);
    int head = sprintf(chunk, "%zx\r\n", size);

    memset(chunk + head, 'x', size);
    memcpy(chunk + head + size, "\r\n", 2);
    say(client, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < count; i++) {
        say_bytes(client, chunk, (size_t)head + size + 2);
    }
}

static void start_small(void)
{
    const http_limits_t limits = HTTP_LIMITS_DEFAULT;

    fx.limits = limits;
    fx.limits.max_body_bytes = 100000;
    start();
}

Test(http_limits, measures_a_chunked_body_exactly, .init = start_small, .fini = stop)
{
    client_t *client = client_new();

    send_chunks(client, 100, 1000);
    say(client, "0\r\n\r\n");
    hear(client, &a);
    cr_expect_eq(a.status, 200);
    cr_expect_eq(a.length, 100000u);
    send_chunks(client, 101, 1000);
    expect_refusal(client, "0\r\n\r\n", 413, "body_too_large");
}

Test(http_limits, refuses_a_chunked_body_that_does_not_end, .init = start_small, .fini = stop)
{
    client_t *client = client_new();

    send_chunks(client, 300, 1000);
    expect_refusal(client, "", 413, "body_too_large");
}

Test(http_limits, refuses_one_enormous_chunk, .init = start_small, .fini = stop)
{
    refused("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", 413,
            "body_too_large");
}

Test(http_limits, takes_a_body_of_exactly_the_limit_and_a_request_behind_it, .init = start_small,
     .fini = stop)
{
    client_t *client = client_new();
    AUTO(mem_free) char *body = mem_alloc(100001);

    memset(body, 'b', 100000);
    say(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    say(client, body);
    say(client, "GET /echo?next HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect_eq(hear(client, &a)->length, 100000u);
    cr_expect(header_is(hear(client, &a), "X-Saw-Query", "next"));
    client_free(client);
}

/* What the gate refuses is in test_http_gate.c; here, that nothing of it comes through. */
Test(http_limits, answers_what_is_no_request_in_our_own_form, .init = start, .fini = stop)
{
    refused("complete nonsense\r\n\r\n", 405, "method_not_allowed");
    refused("GET /echo HTTP/2.0\r\n\r\n", 505, "http_version_not_supported");
    refused("GET /echo HTTP/1.1\r\nno colon here\r\n\r\n", 400, "bad_request");
    refused("\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request");
    refused("GET /echo HTTP/1.1\r\n\r\n", 400, "bad_request");
    refused("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "bad_request");
    refused("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc", 400,
            "bad_request");
    refused("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nContent-Length: 3\r\n\r\n", 417,
            "expectation_failed");
    cr_expect_eq(atomic_load(&fx.requests), 0);
}

Test(http_limits, answers_what_only_evhttp_finds_wrong_in_our_own_form, .init = start, .fini = stop)
{
    refused("GET http://[/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request");
}

Test(http_limits, refuses_a_body_that_would_be_read_as_the_next_request, .init = start, .fini = stop)
{
    refused("HEAD /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 34\r\n\r\nGET /echo?smuggled HTTP/1.1\r\nA: "
            "b\r\n\r\n",
            400, "bad_request");
    refused("BREW /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 34\r\n\r\nGET /echo?smuggled HTTP/1.1\r\nA: "
            "b\r\n\r\n",
            405, "method_not_allowed");
    cr_expect_eq(atomic_load(&fx.requests), 0);
}

Test(http_limits, names_the_methods_that_are_served, .init = start, .fini = stop)
{
    refused("BREW /echo HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed");
    cr_expect(header_is(&a, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    refused("TRACE /echo HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed");
    refused("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed");
}

Test(http_limits, refuses_the_second_of_two_pipelined_requests, .init = start, .fini = stop)
{
    AUTO(mem_free) char *bad = request_with_lines(101, 20);
    client_t *client = client_new();

    say(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    say(client, bad);
    cr_expect_eq(hear(client, &a)->status, 200);
    expect_refusal(client, "", 431, "headers_too_large");
}

/* deadlines */

static void start_impatient(void)
{
    const http_limits_t limits = HTTP_LIMITS_DEFAULT;

    fx.limits = limits;
    fx.limits.header_timeout_ms = 700;
    fx.limits.body_timeout_ms = 700;
    fx.limits.idle_timeout_ms = 700;
    start();
}

/* A byte every 50 ms, which is never idle. */
static void drip(client_t *client, const char *text)
{
    int64_t from = clock_ms();

    while (clock_ms() - from < 1500) {
        struct pollfd answer = { .fd = client->fd, .events = POLLIN };
        say_bytes(client, *text ? text++ : "x", 1);
        if (poll(&answer, 1, 50) > 0) {
            return;
        }
    }
}

Test(http_limits, gives_slow_headers_an_absolute_deadline, .init = start_impatient, .fini = stop)
{
    client_t *client = client_new();

    drip(client, "GET /echo HTTP/1.1\r\nX-A: ");
    expect_refusal(client, "", 408, "timeout");
}

Test(http_limits, gives_a_slow_body_an_absolute_deadline, .init = start_impatient, .fini = stop)
{
    client_t *client = client_new();

    say(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    drip(client, "");
    expect_refusal(client, "", 408, "timeout");
}

Test(http_limits, closes_idle_connections_without_a_word, .init = start_impatient, .fini = stop)
{
    client_t *silent = client_new(), *kept = client_new();

    cr_expect_eq(ask(kept, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a)->status, 200);
    cr_expect(is_closed(silent));
    cr_expect(is_closed(kept));
    client_free(silent);
    client_free(kept);
}

Test(http_limits, has_no_deadline_for_a_request_that_waits_for_its_answer, .init = start_impatient,
     .fini = stop)
{
    client_t *client = client_new();

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    usleep(1500000);
    answer_pending("patience");
    cr_expect_str_eq(hear(client, &a)->body, "patience");
    client_free(client);
}

/* Reads of a stalled answer: the kernel takes some megabytes, the rest would wait for ever. */
static void answer_megabytes(void *self)
{
    http_request_t *request = fx.kept[0];
    AUTO(mem_free) char *bytes = mem_alloc(32u << 20);

    (void)self;
    http_on_gone(request, NULL, NULL);
    forget(request);
    http_reply_bytes(request, 200, "text/plain", bytes, 32u << 20);
}

Test(http_limits, gives_up_a_client_that_does_not_read_its_answer, .init = start_impatient, .fini = stop)
{
    client_t *client = client_new();
    size_t before = resident_bytes();
    int64_t wait = 60000; /* more than becomes() has: not the drain's end ends it */

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    on_loop(answer_megabytes, NULL);
    on_loop(drain, &wait);
    cr_expect(becomes(&fx.done, 1), "its connection is gone before the drain is over");
    for (int i = 0; i < 2000 && resident_bytes() >= before + (16u << 20); i++) {
        usleep(10000); /* libevent frees the buffers a turn later */
    }
    cr_expect_lt(resident_bytes(), before + (16u << 20));
    client_free(client);
}
