/* Asking a business system on behalf of a call: a real runtime's call, libcurl and loop, and a scripted peer
 * that refuses, limits, lies and breaks off. */
#include <poll.h>
#include <semaphore.h>
#include <string.h>
#include <criterion/criterion.h>
#include <event2/event.h>

#include "call_life.h"
#include "clock.h"
#include "mcp_fake.h"
#include "raw_server.h"
#include "upstream.h"

#define KEY "key-7c41e9"

static process_settings_t process = { .call_timeout_ms = 60000 };
static runtime_t runtime;
static mcp_call_t *mcp;
static call_t *call;
static upstream_t *upstream;
static raw_server_t server;
static atomic_int requests;

/* What the last ask was told. */
static struct {
    int times, status;
    bool has_json;
    int64_t ok;
    size_t body_bytes;
    char location[64], content_type[64];
    err_t err, refused;
} told;

static void keep(call_t *given, const void *args)
{
    (void)args;
    call = given;
}

static const tool_t writer = { .name = "writer", .description = "Writes.", .run = keep };

static void set_up(raw_script_f script)
{
    static entry_t entry;
    char url[64];
    err_t err;

    entry = entry_of_tool(&writer);
    runtime = (runtime_t){ .process = &process, .loop = loop_new(), .pool = pool_new(1, 4) };
    raw_start(&server, script);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/base/", server.port);
    upstream = upstream_new(
        runtime.loop,
        &(upstream_options_t){ "Qdrant", url, "QDRANT_URL", .max_reply_bytes = (size_t)1 << 20 }, &err);
    cr_assert_not_null(upstream, "%s", err.text);
    mcp = fake_call_new(MCP_MODERN, "{}", NULL);
    call_start(&runtime, &entry, mcp);
}

static void tear_down(void)
{
    if (runtime.open_calls) {
        call_finish(call, NULL, "done");
    }
    cr_assert_eq(runtime.alive_calls, 0, "a call is still held");
    upstream_free(upstream);
    pool_free(runtime.pool);
    loop_free(runtime.loop);
    fake_call_free(mcp);
    raw_stop(&server);
}

static upstream_request_t request = { .method = "GET", .path = "/things", .repeatable = true };

static void on_told(void *self, const upstream_reply_t *reply, const err_t *err)
{
    (void)self;
    told.times++;
    if (err) {
        cr_assert_null(reply);
        told.err = *err;
    } else {
        told.status = reply->status;
        told.has_json = reply->json != NULL;
        told.ok = json_integer_value(json_object_get(reply->json, "ok"));
        told.body_bytes = reply->body.length;
        snprintf(told.location, sizeof(told.location), "%.*s", SPAN_ARGS(reply->location));
        snprintf(told.content_type, sizeof(told.content_type), "%.*s", SPAN_ARGS(reply->content_type));
        upstream_refused(upstream, reply, json_string_value(json_object_get(reply->json, "error")),
                         &told.refused);
    }
    loop_stop(runtime.loop);
}

static void ask(void)
{
    memset(&told, 0, sizeof(told));
    upstream_ask(call, upstream, &request, on_told, NULL);
    cr_assert_eq(told.times, 0, "told before upstream_ask() had returned");
    loop_run(runtime.loop);
    cr_assert_eq(told.times, 1);
}

static void stop_loop(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    loop_stop(self);
}

static void run_loop_ms(int64_t ms)
{
    struct timeval after = clock_timeval(ms);

    event_base_once(loop_base(runtime.loop), -1, EV_TIMEOUT, stop_loop, runtime.loop, &after);
    loop_run(runtime.loop);
}

#define PATIENCE 4000 /* turns of 5 ms */

static const char *script_answer;

static void answer_script(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL)) {
        requests++;
        if (!raw_send(fd, script_answer) || !strstr(script_answer, "Content-Length")) {
            return;
        }
    }
}

