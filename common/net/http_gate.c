/* See http_gate.h. Each step takes what it can of the piece at hand and says where it stopped; the loop in
 * http_gate_feed() does the counting. A step that refuses stops where it is.
 *
 * Surprising: methods that are not served are refused here and not above evhttp, because evhttp reads no body
 * of those and would take one for the next request.
 */
#include "http_gate.h"

#include "http_framing.h"
#include "mem.h"

/* refusals */

#define BAD(name, sentence) static const http_gate_refusal_t name = { 400, "bad_request", sentence }

BAD(bad_method, "The request does not begin with a method.");
BAD(bad_target, "The request target is not a path, or has a byte in it that must be percent-encoded.");
BAD(bad_version, "The request line does not end in HTTP/1.1.");
BAD(bare_lf, "A line does not end in CRLF.");
BAD(folded, "A header line is folded.");
BAD(bad_name, "A header line does not begin with a name and a colon.");
BAD(bad_value, "A header has a control character in it.");
BAD(bad_host, "Host is not a host and a port.");
BAD(no_host, "Host is missing.");
BAD(two_hosts, "Host is given twice.");
BAD(bad_length, "Content-Length is not a number.");
BAD(two_lengths, "Content-Length is given twice.");
BAD(bad_coding, "The only Transfer-Encoding that is taken is \"chunked\", once, and in HTTP/1.1.");
BAD(two_framings, "Content-Length and Transfer-Encoding are both given.");
BAD(head_body, "A HEAD request has no body.");
BAD(bad_chunk, "A chunk does not begin with its size and CRLF. Extensions are not taken.");
BAD(bad_chunk_end, "A chunk is not as long as it says.");
BAD(trailers, "Trailers are not taken.");
static const http_gate_refusal_t other_version = { 505, "http_version_not_supported",
                                                   "HTTP/1.1 and HTTP/1.0 are spoken here." };
static const http_gate_refusal_t other_method = {
    405, "method_not_allowed",
    "This method is not served; these are: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS."
};
static const http_gate_refusal_t other_expectation = { 417, "expectation_failed",
                                                       "The only Expect that is known is 100-continue." };
static const http_gate_refusal_t large_head = { 431, "headers_too_large",
                                                "The request line and headers are too long." };
static const http_gate_refusal_t many_lines = { 431, "headers_too_large",
                                                "There are too many header lines." };
static const http_gate_refusal_t large_body = { 413, "body_too_large", "The body is too large." };

/* steps */

enum {
    METHOD, /* 0: where a gate of zeros is */
    TARGET,
    VERSION,
    REQUEST_LF,
    NAME,
    BLANKS,
    VALUE,
    FIELD_LF,
    HEAD_LF,
    BODY,
    CHUNK_SIZE,
    CHUNK_SIZE_LF,
    CHUNK,
    CHUNK_CR,
    CHUNK_LF,
    LAST_CR,
    LAST_LF
};

/* What a header line is to us; the rest only has to be well-formed. */
enum { OTHER, HOST, LENGTH, CODING, EXPECT };

static const char *refuse(http_gate_t *gate, const http_gate_refusal_t *why, const char *at)
{
    gate->stage = HTTP_GATE_REFUSED;
    gate->refusal = why;
    return at;
}

static span_t word_of(const http_gate_t *gate)
{
    size_t kept = gate->word_length < HTTP_GATE_WORD ? gate->word_length : HTTP_GATE_WORD;

    return (span_t){ gate->word, kept };
}

static void add_to_word(http_gate_t *gate, const char *at, const char *end)
{
    size_t length = (size_t)(end - at);

    if (gate->word_length < HTTP_GATE_WORD) {
        size_t room = HTTP_GATE_WORD - gate->word_length;
        memcpy(gate->word + gate->word_length, at, length < room ? length : room);
    }
    gate->word_length += length;
}

/* One byte that must be this one. */
static const char *take_one(http_gate_t *gate, char wanted, int next, const http_gate_refusal_t *else_refuse,
                            const char *at)
{
    if (*at != wanted) {
        return refuse(gate, else_refuse, at);
    }
    gate->step = (uint8_t)next;
    return at + 1;
}

