/* Answers in one piece. Their head is composed here and written together with the body (http_direct.h);
 * evhttp would copy each header three times and print them one by one (4 us and 27 allocations per answer).
 *
 * Surprising: the request is over when http_reply() returns, and so may the connection be; the answer leaves
 * with those of the same turn, soon after (loop_write_soon).
 */
#include "http_private.h"

#include <string.h>

#include "http_direct.h"

#define TOGETHER_BYTES 131072 /* what is more is not kept until the turn is over */
#define LARGE_REPLY 65536     /* below it is not counted: connections are */

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 200, "OK" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Other"; /* nobody reads it */
}

void http_error_json(struct evbuffer *out, const char *code, const char *message, const char *id)
{
    AUTO_BUF text = { 0 };

    buf_add_text(&text, "{\"error\":{\"code\":");
    buf_add_json_string(&text, span_of(code));
    buf_add_text(&text, ",\"message\":");
    buf_add_json_string(&text, span_of(message));
    buf_addf(&text, ",\"request_id\":\"%s\"}}", id);
    evbuffer_add(out, text.data, text.length);
}

void http_add_header(http_request_t *request, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(request->evreq), name, value);
}

static bool names_no_close(void *self, span_t name, span_t value)
{
    bool *closes = self;

    if (span_is_nocase(name, "Connection")) {
        for (size_t i = 0; i + 5 <= value.length && !*closes; i++) {
            *closes = strncasecmp(value.at + i, "close", 5) == 0;
        }
    }
    return !*closes;
}

/* RFC 9110 7.6.1: in any case, in any of the lines, among others. evhttp_find_header() would not do: what it
 * knows of the request is what we have shown it. */
static bool asks_for_close(const http_request_t *request)
{
    bool closes = false;

    http_each_header(request, names_no_close, &closes);
    return closes;
}

/* HTTP/1.0 keeps its connections only when asked to, in a header of its own: they are closed here. */
static bool is_last(const http_request_t *request)
{
    return request->server->closing || request->conn->cut_short || request->evreq->minor == 0 ||
           asks_for_close(request);
}

void answer_add_headers(http_request_t *request, const char *content_type)
{
    http_add_header(request, "Date", loop_http_date(request->server->loop));
    if (content_type) {
        http_add_header(request, "Content-Type", content_type);
    }
    http_add_header(request, "X-Request-Id", request->id);
    http_add_header(request, "X-Content-Type-Options", "nosniff");
    http_add_header(request, "Content-Security-Policy", HTTP_CSP);
    if (request->server->closing || request->conn->cut_short) {
        http_add_header(request, "Connection", "close");
    }
}

static void add_line(buf_t *head, const char *name, const char *value)
{
    buf_add_text(head, name);
    buf_add_text(head, ": ");
    buf_add_text(head, value);
    buf_add_text(head, "\r\n");
}

static void add_status_line(buf_t *head, int status)
{
    buf_add_text(head, "HTTP/1.1 ");
    buf_add_u64(head, (uint64_t)status);
    buf_add_char(head, ' ');
    buf_add_text(head, http_reason(status));
    buf_add_text(head, "\r\n");
}

/* RFC 9110 8.6: a 204 has no Content-Length. */
static void add_length(buf_t *head, int status, size_t length)
{
    if (status != 204) {
        buf_add_text(head, "Content-Length: ");
        buf_add_u64(head, length);
        buf_add_text(head, "\r\n");
    }
}

static void write_head(http_request_t *request, int status, const char *content_type, size_t length)
{
    struct evkeyvalq *extra = evhttp_request_get_output_headers(request->evreq);
    buf_t *head = &request->server->scratch;
    struct evkeyval *header;

    buf_clear(head);
    add_status_line(head, status);
    add_line(head, "Date", loop_http_date(request->server->loop));
    if (content_type) {
        add_line(head, "Content-Type", content_type);
    }
    add_line(head, "X-Request-Id", request->id);
    buf_add_text(head, "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: " HTTP_CSP "\r\n");
    TAILQ_FOREACH(header, extra, next)
    {
        add_line(head, header->key, header->value);
    }
    if (is_last(request)) {
        buf_add_text(head, "Connection: close\r\n");
        evhttp_add_header(extra, "Connection", "close"); /* what evhttp looks at when the answer is sent */
    }
    add_length(head, status, length);
    buf_add_text(head, "\r\n");
}

/* Past evhttp, which would close at once after it, with the rest of a body unread: the client would see a
 * reset instead. */
static void send_and_leave(conn_t *conn, struct evbuffer *body)
{
    struct evbuffer *answer = evbuffer_new();

    evbuffer_add(answer, conn->server->scratch.data, conn->server->scratch.length);
    if (body) {
        evbuffer_add_buffer(answer, body);
    }
    conn_say_farewell(conn, answer);
}

/* evhttp is told only that the answer is over: at once when it has left, else when it will have. Either may
 * end the connection. */
static void send_now(void *self)
{
    conn_t *conn = self;
    struct evhttp_request *evreq = TAKE(conn->unsent);
    size_t length = evbuffer_get_length(bufferevent_get_output(conn->bev));

    if (!http_write_now(conn->bev) && length > LARGE_REPLY) {
        conn_hold(conn, length);
    }
    conn_unwatch(conn);
    evreq->chunked = 0; /* the request was; evhttp would send the end of an answer in chunks */
    evhttp_request_set_on_complete_cb(evreq, on_answer_sent, conn);
    evhttp_send_reply_end(evreq);
}

static void send_all(conn_t *conn, struct evhttp_request *evreq, struct evbuffer *body)
{
    struct evbuffer *output = bufferevent_get_output(conn->bev);

    evbuffer_add(output, conn->server->scratch.data, conn->server->scratch.length);
    if (body) {
        evbuffer_add_buffer(output, body);
    }
    conn->unsent = evreq;
    if (evbuffer_get_length(output) > TOGETHER_BYTES) {
        send_now(conn);
    } else {
        loop_write_soon(conn->server->loop, &conn->sending, send_now, conn);
    }
}

void http_reply(http_request_t *request, int status, const char *content_type, struct evbuffer *body)
{
    struct evhttp_request *evreq = request->evreq;
    conn_t *conn = request->conn;
    size_t length = body ? evbuffer_get_length(body) : 0;
    bool bodiless = evhttp_request_get_command(evreq) == EVHTTP_REQ_HEAD || status == 204 || status == 304;

    if (request->ending) {
        return;
    }
    write_head(request, status, content_type, length);
    if (body && bodiless) {
        evbuffer_drain(body, length);
    }
    request_free(request);
    conn_sends(conn, PHASE_SENDING);
    if (conn->cut_short) {
        send_and_leave(conn, body);
    } else {
        send_all(conn, evreq, body);
    }
}

void http_reply_bytes(http_request_t *request, int status, const char *content_type, const void *body,
                      size_t length)
{
    AUTO(evbuffer_free) struct evbuffer *bytes = evbuffer_new();

    evbuffer_add(bytes, body, length);
    http_reply(request, status, content_type, bytes);
}

void http_reply_error(http_request_t *request, int status, const char *code, const char *message)
{
    AUTO(evbuffer_free) struct evbuffer *body = evbuffer_new();

    http_error_json(body, code, message, request->id);
    http_reply(request, status, "application/json", body);
}
