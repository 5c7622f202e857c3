/* Answers of connectors: the same reading however the bytes are cut; and where an answer is taken, a small
 * reader that does the plain thing (see naive_t) finds the same status, the same body, and the same end. What
 * stands behind the end is the next answer's, so an end that two readers see in two places is how answers of
 * two callers get mixed up.
 */
#include "http_response.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fuzz.h"
#include "mem.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

typedef enum { REFUSED, INCOMPLETE, WHOLE, WHOLE_AT_CLOSE } outcome_t;

typedef struct {
    outcome_t outcome;
    int status;
    bool keep_alive;
    buf_t headers, body;
    size_t used; /* bytes, when WHOLE */
} reading_t;

static void release(reading_t *reading)
{
    buf_free(&reading->headers);
    buf_free(&reading->body);
}

static void note_head(reading_t *reading, const http_response_t *response)
{
    const span_t noted[] = { response->content_type, response->session_id, response->retry_after };

    reading->status = response->status;
    reading->keep_alive = response->keep_alive;
    for (size_t i = 0; i < COUNT_OF(noted); i++) {
        buf_addf(&reading->headers, "%d %zu ", noted[i].at != NULL, noted[i].length);
        buf_add_span(&reading->headers, noted[i]);
    }
}

static http_response_step_t step_on(reading_t *reading, http_response_t *response, struct evbuffer *in,
                                    struct evbuffer *body)
{
    err_t err = { 0 };
    http_response_step_t step = http_response_step(response, in, body, &err);

    if (step == HTTP_RESPONSE_HEAD) {
        note_head(reading, response);
        step = http_response_step(response, in, body, &err);
        MUST(step != HTTP_RESPONSE_HEAD);
    }
    MUST(step != HTTP_RESPONSE_ERROR || (err.kind == ERR_UPSTREAM && err.text[0]));
    return step;
}

static void take_body(reading_t *reading, struct evbuffer *body)
{
    size_t size = evbuffer_get_length(body);

    if (size > 0) {
        buf_add(&reading->body, evbuffer_pullup(body, -1), size);
        evbuffer_drain(body, size);
    }
}

/* As the hop client reads: into `in`, or where it may right into `body`. How much of the piece was taken. */
static size_t give(http_response_t *response, struct evbuffer *in, struct evbuffer *body, span_t piece)
{
    uint64_t straight = evbuffer_get_length(in) == 0 ? http_response_straight(response) : 0;

    if (straight == 0) {
        evbuffer_add(in, piece.at, piece.length);
        return piece.length;
    }
    size_t size = straight < piece.length ? (size_t)straight : piece.length;
    evbuffer_add(body, piece.at, size);
    http_response_took(response, size);
    return size;
}

static reading_t read_cut(span_t text, bool bodiless, fuzz_cut_t cut)
{
    reading_t reading = { 0 };
    http_response_t response;
    http_response_step_t step = HTTP_RESPONSE_MORE;
    size_t given = 0;
    AUTO(evbuffer_free) struct evbuffer *in = evbuffer_new();
    AUTO(evbuffer_free) struct evbuffer *body = evbuffer_new();

    http_response_begin(&response, bodiless);
    while (given < text.length && step != HTTP_RESPONSE_ERROR && step != HTTP_RESPONSE_END) {
        size_t piece = fuzz_next_piece(&cut, text.length - given);
        given += give(&response, in, body, (span_t){ text.at + given, piece });
        step = step_on(&reading, &response, in, body);
        take_body(&reading, body);
    }
    reading.used = given - evbuffer_get_length(in);
    reading.outcome = step == HTTP_RESPONSE_ERROR              ? REFUSED
                      : step == HTTP_RESPONSE_END              ? WHOLE
                      : http_response_ends_at_close(&response) ? WHOLE_AT_CLOSE
                                                               : INCOMPLETE;
    return reading;
}

static void compare(const reading_t *a, const reading_t *b)
{
    MUST(a->outcome == b->outcome);
    MUST(a->status == b->status && a->keep_alive == b->keep_alive);
    MUST(span_equal(buf_span(&a->headers), buf_span(&b->headers)));
    MUST(span_equal(buf_span(&a->body), buf_span(&b->body)));
    MUST(a->outcome != WHOLE || a->used == b->used);
}

/* The plain thing: first blank line, last header of a name, no limits, no doubts. */
typedef struct {
    const char *at, *end; /* NUL stands behind the end */
    int status;
    long long length; /* -1: not said */
    bool chunked;
    buf_t body;
} naive_t;

static const char *line_end(const char *at)
{
    const char *end = strstr(at, "\r\n");

    MUST(end);
    return end;
}

static void naive_head(naive_t *naive)
{
    naive->length = -1;
    naive->chunked = false;
    naive->status = atoi(naive->at + strlen("HTTP/1.1 "));
    for (const char *line = line_end(naive->at) + 2;; line = line_end(line) + 2) {
        if (strncasecmp(line, "Content-Length:", 15) == 0) {
            naive->length = atoll(line + 15);
        } else if (strncasecmp(line, "Transfer-Encoding:", 18) == 0) {
            naive->chunked = true;
        }
        naive->at = line + 2;
        if (line[0] == '\r') {
            return;
        }
    }
}

static void naive_copy(naive_t *naive, size_t size)
{
    MUST(size <= (size_t)(naive->end - naive->at));
    buf_add(&naive->body, naive->at, size);
    naive->at += size;
}

static void naive_chunks(naive_t *naive)
{
    for (;;) {
        size_t size = strtoull(naive->at, NULL, 16);
        naive->at = line_end(naive->at) + 2;
        if (size == 0) {
            break;
        }
        naive_copy(naive, size);
        MUST(memcmp(naive->at, "\r\n", 2) == 0);
        naive->at += 2;
    }
    while (naive->at[0] != '\r') { /* trailers */
        naive->at = line_end(naive->at) + 2;
    }
    naive->at += 2;
}

static void naive_body(naive_t *naive, bool bodiless)
{
    if (bodiless || naive->status == 204 || naive->status == 304) {
        return;
    }
    if (naive->chunked) {
        naive_chunks(naive);
    } else {
        naive_copy(naive, naive->length >= 0 ? (size_t)naive->length : (size_t)(naive->end - naive->at));
    }
}

static void check_against_naive(span_t text, bool bodiless, const reading_t *reading)
{
    AUTO(mem_free) char *copy = mem_strndup(text.at, text.length);
    naive_t naive = { .at = copy, .end = copy + text.length };

    do {
        naive_head(&naive);
    } while (naive.status < 200);
    naive_body(&naive, bodiless);
    MUST(naive.status == reading->status);
    MUST(span_equal(buf_span(&naive.body), buf_span(&reading->body)));
    MUST(reading->outcome == WHOLE_AT_CLOSE || (size_t)(naive.at - copy) == reading->used);
    MUST(reading->outcome != WHOLE_AT_CLOSE || (!reading->keep_alive && naive.length < 0 && !naive.chunked));
    buf_free(&naive.body);
}

static void check(span_t text, bool bodiless)
{
    reading_t whole = read_cut(text, bodiless, fuzz_cut(0, NULL, 0));

    for (unsigned way = 1; way < FUZZ_WAYS; way++) {
        reading_t pieces = read_cut(text, bodiless, fuzz_cut(way, (const uint8_t *)text.at, text.length));
        compare(&whole, &pieces);
        release(&pieces);
    }
    if (whole.outcome == WHOLE || whole.outcome == WHOLE_AT_CLOSE) {
        check_against_naive(text, bodiless, &whole);
    }
    release(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };

    check(text, false);
    check(text, true);
    return 0;
}
