/* The strict answer parser. Every case is read twice, as one piece and byte by byte: both must say the same.
 */
#include "http_response.h"

#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "mem.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

typedef struct {
    http_response_step_t last;
    int heads, status;
    bool keep_alive, ends_at_close;
    char content_type[80], session_id[80], retry_after[80];
    char body[4096];
    size_t surplus;
    err_t err;
} reading_t;

static void keep(char out[80], span_t value)
{
    snprintf(out, 80, "%.*s", SPAN_ARGS(value));
}

static void note_head(reading_t *reading, const http_response_t *response)
{
    reading->heads++;
    reading->status = response->status;
    keep(reading->content_type, response->content_type);
    keep(reading->session_id, response->session_id);
    keep(reading->retry_after, response->retry_after);
}

static reading_t read_in_pieces(const char *bytes, size_t length, size_t piece, bool bodiless)
{
    reading_t reading = { .last = HTTP_RESPONSE_MORE };
    http_response_t response;
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new(), *body = evbuffer_new();

    http_response_begin(&response, bodiless);
    for (size_t at = 0; at < length; at += piece) {
        evbuffer_add(in, bytes + at, piece < length - at ? piece : length - at);
        if (reading.last == HTTP_RESPONSE_END || reading.last == HTTP_RESPONSE_ERROR) {
            continue;
        }
        do {
            reading.last = http_response_step(&response, in, body, &reading.err);
            if (reading.last == HTTP_RESPONSE_HEAD) {
                note_head(&reading, &response);
            }
        } while (reading.last == HTTP_RESPONSE_HEAD);
    }
    reading.keep_alive = response.keep_alive;
    reading.ends_at_close = http_response_ends_at_close(&response);
    reading.surplus = evbuffer_get_length(in);
    size_t size = evbuffer_get_length(body);
    cr_assert_lt(size, sizeof(reading.body));
    evbuffer_copyout(body, reading.body, size);
    return reading;
}

static void expect_same(const reading_t *whole, const reading_t *bytewise)
{
    cr_assert_eq(whole->heads, bytewise->heads);
    cr_assert_eq(whole->last == HTTP_RESPONSE_END, bytewise->last == HTTP_RESPONSE_END);
    cr_assert_eq(whole->last == HTTP_RESPONSE_ERROR, bytewise->last == HTTP_RESPONSE_ERROR, "%s | %s",
                 whole->err.text, bytewise->err.text);
    if (whole->last != HTTP_RESPONSE_ERROR) {
        cr_assert_str_eq(whole->body, bytewise->body);
        cr_assert_str_eq(whole->content_type, bytewise->content_type);
        cr_assert_eq(whole->keep_alive, bytewise->keep_alive);
    }
}

static reading_t read_both_ways(const char *bytes, size_t length)
{
    reading_t whole = read_in_pieces(bytes, length, length ? length : 1, false);
    reading_t bytewise = read_in_pieces(bytes, length, 1, false);

    expect_same(&whole, &bytewise);
    return whole;
}

#define READ(literal) read_both_ways(literal, sizeof(literal) - 1)

Test(http_response, reads_an_answer_with_a_length)
{
    reading_t reading = READ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id:  s 1\t\r\n"
                             "content-length: 5\r\n\r\nhello");

    cr_assert_eq(reading.last, HTTP_RESPONSE_END);
    cr_assert_eq(reading.status, 200);
    cr_assert_str_eq(reading.body, "hello");
    cr_assert_str_eq(reading.content_type, "application/json");
    cr_assert_str_eq(reading.session_id, "s 1");
    cr_assert_str_eq(reading.retry_after, "");
    cr_assert(reading.keep_alive);
    cr_assert_eq(reading.surplus, 0);
}

Test(http_response, reads_chunks_extensions_and_trailers)
{
    reading_t reading =
        READ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
             "5\r\nhello\r\n00A;name=\"v\"\r\n, 10 bytes\r\n0\r\nExpires: never\r\nA: b\r\n\r\n");

    cr_assert_eq(reading.last, HTTP_RESPONSE_END, "%s", reading.err.text);
    cr_assert_str_eq(reading.body, "hello, 10 bytes");
}

Test(http_response, keeps_the_session_id_before_the_body_arrives)
{
    reading_t reading =
        READ("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nMcp-Session-Id: abc\r\nContent-Length: 9\r\n\r\n");

    cr_assert_eq(reading.heads, 1);
    cr_assert_eq(reading.status, 503);
    cr_assert_str_eq(reading.retry_after, "7");
    cr_assert_eq(reading.last, HTTP_RESPONSE_MORE);
}

