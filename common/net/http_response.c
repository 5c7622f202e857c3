/* One HTTP/1.1 answer, see http_response.h. The header block stays at the front of `in` until the step after
 * HTTP_RESPONSE_HEAD, so the spans handed out there need no copy. Content-Length 0 has its own HEAD and END
 * steps like any other answer; the reader needs no special case for an empty body. */
#include "http_response.h"

#include <event2/buffer.h>

#define MAX_CHUNK_LINE 256 /* a size and extensions that nobody reads */
#define MAX_INTERIMS 16

static int refuse(err_t *err, const char *what)
{
    return err_set(err, ERR_UPSTREAM, "The connector's answer is not valid HTTP: %s.", what);
}

void http_response_begin(http_response_t *response, bool bodiless)
{
    *response = (http_response_t){ .bodiless = bodiless, .reading = HTTP_READING_HEAD };
}

/* RFC 9110 5.6.2 */
static bool is_token_char(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
        return true;
    }
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

/* RFC 9110 5.5: bytes above 127 are opaque, not refused. */
static bool is_clean_text(span_t text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static int read_length(http_response_t *response, span_t value, err_t *err)
{
    uint64_t length = 0;

    if (value.length == 0 || value.length > 18) {
        return refuse(err, "its Content-Length is not a number");
    }
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return refuse(err, "its Content-Length is not a number");
        }
        length = length * 10 + (uint64_t)(value.at[i] - '0');
    }
    if (response->sized && response->left != length) {
        return refuse(err, "it has two different Content-Length headers");
    }
    response->sized = true;
    response->left = length;
    return 0;
}

static int read_transfer_encoding(http_response_t *response, span_t value, err_t *err)
{
    if (response->chunked || !span_is_nocase(value, "chunked")) {
        return refuse(err, "its Transfer-Encoding is not \"chunked\"");
    }
    response->chunked = true;
    return 0;
}

static int read_content_encoding(http_response_t *response, span_t value, err_t *err)
{
    (void)err;
    response->encoded = response->encoded || !span_is_nocase(value, "identity");
    return 0;
}

static int read_connection(http_response_t *response, span_t value, err_t *err)
{
    (void)err;
    while (value.length) {
        const char *comma = memchr(value.at, ',', value.length);
        size_t length = comma ? (size_t)(comma - value.at) : value.length;

        if (span_is_nocase(span_trim((span_t){ value.at, length }), "close")) {
            response->keep_alive = false;
        }
        length += comma ? 1 : 0;
        value.at += length;
        value.length -= length;
    }
    return 0;
}

static int keep_once(span_t *kept, span_t value, err_t *err)
{
    if (kept->at && !span_equal(*kept, value)) {
        return refuse(err, "one of its headers occurs twice with different values");
    }
    *kept = value;
    return 0;
}

static int read_content_type(http_response_t *response, span_t value, err_t *err)
{
    return keep_once(&response->content_type, value, err);
}

static int read_session_id(http_response_t *response, span_t value, err_t *err)
{
    return keep_once(&response->session_id, value, err);
}

static int read_retry_after(http_response_t *response, span_t value, err_t *err)
{
    return keep_once(&response->retry_after, value, err);
}

static const struct {
    const char *name;
    int (*read)(http_response_t *response, span_t value, err_t *err);
} known_headers[] = {
    { "content-length", read_length },     { "transfer-encoding", read_transfer_encoding },
    { "connection", read_connection },     { "content-encoding", read_content_encoding },
    { "content-type", read_content_type }, { "mcp-session-id", read_session_id },
    { "retry-after", read_retry_after },
};

static int split_header(span_t line, span_t *ret_name, span_t *ret_value, err_t *err)
{
    size_t length = 0;

    if (line.at[0] == ' ' || line.at[0] == '\t') {
        return refuse(err, "it has a folded header line");
    }
    while (length < line.length && is_token_char((unsigned char)line.at[length])) {
        length++;
    }
    if (length == 0 || length == line.length || line.at[length] != ':') {
        return refuse(err, "a header line does not begin with a name and a colon");
    }
    *ret_name = (span_t){ line.at, length };
    *ret_value = span_trim((span_t){ line.at + length + 1, line.length - length - 1 });
    if (!is_clean_text(*ret_value)) {
        return refuse(err, "a header has a control character in it");
    }
    return 0;
}

