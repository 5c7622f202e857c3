/* Requests to upstreams, against a scripted peer that redirects, floods, stalls and hangs up. */
#include "web.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <netdb.h>
#include <openssl/ssl.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define SECRET "tok-5f2a"

typedef struct {
    int calls;
    int status;
    char body[256], content_type[64], retry_after[64], location[128];
    size_t body_bytes;
    err_t err;
} told_t;

static loop_t *loop;
static web_t *web;
static raw_server_t server;
static char base[64];
static int expected;

static atomic_bool lookups_may_end;
static atomic_int lookups;

/* libcurl asks this on a thread of its own. "slow.test" takes longer than any caller waits. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
    (void)service;
    (void)hints;
    (void)ret;
    if (strcmp(host, "slow.test") == 0) {
        lookups++;
        while (!lookups_may_end) {
            usleep(10000);
        }
        lookups--;
    }
    return EAI_NONAME;
}

static void set_up(raw_script_f script)
{
    loop = loop_new();
    web = web_new(loop);
    raw_start(&server, script);
    snprintf(base, sizeof(base), "http://127.0.0.1:%d/path?api_key=" SECRET, server.port);
}

static void tear_down(void)
{
    web_free(web);
    loop_free(loop);
    raw_stop(&server);
}

static void keep(char *out, size_t size, span_t value)
{
    snprintf(out, size, "%.*s", SPAN_ARGS(value));
}

static void note(told_t *told, const web_reply_t *reply, const err_t *err)
{
    told->calls++;
    if (err) {
        cr_assert_null(reply);
        told->err = *err;
        cr_assert_not(strstr(err->text, SECRET), "%s", err->text);
        cr_assert_not(strstr(err->text, "127.0.0.1"), "%s", err->text);
        return;
    }
    told->status = reply->status;
    told->body_bytes = reply->body.length;
    keep(told->body, sizeof(told->body), reply->body);
    keep(told->content_type, sizeof(told->content_type), reply->content_type);
    keep(told->retry_after, sizeof(told->retry_after), reply->retry_after);
    keep(told->location, sizeof(told->location), reply->location);
}

static void on_reply(void *self, const web_reply_t *reply, const err_t *err)
{
    note(self, reply, err);
    if (--expected == 0) {
        loop_stop(loop);
    }
}

static web_request_t get(const char *url)
{
    return (web_request_t){ .method = "GET", .url = url, .timeout_ms = 20000 };
}

static told_t call(const web_request_t *request)
{
    told_t told = { 0 };

    expected = 1;
    web_start(web, request, on_reply, &told);
    cr_assert_eq(told.calls, 0, "told before web_start() had returned");
    loop_run(loop);
    cr_assert_eq(told.calls, 1);
    return told;
}

static told_t call_get(const char *url)
{
    web_request_t request = get(url);

    return call(&request);
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
    struct timeval wait = { .tv_usec = ms * 1000 };

    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_rest_over, NULL, &wait);
    loop_run(loop);
}

static void answer_all(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL) &&
           raw_send(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                        "12\r\n\r\n{\"ok\":true}\n")) {
    }
}

Test(web, brings_the_answer_and_keeps_the_connection)
{
    set_up(answer_all);
    for (int i = 0; i < 3; i++) {
        told_t told = call_get(base);

        cr_assert_eq(told.status, 200, "%s", told.err.text);
        cr_assert_str_eq(told.body, "{\"ok\":true}\n");
        cr_assert_str_eq(told.content_type, "application/json");
        cr_assert_str_eq(told.retry_after, "");
    }
    cr_assert_eq(server.accepted, 1);
    tear_down();
    cr_assert_eq(strncmp(raw_request, "GET /path?api_key=" SECRET " HTTP/1.1\r\n", 30), 0);
    cr_assert(strstr(raw_request, "User-Agent: guiche/"));
    cr_assert_not(strstr(raw_request, "Accept-Encoding"));
}

Test(web, sends_body_and_headers_and_expects_nothing)
{
    static const char *const headers[] = { "Authorization: Bearer " SECRET, "content-type: application/json",
                                           NULL };
    web_request_t request = get(base);

    request.method = "POST";
    request.headers = headers;
    request.body = SPAN("{\"a\":\"\0\"}");
    set_up(answer_all);
    request.url = base;
    cr_assert_eq(call(&request).status, 200);
    tear_down();
    cr_assert_eq(strncmp(raw_request, "POST /path", 10), 0);
    cr_assert(strstr(raw_request, "\r\nAuthorization: Bearer " SECRET "\r\n"));
    cr_assert(strstr(raw_request, "\r\ncontent-type: application/json\r\n"));
    cr_assert(strstr(raw_request, "\r\nContent-Length: 9\r\n"));
    cr_assert_not(strstr(raw_request, "Expect"));
    cr_assert_not(strstr(raw_request, "x-www-form-urlencoded"));
}

Test(web, sends_any_method_and_nothing_of_the_last_request)
{
    static const char *const headers[] = { "Authorization: Bearer " SECRET, NULL };
    web_request_t request = get(base);

    set_up(answer_all);
    request.method = "PATCH";
    request.body = SPAN("{}");
    request.headers = headers;
    call(&request);
    cr_assert_eq(strncmp(raw_request, "PATCH ", 6), 0);
    request = get(base);
    request.method = "DELETE";
    call(&request);
    tear_down();
    cr_assert_eq(strncmp(raw_request, "DELETE ", 7), 0);
    cr_assert_not(strstr(raw_request, "Authorization"), "a used handle remembers nothing");
    cr_assert_not(strstr(raw_request, "Content-"));
}

static void answer_500(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    raw_send(fd, "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 4\r\n\r\nbusy");
}

Test(web, takes_any_status_for_a_reply)
{
    set_up(answer_500);
    told_t told = call_get(base);

    cr_assert_eq(told.status, 503);
    cr_assert_str_eq(told.body, "busy");
    cr_assert_str_eq(told.retry_after, "9");
    tear_down();
}

static void redirect(int fd, int nth)
{
    char answer[300];

    (void)nth;
    raw_read_request(fd, NULL);
    snprintf(answer, sizeof(answer),
             "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/other\r\nSet-Cookie: "
             "a=b\r\nContent-Length: 0\r\n\r\n",
             server.port);
    raw_send(fd, answer);
    raw_wait_for_close(fd);
}

Test(web, does_not_follow_a_redirect_and_keeps_no_cookie)
{
    set_up(redirect);
    told_t told = call_get(base);

    cr_assert_eq(told.status, 302);
    cr_assert(strstr(told.location, "/other"));
    cr_assert_eq(server.accepted, 1);
    tear_down();
}

static void flood(int fd, int nth)
{
    static const char piece[1000] = "x";
    bool open;

    raw_read_request(fd, NULL);
    open = raw_send(fd, nth == 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n"
                                 : "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; open && i < 50000; i++) {
        open = raw_send_bytes(fd, piece, sizeof(piece));
    }
}

Test(web, refuses_an_answer_that_is_too_large_with_and_without_length)
{
    web_request_t request = get(base);

    set_up(flood);
    request.max_reply_bytes = 100000;
    for (int i = 0; i < 2; i++) {
        told_t told = call(&request);

        cr_assert_eq(told.err.kind, ERR_UPSTREAM);
        cr_assert_str_eq(told.err.text, "The upstream's answer is larger than 100000 bytes.");
    }
    request.max_reply_bytes = 0;
    cr_assert_str_eq(call(&request).err.text, "The upstream's answer is larger than 8388608 bytes.");
    tear_down();
}

static void stall(int fd, int nth)
{
    raw_read_request(fd, NULL);
    if (nth == 1) {
        raw_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
        raw_send_slowly(fd, "{ some bytes that dribble in one by one for more than a second }", 20000);
    }
    raw_wait_for_close(fd);
}

Test(web, ends_a_slow_upstream_at_the_absolute_deadline)
{
    web_request_t request = get(base);

    set_up(stall);
    request.timeout_ms = 300;
    for (int i = 0; i < 2; i++) {
        int64_t began_ms = clock_ms();
        told_t told = call(&request);

        cr_assert_eq(told.err.kind, ERR_TIMEOUT);
        cr_assert_str_eq(told.err.text, "The upstream did not answer within its deadline.");
        cr_assert_lt(clock_ms() - began_ms, 15000);
    }
    tear_down();
}

Test(web, takes_a_deadline_that_has_passed_for_a_short_one)
{
    web_request_t request = get(base);

    set_up(stall);
    request.timeout_ms = -3;
    cr_assert_eq(call(&request).err.kind, ERR_TIMEOUT);
    tear_down();
}

static void misbehave(int fd, int nth)
{
    static const char *const answers[] = { "", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
                                           "SSH-2.0-OpenSSH\r\n",
                                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" };

    raw_read_request(fd, NULL);
    raw_send(fd, answers[nth]);
}

Test(web, says_what_was_wrong_with_the_upstream)
{
    static const char *const texts[] = { "closed the connection before it answered",
                                         "in the middle of its answer", "not HTTP",
                                         "not answer in valid HTTP" };

    set_up(misbehave);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        told_t told = call_get(base);

        cr_assert_eq(told.err.kind, ERR_UPSTREAM);
        cr_assert(strstr(told.err.text, texts[i]), "%s", told.err.text);
    }
    tear_down();
}

Test(web, says_when_nobody_listens)
{
    set_up(answer_all);
    raw_stop(&server);
    cr_assert_str_eq(call_get(base).err.text, "The upstream refused the connection or could not be reached.");
    web_free(web);
    loop_free(loop);
}

Test(web, goes_where_the_url_says_and_not_to_a_proxy_of_the_environment)
{
    set_up(answer_all);
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("all_proxy", "http://127.0.0.1:1/", 1);
    cr_assert_eq(call_get(base).status, 200);
    tear_down();
}

Test(web, refuses_other_schemes_and_broken_urls)
{
    static const char *const urls[] = {
        "file:///etc/passwd",          "ftp://127.0.0.1/a", "gopher://127.0.0.1/a",
        "http://127.0.0.1:1\r\nX: y/", "http://",           ""
    };

    set_up(answer_all);
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        told_t told = call_get(urls[i]);

        cr_assert_eq(told.err.kind, ERR_UPSTREAM);
        cr_assert(strstr(told.err.text, "URL"), "%s: %s", urls[i], told.err.text);
    }
    cr_assert_eq(server.accepted, 0);
    tear_down();
}

Test(web, refuses_a_header_that_would_be_two)
{
    static const char *const headers[] = { "X-Token: a\r\nAuthorization: Bearer b", NULL };
    web_request_t request = get(base);

    set_up(answer_all);
    request.headers = headers;
    cr_assert_str_eq(call(&request).err.text,
                     "A header of the request to the upstream has a line break in it.");
    cr_assert_eq(server.accepted, 0);
    web_cancel(web_start(web, &request, on_reply, NULL));
    run_loop_ms(20);
    tear_down();
}

static void no_tls(int fd, int nth)
{
    char hello[16];

    (void)nth;
    recv(fd, hello, sizeof(hello), 0);
    raw_send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
    shutdown(fd, SHUT_WR);
    raw_wait_for_close(fd);
}

Test(web, says_when_the_upstream_speaks_no_tls)
{
    char url[64];

    set_up(no_tls);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server.port);
    told_t told = call_get(url);
    cr_assert_eq(told.err.kind, ERR_UPSTREAM);
    cr_assert(strstr(told.err.text, "TLS"), "%s", told.err.text);
    tear_down();
}

/* A certificate that nobody vouches for, made on the spot. */
static SSL_CTX *new_self_signed(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"127.0.0.1", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

static atomic_int tls_requests;

static void answer_as_anyone(int fd, int nth)
{
    SSL_CTX *context = new_self_signed();
    SSL *tls = SSL_new(context);
    char request[100];

    (void)nth;
    SSL_set_fd(tls, fd);
    if (SSL_accept(tls) == 1 && SSL_read(tls, request, sizeof(request)) > 0) {
        tls_requests++;
    }
    SSL_free(tls);
    SSL_CTX_free(context);
}

Test(web, sends_nothing_to_an_upstream_that_cannot_prove_who_it_is)
{
    char url[64];

    set_up(answer_as_anyone);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server.port);
    told_t told = call_get(url);
    cr_assert_eq(told.err.kind, ERR_UPSTREAM);
    cr_assert_str_eq(told.err.text, "The upstream's certificate could not be verified.");
    tear_down();
    cr_assert_eq(tls_requests, 0);
}