/* the request line */

static bool is_served(http_gate_t *gate)
{
    static const char *const methods[] = { "POST", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS" };

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (span_is(word_of(gate), methods[i])) {
            gate->head = i == 2;
            return true;
        }
    }
    return false;
}

/* RFC 9113 3.4: "PRI * HTTP/2.0" is how HTTP/2 begins; it is refused for its version. */
static const char *take_method(http_gate_t *gate, const char *at, const char *end)
{
    const char *stop = http_skip(HTTP_TOKEN, at, end);

    add_to_word(gate, at, stop);
    if (stop == end) {
        return stop;
    }
    if (*stop != ' ' || gate->word_length == 0) {
        return refuse(gate, &bad_method, stop);
    }
    if (!is_served(gate)) {
        return refuse(gate, span_is(word_of(gate), "PRI") ? &other_version : &other_method, stop);
    }
    gate->word_length = 0;
    gate->step = TARGET;
    return stop + 1;
}

/* RFC 9112 3.2: a path, "*", or what is written to a proxy. */
static bool is_target(const http_gate_t *gate)
{
    span_t word = word_of(gate);

    return (word.length > 0 && *word.at == '/') || span_is(word, "*") ||
           (word.length > 7 && strncasecmp(word.at, "http://", 7) == 0) ||
           (word.length > 8 && strncasecmp(word.at, "https://", 8) == 0);
}

static const char *take_target(http_gate_t *gate, const char *at, const char *end)
{
    const char *stop = http_skip(HTTP_TARGET, at, end);

    add_to_word(gate, at, stop);
    if (stop == end) {
        return stop;
    }
    if (*stop != ' ' || !is_target(gate)) {
        return refuse(gate, &bad_target, stop);
    }
    gate->word_length = 0;
    gate->step = VERSION;
    return stop + 1;
}

/* "HTTP/2.0" and the like are another version, anything else is no version. */
static const http_gate_refusal_t *check_version(http_gate_t *gate)
{
    span_t word = word_of(gate);

    if (word.length != 8 || memcmp(word.at, "HTTP/", 5) != 0 || word.at[5] < '0' || word.at[5] > '9' ||
        word.at[6] != '.' || word.at[7] < '0' || word.at[7] > '9') {
        return &bad_version;
    }
    if (word.at[5] != '1' || word.at[7] > '1') {
        return &other_version;
    }
    gate->http_1_0 = word.at[7] == '0';
    return NULL;
}

static const char *take_version(http_gate_t *gate, const char *at, const char *end)
{
    const char *stop = http_skip(HTTP_TARGET, at, end);
    const http_gate_refusal_t *wrong;

    add_to_word(gate, at, stop);
    if (stop == end && gate->word_length <= 8) {
        return stop;
    }
    wrong = check_version(gate);
    if (wrong) {
        return refuse(gate, wrong, stop);
    }
    gate->word_length = 0;
    return take_one(gate, '\r', REQUEST_LF, *stop == '\n' ? &bare_lf : &bad_version, stop);
}

/* headers */

static const struct {
    const char *name;
    uint8_t length, field;
} known_fields[] = {
    { "host", 4, HOST },
    { "content-length", 14, LENGTH },
    { "transfer-encoding", 17, CODING },
    { "expect", 6, EXPECT },
};

static uint8_t find_field(const http_gate_t *gate)
{
    for (size_t i = 0; i < COUNT_OF(known_fields); i++) {
        if (gate->word_length == known_fields[i].length &&
            strncasecmp(gate->word, known_fields[i].name, known_fields[i].length) == 0) {
            return known_fields[i].field;
        }
    }
    return OTHER;
}

/* At the start of a line, or inside its name. */
static const char *take_name(http_gate_t *gate, const char *at, const char *end)
{
    const char *stop = http_skip(HTTP_TOKEN, at, end);

    add_to_word(gate, at, stop);
    if (stop == end) {
        return stop;
    }
    if (gate->word_length == 0) {
        const http_gate_refusal_t *wrong = *stop == ' ' || *stop == '\t' ? &folded
                                           : *stop == '\n'               ? &bare_lf
                                                                         : &bad_name;
        return take_one(gate, '\r', HEAD_LF, wrong, stop);
    }
    gate->field = find_field(gate);
    gate->word_length = 0;
    gate->blank = false;
    gate->header_lines++;
    return take_one(gate, ':', BLANKS, &bad_name, stop);
}