#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Test(upstream, sends_path_headers_and_body_and_reads_json)
{
    static const char *const headers[] = { "api-key: " KEY, NULL };

    script_answer = JSON_HEAD "Content-Length: 8\r\n\r\n{\"ok\":7}";
    set_up(answer_script);
    json_auto_t *body = json_pack("{s:i}", "limit", 3);
    request =
        (upstream_request_t){ .method = "POST", .path = "/a/../b?x=1", .headers = headers, .json = body };
    ask();
    cr_assert_eq(told.status, 200);
    cr_assert_eq(told.ok, 7);
    cr_assert_str_eq(told.content_type, "application/json");
    request = (upstream_request_t){
        .method = "POST", .path = "/", .bytes = SPAN("<x/>"), .content_type = "text/xml", .raw = true
    };
    cr_assert_eq(strncmp(raw_request, "POST /base/a/../b?x=1 HTTP/1.1\r\n", 31), 0, "%s", raw_request);
    cr_assert(strstr(raw_request, "\r\napi-key: " KEY "\r\n"));
    cr_assert(strstr(raw_request, "\r\nContent-Type: application/json\r\n"));
    cr_assert(strstr(raw_request, "\r\nContent-Length: 11\r\n"));
    ask();
    cr_assert_not(told.has_json, "raw is not read");
    cr_assert_eq(told.body_bytes, 8);
    cr_assert(strstr(raw_request, "\r\nContent-Type: text/xml\r\n"));
    cr_assert_not(strstr(raw_request, KEY));
    cr_assert_eq(server.accepted, 1, "the connection is kept");
    tear_down();
}

Test(upstream, refuses_a_stand_in_in_production)
{
    script_answer = "HTTP/1.1 200 OK\r\nServer: guiche-demo\r\nContent-Length: 8\r\n\r\n{\"ok\":1}";
    set_up(answer_script);
    ask();
    cr_assert_eq(told.ok, 1, "in development it is what is wanted");
    upstream_free(upstream);
    char url[64];
    err_t err;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", server.port);
    upstream = upstream_new(
        runtime.loop,
        &(upstream_options_t){ "Qdrant", url, .url_variable = "QDRANT_URL", .production = true }, &err);
    ask();
    cr_assert_str_eq(
        told.err.text,
        "Qdrant in QDRANT_URL is a stand-in for demonstrations, which ENVIRONMENT=production refuses.");
    tear_down();
}

static void answer_large(int fd, int nth)
{
    enum { SIZE = 200000 };
    static char json[SIZE + 1];

    (void)nth;
    memset(json, ' ', SIZE);
    memcpy(json, "{\"ok\":5}", 8);
    while (raw_read_request(fd, NULL)) {
        raw_send(fd, "HTTP/1.1 200 OK\r\nLocation: /elsewhere\r\nContent-Length: 200000\r\n\r\n");
        raw_send(fd, json);
    }
}

Test(upstream, reads_a_large_answer_on_a_helper_with_its_headers)
{
    set_up(answer_large);
    ask();
    cr_assert_eq(told.ok, 5);
    cr_assert_eq(told.body_bytes, 200000);
    cr_assert_str_eq(told.location, "/elsewhere");
    tear_down();
}

static sem_t helper_is_free;

static void keep_helper_busy(void *job)
{
    (void)job;
    sem_wait(&helper_is_free);
}

static void nothing(void *job)
{
    (void)job;
}

Test(upstream, forgets_a_large_answer_when_the_call_ends_meanwhile)
{
    sem_init(&helper_is_free, 0, 0);
    set_up(answer_large);
    pool_run(runtime.pool, runtime.loop, loop_post, keep_helper_busy, nothing, NULL);
    for (int i = 0; i < PATIENCE && pool_queued(runtime.pool) > 0; i++) {
        run_loop_ms(5); /* until the helper has it */
    }
    upstream_ask(call, upstream, &request, on_told, NULL);
    for (int i = 0; i < PATIENCE && (server.accepted == 0 || pool_queued(runtime.pool) == 0); i++) {
        run_loop_ms(5);
    }
    cr_assert_eq(pool_queued(runtime.pool), 1);
    fake_call_hang_up(mcp);
    sem_post(&helper_is_free);
    for (int i = 0; i < PATIENCE && runtime.alive_calls > 0; i++) {
        run_loop_ms(5);
    }
    cr_assert_eq(told.times, 0);
    tear_down();
}

