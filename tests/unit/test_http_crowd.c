/* Too many of them: connections, connections of one address, bytes of bodies and of answers. Whoever is
 * turned away is told so, and the others notice nothing. */
#include "http_fixture.h"

#include <sys/wait.h>

#include "http_quota.h"

static answer_t a;
static const char get[] = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";

/* connections */

static void start_capped(void)
{
    const http_limits_t limits = HTTP_LIMITS_DEFAULT;

    fx.limits = limits;
    fx.limits.max_connections = 4;
    start();
}

static client_t *client_asking(const char *text)
{
    client_t *client = client_new();
    int before = atomic_load(&fx.requests);

    say(client, text);
    cr_assert(becomes(&fx.requests, before + 1));
    return client;
}

static void expect_refusal(client_t *client, const char *code)
{
    ask(client, get, &a);
    cr_expect_eq(a.status, 503);
    cr_expect(strstr(a.body, code), "%s", a.body);
    cr_expect(header_is(&a, "Retry-After", "1"));
    cr_expect(header_is(&a, "Connection", "close"));
    client_free(client);
}

static void expect_answer(client_t *client)
{
    cr_expect_eq(ask(client, get, &a)->status, 200);
}

/* What was closed before is seen by the server a moment later: until then newcomers are refused. */
static client_t *served_at_last(client_t *(*come)(const char *address), const char *address)
{
    client_t *client = come(address);

    for (int i = 0; i < 400 && ask(client, get, &a)->status != 200; i++) {
        client_free(client);
        usleep(50000);
        client = come(address);
    }
    cr_expect_eq(a.status, 200);
    return client;
}

static client_t *client_from_anywhere(const char *address)
{
    (void)address;
    return client_new();
}

Test(http_crowd, is_refused_when_all_others_wait_for_an_answer, .init = start_capped, .fini = stop)
{
    client_t *held[4], *client;

    for (int i = 0; i < 4; i++) {
        held[i] = client_asking("GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    expect_refusal(client_new(), "too_many_connections");
    for (int i = 0; i < 4; i++) {
        answer_pending("still here");
    }
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(hear(held[i], &a)->status, 200, "the others are unharmed");
        client_free(held[i]);
    }
    client = served_at_last(client_from_anywhere, NULL);
    client_free(client);
}

Test(http_crowd, of_silent_connections_makes_room_for_who_asks, .init = start_capped, .fini = stop)
{
    client_t *kept = client_new(), *silent[8], *client;

    expect_answer(kept);
    for (int i = 0; i < 8; i++) {
        silent[i] = client_new();
        settle(); /* those of one turn have no order */
    }
    client = client_new();
    expect_answer(client);
    expect_answer(kept);
    cr_expect(is_closed(silent[0]), "the first that said nothing went first");
    for (int i = 0; i < 8; i++) {
        client_free(silent[i]);
    }
    client_free(kept);
    client_free(client);
}

Test(http_crowd, of_halves_of_requests_makes_room_for_whole_ones, .init = start_capped, .fini = stop)
{
    client_t *kept = client_new(), *halves[8], *client;

    expect_answer(kept);
    for (int i = 0; i < 8; i++) {
        halves[i] = client_new();
        say(halves[i], i % 2 ? "GET /echo HTTP/1.1\r\n" : "nonsense\n");
        settle();
    }
    client = client_new();
    expect_answer(client);
    expect_answer(kept);
    for (int i = 0; i < 8; i++) {
        client_free(halves[i]);
    }
    client_free(kept);
    client_free(client);
}

Test(http_crowd, of_kept_connections_loses_the_one_that_has_been_idle_longest, .init = start_capped,
     .fini = stop)
{
    client_t *kept[4], *client;

    for (int i = 0; i < 4; i++) {
        kept[i] = client_new();
        expect_answer(kept[i]);
    }
    usleep(1100000);
    expect_answer(kept[0]);
    client = client_new();
    expect_answer(client);
    cr_expect(is_closed(kept[1]));
    expect_answer(kept[0]);
    for (int i = 0; i < 4; i++) {
        client_free(kept[i]);
    }
    client_free(client);
}

/* addresses */

static client_t *client_from_with(const char *address, int receive_bytes, int segment_bytes)
{
    struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
    client_t *client = NEW(client_t);

    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (receive_bytes > 0) {
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
        setsockopt(client->fd, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof(segment_bytes));
    }
    inet_pton(AF_INET, address, &from.sin_addr);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)atoi(strrchr(fx.address, ':') + 1));
    cr_assert_eq(bind(client->fd, (struct sockaddr *)&from, sizeof(from)), 0);
    cr_assert_eq(connect(client->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return client;
}

static client_t *client_from(const char *address)
{
    return client_from_with(address, 0, 0);
}

static void start_capped_by_address(void)
{
    const http_limits_t limits = HTTP_LIMITS_DEFAULT;

    fx.limits = limits;
    fx.limits.max_per_address = 2;
    start();
}

Test(http_crowd, of_one_address_leaves_room_for_others, .init = start_capped_by_address, .fini = stop)
{
    client_t *one = client_from("127.0.0.2"), *two = client_from("127.0.0.2");
    client_t *other = client_from("127.0.0.3");

    expect_answer(one);
    expect_answer(two);
    expect_refusal(client_from("127.0.0.2"), "from this address");
    expect_answer(other);
    client_free(one);
    one = served_at_last(client_from, "127.0.0.2");
    client_free(one);
    client_free(two);
    client_free(other);
}

static bool is_proxy(void *self, const char *peer)
{
    (void)self;
    return strcmp(peer, "127.0.0.2") == 0;
}

static void name_the_proxy(void *self)
{
    http_server_on_peer(fx.server, is_proxy, self);
}

Test(http_crowd, behind_a_proxy_is_not_counted_by_address, .init = start_capped_by_address, .fini = stop)
{
    client_t *clients[6];

    on_loop(name_the_proxy, NULL);
    for (int i = 0; i < 6; i++) {
        clients[i] = client_from("127.0.0.2");
        expect_answer(clients[i]);
    }
    for (int i = 0; i < 6; i++) {
        client_free(clients[i]);
    }
}

Test(http_crowd, is_counted_by_what_an_address_owner_has)
{
    http_quota_t *quota = http_quota_new();
    struct sockaddr_in6 one = { .sin6_family = AF_INET6 }, same_net = one, other = one, mapped = one;
    struct sockaddr_in v4 = { .sin_family = AF_INET };

    inet_pton(AF_INET6, "2001:db8:1:2::1", &one.sin6_addr);
    inet_pton(AF_INET6, "2001:db8:1:2:3:4:5:6", &same_net.sin6_addr);
    inet_pton(AF_INET6, "2001:db8:1:3::1", &other.sin6_addr);
    inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr);
    inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
    cr_expect_eq(http_quota_enter(quota, (struct sockaddr *)&one), 1u);
    cr_expect_eq(http_quota_enter(quota, (struct sockaddr *)&same_net), 2u);
    cr_expect_eq(http_quota_enter(quota, (struct sockaddr *)&other), 1u);
    cr_expect_eq(http_quota_enter(quota, (struct sockaddr *)&mapped), 1u);
    cr_expect_eq(http_quota_enter(quota, (struct sockaddr *)&v4), 2u);
    http_quota_leave(quota, (struct sockaddr *)&one);
    http_quota_leave(quota, (struct sockaddr *)&same_net);
    cr_expect_eq(http_quota_enter(quota, (struct sockaddr *)&one), 1u);
    http_quota_free(quota);
}

