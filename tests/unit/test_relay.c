/* Connectors' answers, clean and otherwise. A thread plays the connector. */
#include "relay.h"

#include <criterion/criterion.h>
#include <event2/buffer.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define OUR_ID "7"
#define JSON_HEAD                                                                                            \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\n\r\n"
#define SSE_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define RESULT "{\"jsonrpc\":\"2.0\",\"id\":" OUR_ID ",\"result\":{\"content\":[],\"x\":1}}"
#define PROGRESS(token, rest)                                                                                \
    "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":" token  \
        rest "}}\n\n"

typedef struct {
    int answers, errors, progress;
    bool has_result, sent;
    char member[64], progress_text[256];
    int code, status;
    err_t err;
    bool cancel_in_progress;
    relay_t *relay;
} told_t;

static loop_t *loop;
static told_t told;
static const char *reply;

static void serve(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL)) {
        raw_send(fd, reply);
        shutdown(fd, SHUT_WR);
        raw_wait_for_close(fd);
    }
}

static void copy(char *to, size_t size, span_t text)
{
    snprintf(to, size, "%.*s", (int)text.length, text.at ? text.at : "");
}

static void on_progress(void *self, const mcp_progress_t *progress)
{
    (void)self;
    told.progress++;
    snprintf(told.progress_text, sizeof(told.progress_text), "%.*s|%.*s|%.*s|%.*s",
             SPAN_ARGS(progress->progress), SPAN_ARGS(progress->total), SPAN_ARGS(progress->message),
             SPAN_ARGS(progress->meta));
    if (told.cancel_in_progress) {
        relay_cancel(told.relay);
        loop_stop(loop);
    }
}

static void on_answer(void *self, const relay_answer_t *answer)
{
    (void)self;
    told.answers++;
    told.has_result = answer->members;
    told.status = answer->status;
    told.code = answer->error.code;
    copy(told.member, sizeof(told.member), relay_member(answer, "x"));
    loop_stop(loop);
}

static void on_error(void *self, const err_t *err, bool sent)
{
    (void)self;
    told.errors++;
    told.err = *err;
    told.sent = sent;
    loop_stop(loop);
}

static const relay_events_t events = { .on_progress = on_progress,
                                       .on_answer = on_answer,
                                       .on_error = on_error };

/* One exchange in which the connector sends `text`. */
static void exchange(const char *text)
{
    bool cancel = told.cancel_in_progress;
    AUTO_BUF body = { 0 };
    pool_t *helpers = pool_new(1, 8);
    raw_server_t server;
    hop_url_t url;
    err_t err;

    reply = text;
    told = (told_t){ .cancel_in_progress = cancel };
    raw_start(&server, serve);
    loop = loop_new();
    resolver_t *resolver = resolver_new(loop, helpers);
    AUTO(mem_free) char *address = mem_printf("http://127.0.0.1:%u/mcp", server.port);
    cr_assert_eq(hop_url_parse(address, &url, &err), 0);
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;
    limits.max_reply_bytes = 4096;
    http_pool_t *pool = http_pool_new(loop, resolver, &url, &limits);
    buf_add_text(&body, "{}");
    relay_request_t request = { .pool = pool,
                                .headers = SPAN("X: y\r\n"),
                                .deadline_ms = clock_ms() + 20000,
                                .id = 7,
                                .max_event_bytes = 4096 };
    told.relay = relay_start(&request, &body, &events, NULL);
    loop_run(loop);
    http_pool_free(pool);
    hop_url_release(&url);
    resolver_free(resolver);
    pool_free(helpers);
    loop_free(loop);
    raw_stop(&server);
    cr_assert_eq(told.answers + told.errors, cancel ? 0 : 1);
}

static void fails(const char *text, const char *reason)
{
    exchange(text);
    cr_assert_eq(told.errors, 1, "%s was taken", text);
    cr_assert_eq(told.err.kind, ERR_UPSTREAM);
    cr_assert(strstr(told.err.text, reason), "%s: \"%s\" says nothing of \"%s\"", text, told.err.text,
              reason);
    cr_assert_null(strstr(told.err.text, "127.0.0.1"), "no host of ours");
    cr_assert_null(strstr(told.err.text, "secret"), "nothing of the body");
    cr_assert(told.sent);
}

Test(relay, takes_a_result_in_one_piece)
{
    exchange(JSON_HEAD RESULT);
    cr_assert_eq(told.answers, 1);
    cr_assert(told.has_result);
    cr_assert_str_eq(told.member, "1");
}

