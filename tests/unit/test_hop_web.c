/* Hops over TLS against a scripted peer that speaks it: what http_client.h promises holds there too. The
 * peer's certificate is made on the spot and vouches for itself (ca_file). */
#include "http_client.h"

#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s-1\r\n"
#define OK HEAD "Content-Length: 2\r\n\r\n{}"
#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LAST_CHUNK "0\r\n\r\n"
#define LARGE_BYTES (8 << 20)

typedef enum { NEVER, IN_HEAD, IN_BODY, IN_END, IN_ERROR } moment_t;

/* What the exchange that runs now has told. */
typedef struct {
    hop_t *hop;
    bool started; /* hop_start() has returned */
    int heads, bodies, ends, errors;
    int status;
    char session_id[16], body[256];
    size_t body_bytes;
    bool drains, leaves, pauses; /* in on_body */
    bool sent;
    err_t err;
    moment_t cancels_in;
    bool frees_pool;
} told_t;

static loop_t *loop;
static http_pool_t *connections;
static raw_server_t server;
static SSL_CTX *context;
static char ca_path[64];
static told_t told;
static http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;
static atomic_int written; /* bytes that the peer's socket has taken */
static atomic_bool may_end, lookup_may_end;

/* libcurl asks this on a thread of its own. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
    (void)service, (void)hints, (void)ret;
    if (strcmp(host, "slow.test") == 0) {
        while (!lookup_may_end) {
            usleep(10000);
        }
    }
    return EAI_NONAME;
}

/* the peer */

static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"the tests", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_add_ext(certificate, names, -1);
    X509_sign(certificate, key, EVP_sha256());
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    snprintf(ca_path, sizeof(ca_path), "/tmp/guiche-hop-web-%d.pem", getpid());
    FILE *file = fopen(ca_path, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void (*script)(SSL *tls, int nth);

static void with_tls(int fd, int nth)
{
    SSL *tls = SSL_new(context);

    SSL_set_fd(tls, fd);
    if (SSL_accept(tls) == 1) {
        script(tls, nth);
        SSL_shutdown(tls);
    }
    SSL_free(tls);
}

static bool say_bytes(SSL *tls, const char *bytes, size_t length)
{
    return length == 0 || SSL_write(tls, bytes, (int)length) == (int)length;
}

static bool say(SSL *tls, const char *text)
{
    return say_bytes(tls, text, strlen(text));
}

/* The last request, as far as it fits; false when the caller closes first. */
static bool read_request(SSL *tls)
{
    size_t used = 0;
    char *end = NULL;

    while (!end || strlen(end + 4) < (strstr(raw_request, "Content-Length: 7") ? 7 : 0)) {
        int got = SSL_read(tls, raw_request + used, (int)(sizeof(raw_request) - 1 - used));
        if (got <= 0) {
            return false;
        }
        used += (size_t)got;
        raw_request[used] = '\0';
        end = strstr(raw_request, "\r\n\r\n");
    }
    return true;
}

static void wait_for_close(SSL *tls)
{
    char rest[4096];

    while (SSL_read(tls, rest, sizeof(rest)) > 0) {
    }
}

static void answer_all(SSL *tls, int nth)
{
    (void)nth;
    while (read_request(tls) && say(tls, OK)) {
    }
}

static void stall(SSL *tls, int nth)
{
    (void)nth;
    read_request(tls);
    wait_for_close(tls);
}

static void stall_in_body(SSL *tls, int nth)
{
    (void)nth;
    read_request(tls);
    say(tls, STREAM "3\r\n:\n\n\r\n");
    wait_for_close(tls);
}

static void send_much(SSL *tls, int nth)
{
    static char piece[16384];

    (void)nth;
    read_request(tls);
    AUTO(mem_free) char *head = mem_printf(HEAD "Content-Length: %d\r\n\r\n", LARGE_BYTES);
    say(tls, head);
    for (int i = 0; i < LARGE_BYTES; i += (int)sizeof(piece)) {
        if (!say_bytes(tls, piece, sizeof(piece))) {
            return;
        }
        written += (int)sizeof(piece);
    }
    wait_for_close(tls);
}

/* the caller */

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
    snprintf(told.session_id, sizeof(told.session_id), "%.*s", SPAN_ARGS(head->session_id));
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
    if (told.pauses) {
        hop_pause(told.hop, true);
        loop_stop(loop);
    }
    if (told.leaves) {
        hop_leave(told.hop);
        may_end = true;
        loop_stop(loop);
    }
    maybe_cancel(IN_BODY);
}

static void over(moment_t moment)
{
    maybe_cancel(moment);
    if (told.frees_pool) {
        http_pool_free(TAKE(connections));
    }
    loop_stop(loop);
}