static void limit_twice(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL)) {
        raw_send(fd, requests++ < 2 ? "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
                                    : JSON_HEAD "Content-Length: 8\r\n\r\n{\"ok\":1}");
    }
}

Test(upstream, waits_and_asks_again_when_a_read_is_limited)
{
    set_up(limit_twice);
    ask();
    cr_assert_eq(told.ok, 1);
    cr_assert_eq(requests, 3);
    tear_down();
}

Test(upstream, reports_the_limit_of_a_write_and_sends_it_once)
{
    set_up(limit_twice);
    request.repeatable = false;
    ask();
    cr_assert_eq(requests, 1);
    cr_assert_str_eq(told.refused.text, "Qdrant has had too many requests (HTTP 429) and asks to wait 0 s. "
                                        "Nothing was changed.");
    tear_down();
}

Test(upstream, does_not_wait_beyond_the_deadline)
{
    script_answer = "HTTP/1.1 503 Busy\r\nRetry-After: 61\r\nContent-Length: 0\r\n\r\n";
    set_up(answer_script);
    int64_t began_ms = clock_ms();
    ask();
    cr_assert_lt(clock_ms() - began_ms, 20000);
    cr_assert_eq(requests, 1);
    cr_assert_str_eq(told.refused.text,
                     "Qdrant is not available now (HTTP 503) and asks to wait 61 s. Trying "
                     "again is safe.");
    tear_down();
}

Test(upstream, stops_waiting_when_the_call_ends)
{
    script_answer = "HTTP/1.1 429 Slow\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n";
    set_up(answer_script);
    memset(&told, 0, sizeof(told));
    upstream_ask(call, upstream, &request, on_told, NULL);
    for (int i = 0; i < PATIENCE && requests == 0; i++) {
        run_loop_ms(5);
    }
    run_loop_ms(30);
    fake_call_hang_up(mcp);
    cr_assert_eq(runtime.alive_calls, 0);
    cr_assert_eq(told.times, 0);
    tear_down();
}

static void hold(int fd, int nth)
{
    (void)nth;
    raw_read_request(fd, NULL);
    requests++;
    raw_wait_for_close(fd);
}

Test(upstream, ends_the_request_when_the_call_is_cancelled)
{
    set_up(hold);
    upstream_ask(call, upstream, &request, on_told, NULL);
    for (int i = 0; i < PATIENCE && requests == 0; i++) {
        run_loop_ms(5);
    }
    fake_call_hang_up(mcp);
    cr_assert_eq(runtime.alive_calls, 0);
    tear_down(); /* joins the peer, which waits for our close */
}

Test(upstream, says_that_the_outcome_of_a_late_write_is_unknown)
{
    process.call_timeout_ms = 60000;
    set_up(hold);
    request.repeatable = false;
    call->deadline_ms = loop_now_ms(runtime.loop) + 1500; /* the call's own timer is a minute away */
    ask();
    cr_assert_eq(told.err.kind, ERR_TIMEOUT);
    cr_assert_str_eq(told.err.text,
                     "Qdrant did not answer in time. The outcome is unknown: check before repeating.");
    tear_down();
}

Test(upstream, says_that_nothing_was_changed_when_nobody_listens)
{
    set_up(answer_script);
    raw_stop(&server);
    request.repeatable = false;
    ask();
    cr_assert_str_eq(
        told.err.text,
        "Qdrant cannot be reached: no connection to QDRANT_URL could be made. Nothing was changed.");
    request.repeatable = true;
    ask();
    cr_assert(strstr(told.err.text, "Trying again is safe."), "%s", told.err.text);
    raw_start(&server, answer_script);
    tear_down();
}

static int next_ms = -1; /* -1: it comes on this connection */