/* bytes */

static void start_with_little_room(void)
{
    const http_limits_t limits = HTTP_LIMITS_DEFAULT;

    fx.limits = limits;
    fx.limits.max_held_bytes = 100000;
    start();
}

static client_t *client_with_half_a_body(size_t bytes)
{
    client_t *client = client_new();
    AUTO(mem_free) char *half = mem_alloc(bytes);

    memset(half, 'x', bytes);
    say(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n");
    say_bytes(client, half, bytes);
    return client;
}

Test(http_crowd, of_large_bodies_is_told_to_come_back, .init = start_with_little_room, .fini = stop)
{
    client_t *first = client_with_half_a_body(90000), *second, *small = client_new();

    settle();
    second = client_with_half_a_body(90000);
    hear(second, &a);
    cr_expect_eq(a.status, 503);
    cr_expect(strstr(a.body, "too_much_in_flight") && header_is(&a, "Retry-After", "1"));
    cr_expect_eq(ask(small, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", &a)->status, 200,
                 "small ones are served");
    client_free(first);
    client_free(second);
    settle();
    first = client_with_half_a_body(90000);
    settle();
    cr_expect_eq(ask(small, get, &a)->status, 200);
    struct pollfd answer = { .fd = first->fd, .events = POLLIN };
    cr_expect_eq(poll(&answer, 1, 0), 0, "there is room again");
    client_free(first);
    client_free(small);
}

static void answer_megabytes(void *self)
{
    http_request_t *request = fx.kept[0];
    AUTO(mem_free) char *bytes = mem_alloc(32u << 20);

    (void)self;
    http_on_gone(request, NULL, NULL);
    forget(request);
    http_reply_bytes(request, 200, "text/plain", bytes, 32u << 20);
}

/* The idle timeout is a minute. */
Test(http_crowd, of_large_answers_is_not_held_for_who_does_not_read, .init = start_with_little_room,
     .fini = stop)
{
    client_t *client = client_asking("GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    size_t before = resident_bytes();

    on_loop(answer_megabytes, NULL);
    for (int i = 0; i < 200 && resident_bytes() > before + (8u << 20); i++) {
        usleep(100000);
    }
    cr_expect_lt(resident_bytes(), before + (8u << 20));
    client_free(client);
}

/* What the kernel takes for a slow client, so that it shows how slow it is. */
static void start_with_little_room_below(void)
{
    const int small = 16384;
    int listens = 0;
    socklen_t size = sizeof(listens);

    start_with_little_room();
    for (int fd = 3; fd < 64; fd++) {
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens) {
            setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)); /* connections inherit it */
        }
    }
}