static void on_end(void *self, struct evbuffer *body)
{
    (void)self;
    told.ends++;
    told.body_bytes += evbuffer_get_length(body);
    evbuffer_copyout(body, told.body, sizeof(told.body) - 1);
    over(IN_END);
}

static void on_error(void *self, const err_t *err, bool sent)
{
    (void)self;
    told.errors++;
    told.err = *err;
    told.sent = sent;
    over(IN_ERROR);
}

static const hop_events_t events = { on_head, on_body, on_end, on_error };

static void open_pool(const char *host, uint16_t port)
{
    AUTO(mem_free) char *text = mem_printf("https://%s:%d/mcp?x=1", host, port);
    hop_url_t url;
    err_t err;

    loop = loop_new();
    cr_assert_eq(hop_url_parse(text, &url, &err), 0, "%s", err.text);
    url.ca_file = mem_strdup(ca_path);
    connections = http_pool_new(loop, NULL, &url, &limits);
    hop_url_release(&url);
}

static void set_up(void (*peer)(SSL *tls, int nth))
{
    make_certificate();
    script = peer;
    raw_start(&server, with_tls);
    open_pool("127.0.0.1", server.port);
}

static void tear_down(void)
{
    http_pool_free(connections);
    loop_free(loop);
    raw_stop(&server);
    SSL_CTX_free(context);
    unlink(ca_path);
}

static void start_with(const char *method, const char *body, int64_t deadline_ms, bool idempotent)
{
    hop_request_t request = { .method = method,
                              .headers = SPAN("Accept: a/b\r\nX-Empty: \r\n"),
                              .deadline_ms = clock_ms() + deadline_ms,
                              .idempotent = idempotent };
    AUTO_BUF bytes = { 0 };

    told = (told_t){ .drains = told.drains,
                     .leaves = told.leaves,
                     .cancels_in = told.cancels_in,
                     .frees_pool = told.frees_pool };
    buf_add_text(&bytes, body);
    told.hop = hop_start(connections, &request, *body ? &bytes : NULL, &events, &told);
    told.started = true;
    cr_assert_eq(bytes.length, 0);
}

static void call_with(int64_t deadline_ms, bool idempotent)
{
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
    (void)fd, (void)what, (void)self;
    loop_stop(loop);
}

static void run_loop_ms(int ms)
{
    struct timeval wait = clock_timeval(ms);

    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_rest_over, NULL, &wait);
    loop_run(loop);
}

static void run_until_open(size_t count)
{
    for (int i = 0; i < 600 && http_pool_open(connections) != count; i++) {
        run_loop_ms(50);
    }
    cr_assert_eq(http_pool_open(connections), count);
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
    cr_assert(strstr(told.err.text, text), "%s", told.err.text);
    cr_assert_eq(told.err.kind, kind);
    cr_assert_eq(told.sent, sent);
}

Test(hop_web, sends_what_it_is_given_and_keeps_the_connection)
{
    set_up(answer_all);
    for (int i = 0; i < 3; i++) {
        call();
        expect_answer("{}");
        cr_assert_eq(told.status, 200);
        cr_assert_str_eq(told.session_id, "s-1");
    }
    AUTO(mem_free)
    char *expected = mem_printf("POST /mcp?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                                "Accept: a/b\r\nX-Empty:\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
                                server.port);
    cr_assert_str_eq(raw_request, expected);
    cr_assert_eq(server.accepted, 1);
    cr_assert_eq(http_pool_open(connections), 1);
    cr_assert_eq(http_pool_idle(connections), 1);
    tear_down();
}

/* Connections to the peer that a program started now would hold open. */
static int count_inherited(void)
{
    int count = 0;

    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer = { 0 };
        socklen_t size = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && ntohs(peer.sin_port) == server.port) {
            count += fcntl(fd, F_GETFD) & FD_CLOEXEC ? 0 : 1;
        }
    }
    return count;
}

Test(hop_web, leaves_no_connection_to_programs_that_are_started)
{
    set_up(answer_all);
    call();
    cr_assert_eq(count_inherited(), 0);
    tear_down();
}

Test(hop_web, gives_what_cannot_be_kept_from_a_repeat_a_connection_of_its_own)
{
    set_up(answer_all);
    call();
    start_with("GET", "", 20000, true);
    loop_run(loop);
    expect_answer("{}");
    cr_assert_eq(server.accepted, 1);
    start_with("DELETE", "", 300, false);
    loop_run(loop);
    expect_error(ERR_TIMEOUT, "within its deadline", false); /* the peer serves one connection at a time */
    tear_down();
}