Test(relay, takes_an_error_with_any_status_that_may_carry_one)
{
    exchange(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32602,\"message\":\"m\"}}");
    cr_assert_eq(told.code, -32602);
    exchange("HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
             "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32020,\"message\":\"m\"}}");
    cr_assert_eq(told.code, -32020, "an error that could not read our id has none");
    cr_assert_eq(told.status, 400);
}

Test(relay, takes_a_result_at_the_end_of_a_stream)
{
    exchange(SSE_HEAD
             ": hello\n\n" PROGRESS("7", ",\"progress\":1,\"total\":3,\"message\":\"m\",\"_meta\":{}")
                 PROGRESS("8", ",\"progress\":2") PROGRESS("\"7\"", ",\"progress\":2") PROGRESS("7", "")
                     PROGRESS("7", ",\"progress\":\"2\"") "event: message\ndata: " RESULT "\n\n");
    cr_assert_eq(told.progress, 1, "only ours, and only with a number");
    cr_assert_str_eq(told.progress_text, "1|3|\"m\"|{}");
    cr_assert(told.has_result);
}

Test(relay, drops_what_a_stream_has_no_business_to_carry)
{
    exchange(
        SSE_HEAD
        "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sampling/createMessage\",\"params\":{}}\n\n"
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":\"x\"}}\n\n"
        "data: " RESULT "\n\n");
    cr_assert(told.has_result);
    cr_assert_eq(told.progress, 0);
}

Test(relay, may_be_cancelled_from_its_own_callback)
{
    told.cancel_in_progress = true;
    exchange(SSE_HEAD PROGRESS("7", ",\"progress\":1") PROGRESS("7", ",\"progress\":2") "data: " RESULT
                                                                                        "\n\n");
    cr_assert_eq(told.progress, 1);
}

/* A client that got half an answer would wait for the rest for ever. */
Test(relay, makes_one_sentence_of_every_answer_that_is_none)
{
    fails(SSE_HEAD PROGRESS("7", ",\"progress\":1"), "without an answer");
    fails(SSE_HEAD, "without an answer");
    fails(SSE_HEAD "data: secret\n\n", "not a JSON-RPC message");
    fails(SSE_HEAD "data: {\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n\n", "another request");
    fails(JSON_HEAD, "not a JSON-RPC message");
    fails(JSON_HEAD "{\"secret\":", "not a JSON-RPC message");
    fails(JSON_HEAD "[]", "not a JSON-RPC");
    fails(JSON_HEAD "[" RESULT "," RESULT "]", "not a JSON-RPC");
    fails(JSON_HEAD RESULT RESULT, "not a JSON-RPC message");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"secret\"}}",
          "another request");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":{}}", "another request");
    fails(JSON_HEAD "{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":{}}", "not a JSON-RPC response");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7}", "not a JSON-RPC response");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{},\"error\":{\"code\":1,\"message\":\"\"}}",
          "not a JSON-RPC response");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"x\",\"result\":{}}",
          "not a JSON-RPC response");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":[]}", "cannot be read");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[],\"Content\":[]}}",
          "not a JSON-RPC message");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":\"x\",\"message\":\"secret\"}}",
          "cannot be read");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":4294934694,\"message\":\"\"}}",
          "cannot be read");
    fails(JSON_HEAD "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":99999999999999,\"message\":\"\"}}",
          "cannot be read");
}

Test(relay, makes_one_sentence_of_every_other_status)
{
    fails("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nsecret", "not JSON");
    fails("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", "no answer");
    fails("HTTP/1.1 302 Found\r\nLocation: http://secret/\r\nContent-Length: 0\r\n\r\n", "302");
    fails("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "credentials");
    fails("HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n",
          "credentials");
    fails("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "404");
    fails("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nsecret", "502");
    fails("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "busy");
    fails("HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" RESULT, "500");
}

Test(relay, bounds_what_it_collects)
{
    AUTO(mem_free) char *spaces = mem_alloc(8001);

    memset(spaces, ' ', 8000);
    AUTO(mem_free) char *json = mem_printf(JSON_HEAD "%s", spaces);
    AUTO(mem_free) char *event = mem_printf(SSE_HEAD "data: %s\n\n", spaces);
    fails(json, "larger than 4096");
    fails(event, "too large");
}

Test(relay, says_so_when_an_answer_breaks_off)
{
    exchange("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"half");
    cr_assert_eq(told.errors, 1);
    cr_assert(told.sent, "it was read, and perhaps done");
    cr_assert(strstr(told.err.text, "middle of its answer"));
}