/* Some bytes now and then, which is never still for a second. */
Test(http_crowd, of_large_answers_is_not_held_for_who_reads_drop_by_drop,
     .init = start_with_little_room_below, .fini = stop)
{
    client_t *client = client_from_with("127.0.0.1", 8192, 1000);
    char drop[4096];
    int64_t wait = 60000, from;

    say(client, "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(becomes(&fx.requests, 1));
    on_loop(answer_megabytes, NULL);
    on_loop(drain, &wait);
    from = clock_ms();
    while (atomic_load(&fx.done) == 0 && clock_ms() - from < 40000) {
        recv(client->fd, drop, sizeof(drop), MSG_DONTWAIT);
        usleep(100000);
    }
    cr_expect_eq(atomic_load(&fx.done), 1);
    client_free(client);
}

static void stream_megabytes(void *self)
{
    AUTO(evbuffer_free) struct evbuffer *bytes = evbuffer_new();
    AUTO(mem_free) char *event = memset(mem_alloc(8u << 20), 'x', 8u << 20);

    (void)self;
    evbuffer_add(bytes, event, 8u << 20);
    http_stream_write(fx.kept[0], bytes);
}

Test(http_crowd, of_streams_is_not_held_for_who_does_not_read, .init = start_with_little_room, .fini = stop)
{
    client_t *client = client_asking("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

    on_loop(stream_megabytes, NULL);
    cr_expect(becomes(&fx.gone, 1), "long before the idle timeout, which is a minute");
    client_free(client);
}

/* descriptors */

Test(http_crowd, survives_a_crowd_far_above_the_cap, .init = start_capped, .fini = stop)
{
    int fds[300];

    for (int i = 0; i < 300; i++) {
        fds[i] = try_connect();
    }
    usleep(200000);
    for (int i = 0; i < 300; i++) {
        close(fds[i]);
    }
    client_free(served_at_last(client_from_anywhere, NULL));
}

/* Connects until descriptors are short, in a process of its own that has plenty. */
static pid_t crowd(int count)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (int i = 0; i < count; i++) {
            try_connect();
        }
        sleep(30);
        _exit(0);
    }
    return pid;
}

Test(http_crowd, does_not_spin_when_descriptors_run_out, .init = start, .fini = stop)
{
    struct rlimit limit = { .rlim_cur = 64, .rlim_max = 64 };
    pid_t pid = crowd(100);
    int64_t before;
    client_t *client;

    setrlimit(RLIMIT_NOFILE, &limit);
    usleep(300000);
    before = cpu_ms();
    usleep(1500000);
    cr_expect_lt(cpu_ms() - before, 250);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    client = served_at_last(client_from_anywhere, NULL); /* it accepts again */
    client_free(client);
}

/* What is turned away at the reserve is written by hand. */
Test(http_crowd, is_told_so_when_no_descriptor_is_left, .init = start, .fini = stop)
{
    struct rlimit limit = { .rlim_cur = 40, .rlim_max = 40 };
    client_t *busy[40] = { 0 };
    struct pollfd answers[40];
    int count = 0, refused = 0;

    setrlimit(RLIMIT_NOFILE, &limit);
    /* The client's ends count too; every request is kept, so that nobody is idle. */
    for (; count < 40; count++) {
        int fd = try_connect();
        if (fd < 0) {
            break;
        }
        busy[count] = NEW(client_t);
        busy[count]->fd = fd;
        say(busy[count], "GET /pending HTTP/1.1\r\nHost: x\r\n\r\n");
        usleep(2000);
    }
    for (int i = 0; i < count; i++) {
        answers[i] = (struct pollfd){ .fd = busy[i]->fd, .events = POLLIN };
    }
    cr_expect_gt(poll(answers, (nfds_t)count, 20000), 0, "nobody is told anything");
    for (int i = 0; i < count; i++) {
        if (answers[i].revents && hear(busy[i], &a)->status == 503) {
            refused++;
            cr_expect(a.length == strlen(a.body) && a.body[a.length - 1] == '}', "%s", a.body);
            cr_expect(is_closed(busy[i]));
        }
    }
    cr_expect_gt(refused, 0);
    for (int i = 0; i < count; i++) {
        client_free(busy[i]);
    }
    /* Some may have been in the queue until others went: they are requests too. */
    for (int i = 0; i < 2000 && atomic_load(&fx.gone) != atomic_load(&fx.requests); i++) {
        usleep(10000);
    }
    cr_expect_eq(atomic_load(&fx.gone), atomic_load(&fx.requests));
}