static int read_header(http_response_t *response, span_t line, err_t *err)
{
    span_t name, value;

    if (split_header(line, &name, &value, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(known_headers) / sizeof(known_headers[0]); i++) {
        if (span_is_nocase(name, known_headers[i].name)) {
            return known_headers[i].read(response, value, err);
        }
    }
    return 0;
}

/* RFC 9112 4. The blank after the status is left out by some servers; that much is harmless. */
static int read_status_line(http_response_t *response, span_t line, err_t *err)
{
    const char *at = line.at;

    if (line.length < 12 || (at[7] != '0' && at[7] != '1') || at[8] != ' ') {
        return refuse(err, "it does not begin with a status line");
    }
    for (int i = 9; i < 12; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return refuse(err, "its status is not a number");
        }
        response->status = response->status * 10 + (at[i] - '0');
    }
    if (response->status < 100 || response->status > 599 || (line.length > 12 && at[12] != ' ')) {
        return refuse(err, "its status is not one from 100 to 599");
    }
    if (!is_clean_text(line)) {
        return refuse(err, "its status line has a control character in it");
    }
    response->http_1_0 = at[7] == '0';
    response->keep_alive = !response->http_1_0;
    return 0;
}

/* Cuts the line off the front of `block`, whose LFs all stand behind a CR (find_block). */
static span_t next_line(span_t *block)
{
    const char *end = memchr(block->at, '\n', block->length);
    span_t line = { block->at, (size_t)(end - block->at) - 1 };

    block->at += line.length + 2;
    block->length -= line.length + 2;
    return line;
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
            refuse(err, "a line does not end in CRLF");
            return HTTP_RESPONSE_ERROR;
        }
        response->scanned = lf ? (size_t)(lf - bytes) + 1 : size;
        whole = lf && (response->scanned == 2 || lf[-2] == '\n');
        response->lines += lf && !whole ? 1 : 0;
    }
    /* The status line is no header, hence one more; trailers count on. */
    if (response->lines > HTTP_RESPONSE_MAX_LINES + 1 || (!whole && size == HTTP_RESPONSE_MAX_HEAD)) {
        refuse(err, "its headers are larger than 32 KiB or more than 100 lines");
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
        return refuse(err, "it does not begin with a status line");
    }
    return 0;
}

static int read_block(http_response_t *response, span_t block, err_t *err)
{
    if (read_status_line(response, next_line(&block), err) < 0) {
        return -1;
    }
    while (block.length > 2) {
        if (read_header(response, next_line(&block), err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* RFC 9112 6.3, in its order; what it lets pass as doubtful is refused. */
static int choose_framing(http_response_t *response, err_t *err)
{
    if (response->chunked && (response->sized || response->http_1_0)) {
        return refuse(err, "it has Transfer-Encoding where only Content-Length may be");
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
        return refuse(err, "it is compressed, which was not asked for");
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
        refuse(err, "it is an interim answer that nobody asked for");
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
    if (read_block(response, block, err) < 0) {
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

static http_response_step_t read_fixed(http_response_t *response, struct evbuffer *in, struct evbuffer *body)
{
    if (response->left == 0) {
        response->reading = HTTP_READING_NOTHING;
        return HTTP_RESPONSE_END;
    }
    return move_body(response, in, body);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* RFC 9112 7.1: extensions are read over. White space before them (once allowed) is not: it has hidden
 * requests. */
static int parse_chunk_line(span_t line, uint64_t *ret_size, err_t *err)
{
    size_t digits = 0;

    *ret_size = 0;
    while (digits < line.length && hex_digit(line.at[digits]) >= 0) {
        if (digits == 15) {
            return refuse(err, "a chunk is too large");
        }
        *ret_size = *ret_size * 16 + (uint64_t)hex_digit(line.at[digits++]);
    }
    if (digits == 0 || (digits < line.length && line.at[digits] != ';') || !is_clean_text(line)) {
        return refuse(err, "a chunk does not begin with its size");
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
        refuse(err, "a chunk's size is not a line that ends in CRLF");
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
        refuse(err, "a chunk is not as long as it says");
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
    span_t block, name, value;
    http_response_step_t step = find_block(response, in, &block, err);

    if (step != HTTP_RESPONSE_HEAD) {
        return step;
    }
    response->head_bytes = block.length;
    while (block.length > 2) {
        if (split_header(next_line(&block), &name, &value, err) < 0) {
            return HTTP_RESPONSE_ERROR;
        }
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
    http_response_step_t step;

    if (response->reading != HTTP_READING_HEAD && response->head_bytes) {
        forget_block(response, in);
    }
    do {
        step = step_once(response, in, body, err);
    } while (step == HTTP_RESPONSE_BODY);
    return step == HTTP_RESPONSE_MORE && evbuffer_get_length(body) > before ? HTTP_RESPONSE_BODY : step;
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