/* A kept connection that dies under the next request: libcurl alone would send that one again. */
static void answer_once_then_die(int fd, int nth)
{
    (void)nth;
    if (!raw_read_request(fd, NULL)) {
        return;
    }
    raw_send(fd, JSON_HEAD "Content-Length: 8\r\n\r\n{\"ok\":1}");
    requests++;
    if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, next_ms) == 1 && raw_read_request(fd, NULL)) {
        requests++;
    }
}

Test(upstream, never_sends_a_write_twice)
{
    json_auto_t *body = json_pack("{s:s}", "name", "once");

    set_up(answer_once_then_die);
    ask();
    request = (upstream_request_t){ .method = "PUT", .path = "/things", .json = body };
    ask();
    cr_assert_str_eq(told.err.text, "Qdrant closed the connection without an answer. The outcome is unknown: "
                                    "check before repeating.");
    cr_assert_eq(requests, 2, "%d on %d connections", requests, server.accepted);
    tear_down();
}

Test(upstream, sends_a_write_without_a_body_on_a_connection_of_its_own)
{
    next_ms = 300;
    set_up(answer_once_then_die);
    ask();
    request = (upstream_request_t){ .method = "DELETE", .path = "/things" };
    ask();
    cr_assert_eq(told.ok, 1, "%s", told.err.text);
    cr_assert_eq(server.accepted, 2);
    tear_down();
}

Test(upstream, sends_a_read_again_when_a_kept_connection_died)
{
    set_up(answer_once_then_die);
    ask();
    ask();
    cr_assert_eq(told.ok, 1, "%s", told.err.text);
    cr_assert_eq(server.accepted, 2);
    tear_down();
}

Test(upstream, has_a_sentence_for_each_broken_answer)
{
    static const struct {
        const char *answer, *text;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"half\":", "in the middle of its answer" },
        { "", "without an answer" },
        { "SSH-2.0-OpenSSH\r\n", "did not answer in HTTP" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", "larger than 1 MiB" },
    };

    set_up(answer_script);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        script_answer = cases[i].answer;
        raw_stop(&server); /* a fresh peer, which closes after its answer */
        upstream_free(upstream);
        raw_start(&server, answer_script);
        char url[64];
        err_t err;
        snprintf(url, sizeof(url), "http://127.0.0.1:%d", server.port);
        upstream = upstream_new(
            runtime.loop,
            &(upstream_options_t){ "Qdrant", url, "QDRANT_URL", .max_reply_bytes = (size_t)1 << 20 }, &err);
        if (i == 0) {
            script_answer = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"half\":";
        }
        ask();
        cr_assert(strstr(told.err.text, cases[i].text), "%zu: %s", i, told.err.text);
        cr_assert_not(strstr(told.err.text, "127.0.0.1"));
    }
    tear_down();
}

Test(upstream, encodes_what_is_no_plain_character)
{
    set_up(answer_script);
    cr_assert_str_eq(upstream_encode(call, "a b/c?d#e%\xc3\xa9.~"), "a%20b%2Fc%3Fd%23e%25%C3%A9.~");
    tear_down();
}

Test(upstream, probes_one_at_a_time_and_within_its_time)
{
    set_up(hold);
    memset(&told, 0, sizeof(told));
    upstream_probe(upstream, &request, 20000, on_told, NULL);
    for (int i = 0; i < PATIENCE && requests == 0; i++) {
        run_loop_ms(5);
    }
    cr_assert(strstr(raw_request, "(readiness check)\r\n"), "%s", raw_request);
    upstream_probe(upstream, &request, 100, on_told, NULL);
    cr_assert_eq(told.times, 1, "the first one was ended");
    cr_assert_eq(told.err.kind, ERR_TIMEOUT);
    loop_run(runtime.loop);
    if (told.times == 1) { /* the first one's loop_stop() */
        loop_run(runtime.loop);
    }
    cr_assert_eq(told.times, 2);
    cr_assert_eq(told.err.kind, ERR_TIMEOUT);
    upstream_probe(upstream, &request, 5000, on_told, NULL); /* freed while it is out */
    run_loop_ms(20);
    tear_down();
}