Test(hop_web, gets_a_stream_as_it_comes)
{
    told.drains = true;
    set_up(stall_in_body);
    start_with("GET", "", 20000, true);
    for (int i = 0; i < 2000 && told.body_bytes == 0; i++) {
        run_loop_ms(10);
    }
    cr_assert_eq(told.heads, 1);
    cr_assert_eq(told.body_bytes, 3);
    cr_assert(strncmp(raw_request, "GET /mcp", 8) == 0);
    cr_assert_not(strstr(raw_request, "Content-"));
    cr_assert_eq(http_pool_idle(connections), 0);
    hop_cancel(told.hop);
    run_until_open(0);
    tear_down();
}

Test(hop_web, may_be_cancelled_within_any_of_its_callbacks)
{
    set_up(answer_all);
    for (told.cancels_in = IN_HEAD; told.cancels_in <= IN_END; told.cancels_in++) {
        call();
        cr_assert_eq(told.errors, 0);
        cr_assert_eq(told.ends, told.cancels_in == IN_END ? 1 : 0);
        run_loop_ms(20);
    }
    told.cancels_in = NEVER;
    call();
    expect_answer("{}");
    tear_down();
}

Test(hop_web, may_be_cancelled_before_anything_happened)
{
    set_up(answer_all);
    start_with("POST", "{\"a\":1}", 20000, false);
    hop_cancel(told.hop);
    start_with("POST", "{\"a\":1}", -1, false); /* a failure waits to be told */
    hop_cancel(told.hop);
    run_loop_ms(50);
    cr_assert_eq(told.errors + told.ends + told.heads, 0);
    tear_down();
}

Test(hop_web, lets_the_last_exchange_free_the_pool_at_its_end)
{
    told.frees_pool = true;
    set_up(answer_all);
    call();
    expect_answer("{}");
    cr_assert_null(connections);
    tear_down();
}

static void close_at_once(SSL *tls, int nth)
{
    (void)nth;
    read_request(tls);
}

Test(hop_web, lets_the_last_exchange_free_the_pool_at_an_error)
{
    told.frees_pool = true;
    set_up(close_at_once);
    call();
    expect_error(ERR_UPSTREAM, "closed the connection before it answered", true);
    cr_assert_null(connections);
    tear_down();
}

static void die_when_reused(SSL *tls, int nth)
{
    if (nth == 0 && read_request(tls)) {
        say(tls, OK);
        read_request(tls);
    } else {
        answer_all(tls, nth);
    }
}

Test(hop_web, repeats_an_idempotent_request_when_a_reused_connection_died)
{
    set_up(die_when_reused);
    call();
    call_with(20000, true);
    expect_answer("{}");
    tear_down();
}

Test(hop_web, leaves_the_repeating_of_other_requests_to_its_caller)
{
    set_up(die_when_reused);
    call();
    call_with(20000, false);
    expect_error(ERR_UPSTREAM, "closed the connection before it answered", true);
    call();
    expect_answer("{}");
    tear_down();
}

static void die_again(SSL *tls, int nth)
{
    if (read_request(tls) && nth == 0) {
        say(tls, OK);
        read_request(tls);
    }
}

Test(hop_web, repeats_only_once)
{
    set_up(die_again);
    call();
    call_with(20000, true);
    expect_error(ERR_UPSTREAM, "closed the connection before it answered", true);
    tear_down();
}

Test(hop_web, says_that_nothing_was_sent_when_nothing_was)
{
    set_up(stall);
    call_with(-1, false);
    expect_error(ERR_TIMEOUT, "within its deadline", false);
    cr_assert_eq(server.accepted, 0);
    call_with(2000, false);
    expect_error(ERR_TIMEOUT, "within its deadline", true);
    run_until_open(0);
    tear_down();
}

Test(hop_web, sends_nothing_to_a_peer_that_cannot_prove_who_it_is)
{
    set_up(answer_all);
    http_pool_free(connections);
    loop_free(loop);
    ca_path[0] = '\0';
    open_pool("127.0.0.1", server.port);
    call();
    cr_assert_eq(told.errors, 1);
    cr_assert_eq(told.sent, false);
    cr_assert_eq(raw_request[0], '\0');
    tear_down();
}

Test(hop_web, stops_reading_while_paused_and_goes_on)
{
    limits.max_reply_bytes = 4 << 20; /* less than what comes: the reader drains */
    told.drains = true;
    set_up(send_much);
    start_with("POST", "{\"a\":1}", 60000, false);
    told.pauses = true;
    loop_run(loop);
    told.pauses = false;
    int before = -1, bodies = 0;
    for (int i = 0; i < 50 && written != before; i++) { /* until the sockets are full */
        before = written;
        bodies = told.bodies;
        run_loop_ms(300);
    }
    cr_assert_eq(told.bodies, bodies);
    cr_assert_lt(written, LARGE_BYTES, "the peer went on writing");
    hop_pause(told.hop, false);
    loop_run(loop);
    cr_assert_eq(told.ends, 1, "%s", told.err.text);
    cr_assert_eq(told.body_bytes, LARGE_BYTES);
    tear_down();
}

