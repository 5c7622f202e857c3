/* The head of a request, kept by us: evhttp is shown its first line and what frames a body, nothing more. It
 * copies every header line three times over, and its list is searched without regard to case; ours is one
 * piece of memory (6 us and 28 allocations less per call). What evhttp never sees it cannot misread either.
 *
 * Everything here has passed the gate: lines end in CRLF, a name is followed by a colon at once.
 */
#include "http_head.h"

#include <string.h>
#include <strings.h>

#include "mem.h"

typedef struct {
    span_t name, value;
} line_t;

struct http_head {
    span_t method, target;
    size_t line_count;
    line_t lines[]; /* and behind them the bytes */
};

static span_t cut_line(span_t *rest)
{
    const char *end = memchr(rest->at, '\n', rest->length);
    span_t line = { rest->at, (size_t)(end - rest->at) - 1 };

    rest->at += line.length + 2;
    rest->length -= line.length + 2;
    return line;
}

static void read_request_line(http_head_t *head, span_t line)
{
    const char *target = (const char *)memchr(line.at, ' ', line.length) + 1;
    const char *version = memrchr(line.at, ' ', line.length);

    head->method = (span_t){ line.at, (size_t)(target - line.at) - 1 };
    head->target = (span_t){ target, (size_t)(version - target) };
}

http_head_t *http_head_new(span_t bytes, size_t line_count)
{
    size_t lines_size = line_count * sizeof(line_t);
    http_head_t *head = mem_alloc(sizeof(*head) + lines_size + bytes.length);
    span_t rest = { memcpy((char *)head->lines + lines_size, bytes.at, bytes.length), bytes.length };

    read_request_line(head, cut_line(&rest));
    while (rest.length > 2 && head->line_count < line_count) {
        span_t line = cut_line(&rest);
        size_t colon = (size_t)((const char *)memchr(line.at, ':', line.length) - line.at);
        head->lines[head->line_count++] = (line_t){
            .name = { line.at, colon },
            .value = span_trim((span_t){ line.at + colon + 1, line.length - colon - 1 }),
        };
    }
    return head;
}

static bool is_named(const line_t *line, span_t name)
{
    return line->name.length == name.length && ((line->name.at[0] ^ name.at[0]) & 0xDF) == 0 &&
           strncasecmp(line->name.at, name.at, name.length) == 0;
}

span_t http_head_header(const http_head_t *head, const char *name, size_t *ret_count)
{
    span_t wanted = span_of(name), value = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < head->line_count; i++) {
        if (is_named(&head->lines[i], wanted) && count++ == 0) {
            value = head->lines[i].value;
        }
    }
    if (ret_count) {
        *ret_count = count;
    }
    return value;
}

void http_head_each(const http_head_t *head, http_header_f each, void *self)
{
    for (size_t i = 0; i < head->line_count; i++) {
        if (!each(self, head->lines[i].name, head->lines[i].value)) {
            return;
        }
    }
}

/* evhttp would read "//a/b" as host and path, for us it is a path, as for any proxy in front. Of an absolute
 * target (RFC 9112 3.2.2) the path counts. */
span_t http_head_target(const http_head_t *head)
{
    span_t target = head->target;
    const char *end = target.at + target.length;

    if (target.at[0] == '/' || target.at[0] == '*') {
        return target;
    }
    const char *host = memmem(target.at, target.length, "://", 3);
    const char *at = host ? host + 3 : target.at;
    while (at < end && !strchr("/?#", *at)) {
        at++;
    }
    return (span_t){ at, (size_t)(end - at) };
}

static void add_line(buf_t *out, const line_t *line)
{
    buf_add_span(out, line->name);
    buf_add_text(out, ": ");
    buf_add_span(out, line->value);
    buf_add_text(out, "\r\n");
}

void http_head_for_evhttp(const http_head_t *head, bool with_body, bool http_1_0, buf_t *out)
{
    static const char *const of_body[] = { "Content-Length", "Transfer-Encoding", "Expect" };

    buf_add_span(out, head->method);
    buf_add_char(out, ' ');
    buf_add_span(out, head->target.at[0] == '/' ? SPAN("/") : head->target); /* absolute ones it checks */
    buf_add_text(out, http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (size_t i = 0; i < head->line_count; i++) {
        const line_t *line = &head->lines[i];
        bool wanted = is_named(line, SPAN("Connection"));
        for (size_t j = 0; with_body && j < COUNT_OF(of_body) && !wanted; j++) {
            wanted = is_named(line, span_of(of_body[j]));
        }
        if (wanted) {
            add_line(out, line);
        }
    }
    buf_add_text(out, "\r\n");
}
