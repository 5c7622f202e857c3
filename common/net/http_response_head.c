/* The lines of an answer's head and trailers, once they are there: what each may look like, and what it says.
 */
#include "http_response_private.h"

#include "http_framing.h"

int http_response_refuse(err_t *err, const char *what)
{
    return err_set(err, ERR_UPSTREAM, "The connector's answer is not valid HTTP: %s.", what);
}

bool http_response_is_clean(span_t text)
{
    return http_skip_text(text.at, text.at + text.length) == text.at + text.length;
}

static int read_length(http_response_t *response, span_t value, err_t *err)
{
    uint64_t length = 0;

    if (!http_read_length(value, &length)) {
        return http_response_refuse(err, "its Content-Length is not a number");
    }
    if (response->sized && response->left != length) {
        return http_response_refuse(err, "it has two different Content-Length headers");
    }
    response->sized = true;
    response->left = length;
    return 0;
}

static int read_transfer_encoding(http_response_t *response, span_t value, err_t *err)
{
    if (response->chunked || !http_is_chunked(value)) {
        return http_response_refuse(err, "its Transfer-Encoding is not \"chunked\"");
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
        return http_response_refuse(err, "one of its headers occurs twice with different values");
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
    size_t length;

    if (line.at[0] == ' ' || line.at[0] == '\t') {
        return http_response_refuse(err, "it has a folded header line");
    }
    length = (size_t)(http_skip(HTTP_TOKEN, line.at, line.at + line.length) - line.at);
    if (length == 0 || length == line.length || line.at[length] != ':') {
        return http_response_refuse(err, "a header line does not begin with a name and a colon");
    }
    *ret_name = (span_t){ line.at, length };
    *ret_value = span_trim((span_t){ line.at + length + 1, line.length - length - 1 });
    if (!http_response_is_clean(*ret_value)) {
        return http_response_refuse(err, "a header has a control character in it");
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
        return http_response_refuse(err, "it does not begin with a status line");
    }
    for (int i = 9; i < 12; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return http_response_refuse(err, "its status is not a number");
        }
        response->status = response->status * 10 + (at[i] - '0');
    }
    if (response->status < 100 || response->status > 599 || (line.length > 12 && at[12] != ' ')) {
        return http_response_refuse(err, "its status is not one from 100 to 599");
    }
    if (!http_response_is_clean(line)) {
        return http_response_refuse(err, "its status line has a control character in it");
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

int http_response_read_head(http_response_t *response, span_t block, err_t *err)
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

int http_response_read_trailers(span_t block, err_t *err)
{
    span_t name, value;

    while (block.length > 2) {
        if (split_header(next_line(&block), &name, &value, err) < 0) {
            return -1;
        }
    }
    return 0;
}
