/* One HTTP/1.1 answer, see http_response.h. The header block stays at the front of `in` until the step after
 * HTTP_RESPONSE_HEAD, so the spans handed out there need no copy. Content-Length 0 has its own HEAD and END
 * steps like any other answer; the reader needs no special case for an empty body. */
#include "http_response_private.h"

#include <event2/buffer.h>

#include "http_framing.h"

#define MAX_CHUNK_LINE 256 /* a size and extensions that nobody reads */
#define MAX_INTERIMS 16
#define MAX_STRAIGHT 16777216 /* memory for a body is set aside before it comes, if it is no longer */

void http_response_begin(http_response_t *response, bool bodiless)
{
    *response = (http_response_t){ .bodiless = bodiless, .reading = HTTP_READING_HEAD };
}

/* Header lines and the empty line after them, when they are all there: *ret_block. Counts each line once,
 * however the bytes arrive. */
static http_response_step_t find_block(http_response_t *response, struct evbuffer *in, span_t *ret_block,
                                       err_t *err)
{
    size_t size = evbuffer_get_length(in);

    size = size < HTTP_RESPONSE_MAX_HEAD ? size : HTTP_RESPONSE_MAX_HEAD;
    const char *bytes = size ? (const char *)evbuffer_pullup(in, (ev_ssize_t)size) : NULL;

    bool whole = false;

    while (!whole && response->scanned < size) {
        const char *lf = memchr(bytes + response->scanned, '\n', size - response->scanned);

        if (lf && (lf == bytes || lf[-1] != '\r')) {
            http_response_refuse(err, "a line does not end in CRLF");
            return HTTP_RESPONSE_ERROR;
        }
        response->scanned = lf ? (size_t)(lf - bytes) + 1 : size;
        whole = lf && (response->scanned == 2 || lf[-2] == '\n');
        response->lines += lf && !whole ? 1 : 0;
    }
    /* The status line is no header, hence one more; trailers count on. */
    if (response->lines > HTTP_RESPONSE_MAX_LINES + 1 || (!whole && size == HTTP_RESPONSE_MAX_HEAD)) {
        http_response_refuse(err, "its headers are larger than 32 KiB or more than 100 lines");
        return HTTP_RESPONSE_ERROR;
    }
    *ret_block = (span_t){ bytes, response->scanned };
    return whole ? HTTP_RESPONSE_HEAD : HTTP_RESPONSE_MORE;
}

/* What is no HTTP at all is told at once, without waiting for a line to end that may never do so. */
static int check_greeting(struct evbuffer *in, err_t *err)
{
    static const char greeting[] = "HTTP/1.";
    char first[sizeof(greeting) - 1];
    ev_ssize_t size = evbuffer_copyout(in, first, sizeof(first));

    if (size > 0 && memcmp(first, greeting, (size_t)size) != 0) {
        return http_response_refuse(err, "it does not begin with a status line");
    }
    return 0;
}

/* RFC 9112 6.3, in its order; what it lets pass as doubtful is refused. */
static int choose_framing(http_response_t *response, err_t *err)
{
    if (response->chunked && (response->sized || response->http_1_0)) {
        return http_response_refuse(err, "it has Transfer-Encoding where only Content-Length may be");
    }
    if (response->bodiless || response->status == 204 || response->status == 304) {
        response->reading = HTTP_READING_NOTHING;
    } else if (response->chunked) {
        response->reading = HTTP_READING_CHUNK_SIZE;
    } else if (response->sized) {
        response->reading = HTTP_READING_FIXED;
    } else {
        response->reading = HTTP_READING_TO_CLOSE;
        response->keep_alive = false;
    }
    if (response->encoded && response->reading != HTTP_READING_NOTHING) {
        return http_response_refuse(err, "it is compressed, which was not asked for");
    }
    return 0;
}

static void forget_block(http_response_t *response, struct evbuffer *in)
{
    evbuffer_drain(in, response->head_bytes);
    response->head_bytes = response->scanned = 0;
}

/* RFC 9110 15.2: any number of them may come before the answer; more than a few is a server that has lost its
 * way. */
