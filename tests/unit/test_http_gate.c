/* How a request is framed: what passes, what is refused, and that neither depends on how the bytes arrive. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_gate.h"
#include "mem.h"
#include "span.h"

#define HOST "Host: example.com:8080\r\n"
#define POST "POST /mcp HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const http_gate_limits_t limits = { .max_head_bytes = 1000,
                                           .max_header_lines = 8,
                                           .max_body_bytes = 100 };

/* `piece` bytes at a time. The bytes stand alone, so that reading past them shows under a sanitizer. */
static http_gate_t feed_pieces(span_t text, size_t piece, size_t *ret_used)
{
    http_gate_t gate = { 0 };
    size_t used = 0;

    while (used < text.length && gate.stage < HTTP_GATE_WHOLE) {
        size_t length = text.length - used < piece ? text.length - used : piece;
        AUTO(mem_free) char *copy = mem_alloc(length);
        memcpy(copy, text.at + used, length);
        size_t took = http_gate_feed(&gate, &limits, copy, length);
        cr_assert(took == length || gate.stage >= HTTP_GATE_WHOLE, "all is taken until the end");
        used += took;
    }
    *ret_used = used;
    return gate;
}

static void expect_same(const http_gate_t *a, const http_gate_t *b, span_t text, size_t piece)
{
    cr_assert(a->stage == b->stage && a->refusal == b->refusal && a->body_bytes == b->body_bytes,
              "pieces of %zu: %.*s", piece, SPAN_ARGS(text));
}

static http_gate_t feed(span_t text, size_t *ret_used)
{
    size_t used;
    http_gate_t whole = feed_pieces(text, text.length, ret_used);

    for (size_t piece = 1; piece < 12; piece++) {
        http_gate_t gate = feed_pieces(text, piece, &used);
        expect_same(&whole, &gate, text, piece);
        cr_assert(used == *ret_used || gate.stage == HTTP_GATE_REFUSED);
    }
    for (size_t cut = 0; cut <= text.length; cut++) {
        http_gate_t gate = { 0 };
        used = http_gate_feed(&gate, &limits, text.at, cut);
        used += http_gate_feed(&gate, &limits, text.at + used, text.length - used);
        expect_same(&whole, &gate, text, cut);
    }
    return whole;
}

static void expect_whole(span_t text, size_t length, size_t body_bytes)
{
    size_t used;
    http_gate_t gate = feed(text, &used);

    cr_expect_eq(gate.stage, HTTP_GATE_WHOLE, "%.*s: %s", SPAN_ARGS(text),
                 gate.refusal ? gate.refusal->text : "not whole");
    cr_expect_eq(used, length, "%.*s", SPAN_ARGS(text));
    cr_expect_eq(gate.body_bytes, body_bytes, "%.*s", SPAN_ARGS(text));
}

static void expect_refused(span_t text, int status, const char *word)
{
    size_t used;
    http_gate_t gate = feed(text, &used);

    cr_assert_eq(gate.stage, HTTP_GATE_REFUSED, "%.*s", SPAN_ARGS(text));
    cr_expect_eq(gate.refusal->status, status, "%d for %.*s", gate.refusal->status, SPAN_ARGS(text));
    cr_expect(strstr(gate.refusal->text, word), "\"%s\" for %.*s", gate.refusal->text, SPAN_ARGS(text));
    cr_expect_eq(http_gate_feed(&gate, &limits, "GET", 3), 0u, "nothing is taken any more");
}

#define WHOLE(text, body_bytes) expect_whole(SPAN(text), sizeof(text) - 1, body_bytes)
#define WHOLE_BEFORE(text, rest, body_bytes) expect_whole(SPAN(text rest), sizeof(text) - 1, body_bytes)
#define REFUSED(text, status, word) expect_refused(SPAN(text), status, word)