Test(web, says_nothing_after_a_cancel)
{
    web_request_t request = get(base);
    told_t told = { 0 };

    set_up(stall);
    web_cancel(web_start(web, &request, on_reply, &told));
    web_call_t *call_in_flight = web_start(web, &request, on_reply, &told);
    run_loop_ms(100);
    web_cancel(call_in_flight);
    run_loop_ms(50);
    cr_assert_eq(told.calls, 0);
    tear_down();
}

Test(web, is_freed_with_calls_in_flight)
{
    web_request_t request = get(base);
    told_t told = { 0 };

    set_up(stall);
    for (int i = 0; i < 5; i++) {
        web_start(web, &request, on_reply, &told);
    }
    run_loop_ms(50);
    tear_down();
    cr_assert_eq(told.calls, 0);
}

static void on_first_of_two(void *self, const web_reply_t *reply, const err_t *err);
static web_call_t *first, *second;
static told_t last;

static void on_first_of_two(void *self, const web_reply_t *reply, const err_t *err)
{
    web_request_t request = get(base);

    note(self, reply, err);
    web_cancel(first); /* its own: harmless */
    web_cancel(second);
    expected = 1;
    web_start(web, &request, on_reply, &last);
}

Test(web, may_start_and_cancel_within_a_callback)
{
    web_request_t request = get(base);
    told_t told[2] = { 0 };

    set_up(answer_all);
    first = web_start(web, &request, on_first_of_two, &told[0]);
    raw_server_t silent;
    raw_start(&silent, stall);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", silent.port);
    request.url = url;
    second = web_start(web, &request, on_reply, &told[1]);
    loop_run(loop);
    cr_assert_eq(told[0].status, 200);
    cr_assert_eq(told[1].calls, 0);
    cr_assert_eq(last.status, 200, "%s (%d connections)", last.err.text, server.accepted);
    tear_down();
    raw_stop(&silent);
}

Test(web, answers_all_who_finish_at_once)
{
    web_request_t request = get(base);
    told_t told[40] = { 0 };

    set_up(answer_500);
    for (expected = 0; expected < (int)COUNT_OF(told); expected++) {
        web_start(web, &request, on_reply, &told[expected]);
    }
    loop_run(loop);
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        cr_assert_eq(told[i].status, 503, "%s", told[i].err.text);
    }
    tear_down();
}

Test(web, does_not_block_the_loop_for_a_name_that_is_slow_to_resolve)
{
    web_request_t request = get("http://slow.test/");

    set_up(answer_all);
    request.timeout_ms = 200;
    int64_t began_ms = clock_ms();
    cr_assert_eq(call(&request).err.kind, ERR_TIMEOUT);
    cr_assert_lt(clock_ms() - began_ms, 15000);
    web_call_t *cancelled = web_start(web, &request, on_reply, NULL);
    run_loop_ms(50);
    web_cancel(cancelled);
    cr_assert_lt(clock_ms() - began_ms, 20000);
    lookups_may_end = true;
    tear_down();
    for (int i = 0; i < 2000 && lookups > 0; i++) {
        usleep(10000); /* the lookups' threads end by themselves */
    }
    usleep(100000);
}