Test(hop_web, may_be_paused_before_an_answer_came)
{
    told.drains = true;
    set_up(send_much);
    start_with("POST", "{\"a\":1}", 60000, false);
    hop_pause(told.hop, true);
    run_loop_ms(300);
    cr_assert_eq(told.body_bytes, 0);
    hop_pause(told.hop, false);
    loop_run(loop);
    cr_assert_eq(told.body_bytes, LARGE_BYTES);
    tear_down();
}

Test(hop_web, ends_at_the_deadline_even_when_paused_and_extended)
{
    set_up(stall_in_body);
    start_with("POST", "{\"a\":1}", 60000, false);
    hop_extend(told.hop, clock_ms() + 2000);
    run_loop_ms(100);
    hop_pause(told.hop, true);
    loop_run(loop);
    expect_error(ERR_TIMEOUT, "within its deadline", true);
    tear_down();
}

Test(hop_web, refuses_an_answer_that_is_too_large_and_lets_a_reader_that_drains_read_on)
{
    limits.max_reply_bytes = 1000;
    set_up(send_much);
    call();
    expect_error(ERR_UPSTREAM, "larger than 1000 bytes", true);
    told.drains = true;
    call();
    cr_assert_eq(told.ends, 1, "%s", told.err.text);
    cr_assert_eq(told.body_bytes, LARGE_BYTES);
    tear_down();
}

static atomic_int received;

static void read_much(SSL *tls, int nth)
{
    char bytes[16384];

    (void)nth;
    while (received < LARGE_BYTES) {
        int got = SSL_read(tls, bytes, sizeof(bytes));
        if (got <= 0) {
            return;
        }
        received += got;
    }
    say(tls, OK);
    wait_for_close(tls);
}

static void start_large(void)
{
    AUTO(mem_free) char *body = mem_alloc(LARGE_BYTES + 1);

    memset(body, 'x', LARGE_BYTES);
    start_with("POST", body, 60000, false);
    loop_run(loop);
}

Test(hop_web, writes_a_large_request_as_the_socket_takes_it)
{
    set_up(read_much);
    start_large();
    expect_answer("{}");
    cr_assert_geq(received, LARGE_BYTES);
    tear_down();
}

static void refuse_early(SSL *tls, int nth)
{
    char bytes[100];

    (void)nth;
    SSL_read(tls, bytes, sizeof(bytes));
    say(tls, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
    wait_for_close(tls);
}

Test(hop_web, hears_a_server_that_answers_before_it_has_read_the_request)
{
    set_up(refuse_early);
    start_large();
    expect_answer("{}");
    cr_assert_eq(told.status, 413);
    tear_down();
}

static void end_soon(SSL *tls, int nth)
{
    (void)nth;
    while (read_request(tls) && say(tls, STREAM "3\r\n:\n\n\r\n")) {
        for (int i = 0; i < 5000 && !may_end; i++) {
            usleep(1000);
        }
        say(tls, LAST_CHUNK);
    }
}

Test(hop_web, keeps_the_connection_of_a_stream_that_was_left_and_ends)
{
    told.leaves = true;
    set_up(end_soon);
    for (int i = 0; i < 3; i++) {
        may_end = false;
        call();
        for (int j = 0; j < 2000 && http_pool_idle(connections) == 0; j++) {
            run_loop_ms(10);
        }
        cr_assert_eq(http_pool_idle(connections), 1);
        cr_assert_eq(told.ends + told.errors, 0);
    }
    cr_assert_eq(server.accepted, 1);
    tear_down();
}

Test(hop_web, closes_the_connection_of_a_stream_that_was_left_and_does_not_end)
{
    told.leaves = true;
    set_up(stall_in_body);
    call();
    cr_assert_eq(http_pool_open(connections), 1);
    run_until_open(0);
    cr_assert_eq(told.ends + told.errors, 0);
    call();
    tear_down(); /* with one that is left */
}

Test(hop_web, closes_what_has_been_idle_too_long)
{
    limits.idle_ms = 150;
    set_up(answer_all);
    call();
    cr_assert_eq(http_pool_idle(connections), 1);
    run_until_open(0);
    call();
    expect_answer("{}");
    cr_assert_eq(server.accepted, 2);
    tear_down();
}

Test(hop_web, does_not_block_the_loop_for_a_name_that_is_slow_to_resolve)
{
    set_up(answer_all);
    http_pool_free(connections);
    loop_free(loop);
    open_pool("slow.test", 443);
    int64_t begun_ms = clock_ms();
    call_with(100, false);
    expect_error(ERR_TIMEOUT, "within its deadline", false);
    http_pool_free(TAKE(connections));
    cr_assert_lt(clock_ms() - begun_ms, 15000);
    lookup_may_end = true;
    tear_down();
}
