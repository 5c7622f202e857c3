/* Answers written at once and bodies read ahead: what is left when the socket takes only a part, when the
 * client is gone in the middle, and that nothing spins meanwhile. */
#include "http_fixture.h"

#include "http_direct.h"

#define LARGE 900000

static answer_t a;

static char *large_request(const char *next)
{
    char *text = mem_alloc(LARGE + 1024);
    int head = sprintf(text, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LARGE);

    for (int i = 0; i < LARGE; i++) {
        text[head + i] = (char)('a' + i % 23);
    }
    strcpy(text + head + LARGE, next);
    return text;
}

static bool is_large_answer(const answer_t *answer)
{
    for (int i = 0; i < LARGE; i++) {
        if (answer->body[i] != (char)('a' + i % 23)) {
            return false;
        }
    }
    return answer->status == 200 && answer->length == LARGE;
}

/* Its window is small, so that an answer does not fit into the sockets. */
static client_t *narrow_client(void)
{
    client_t *client = client_new();

    setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
    return client;
}

static bool is_quiet(void)
{
    int64_t before = cpu_ms();

    usleep(300000);
    return cpu_ms() - before < 150;
}

Test(http_direct, sends_what_the_socket_does_not_take_at_once, .init = start, .fini = stop)
{
    AUTO(mem_free) char *request = large_request("");
    client_t *client = narrow_client();

    say(client, request);
    cr_expect(is_quiet(), "waiting for a slow reader costs nothing");
    cr_expect(is_large_answer(hear(client, &a)));
    ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect_eq(a.status, 200, "the connection serves on");
    client_free(client);
}

Test(http_direct, answers_what_was_sent_behind_a_large_request, .init = start, .fini = stop)
{
    AUTO(mem_free) char *request = large_request("GET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n");
    client_t *client = narrow_client();

    say(client, request);
    cr_expect(is_quiet(), "bytes that nobody reads yet keep nobody busy");
    cr_expect(is_large_answer(hear(client, &a)));
    hear(client, &a);
    cr_expect(header_is(&a, "X-Saw-Query", "2"));
    client_free(client);
}

Test(http_direct, is_not_kept_busy_by_a_request_behind_a_pending_one, .init = start, .fini = stop)
{
    client_t *client = client_new();

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    say(client, "GET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(is_quiet());
    answer_pending("first");
    cr_expect_str_eq(hear(client, &a)->body, "first");
    cr_expect(header_is(hear(client, &a), "X-Saw-Query", "2"));
    client_free(client);
}

Test(http_direct, is_unharmed_by_clients_that_vanish_in_a_large_answer, .init = start, .fini = stop)
{
    AUTO(mem_free) char *request = large_request("");

    for (int i = 0; i < 20; i++) {
        client_t *client = narrow_client();
        say(client, request);
        i % 2 ? client_reset(client) : client_free(client);
    }
    client_t *client = client_new();
    ask(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &a);
    cr_expect_eq(a.status, 200);
    client_free(client);
}

Test(http_direct, answers_an_old_client_and_closes, .init = start, .fini = stop)
{
    client_t *client = client_new();

    ask(client, "GET /echo HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", &a);
    cr_expect_eq(a.status, 200);
    cr_expect(header_is(&a, "Connection", "close"));
    cr_expect(is_closed(client));
    client_free(client);
}

Test(http_direct, reads_ahead_into_one_piece)
{
    AUTO(evbuffer_free) struct evbuffer *input = evbuffer_new();
    static char bytes[50000];
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert_eq(write(ends[1], bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
    evbuffer_add(input, "the start of a body", 19);
    cr_expect_eq(http_read_ahead(ends[0], input, 60000), sizeof(bytes));
    cr_expect_eq(evbuffer_get_length(input), 19 + sizeof(bytes));
    cr_expect_eq(evbuffer_get_contiguous_space(input), 19 + sizeof(bytes));
    cr_expect_eq(http_read_ahead(ends[0], input, 100), 0u, "nothing has come");
    close(ends[1]);
    cr_expect_eq(http_read_ahead(ends[0], input, 100), 0u, "the end is for evhttp to find");
    cr_expect_eq(evbuffer_get_length(input), 19 + sizeof(bytes));
    close(ends[0]);
}

Test(http_direct, reads_ahead_no_more_than_the_body_has)
{
    AUTO(evbuffer_free) struct evbuffer *input = evbuffer_new();
    int ends[2];
    char rest[8];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert_eq(write(ends[1], "body and next", 13), 13);
    cr_expect_eq(http_read_ahead(ends[0], input, 4), 4u);
    cr_expect_eq(read(ends[0], rest, sizeof(rest)), 8, "the next request is not ours to take");
    close(ends[0]);
    close(ends[1]);
}
