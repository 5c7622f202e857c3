/* Mirrored arguments. An input is an inputSchema, a line feed, and arguments. Whatever they are: lines that
 * are written are whole lines of the declared headers, and the server's check takes them with the same
 * arguments; with an argument changed it does not.
 */
#include "param_headers.h"

#include <string.h>

#include "fuzz.h"
#include "json_scan.h"
#include "mem.h"

/* Stands in for net's request: the check asks for no more than this function. */
struct http_request {
    span_t lines; /* "Name: value\r\n" */
};

static span_t next_line(span_t *rest)
{
    const char *end = memmem(rest->at, rest->length, "\r\n", 2);

    MUST(end);
    span_t line = { rest->at, (size_t)(end - rest->at) };
    *rest = (span_t){ end + 2, rest->length - line.length - 2 };
    return line;
}

span_t http_header(const http_request_t *request, const char *name, size_t *ret_count)
{
    span_t found = { 0 };
    size_t length = strlen(name);

    *ret_count = 0;
    for (span_t rest = request->lines; rest.length > 0;) {
        span_t line = next_line(&rest);
        if (line.length > length && line.at[length] == ':' && strncasecmp(line.at, name, length) == 0) {
            found = span_trim((span_t){ line.at + length + 1, line.length - length - 1 });
            ++*ret_count;
        }
    }
    return found;
}

static void check_lines(const param_headers_t *params, span_t lines)
{
    for (span_t rest = lines; rest.length > 0;) {
        span_t line = next_line(&rest);
        const char *colon = memchr(line.at, ':', line.length);
        MUST(colon && colon + 2 <= line.at + line.length);
        MUST(param_headers_know(params, (span_t){ line.at, (size_t)(colon - line.at) }));
        for (size_t i = 0; i < line.length; i++) {
            MUST(line.at[i] >= ' ' && line.at[i] <= '~');
        }
    }
}

/* The first header says something that no JSON string can: a byte that is no UTF-8. */
static void check_other_value(const param_headers_t *params, span_t lines, span_t arguments)
{
    AUTO_BUF changed = { 0 };
    span_t rest = lines;
    span_t line = next_line(&rest);
    const char *colon = memchr(line.at, ':', line.length);

    buf_add(&changed, line.at, (size_t)(colon - line.at));
    buf_add_text(&changed, ": =?base64?/w==?=");
    buf_add_span(&changed, (span_t){ line.at + line.length, lines.length - line.length });
    http_request_t request = { buf_span(&changed) };
    MUST(param_headers_check(params, &request, arguments, NULL) == -1);
}

static void check_pair(const param_headers_t *params, span_t arguments)
{
    AUTO_BUF lines = { 0 };

    if (param_headers_write(params, arguments, &lines, NULL)) {
        return;
    }
    http_request_t request = { buf_span(&lines) };
    check_lines(params, request.lines);
    MUST(param_headers_check(params, &request, arguments, NULL) == 0);
    if (lines.length > 0) {
        http_request_t without = { { lines.data, 0 } };
        MUST(param_headers_check(params, &without, arguments, NULL) == -1);
        check_other_value(params, request.lines, arguments);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    json_scan_t ignored;

    if (!end) {
        return 0;
    }
    span_t schema = { text, (size_t)(end - text) };
    span_t arguments = span_trim((span_t){ end + 1, size - schema.length - 1 });
    if (json_scan(schema, NULL, &ignored, NULL) || json_scan(arguments, NULL, &ignored, NULL)) {
        return 0;
    }
    param_headers_t *params = param_headers_read(span_trim(schema));
    if (params) {
        check_pair(params, arguments);
    }
    param_headers_free(params);
    return 0;
}
