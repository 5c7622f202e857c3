/* From a client's message to what a connector is sent. Whatever the client wrote: if the message is taken,
 * then every reader, first-wins or last-wins, with or without regard to case, finds in it the tool's name
 * that policy decided on; and finds in what goes out that same tool, our id, our method, the same arguments,
 * our own word on version and progress, and nothing that we did not write or choose to copy.
 *
 * An input is a body, or header lines, an empty line (LF only) and a body.
 */
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "fuzz.h"
#include "header_value.h"
#include "json_reader.h"
#include "json_scan.h"
#include "mem.h"
#include "message.h"

#define OUR_ID 4711
#define OUR_TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* Stands in for net's request: classify.c asks for no more than these two functions. */
struct http_request {
    span_t headers, body;
};

span_t http_body(http_request_t *request)
{
    return request->body;
}

static span_t next_line(span_t *rest)
{
    const char *end = memchr(rest->at, '\n', rest->length);
    span_t line = { rest->at, end ? (size_t)(end - rest->at) : rest->length };
    size_t taken = line.length + (end != NULL);

    *rest = (span_t){ rest->at + taken, rest->length - taken };
    return line;
}

span_t http_header(const http_request_t *request, const char *name, size_t *ret_count)
{
    span_t found = { 0 };
    size_t count = 0, length = strlen(name);

    for (span_t rest = request->headers; rest.length > 0;) {
        span_t line = next_line(&rest);
        if (line.length > length && line.at[length] == ':' && strncasecmp(line.at, name, length) == 0) {
            span_t value = span_trim((span_t){ line.at + length + 1, line.length - length - 1 });
            found = count++ == 0 ? value : found;
        }
    }
    if (ret_count) {
        *ret_count = count;
    }
    return found;
}

static http_request_t split(span_t input)
{
    const char *blank = input.length > 0 && !memchr("{[ \t\r", input.at[0], 5)
                            ? memmem(input.at, input.length, "\n\n", 2)
                            : NULL;
    size_t head = blank ? (size_t)(blank - input.at) + 1 : 0;
    size_t gap = blank ? 1 : 0;

    return (http_request_t){ { input.at, head }, { input.at + head + gap, input.length - head - gap } };
}

static void must_be(span_t value, const char *text)
{
    AUTO_BUF read = { 0 };

    MUST(reader_string(value, &read) && span_is((span_t){ buf_text(&read), read.length }, text));
}

static void must_be_absent_or_equal(span_t value, span_t expected)
{
    MUST((value.at != NULL) == (expected.at != NULL));
    MUST(span_equal(value, expected));
}

/* null and absent are the same to who wrote the message. */
static span_t unless_null(span_t value)
{
    return span_is(value, "null") ? (span_t){ 0 } : value;
}

static void check_name(span_t message, span_t name, taste_t taste)
{
    AUTO_BUF read = { 0 };
    span_t params = reader_member(message, "params", taste);

    MUST(reader_string(reader_member(params, "name", taste), &read));
    MUST(span_equal(buf_span(&read), name));
}

/* What policy saw is what any reader of the client's own bytes would have seen. */
static void check_request(span_t body, const mcp_request_t *request, taste_t taste)
{
    span_t params = reader_member(body, "params", taste);

    must_be(reader_member(body, "jsonrpc", taste), "2.0");
    must_be(reader_member(body, "method", taste), "tools/call");
    must_be_absent_or_equal(reader_member(body, "id", taste), request->id);
    must_be_absent_or_equal(unless_null(reader_member(params, "arguments", taste)), request->arguments);
    check_name(body, request->name, taste);
}

/* MCP 2026-07-28 basic/transports/streamable-http "Standard Headers": what an intermediary routes by. */
static void check_mirror(const mcp_request_t *request)
{
    AUTO_BUF decoded = { 0 };
    size_t count;
    span_t value = http_header(request->http, "Mcp-Name", &count);

    MUST(count == 1 && header_value_decode(value, &decoded));
    MUST(span_equal(buf_span(&decoded), request->name));
    MUST(span_is(http_header(request->http, "Mcp-Method", &count), "tools/call"));
    MUST(count == 1);
}

/* Each of the names at most once, with regard to case or without, and no other. */
typedef struct {
    const char *const *names;
    unsigned seen;
} known_t;