Test(http_gate, passes_what_clients_send)
{
    WHOLE("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    WHOLE("GET /a?b=%20{}|\"^`<> HTTP/1.1\r\nhost:x\r\nEmpty:\r\nTabs:\t\tb\tc \t\r\nLatin: caf\xe9\r\n\r\n",
          0);
    WHOLE("GET http://example.com/ HTTP/1.1\r\n" HOST "\r\n", 0);
    WHOLE("OPTIONS * HTTP/1.1\r\nHost: [::1]:80 \r\n\r\n", 0);
    WHOLE("HEAD / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0);
    WHOLE("GET / HTTP/1.0\r\n\r\n", 0);
    WHOLE(POST "Content-Length: 5\r\n\r\nhello", 5);
    WHOLE(POST "content-LENGTH:  005\t \r\n\r\nhello", 5);
    WHOLE(POST "Content-Length: 0\r\n\r\n", 0);
    WHOLE(POST "\r\n", 0);
    WHOLE(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", 1);
    WHOLE("PATCH /x HTTP/1.1\r\n" HOST "tRANSFER-encoding: Chunked \r\n\r\n0\r\n\r\n", 0);
}

Test(http_gate, passes_chunks)
{
    WHOLE(CHUNKED "3\r\nabc\r\n00a\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n", 14);
    WHOLE(CHUNKED "00\r\n\r\n", 0);
}

Test(http_gate, leaves_what_is_behind_a_request)
{
    WHOLE_BEFORE(POST "Content-Length: 5\r\n\r\nhello", "\r\nanything", 5);
    WHOLE_BEFORE(POST "\r\n", "POST", 0);
    WHOLE_BEFORE(CHUNKED "1\r\nx\r\n0\r\n\r\n", "0\r\n\r\n", 1);
}

Test(http_gate, refuses_every_other_content_length)
{
    REFUSED(POST "Content-Length: 3\r\nContent-Length: 30\r\n\r\n", 400, "twice");
    REFUSED(POST "Content-Length: 3\r\nA: b\r\ncontent-length: 3\r\n\r\n", 400, "twice");
    REFUSED(POST "Content-Length: 3, 3\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length: +3\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length: -1\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length: 0x3\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length: 3 3\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length:\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length: 3;\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length: 1000000000000000000\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length: 0000000000000000000000000000000003\r\n\r\n", 400, "not a number");
    REFUSED(POST "Content-Length: 3\0\r\n\r\n", 400, "control");
    REFUSED(POST "Content-Length : 3\r\n\r\n", 400, "name and a colon");
}

Test(http_gate, refuses_every_other_transfer_encoding)
{
    REFUSED(POST "Transfer-Encoding: identity\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: xchunked\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: chunked, identity\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: chunked,\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: chunked; q=1\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding:\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: chunked                  x\r\n\r\n", 400, "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: \x0b"
                 "chunked\r\n\r\n",
            400, "control");
    REFUSED(POST "Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "Transfer-Encoding");
    REFUSED(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, "both");
    REFUSED(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "both");
    REFUSED(POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "both");
    REFUSED("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.1");
}

Test(http_gate, refuses_chunks_that_others_read_otherwise)
{
    REFUSED(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", 400, "its size");
    REFUSED(CHUNKED "+3\r\nabc\r\n0\r\n\r\n", 400, "its size");
    REFUSED(CHUNKED " 3\r\nabc\r\n0\r\n\r\n", 400, "its size");
    REFUSED(CHUNKED "3 \r\nabc\r\n0\r\n\r\n", 400, "its size");
    REFUSED(CHUNKED "3 junk\r\nabc\r\n0\r\n\r\n", 400, "its size");
    REFUSED(CHUNKED "3;a=b\r\nabc\r\n0\r\n\r\n", 400, "Extensions");
    REFUSED(CHUNKED "3\nabc\r\n0\r\n\r\n", 400, "CRLF");
    REFUSED(CHUNKED "3\r\rabc\r\n0\r\n\r\n", 400, "CRLF");
    REFUSED(CHUNKED "\r\n3\r\nabc\r\n0\r\n\r\n", 400, "its size");
    REFUSED(CHUNKED "3\r\nabc\r\n\r\n0\r\n\r\n", 400, "its size");
    REFUSED(CHUNKED "3\r\nabcd\r\n0\r\n\r\n", 400, "as long as it says");
    REFUSED(CHUNKED "3\r\nabc\n0\r\n\r\n", 400, "as long as it says");
    REFUSED(CHUNKED "3\r\nabc\r0\r\n\r\n", 400, "as long as it says");
    REFUSED(CHUNKED "-1\r\n", 400, "its size");
    REFUSED(CHUNKED "0000000000000001\r\na\r\n0\r\n\r\n", 400, "its size");
    REFUSED(CHUNKED "0\r\nTrailer: x\r\n\r\n", 400, "Trailers");
    REFUSED(CHUNKED "0\r\n\n", 400, "Trailers");
    REFUSED(CHUNKED "0\n\r\n", 400, "CRLF");
}

Test(http_gate, refuses_lines_that_do_not_end_in_crlf)
{
    REFUSED("GET / HTTP/1.1\nHost: x\r\n\r\n", 400, "CRLF");
    REFUSED("GET / HTTP/1.1\r\nHost: x\n\r\n", 400, "CRLF");
    REFUSED("GET / HTTP/1.1\r\nHost: x\r\n\n", 400, "CRLF");
    REFUSED("GET / HTTP/1.1\r\nHost: x\r\n\rX", 400, "name and a colon");
    REFUSED("GET / HTTP/1.1\rHost: x\r\n\r\n", 400, "HTTP/1.1");
    REFUSED("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400, "control");
}

Test(http_gate, refuses_headers_that_are_not_a_name_and_a_value)
{
    REFUSED(POST " folded\r\n\r\n", 400, "folded");
    REFUSED(POST "A: b\r\n\tfolded\r\n\r\n", 400, "folded");
    REFUSED("GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, "folded");
    REFUSED(POST ": no name\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "no colon\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "nocolon\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "a b: c\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "a\tb: c\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "caf\xc3\xa9: c\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "a\0: c\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "\0\r\n\r\n", 400, "name and a colon");
    REFUSED(POST "a: b\0c\r\n\r\n", 400, "control");
    REFUSED(POST "a: 0123456789012345678901234567890123456789\x1b\r\n\r\n", 400, "control");
    REFUSED(POST "a: b\x7f\r\n\r\n", 400, "control");
}

Test(http_gate, wants_one_host)
{
    REFUSED("GET / HTTP/1.1\r\n\r\n", 400, "missing");
    REFUSED("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "twice");
    REFUSED("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400, "twice");
    REFUSED("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "twice");
    REFUSED("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "a host");
    REFUSED("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "a host");
    REFUSED("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "a host");
    REFUSED("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "a host");
    REFUSED("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400, "a host");
    REFUSED("GET / HTTP/1.1\r\nHost: caf\xe9\r\n\r\n", 400, "a host");
}

Test(http_gate, refuses_a_request_line_that_is_none)
{
    REFUSED("\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, "method");
    REFUSED(" GET / HTTP/1.1\r\n" HOST "\r\n", 400, "method");
    REFUSED("\x16\x03\x01\x02\0\x01\0", 400, "method");
    REFUSED("GET\r\n\r\n", 400, "method");
    REFUSED("GET\t/ HTTP/1.1\r\n\r\n", 400, "method");
    REFUSED("GET /\r\n\r\n", 400, "target");
    REFUSED("GET  / HTTP/1.1\r\n\r\n", 400, "target");
    REFUSED("GET echo HTTP/1.1\r\n\r\n", 400, "not a path");
    REFUSED("GET ** HTTP/1.1\r\n\r\n", 400, "not a path");
    REFUSED("GET ftp://x/ HTTP/1.1\r\n\r\n", 400, "not a path");
    REFUSED("GET /a\tb HTTP/1.1\r\n\r\n", 400, "target");
    REFUSED("GET /a\0b HTTP/1.1\r\n\r\n", 400, "target");
    REFUSED("GET /caf\xc3\xa9 HTTP/1.1\r\n\r\n", 400, "percent-encoded");
    REFUSED("GET /a#b HTTP/1.1\r\n\r\n", 400, "target");
    REFUSED("GET /a b HTTP/1.1\r\n\r\n", 400, "HTTP/1.1");
    REFUSED("GET /  HTTP/1.1\r\n\r\n", 400, "HTTP/1.1");
    REFUSED("GET / HTTP/1.1 \r\n\r\n", 400, "HTTP/1.1");
    REFUSED("GET / HTTP/1.10\r\n\r\n", 400, "HTTP/1.1");
    REFUSED("GET / HTTP/1\r\n\r\n", 400, "HTTP/1.1");
    REFUSED("GET / http/1.1\r\n\r\n", 400, "HTTP/1.1");
    REFUSED("GET / HTTPS/1.1\r\n\r\n", 400, "HTTP/1.1");
}

Test(http_gate, speaks_no_other_version)
{
    REFUSED("GET / HTTP/1.2\r\n\r\n", 505, "HTTP/1.1 and HTTP/1.0");
    REFUSED("GET / HTTP/0.9\r\n\r\n", 505, "HTTP/1.1 and HTTP/1.0");
    REFUSED("GET / HTTP/2.0\r\n\r\n", 505, "HTTP/1.1 and HTTP/1.0");
    REFUSED("GET / HTTP/9.9\r\n\r\n", 505, "HTTP/1.1 and HTTP/1.0");
    REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1 and HTTP/1.0");
}

Test(http_gate, takes_no_method_whose_body_evhttp_does_not_read)
{
    REFUSED("BREW / HTTP/1.1\r\n" HOST "\r\n", 405, "these are");
    REFUSED("TRACE / HTTP/1.1\r\n" HOST "\r\n", 405, "these are");
    REFUSED("CONNECT x:80 HTTP/1.1\r\n" HOST "\r\n", 405, "these are");
    REFUSED("get / HTTP/1.1\r\n" HOST "\r\n", 405, "these are");
    REFUSED("GETTINGALOTLONGERTHANWHATISKEPT / HTTP/1.1\r\n" HOST "\r\n", 405, "these are");
    REFUSED("HEAD / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n", 400, "HEAD");
    REFUSED("HEAD / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400, "HEAD");
}

Test(http_gate, knows_one_expectation)
{
    REFUSED(POST "Expect: a miracle\r\n\r\n", 417, "100-continue");
    REFUSED(POST "Expect: 100-continue, another\r\n\r\n", 417, "100-continue");
    REFUSED(POST "Expect: 100-continue                   really\r\n\r\n", 417, "100-continue");
}

Test(http_gate, limits_the_body_as_it_is_declared)
{
    REFUSED(POST "Content-Length: 101\r\n\r\n", 413, "too large");
    REFUSED(POST "Content-Length: 999999999999999999\r\n\r\n", 413, "too large");
    REFUSED(CHUNKED "65\r\n", 413, "too large");
    REFUSED(CHUNKED "fffffffffffffff\r\n", 413, "too large");
    REFUSED(CHUNKED "3\r\nabc\r\n62\r\n", 413, "too large");
}

static http_gate_t of_head(size_t lines, size_t length)
{
    AUTO(mem_free) char *text = mem_alloc(lines * (length + 8) + 100);
    char *at = text;
    size_t used;

    at += sprintf(at, "GET / HTTP/1.1\r\n" HOST);
    for (size_t i = 1; i < lines; i++) {
        at += sprintf(at, "a: ");
        memset(at, 'v', length);
        at += length;
        at += sprintf(at, "\r\n");
    }
    at += sprintf(at, "\r\n");
    return feed((span_t){ text, (size_t)(at - text) }, &used);
}

Test(http_gate, limits_the_head_to_the_byte_and_the_line)
{
    size_t rest = strlen("GET / HTTP/1.1\r\n" HOST "a: \r\n\r\n");
    http_gate_t most = of_head(2, 1000 - rest), more = of_head(2, 1001 - rest);
    http_gate_t lines = of_head(8, 1), line = of_head(9, 1), endless;
    char *text = memset(mem_alloc(2000), 'A', 2000);
    size_t used;

    cr_expect_eq(most.stage, HTTP_GATE_WHOLE);
    cr_expect_eq(most.head_bytes, 1000u);
    cr_expect_eq(more.refusal->status, 431);
    cr_expect_eq(lines.stage, HTTP_GATE_WHOLE);
    cr_expect_eq(line.refusal->status, 431);
    endless = feed_pieces((span_t){ text, 2000 }, 100, &used);
    cr_expect_eq(endless.refusal->status, 431, "a method without end");
    mem_free(text);
}

/* feed() compares all ways to cut it. */
Test(http_gate, says_that_a_head_is_too_long_whatever_is_wrong_behind_its_limit)
{
    char text[1100] = POST "a: ";
    size_t begun = strlen(text), used;

    memset(text + begun, 'v', sizeof(text) - begun);
    text[1000] = '\0'; /* the first byte that is too many is one that no header may have */
    cr_expect_eq(feed((span_t){ text, sizeof(text) }, &used).refusal->status, 431);
    text[1000] = 'v';
    text[999] = '\n';
    cr_expect_eq(feed((span_t){ text, sizeof(text) }, &used).refusal->status, 400);
}

Test(http_gate, knows_how_much_is_to_come)
{
    http_gate_t gate = { 0 };
    const char *text = POST "Content-Length: 50\r\n\r\nabc";

    http_gate_feed(&gate, &limits, text, strlen(text));
    cr_expect_eq(gate.stage, HTTP_GATE_BODY);
    cr_expect(gate.sized && !gate.chunked && !gate.http_1_0);
    cr_expect_eq(gate.left, 47u);
    cr_expect_eq(gate.body_bytes, 3u);
}

/* Not a benchmark, a fuse: the aim is 0.8 us for 700 bytes, and a step that became quadratic would show. */
Test(http_gate, costs_a_few_nanoseconds_per_byte)
{
    static char text[1024];
    const http_gate_limits_t wide = { 32768, 100, 4194304 };
    int at = sprintf(
        text,
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: application/json, text/event-stream\r\n"
        "Content-Type: application/json\r\nUser-Agent: python-httpx/0.27\r\nAuthorization: Bearer "
        "%0300d\r\nMCP-Protocol-Version: 2025-11-25\r\nContent-Length: 200\r\n\r\n%0200d",
        1, 2);
    clock_t began = clock(); /* of this process: what others run beside it does not count */

    for (int i = 0; i < 100000; i++) {
        http_gate_t gate = { 0 };
        http_gate_feed(&gate, &wide, text, (size_t)at);
        cr_assert_eq(gate.stage, HTTP_GATE_WHOLE);
    }
    int64_t ns = (int64_t)(clock() - began) * (1000000000 / CLOCKS_PER_SEC) / 100000;
    fprintf(stderr, "%d bytes: %lld ns\n", at, (long long)ns);
    cr_expect_lt(ns, 20000);
}