static http_response_step_t skip_interim(http_response_t *response, struct evbuffer *in, err_t *err)
{
    unsigned interims = response->interims + 1;

    if (response->status == 101 || interims > MAX_INTERIMS) {
        http_response_refuse(err, "it is an interim answer that nobody asked for");
        return HTTP_RESPONSE_ERROR;
    }
    forget_block(response, in);
    http_response_begin(response, response->bodiless);
    response->interims = interims;
    return HTTP_RESPONSE_BODY;
}

static http_response_step_t read_head(http_response_t *response, struct evbuffer *in, err_t *err)
{
    span_t block;

    if (check_greeting(in, err) < 0) {
        return HTTP_RESPONSE_ERROR;
    }
    http_response_step_t step = find_block(response, in, &block, err);
    if (step != HTTP_RESPONSE_HEAD) {
        return step;
    }
    response->head_bytes = block.length;
    if (http_response_read_head(response, block, err) < 0) {
        return HTTP_RESPONSE_ERROR;
    }
    if (response->status < 200) {
        return skip_interim(response, in, err);
    }
    return choose_framing(response, err) < 0 ? HTTP_RESPONSE_ERROR : HTTP_RESPONSE_HEAD;
}

static http_response_step_t move_body(http_response_t *response, struct evbuffer *in, struct evbuffer *body)
{
    size_t size = evbuffer_get_length(in);

    if (response->reading != HTTP_READING_TO_CLOSE) {
        size = size < response->left ? size : (size_t)response->left;
        response->left -= size;
    }
    if (size == 0) {
        return HTTP_RESPONSE_MORE;
    }
    evbuffer_remove_buffer(in, body, size);
    return HTTP_RESPONSE_BODY;
}

/* The first bytes of a body of which more is to come are copied to where the rest will be read: whoever wants
 * it in one piece finds it so. */
static http_response_step_t begin_long_body(http_response_t *response, struct evbuffer *in,
                                            struct evbuffer *body)
{
    struct evbuffer_iovec room;

    response->straight = true;
    if (evbuffer_reserve_space(body, (ev_ssize_t)response->left, &room, 1) != 1) {
        return move_body(response, in, body);
    }
    room.iov_len = (size_t)evbuffer_remove(in, room.iov_base, (size_t)response->left);
    response->left -= room.iov_len;
    evbuffer_commit_space(body, &room, 1);
    return room.iov_len > 0 ? HTTP_RESPONSE_BODY : HTTP_RESPONSE_MORE;
}

static bool is_long(const http_response_t *response, const struct evbuffer *in)
{
    return response->left > evbuffer_get_length(in) && response->left <= MAX_STRAIGHT;
}

static http_response_step_t read_fixed(http_response_t *response, struct evbuffer *in, struct evbuffer *body)
{
    if (!response->straight && is_long(response, in)) {
        return begin_long_body(response, in, body);
    }
    if (response->left == 0) {
        response->reading = HTTP_READING_NOTHING;
        return HTTP_RESPONSE_END;
    }
    return move_body(response, in, body);
}

/* RFC 9112 7.1: extensions are read over. White space before them (once allowed) is not: it has hidden
 * requests. */
static int parse_chunk_line(span_t line, uint64_t *ret_size, err_t *err)
{
    unsigned digits = 0;

    *ret_size = 0;
    while (digits < line.length && http_add_chunk_digit(line.at[digits], &digits, ret_size)) {
        continue;
    }
    if (digits == HTTP_CHUNK_DIGITS && digits < line.length && line.at[digits] != ';') {
        return http_response_refuse(err, "a chunk is too large");
    }
    if (digits == 0 || (digits < line.length && line.at[digits] != ';') || !http_response_is_clean(line)) {
        return http_response_refuse(err, "a chunk does not begin with its size");
    }
    return 0;
}

static http_response_step_t read_chunk_size(http_response_t *response, struct evbuffer *in, err_t *err)
{
    size_t size = evbuffer_get_length(in);

    size = size < MAX_CHUNK_LINE ? size : MAX_CHUNK_LINE;
    const char *bytes = size ? (const char *)evbuffer_pullup(in, (ev_ssize_t)size) : NULL;
    const char *lf = bytes ? memchr(bytes, '\n', size) : NULL;

    if (!lf && size < MAX_CHUNK_LINE) {
        return HTTP_RESPONSE_MORE;
    }
    if (!lf || lf == bytes || lf[-1] != '\r') {
        http_response_refuse(err, "a chunk's size is not a line that ends in CRLF");
        return HTTP_RESPONSE_ERROR;
    }
    if (parse_chunk_line((span_t){ bytes, (size_t)(lf - bytes) - 1 }, &response->left, err) < 0) {
        return HTTP_RESPONSE_ERROR;
    }
    evbuffer_drain(in, (size_t)(lf - bytes) + 1);
    response->reading = response->left ? HTTP_READING_CHUNK : HTTP_READING_TRAILERS;
    return HTTP_RESPONSE_BODY;
}