static void must_know(void *self, span_t name, span_t value)
{
    known_t *known = self;

    (void)value;
    for (size_t i = 0; known->names[i]; i++) {
        if (span_is(name, known->names[i])) {
            MUST(!(known->seen & 1u << i));
            known->seen |= 1u << i;
            return;
        }
    }
    MUST(!"a member that nobody chose to send");
}

static void check_members(span_t object, const char *const *names)
{
    known_t known = { names, 0 };

    reader_each(object, must_know, &known);
}

static void check_meta(span_t meta, const envelope_hop_t *hop, taste_t taste)
{
    span_t version = reader_member(meta, "io.modelcontextprotocol/protocolVersion", taste);
    span_t token = reader_member(meta, "progressToken", taste);

    if (mcp_revision_era(hop->revision) == MCP_MODERN) {
        must_be(version, "2026-07-28");
        MUST(reader_member(meta, "io.modelcontextprotocol/clientCapabilities", taste).at);
        MUST(reader_member(meta, "io.modelcontextprotocol/clientInfo", taste).at);
    } else {
        MUST(!version.at);
        MUST(!reader_member(meta, "io.modelcontextprotocol/clientInfo", taste).at);
    }
    MUST(hop->progress ? span_is(token, "4711") : !token.at);
    if (hop->traceparent.at) {
        must_be(reader_member(meta, "traceparent", taste), OUR_TRACE);
    }
}

static void check_sent(span_t message, const mcp_request_t *request, const envelope_hop_t *hop, taste_t taste)
{
    static const char *const outer[] = { "jsonrpc", "id", "method", "params", NULL };
    static const char *const inner[] = {
        "name", "arguments", "inputResponses", "requestState", "_meta", NULL
    };
    span_t params = reader_member(message, "params", taste);

    check_members(message, outer);
    check_members(params, inner);
    must_be(reader_member(message, "jsonrpc", taste), "2.0");
    must_be(reader_member(message, "method", taste), "tools/call");
    MUST(span_is(reader_member(message, "id", taste), "4711"));
    check_name(message, hop->name, taste);
    must_be_absent_or_equal(reader_member(params, "arguments", taste), request->arguments);
    must_be_absent_or_equal(reader_member(params, "inputResponses", taste), request->input_responses);
    must_be_absent_or_equal(reader_member(params, "requestState", taste), request->request_state);
    check_meta(reader_member(params, "_meta", taste), hop, taste);
}

static void check_is_json(span_t text)
{
    json_scan_t scan;
    err_t err;

    MUST(json_scan(text, NULL, &scan, &err) == 0);
    MUST(reader_root(text).length == text.length);
}

static void send(const mcp_request_t *request, mcp_revision_t revision, bool ours)
{
    static const taste_t tastes[] = TASTES;
    AUTO_BUF message = { 0 };
    envelope_hop_t hop = {
        .revision = revision,
        .id = OUR_ID,
        .name = request->name,
        .traceparent = ours ? SPAN(OUR_TRACE) : (span_t){ 0 },
        .input_responses = request->input_responses,
        .request_state = request->request_state,
        .progress = ours,
    };

    envelope_call(&message, request, &hop);
    check_is_json(buf_span(&message));
    for (size_t i = 0; i < COUNT_OF(tastes); i++) {
        check_sent(buf_span(&message), request, &hop, tastes[i]);
    }
}

static bool is_call(const message_t *message)
{
    span_t method = message->request.method;

    return message->kind == MESSAGE_REQUEST &&
           scan_string_is((span_t){ method.at - 1, method.length + 2 }, "tools/call");
}

static void check(const message_t *message)
{
    static const taste_t tastes[] = TASTES;
    const mcp_request_t *request = &message->request;
    span_t body = reader_root(http_body(request->http));

    for (size_t i = 0; i < COUNT_OF(tastes); i++) {
        check_request(body, request, tastes[i]);
    }
    if (request->era == MCP_MODERN) {
        check_mirror(request);
    }
    for (int ours = 0; ours < 2; ours++) {
        send(request, MCP_2026_07_28, ours);
        send(request, MCP_2025_11_25, ours);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    http_request_t http = split((span_t){ (const char *)data, size });
    message_t message = { .request.http = &http };
    err_t err = { 0 };

    if (message_read(&message, &err) == 0) {
        if (is_call(&message)) {
            check(&message);
        }
    } else {
        MUST(err.text[0]);
    }
    message_release(&message);
    return 0;
}