static const char *take_blanks(http_gate_t *gate, const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    if (at < end) {
        gate->step = VALUE;
    }
    return at;
}

/* Of any length, so it is checked while it passes. Blanks may stand behind it. */
static bool add_to_host(http_gate_t *gate, const char *at, const char *end)
{
    for (; at < end; at++) {
        if (*at == ' ' || *at == '\t') {
            gate->blank = true;
        } else if (gate->blank || !http_is(HTTP_HOST, *at)) {
            return false;
        }
    }
    return true;
}

static const char *take_value(http_gate_t *gate, const char *at, const char *end)
{
    const char *stop = http_skip_text(at, end);

    if (gate->field == HOST && !add_to_host(gate, at, stop)) {
        return refuse(gate, &bad_host, stop);
    }
    if (gate->field != OTHER) {
        add_to_word(gate, at, stop);
    }
    if (stop == end) {
        return stop;
    }
    return take_one(gate, '\r', FIELD_LF, *stop == '\n' ? &bare_lf : &bad_value, stop);
}

static const http_gate_refusal_t *read_host(http_gate_t *gate)
{
    return gate->hosts++ > 0 ? &two_hosts : gate->word_length == 0 ? &bad_host : NULL;
}

static const http_gate_refusal_t *read_length(http_gate_t *gate, span_t value)
{
    if (gate->sized) {
        return &two_lengths;
    }
    gate->sized = true;
    return http_read_length(value, &gate->left) ? NULL : &bad_length;
}

static const http_gate_refusal_t *read_coding(http_gate_t *gate, span_t value)
{
    if (gate->chunked || gate->http_1_0 || !http_is_chunked(value)) {
        return &bad_coding;
    }
    gate->chunked = true;
    return NULL;
}

static const http_gate_refusal_t *read_field(http_gate_t *gate)
{
    /* Longer than was kept is longer than any value that is taken: never equal to one by its start. */
    span_t value = gate->word_length <= HTTP_GATE_WORD ? span_trim(word_of(gate)) : SPAN("?");

    switch (gate->field) {
    case HOST:
        return read_host(gate);
    case LENGTH:
        return read_length(gate, value);
    case CODING:
        return read_coding(gate, value);
    case EXPECT:
        return span_is_nocase(value, "100-continue") ? NULL : &other_expectation;
    default:
        return NULL;
    }
}

static const char *take_field_lf(http_gate_t *gate, const char *at)
{
    const http_gate_refusal_t *wrong = *at == '\n' && gate->field != OTHER ? read_field(gate) : NULL;

    if (wrong) {
        return refuse(gate, wrong, at);
    }
    gate->word_length = 0;
    return take_one(gate, '\n', NAME, &bad_value, at);
}

/* the body */

static const http_gate_refusal_t *check_head(const http_gate_t *gate, const http_gate_limits_t *limits)
{
    if (gate->hosts == 0 && !gate->http_1_0) {
        return &no_host;
    }
    if (gate->sized && gate->chunked) {
        return &two_framings;
    }
    if (gate->head && (gate->chunked || gate->left > 0)) {
        return &head_body;
    }
    return gate->left > limits->max_body_bytes ? &large_body : NULL;
}

static const char *take_head_lf(http_gate_t *gate, const http_gate_limits_t *limits, const char *at)
{
    const http_gate_refusal_t *wrong = *at == '\n' ? check_head(gate, limits) : &bad_name;

    if (wrong) {
        return refuse(gate, wrong, at);
    }
    gate->stage = gate->chunked || gate->left > 0 ? HTTP_GATE_BODY : HTTP_GATE_WHOLE;
    gate->step = gate->chunked ? CHUNK_SIZE : BODY;
    return at + 1;
}