static http_response_step_t read_chunk(http_response_t *response, struct evbuffer *in, struct evbuffer *body)
{
    http_response_step_t step = move_body(response, in, body);

    if (response->left == 0) {
        response->reading = HTTP_READING_CHUNK_END;
    }
    return step;
}

static http_response_step_t read_chunk_end(http_response_t *response, struct evbuffer *in, err_t *err)
{
    char end[2];
    ev_ssize_t size = evbuffer_copyout(in, end, sizeof(end));

    if ((size > 0 && end[0] != '\r') || (size == 2 && end[1] != '\n')) {
        http_response_refuse(err, "a chunk is not as long as it says");
        return HTTP_RESPONSE_ERROR;
    }
    if (size < 2) {
        return HTTP_RESPONSE_MORE;
    }
    evbuffer_drain(in, sizeof(end));
    response->reading = HTTP_READING_CHUNK_SIZE;
    return HTTP_RESPONSE_BODY;
}

static http_response_step_t read_trailers(http_response_t *response, struct evbuffer *in, err_t *err)
{
    span_t block;
    http_response_step_t step = find_block(response, in, &block, err);

    if (step != HTTP_RESPONSE_HEAD) {
        return step;
    }
    response->head_bytes = block.length;
    if (http_response_read_trailers(block, err) < 0) {
        return HTTP_RESPONSE_ERROR;
    }
    forget_block(response, in);
    response->reading = HTTP_READING_NOTHING;
    return HTTP_RESPONSE_END;
}

/* HTTP_RESPONSE_BODY here means: got on, ask again. */
static http_response_step_t step_once(http_response_t *response, struct evbuffer *in, struct evbuffer *body,
                                      err_t *err)
{
    switch (response->reading) {
    case HTTP_READING_HEAD:
        return read_head(response, in, err);
    case HTTP_READING_FIXED:
        return read_fixed(response, in, body);
    case HTTP_READING_CHUNK_SIZE:
        return read_chunk_size(response, in, err);
    case HTTP_READING_CHUNK:
        return read_chunk(response, in, body);
    case HTTP_READING_CHUNK_END:
        return read_chunk_end(response, in, err);
    case HTTP_READING_TRAILERS:
        return read_trailers(response, in, err);
    case HTTP_READING_TO_CLOSE:
        return move_body(response, in, body);
    case HTTP_READING_NOTHING:
        break;
    }
    return HTTP_RESPONSE_END;
}

http_response_step_t http_response_step(http_response_t *response, struct evbuffer *in, struct evbuffer *body,
                                        err_t *err)
{
    size_t before = evbuffer_get_length(body);
    bool grown = response->grown;
    http_response_step_t step;

    response->grown = false;
    if (response->reading != HTTP_READING_HEAD && response->head_bytes) {
        forget_block(response, in);
    }
    do {
        step = step_once(response, in, body, err);
    } while (step == HTTP_RESPONSE_BODY);
    grown = grown || evbuffer_get_length(body) > before;
    return step == HTTP_RESPONSE_MORE && grown ? HTTP_RESPONSE_BODY : step;
}

bool http_response_ends_at_close(const http_response_t *response)
{
    return response->reading == HTTP_READING_TO_CLOSE;
}

uint64_t http_response_expects(const http_response_t *response)
{
    switch (response->reading) {
    case HTTP_READING_FIXED:
        return response->left + 1;
    case HTTP_READING_CHUNK:
        return response->left + sizeof("\r\n0\r\n\r\n");
    default:
        return 0;
    }
}

uint64_t http_response_straight(const http_response_t *response)
{
    return response->straight && response->reading == HTTP_READING_FIXED ? response->left : 0;
}

void http_response_took(http_response_t *response, uint64_t bytes)
{
    response->left -= bytes;
    response->grown = true;
}
