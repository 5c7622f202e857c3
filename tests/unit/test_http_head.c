/* A request that is refused in any case is refused before its body has come, in the handler's own words. */
#include "http_fixture.h"

static answer_t a;
static span_t saw;
static size_t saw_count;
static atomic_int asked;

/* The echo of test servers answers what it is given: an empty body shows that the body was not waited for. */
static bool wants_body(void *self, const http_head_t *head)
{
    (void)self;
    atomic_fetch_add(&asked, 1);
    saw = http_head_header(head, "authorization", &saw_count);
    return saw.at && span_is(saw, "Bearer good");
}

static void hook(void *self)
{
    http_server_on_head(fx.server, wants_body, self);
}

static void start_hooked(void)
{
    start();
    on_loop(hook, NULL);
}

#define POST "POST /echo HTTP/1.1\r\nHost: x\r\n"

static void expect_answer_without_body(const char *text)
{
    client_t *client = client_new();

    ask(client, text, &a);
    cr_expect_eq(a.status, 200, "%d for %s", a.status, text);
    cr_expect_eq(a.length, 0u);
    cr_expect(header_is(&a, "Connection", "close"));
    cr_expect(header_is(&a, "X-Saw-Method", "POST") && find_header(&a, "Date"), "the handler's own answer");
    cr_expect(is_closed(client));
    client_free(client);
}

Test(http_head, is_answered_before_a_body_that_is_not_wanted, .init = start_hooked, .fini = stop)
{
    expect_answer_without_body(POST "Content-Length: 1000000\r\n\r\n");
    expect_answer_without_body(POST "Content-Length: 1000000\r\n\r\nthe beginning");
    expect_answer_without_body(POST "Authorization: Bearer bad\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect_answer_without_body(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    expect_answer_without_body(POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    cr_expect_eq(atomic_load(&fx.requests), 5);
}

Test(http_head, decides_whether_the_body_is_read, .init = start_hooked, .fini = stop)
{
    client_t *client = client_new();

    say(client, POST "Authorization:  Bearer good \r\nContent-Length: 5\r\n\r\n");
    cr_assert(becomes(&asked, 1));
    cr_expect_eq(saw_count, 1u);
    say(client, "hello");
    cr_expect_str_eq(hear(client, &a)->body, "hello");
    cr_expect_eq(ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a)->status, 200, "and goes on");
    client_free(client);
}

Test(http_head, is_not_asked_for_when_the_body_is_there, .init = start_hooked, .fini = stop)
{
    client_t *client = client_new();

    cr_expect_str_eq(ask(client, POST "Content-Length: 5\r\n\r\nhello", &a)->body, "hello");
    cr_expect_eq(atomic_load(&asked), 0);
    client_free(client);
}

Test(http_head, counts_lines_of_the_same_name, .init = start_hooked, .fini = stop)
{
    client_t *client = client_new();

    say(client, POST "authorization: one\r\nAuthorizations: two\r\nX-Authorization: three\r\n"
                     "AUTHORIZATION: four\r\nContent-Length: 5\r\n\r\n");
    cr_expect_eq(hear(client, &a)->length, 0u);
    cr_expect_eq(saw_count, 2u);
    client_free(client);
}

Test(http_head, lets_nothing_behind_it_become_a_request, .init = start_hooked, .fini = stop)
{
    client_t *client = client_new();

    say(client, POST "Content-Length: 1000\r\n\r\n");
    say(client, "GET /echo?smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect_eq(hear(client, &a)->status, 200);
    say(client, "GET /echo?smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(is_closed(client));
    cr_expect_eq(atomic_load(&fx.requests), 1);
    client_free(client);
}

/* A sender that does not look until all is sent must find the answer, not a reset. */
Test(http_head, answer_is_read_by_a_client_that_sends_all_first, .init = start_hooked, .fini = stop)
{
    client_t *client = client_new();
    static char junk[1 << 20];

    say(client, POST "Content-Length: 4000000\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        say_bytes(client, junk, sizeof(junk));
    }
    cr_expect_eq(hear(client, &a)->status, 200);
    client_free(client);
}

Test(http_head, is_shown_whole_however_it_arrives, .init = start_hooked, .fini = stop)
{
    const char *text = "GET /echo?x HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n" POST "Content-Length: 3\r\n\r\nabc";

    for (size_t cut = 1; cut < strlen(text); cut++) {
        client_t *client = client_new();
        const int on = 1;
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        say_bytes(client, text, cut);
        usleep(1000);
        say(client, text + cut);
        cr_assert_eq(hear(client, &a)->status, 200, "cut at %zu", cut);
        cr_assert_eq(hear(client, &a)->status, 200, "cut at %zu", cut);
        client_free(client);
    }
}

static void start_patient(void)
{
    const http_limits_t limits = HTTP_LIMITS_DEFAULT;

    fx.limits = limits;
    fx.limits.header_timeout_ms = 100000;
    start();
}

Test(http_head, of_many_small_pieces_costs_no_more_than_its_bytes, .init = start_patient, .fini = stop)
{
    enum { CLIENTS = 40, BYTES = 3000 };
    client_t *clients[CLIENTS];
    const int on = 1;
    size_t before = 0;

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_new();
        setsockopt(clients[i]->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        say(clients[i], "GET /echo HTTP/1.1\r\nHost: x\r\nA: ");
    }
    before = resident_bytes();
    for (int n = 0; n < BYTES; n++) {
        for (int i = 0; i < CLIENTS; i++) {
            say_bytes(clients[i], "a", 1);
        }
    }
    usleep(50000);
    cr_expect_lt(resident_bytes(), before + (8u << 20), "%zu MB", (resident_bytes() - before) >> 20);
    for (int i = 0; i < CLIENTS; i++) {
        cr_expect_eq(ask(clients[i], "\r\n\r\n", &a)->status, 200);
        client_free(clients[i]);
    }
}

static void expect_body_read(const char *method)
{
    client_t *client = client_new();
    AUTO(mem_free)
    char *text = mem_printf("%s /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                            "GET /echo?next HTTP/1.1\r\nHost: x\r\n\r\n",
                            method);

    ask(client, text, &a);
    cr_expect(strcmp(a.body, "hello") == 0 || a.status == 400, "%s: %d %s", method, a.status, a.body);
    cr_expect(a.status == 400 || header_is(hear(client, &a), "X-Saw-Query", "next"), "%s", method);
    client_free(client);
}

/* Whatever evhttp thinks of a body of GET: it is read as one, or refused, and never taken for a request. */
Test(http_head, frames_the_body_of_every_method_alike, .init = start, .fini = stop)
{
    const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        expect_body_read(methods[i]);
    }
}
