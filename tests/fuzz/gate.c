/* The gate before evhttp. An input is what a client sends on one connection, pipelined requests and all. The
 * same requests end at the same bytes and the same refusal comes however the bytes are cut; and where a
 * request is let pass, a small reader that knows only the plain, strict form of HTTP/1.1 (see strict_t) finds
 * its end at that very byte: what stands behind it cannot be a part of this request to one and a request to
 * another.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fuzz.h"
#include "http_gate.h"
#include "mem.h"

static const http_gate_limits_t limits = { .max_head_bytes = 1024,
                                           .max_header_lines = 12,
                                           .max_body_bytes = 200 };

#define MAX_REQUESTS 64

typedef struct {
    size_t ends[MAX_REQUESTS]; /* of the requests that were let pass */
    size_t count;
    http_gate_t last;
} reading_t;

static void strict_check(const char *bytes, size_t size, const http_gate_t *gate);

static reading_t read_cut(const char *bytes, size_t size, fuzz_cut_t cut)
{
    reading_t reading = { 0 };

    for (size_t at = 0, piece = 0; at < size && reading.last.stage != HTTP_GATE_REFUSED;) {
        piece = piece > 0 ? piece : fuzz_next_piece(&cut, size - at);
        size_t used = http_gate_feed(&reading.last, &limits, bytes + at, piece);
        MUST(used <= piece);
        at += used;
        piece -= used;
        if (reading.last.stage == HTTP_GATE_WHOLE && reading.count < MAX_REQUESTS) {
            size_t start = reading.count > 0 ? reading.ends[reading.count - 1] : 0;
            strict_check(bytes + start, at - start, &reading.last);
            reading.ends[reading.count++] = at;
            reading.last = (http_gate_t){ 0 };
        }
        MUST(piece == 0 || used > 0 || reading.last.stage != HTTP_GATE_BODY);
        if (reading.count == MAX_REQUESTS) {
            break;
        }
    }
    return reading;
}

static void check_refusal(const http_gate_t *gate)
{
    if (gate->stage == HTTP_GATE_REFUSED) {
        MUST(gate->refusal && gate->refusal->status >= 400 && gate->refusal->status < 600);
        MUST(gate->refusal->code[0] && gate->refusal->text[0]);
    }
    MUST(gate->body_bytes <= limits.max_body_bytes);
}

static void compare(const reading_t *a, const reading_t *b)
{
    MUST(a->count == b->count && memcmp(a->ends, b->ends, sizeof(a->ends)) == 0);
    MUST(a->last.stage == b->last.stage && a->last.refusal == b->last.refusal);
    MUST(a->last.body_bytes == b->last.body_bytes && a->last.left == b->last.left);
}

/* RFC 9112 and nothing that it only tolerates. */
typedef struct {
    const char *at; /* NUL stands behind the end */
    unsigned hosts, lengths, codings;
    unsigned long long length;
    bool head, http_1_0;
} strict_t;

static const char *strict_line(strict_t *strict)
{
    const char *line = strict->at, *end = line + strcspn(line, "\r\n");

    MUST(end[0] == '\r' && end[1] == '\n');
    strict->at = end + 2;
    return end;
}

static void strict_request_line(strict_t *strict)
{
    const char *line = strict->at, *end = strict_line(strict);
    const char *target = memchr(line, ' ', (size_t)(end - line));

    MUST(target && target > line);
    const char *version = memchr(target + 1, ' ', (size_t)(end - target - 1));
    MUST(version && version > target + 1 && end - version == 9);
    MUST(memcmp(version, " HTTP/1.", 8) == 0 && (version[8] == '0' || version[8] == '1'));
    strict->http_1_0 = version[8] == '0';
    strict->head = memcmp(line, "HEAD ", 5) == 0;
    for (const char *at = line; at < end; at++) {
        MUST(*at > ' ' ? *at < 0x7f : at == target || at == version);
    }
}

static void strict_header(strict_t *strict, const char *line, const char *end)
{
    size_t name = strspn(line, "!#$%&'*+-.^_`|~0123456789"
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    span_t value = span_trim((span_t){ line + name + 1, (size_t)(end - line) - name - 1 });

    MUST(name > 0 && line[name] == ':');
    for (const char *at = line; at < end; at++) {
        MUST((unsigned char)*at >= ' ' ? *at != 0x7f : *at == '\t');
    }
    if (span_is_nocase((span_t){ line, name }, "host")) {
        strict->hosts++;
        MUST(value.length > 0);
    } else if (span_is_nocase((span_t){ line, name }, "content-length")) {
        strict->lengths++;
        MUST(value.length > 0 && strspn(value.at, "0123456789") == value.length);
        strict->length = strtoull(value.at, NULL, 10);
    } else if (span_is_nocase((span_t){ line, name }, "transfer-encoding")) {
        strict->codings++;
        MUST(span_is_nocase(value, "chunked"));
    }
}

static void strict_headers(strict_t *strict)
{
    for (;;) {
        const char *line = strict->at, *end = strict_line(strict);
        if (end == line) {
            break;
        }
        strict_header(strict, line, end);
    }
    MUST(strict->hosts == 1 || (strict->http_1_0 && strict->hosts == 0));
    MUST(strict->lengths + strict->codings <= 1);
    MUST(!strict->head || (strict->length == 0 && strict->codings == 0));
    MUST(!strict->http_1_0 || strict->codings == 0);
}

static size_t strict_chunks(strict_t *strict, const char *end)
{
    size_t body = 0, size;

    do {
        const char *line = strict->at, *line_end = strict_line(strict);
        MUST((size_t)(line_end - line) == strspn(line, "0123456789abcdefABCDEF") && line_end > line);
        size = strtoull(line, NULL, 16);
        MUST(size <= (size_t)(end - strict->at));
        strict->at += size;
        MUST(memcmp(strict->at, "\r\n", 2) == 0); /* also behind the last one: there are no trailers */
        strict->at += 2;
        body += size;
    } while (size > 0);
    return body;
}

static void strict_check(const char *bytes, size_t size, const http_gate_t *gate)
{
    AUTO(mem_free) char *copy = mem_strndup(bytes, size);
    strict_t strict = { .at = copy };
    size_t body;

    strict_request_line(&strict);
    strict_headers(&strict);
    MUST((size_t)(strict.at - copy) <= limits.max_head_bytes);
    if (strict.codings > 0) {
        body = strict_chunks(&strict, copy + size);
    } else {
        body = strict.length;
        strict.at += strict.length;
    }
    MUST(strict.at == copy + size);
    MUST(body <= limits.max_body_bytes && gate->body_bytes == body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    reading_t whole = read_cut(bytes, size, fuzz_cut(0, data, size));

    check_refusal(&whole.last);
    for (unsigned way = 1; way < FUZZ_WAYS; way++) {
        reading_t pieces = read_cut(bytes, size, fuzz_cut(way, data, size));
        compare(&whole, &pieces);
    }
    return 0;
}