static const char *take_data(http_gate_t *gate, const char *at, const char *end)
{
    size_t length = (size_t)(end - at);

    length = length < gate->left ? length : (size_t)gate->left;
    gate->left -= length;
    gate->body_bytes += length;
    if (gate->left == 0) {
        if (gate->chunked) {
            gate->step = CHUNK_CR;
        } else {
            gate->stage = HTTP_GATE_WHOLE;
        }
    }
    return at + length;
}

static const char *take_chunk_size(http_gate_t *gate, const char *at, const char *end)
{
    while (at < end && http_add_chunk_digit(*at, &gate->digits, &gate->left)) {
        at++;
    }
    if (at == end) {
        return at;
    }
    return gate->digits == 0 ? refuse(gate, &bad_chunk, at)
                             : take_one(gate, '\r', CHUNK_SIZE_LF, &bad_chunk, at);
}

static const char *take_chunk_size_lf(http_gate_t *gate, const http_gate_limits_t *limits, const char *at)
{
    if (gate->left > limits->max_body_bytes || gate->body_bytes + gate->left > limits->max_body_bytes) {
        return refuse(gate, &large_body, at);
    }
    gate->digits = 0;
    return take_one(gate, '\n', gate->left > 0 ? CHUNK : LAST_CR, &bad_chunk, at);
}

static const char *take_last_lf(http_gate_t *gate, const char *at)
{
    at = take_one(gate, '\n', LAST_LF, &trailers, at);
    if (gate->stage == HTTP_GATE_BODY) {
        gate->stage = HTTP_GATE_WHOLE;
    }
    return at;
}

/* the whole */

static const char *take(http_gate_t *gate, const http_gate_limits_t *limits, const char *at, const char *end)
{
    switch (gate->step) {
    case METHOD:
        return take_method(gate, at, end);
    case TARGET:
        return take_target(gate, at, end);
    case VERSION:
        return take_version(gate, at, end);
    case REQUEST_LF:
        return take_one(gate, '\n', NAME, &bad_version, at);
    case NAME:
        return take_name(gate, at, end);
    case BLANKS:
        return take_blanks(gate, at, end);
    case VALUE:
        return take_value(gate, at, end);
    case FIELD_LF:
        return take_field_lf(gate, at);
    case HEAD_LF:
        return take_head_lf(gate, limits, at);
    case CHUNK_SIZE:
        return take_chunk_size(gate, at, end);
    case CHUNK_SIZE_LF:
        return take_chunk_size_lf(gate, limits, at);
    case CHUNK_CR:
        return take_one(gate, '\r', CHUNK_LF, &bad_chunk_end, at);
    case CHUNK_LF:
        return take_one(gate, '\n', CHUNK_SIZE, &bad_chunk_end, at);
    case LAST_CR:
        return take_one(gate, '\r', LAST_LF, &trailers, at);
    case LAST_LF:
        return take_last_lf(gate, at);
    default: /* BODY, CHUNK */
        return take_data(gate, at, end);
    }
}

/* No step sees a byte beyond the limit: so the limit is met at the same byte, and before whatever else may be
 * wrong behind it, however the bytes come in. */
static const char *feed_head(http_gate_t *gate, const http_gate_limits_t *limits, const char *at,
                             const char *end)
{
    while (at < end && gate->stage == HTTP_GATE_HEAD) {
        size_t room =
            limits->max_head_bytes > gate->head_bytes ? limits->max_head_bytes - gate->head_bytes : 0;
        const char *stop = (size_t)(end - at) > room ? at + room : end;
        if (room == 0) {
            return refuse(gate, &large_head, at);
        }
        const char *next = take(gate, limits, at, stop);
        gate->head_bytes += (size_t)(next - at);
        at = next;
        if (gate->stage != HTTP_GATE_REFUSED && gate->header_lines > limits->max_header_lines) {
            refuse(gate, &many_lines, at);
        }
    }
    return at;
}

size_t http_gate_feed(http_gate_t *gate, const http_gate_limits_t *limits, const char *bytes, size_t length)
{
    const char *end = bytes + length, *at = feed_head(gate, limits, bytes, end);

    while (at < end && gate->stage == HTTP_GATE_BODY) {
        at = take(gate, limits, at, end);
    }
    return (size_t)(at - bytes);
}