Test(http_response, lets_a_body_without_length_end_at_the_close)
{
    reading_t reading = READ("HTTP/1.1 200 OK\r\n\r\nall of it");

    cr_assert_eq(reading.last, HTTP_RESPONSE_BODY);
    cr_assert(reading.ends_at_close);
    cr_assert_not(reading.keep_alive);
    cr_assert_str_eq(reading.body, "all of it");
}

Test(http_response, does_not_take_a_close_for_the_end_of_anything_else)
{
    cr_assert_not(READ("HTTP/1.1 200 OK\r\n").ends_at_close);
    cr_assert_not(READ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").ends_at_close);
    cr_assert_not(READ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").ends_at_close);
    cr_assert_not(READ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n").ends_at_close);
}

Test(http_response, reads_over_interim_answers)
{
    reading_t reading = READ(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 77\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

    cr_assert_eq(reading.last, HTTP_RESPONSE_END);
    cr_assert_eq(reading.heads, 1);
    cr_assert_eq(reading.status, 200);
    cr_assert_str_eq(reading.body, "ok");
}

Test(http_response, has_no_body_after_204_and_304_whatever_the_headers_say)
{
    cr_assert_eq(READ("HTTP/1.1 204 No Content\r\n\r\n").last, HTTP_RESPONSE_END);
    cr_assert_eq(READ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").last, HTTP_RESPONSE_END);
    cr_assert_eq(READ("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").surplus, 5);
}

Test(http_response, has_no_body_when_it_answers_head)
{
    static const char bytes[] = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";

    cr_assert_eq(read_in_pieces(bytes, sizeof(bytes) - 1, 3, true).last, HTTP_RESPONSE_END);
}

Test(http_response, leaves_bytes_after_the_answer_where_they_are)
{
    reading_t reading =
        read_in_pieces("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200", 52, 52, false);

    cr_assert_eq(reading.last, HTTP_RESPONSE_END);
    cr_assert_str_eq(reading.body, "ok");
    cr_assert_eq(reading.surplus, 12);
}

Test(http_response, ends_an_empty_body_at_once)
{
    reading_t reading = READ("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");

    cr_assert_eq(reading.last, HTTP_RESPONSE_END);
    cr_assert_eq(reading.heads, 1);
}

Test(http_response, hears_connection_close_in_a_list_and_in_http_1_0)
{
    cr_assert_not(READ("HTTP/1.1 200 OK\r\nConnection: foo ,Close\r\nContent-Length: 0\r\n\r\n").keep_alive);
    cr_assert_not(READ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
    cr_assert(
        READ("HTTP/1.1 200 OK\r\nConnection: closed, keep-alive\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

Test(http_response, takes_what_is_odd_but_clear)
{
    cr_assert_eq(READ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").last, HTTP_RESPONSE_END);
    cr_assert_eq(READ("HTTP/1.1 200 \r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n").last,
                 HTTP_RESPONSE_END);
    cr_assert_eq(
        READ(
            "HTTP/1.1 200 Tudo bem \xc3\xa9\r\nX:\r\nContent-Encoding: identity\r\nContent-Length: 0\r\n\r\n")
            .last,
        HTTP_RESPONSE_END);
}

static const struct {
    const char *bytes;
    size_t length;
    const char *why;
} refused[] = {
#define REFUSED(bytes, why)                                                                                  \
    {                                                                                                        \
        bytes, sizeof(bytes) - 1, why                                                                        \
    }
#define HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
    REFUSED("SSH-2.0-OpenSSH_9.2p1", "status line"),
    REFUSED("\x15\x03\x01\x00\x02\x02", "status line"),
    REFUSED("\r\n", "status line"),
    REFUSED(" HTTP/1.1 200 OK\r\n", "status line"),
    REFUSED("http/1.1 200 OK\r\n", "status line"),
    REFUSED("HTTP/2 200\r\n\r\n", "status line"),
    REFUSED("HTTP/1.2 200 OK\r\n\r\n", "status line"),
    REFUSED("HTTP/1.1\t200 OK\r\n\r\n", "status line"),
    REFUSED("HTTP/1.1 20\r\n\r\n", "status line"),
    REFUSED("HTTP/1.1 2x0 OK\r\n\r\n", "status"),
    REFUSED("HTTP/1.1 +20 OK\r\n\r\n", "status"),
    REFUSED("HTTP/1.1 2000 OK\r\n\r\n", "status"),
    REFUSED("HTTP/1.1 099 OK\r\n\r\n", "status"),
    REFUSED("HTTP/1.1 600 OK\r\n\r\n", "status"),
    REFUSED("HTTP/1.1 200 O\0K\r\n\r\n", "control character"),
    REFUSED("HTTP/1.1 200 OK\rX: y\r\n\r\n", "control character"),
    REFUSED("HTTP/1.1 200 OK\n", "CRLF"),
    REFUSED(HEAD "Content-Length: 5\n\nhello", "CRLF"),
    REFUSED(HEAD "A: b\r\n\n", "CRLF"),
    REFUSED(HEAD "A: b\r\n c\r\n\r\n", "folded"),
    REFUSED(HEAD "\tA: b\r\n\r\n", "folded"),
    REFUSED(HEAD "Content-Length : 5\r\n\r\n", "name and a colon"),
    REFUSED(HEAD ": 5\r\n\r\n", "name and a colon"),
    REFUSED(HEAD "no colon\r\n\r\n", "name and a colon"),
    REFUSED(HEAD "token\r\n\r\n", "name and a colon"),
    REFUSED(HEAD "A\0B: c\r\n\r\n", "name and a colon"),
    REFUSED(HEAD "\0\r\n\r\n", "name and a colon"),
    REFUSED(HEAD "\xc3\xa9: c\r\n\r\n", "name and a colon"),
    REFUSED(HEAD "A: b\0c\r\n\r\n", "control character"),
    REFUSED(HEAD "A: b\rc\r\n\r\n", "control character"),
    REFUSED(HEAD "A: b\x7f\r\n\r\n", "control character"),
    REFUSED(HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "two different Content-Length"),
    REFUSED(HEAD "Content-Length: 5, 5\r\n\r\n", "not a number"),
    REFUSED(HEAD "Content-Length: +5\r\n\r\n", "not a number"),
    REFUSED(HEAD "Content-Length: -1\r\n\r\n", "not a number"),
    REFUSED(HEAD "Content-Length: 0x5\r\n\r\n", "not a number"),
    REFUSED(HEAD "Content-Length: 5 5\r\n\r\n", "not a number"),
    REFUSED(HEAD "Content-Length:\r\n\r\n", "not a number"),
    REFUSED(HEAD "Content-Length: 9999999999999999999\r\n\r\n", "not a number"),
    REFUSED(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "only Content-Length"),
    REFUSED("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "only Content-Length"),
    REFUSED(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", "not \"chunked\""),
    REFUSED(HEAD "Transfer-Encoding: identity\r\n\r\n", "not \"chunked\""),
    REFUSED(HEAD "Transfer-Encoding: xchunked\r\n\r\n", "not \"chunked\""),
    REFUSED(HEAD "Transfer-Encoding:\r\n\r\n", "not \"chunked\""),
    REFUSED(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "not \"chunked\""),
    REFUSED(HEAD "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", "compressed"),
    REFUSED(HEAD "Content-Type: text/event-stream\r\nContent-Type: application/json\r\n\r\n", "twice"),
    REFUSED(HEAD "Mcp-Session-Id: a\r\nmcp-session-id: b\r\n\r\n", "twice"),
    REFUSED("HTTP/1.1 101 Switching Protocols\r\n\r\n", "interim"),
    REFUSED(CHUNKED "x\r\n", "size"),
    REFUSED(CHUNKED "\r\n", "size"),
    REFUSED(CHUNKED "0x5\r\nhello\r\n", "size"),
    REFUSED(CHUNKED "+5\r\nhello\r\n", "size"),
    REFUSED(CHUNKED " 5\r\nhello\r\n", "size"),
    REFUSED(CHUNKED "5 \r\nhello\r\n", "size"),
    REFUSED(CHUNKED "5 ;a\r\nhello\r\n", "size"),
    REFUSED(CHUNKED "5 junk\r\nhello\r\n", "size"),
    REFUSED(CHUNKED "-5\r\nhello\r\n", "size"),
    REFUSED(CHUNKED "5;a\rb\r\nhello\r\n", "size"),
    REFUSED(CHUNKED "5\nhello\r\n", "CRLF"),
    REFUSED(CHUNKED "\nhello\r\n", "CRLF"),
    REFUSED(CHUNKED "1000000000000000\r\n", "too large"),
    REFUSED(CHUNKED "4\r\nhello\r\n", "not as long as it says"),
    REFUSED(CHUNKED "5\r\nhello\n0\r\n\r\n", "not as long as it says"),
    REFUSED(CHUNKED "5\r\nhello\rX", "not as long as it says"),
    REFUSED(CHUNKED "0\r\nno colon\r\n\r\n", "name and a colon"),
    REFUSED(CHUNKED "0\r\nA: b\n\r\n", "CRLF"),
};

Test(http_response, refuses_what_is_ambiguous_or_broken_with_a_sentence)
{
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        reading_t reading = read_both_ways(refused[i].bytes, refused[i].length);

        cr_assert_eq(reading.last, HTTP_RESPONSE_ERROR, "case %zu (%s) was taken", i, refused[i].why);
        cr_assert_eq(reading.err.kind, ERR_UPSTREAM);
        cr_assert(strstr(reading.err.text, refused[i].why), "case %zu (%s): %s", i, refused[i].why,
                  reading.err.text);
    }
}

static reading_t read_filled(const char *before, const char *repeated, size_t times)
{
    size_t length = strlen(before), piece = strlen(repeated);
    char *bytes = mem_alloc(length + piece * times + 1);

    memcpy(bytes, before, length);
    for (size_t i = 0; i < times; i++) {
        memcpy(bytes + length + i * piece, repeated, piece);
    }
    reading_t reading = read_in_pieces(bytes, length + piece * times, 1000, false);
    free(bytes);
    return reading;
}

Test(http_response, refuses_endless_heads_lines_trailers_and_interims)
{
    cr_assert_eq(read_filled(HEAD "A: ", "aaaaaaaaaa", 3300).last, HTTP_RESPONSE_ERROR);
    cr_assert_eq(read_filled(HEAD, "A: b\r\n", 101).last, HTTP_RESPONSE_ERROR);
    cr_assert_eq(read_filled(HEAD, "A: b\r\n", 100).last, HTTP_RESPONSE_MORE);
    cr_assert_eq(read_filled(CHUNKED "0\r\n", "A: b\r\n", 101).last, HTTP_RESPONSE_ERROR);
    cr_assert_eq(read_filled(CHUNKED "0\r\nA: ", "aaaaaaaaaa", 3300).last, HTTP_RESPONSE_ERROR);
    cr_assert_eq(read_filled(CHUNKED "5;", "aaaaaaaaaa", 26).last, HTTP_RESPONSE_ERROR);
    cr_assert_eq(read_filled(CHUNKED "", "0000000000", 26).last, HTTP_RESPONSE_ERROR);
    cr_assert_eq(read_filled("", "HTTP/1.1 100 Continue\r\n\r\n", 17).last, HTTP_RESPONSE_ERROR);
    cr_assert_eq(read_filled("", "HTTP/1.1 100 Continue\r\n\r\n", 16).last, HTTP_RESPONSE_MORE);
}

Test(http_response, says_how_much_is_still_to_come)
{
    http_response_t response;
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new(), *body = evbuffer_new();
    err_t err;

    http_response_begin(&response, false);
    cr_assert_eq(http_response_expects(&response), 0);
    evbuffer_add_printf(in, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst");
    cr_assert_eq(http_response_step(&response, in, body, &err), HTTP_RESPONSE_HEAD);
    cr_assert_eq(http_response_step(&response, in, body, &err), HTTP_RESPONSE_BODY);
    cr_assert_eq(http_response_expects(&response), 996, "one byte more than the rest, so that surplus shows");
}

/* Not a fuzzer: a few thousand broken neighbours of good answers, the same each time. */
Test(http_response, survives_mutations_and_reads_them_the_same_in_any_pieces)
{
    static const char *const seeds[] = {
        HEAD "Content-Type: text/event-stream\r\nContent-Length: 12\r\n\r\ndata: {}\n\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n" CHUNKED "5\r\nhello\r\nA;x\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\nConnection: close\r\nRetry-After: 1\r\n\r\nnothing here",
    };
    static const char spice[] = "\r\n\0 :;0159afF\t,\x7f\xff";
    unsigned random = 20261120;

    for (int round = 0; round < 6000; round++) {
        char bytes[256];
        size_t length = strlen(seeds[round % 3]);

        memcpy(bytes, seeds[round % 3], length);
        for (int changes = 1 + round % 3; changes > 0; changes--) {
            bytes[(unsigned)rand_r(&random) % length] =
                spice[(unsigned)rand_r(&random) % (sizeof(spice) - 1)];
        }
        read_both_ways(bytes, length);
    }
}
