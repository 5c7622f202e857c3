/* See http_fake.h. */
#include "http_fake.h"

#include <criterion/criterion.h>
#include <event2/buffer.h>

#include "clock.h"
#include "mem.h"

http_request_t *fake_request(const char *method, const char *headers, span_t body)
{
    http_request_t *request = NEW(http_request_t);

    request->method = mem_strdup(method);
    request->headers = mem_strdup(headers);
    /* Exactly as long as the body, so that a byte read too far is seen. */
    request->body = memcpy(mem_alloc(body.length + 1), body.at, body.length);
    request->body = mem_resize(request->body, body.length > 0 ? body.length : 1);
    request->body_length = body.length;
    request->local = true;
    request->peer = "127.0.0.1";
    request->started_us = clock_us();
    return request;
}

void fake_free(http_request_t *request)
{
    mem_free(request->method);
    mem_free(request->headers);
    mem_free(request->body);
    buf_free(&request->type);
    buf_free(&request->added);
    buf_free(&request->sent);
    mem_free(request);
}

/* What the real one frees is gone at once here too: a span kept too long is a use after free. */
static void end(http_request_t *request)
{
    cr_assert_not(request->over, "the request ends twice");
    request->over = true;
    mem_free(TAKE(request->body));
    mem_free(TAKE(request->headers));
}

void fake_hang_up(http_request_t *request)
{
    if (request->on_gone) {
        request->on_gone(request->gone_self);
    }
    end(request);
}

const char *fake_sent(http_request_t *request)
{
    return buf_text(&request->sent);
}

static const http_request_t *open_one(const http_request_t *request)
{
    cr_assert_not(request->over, "the request is used after its end");
    return request;
}

const char *http_method(const http_request_t *request)
{
    return open_one(request)->method;
}

void http_each_header(const http_request_t *request, http_header_f each, void *self)
{
    const char *line = open_one(request)->headers;

    while (*line) {
        size_t length = strcspn(line, "\n"), name = strcspn(line, ":");
        const char *value = line + name + 1 + strspn(line + name + 1, " \t");
        size_t value_length = length - (size_t)(value - line);
        while (value_length > 0 && strchr(" \t", value[value_length - 1])) {
            value_length--;
        }
        if (!each(self, (span_t){ line, name }, (span_t){ value, value_length })) {
            return;
        }
        line += length + (line[length] == '\n');
    }
}

typedef struct {
    const char *name;
    span_t value;
    size_t count;
} search_t;

static bool compare(void *self, span_t name, span_t value)
{
    search_t *search = self;

    if (span_is_nocase(name, search->name) && search->count++ == 0) {
        search->value = value;
    }
    return true;
}

span_t http_header(const http_request_t *request, const char *name, size_t *ret_count)
{
    search_t search = { name, { 0 }, 0 };

    http_each_header(request, compare, &search);
    if (ret_count) {
        *ret_count = search.count;
    }
    return search.value;
}

span_t http_body(http_request_t *request)
{
    return (span_t){ open_one(request)->body, request->body_length };
}

const char *http_peer(const http_request_t *request)
{
    return open_one(request)->peer;
}

bool http_is_local_listener(const http_request_t *request)
{
    return open_one(request)->local;
}

int64_t http_started_us(const http_request_t *request)
{
    return open_one(request)->started_us;
}

void http_on_gone(http_request_t *request, loop_f on_gone, void *self)
{
    (void)open_one(request);
    request->on_gone = on_gone;
    request->gone_self = self;
}

void http_add_header(http_request_t *request, const char *name, const char *value)
{
    cr_assert_eq(open_one(request)->status, 0, "a header after the answer began");
    buf_addf(&request->added, "%s: %s\n", name, value);
}

static void begin(http_request_t *request, int status, const char *content_type)
{
    cr_assert_eq(open_one(request)->status, 0, "two answers");
    request->status = status;
    buf_add_text(&request->type, content_type ? content_type : "");
}

static void take(http_request_t *request, struct evbuffer *bytes)
{
    size_t length = bytes ? evbuffer_get_length(bytes) : 0;

    if (length > 0) {
        buf_add(&request->sent, evbuffer_pullup(bytes, -1), length);
        evbuffer_drain(bytes, length);
    }
}

void http_reply(http_request_t *request, int status, const char *content_type, struct evbuffer *body)
{
    begin(request, status, content_type);
    take(request, body);
    end(request);
}

void http_reply_bytes(http_request_t *request, int status, const char *content_type, const void *body,
                      size_t length)
{
    struct evbuffer *bytes = evbuffer_new();

    evbuffer_add(bytes, body, length);
    http_reply(request, status, content_type, bytes);
    evbuffer_free(bytes);
}

void http_reply_error(http_request_t *request, int status, const char *code, const char *message)
{
    AUTO_BUF body = { 0 };

    buf_addf(&body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code, message);
    http_reply_bytes(request, status, "application/json", body.data, body.length);
}

void http_stream_start(http_request_t *request, int status, const char *content_type, int64_t heartbeat_ms)
{
    begin(request, status, content_type);
    request->streaming = true;
    request->heartbeat_ms = heartbeat_ms;
}

size_t http_stream_write(http_request_t *request, struct evbuffer *bytes)
{
    cr_assert(open_one(request)->streaming);
    request->waiting += request->stalled ? evbuffer_get_length(bytes) : 0;
    take(request, bytes);
    return request->waiting;
}

void http_stream_on_drained(http_request_t *request, loop_f on_drained, void *self)
{
    cr_assert(open_one(request)->streaming);
    request->on_drained = on_drained;
    request->drained_self = self;
}

void http_stream_end(http_request_t *request)
{
    cr_assert(open_one(request)->streaming);
    end(request);
}

bool http_stream_started(const http_request_t *request)
{
    return open_one(request)->streaming;
}
