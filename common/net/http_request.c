/* One request above evhttp: what was asked, the answer, the stream, and the watch over a client that may hang
 * up.
 *
 * While an answer is pending evhttp reads nothing and sees no hang-up; turning its reading back on lets a
 * pipelined request end the process. So an event of our own waits until the socket is readable and peeks:
 * nothing there is a hang-up (a client that only closed its sending side looks the same), bytes are the next
 * request, and the watch ends. Once an answer streams, evhttp reads again and sees the end itself.
 *
 * The http_request_t is freed when its answer is handed to evhttp, which keeps its own request until the last
 * byte has left.
 */
#include "http_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

/* life */

void http_new_id(http_server_t *server, char id[17])
{
    /* splitmix64: each step of a counter with a random start gives another number. */
    uint64_t z = server->id_state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    for (int i = 0; i < 16; i++, z >>= 4) {
        id[i] = "0123456789abcdef"[z & 15];
    }
    id[16] = '\0';
}

http_request_t *request_new(conn_t *conn, struct evhttp_request *evreq)
{
    http_request_t *request = NEW(http_request_t);

    request->server = conn->server;
    request->conn = conn;
    request->evreq = evreq;
    http_new_id(conn->server, request->id);
    conn->request = request;
    conn->server->request_count++;
    return request;
}

static void request_free(http_request_t *request)
{
    if (event_initialized(&request->watch)) {
        event_del(&request->watch);
    }
    request->conn->request = NULL;
    request->server->request_count--;
    mem_free(request);
}

void request_gone(http_request_t *request)
{
    request->ending = true;
    if (request->on_gone) {
        request->on_gone(request->gone_self);
    }
    request_free(request);
}

static void on_readable(evutil_socket_t fd, short what, void *self)
{
    http_request_t *request = self;
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    (void)what;
    if (got > 0) {
        return;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        event_add(&request->watch, NULL);
        return;
    }
    conn_cut(request->conn);
}

void request_watch(http_request_t *request)
{
    event_assign(&request->watch, loop_base(request->server->loop), request->conn->fd, EV_READ, on_readable,
                 request);
    event_add(&request->watch, NULL);
}

void http_on_gone(http_request_t *request, loop_f on_gone, void *self)
{
    request->on_gone = on_gone;
    request->gone_self = self;
}

/* what was asked */

const char *http_method(const http_request_t *request)
{
    switch (evhttp_request_get_command(request->evreq)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    default:
        return "OPTIONS"; /* anything else was refused */
    }
}

/* evhttp reads "//a/b" as host and path; for us it is a path, as for any proxy in front. */
span_t http_path(const http_request_t *request)
{
    const char *target = evhttp_request_get_uri(request->evreq);

    if (*target != '/' && *target != '*') {
        target = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request->evreq));
        if (!target || !*target) {
            target = "/";
        }
    }
    return (span_t){ target, strcspn(target, "?#") };
}

span_t http_query(const http_request_t *request)
{
    const char *target = evhttp_request_get_uri(request->evreq);
    const char *mark = target + strcspn(target, "?#");

    return *mark == '?' ? (span_t){ mark + 1, strcspn(mark + 1, "#") } : (span_t){ 0 };
}

span_t http_header(const http_request_t *request, const char *name, size_t *ret_count)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request->evreq);
    struct evkeyval *header;
    span_t value = { 0 };
    size_t count = 0;

    TAILQ_FOREACH(header, headers, next)
    {
        if (strcasecmp(header->key, name) == 0 && count++ == 0) {
            value = span_trim(span_of(header->value));
        }
    }
    if (ret_count) {
        *ret_count = count;
    }
    return value;
}

void http_each_header(const http_request_t *request, http_header_f each, void *self)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request->evreq);
    struct evkeyval *header;

    TAILQ_FOREACH(header, headers, next)
    {
        if (!each(self, span_of(header->key), span_trim(span_of(header->value)))) {
            return;
        }
    }
}

span_t http_body(http_request_t *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request->evreq);
    size_t length = evbuffer_get_length(body);

    return (span_t){ length > 0 ? (const char *)evbuffer_pullup(body, -1) : "", length };
}

const char *http_request_id(const http_request_t *request)
{
    return request->id;
}

const char *conn_peer(const conn_t *conn)
{
    const struct sockaddr *at = evhttp_connection_get_addr(conn->evcon);
    char *address;
    uint16_t port;

    if (!at || at->sa_family == AF_UNIX) {
        return "";
    }
    evhttp_connection_get_peer(conn->evcon, &address, &port);
    /* An IPv4 client of a socket that listens on [::]. */
    return strncmp(address, "::ffff:", 7) == 0 && strchr(address, '.') ? address + 7 : address;
}

const char *http_peer(const http_request_t *request)
{
    return conn_peer(request->conn);
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
    const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

    if (a->ss_family != b->ss_family) {
        return false;
    }
    return a->ss_family == AF_INET
               ? a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr
               : a6->sin6_port == b6->sin6_port && IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr);
}

/* evhttp does not say which listener a connection came from; its own end's address does. */
bool http_is_local_listener(const http_request_t *request)
{
    const http_server_t *server = request->server;
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof(at);

    if (getsockname(request->conn->fd, (struct sockaddr *)&at, &size) < 0) {
        return false;
    }
    if (at.ss_family == AF_UNIX) {
        return true;
    }
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].local && same_address(&at, &server->listeners[i].at)) {
            return true;
        }
    }
    return false;
}

int64_t http_started_us(const http_request_t *request)
{
    return request->conn->started_us;
}

/* answers */

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

static void add_common_headers(http_request_t *request, const char *content_type)
{
    http_add_header(request, "Date", loop_http_date(request->server->loop));
    if (content_type) {
        http_add_header(request, "Content-Type", content_type);
    }
    http_add_header(request, "X-Request-Id", request->id);
    http_add_header(request, "X-Content-Type-Options", "nosniff");
    http_add_header(request, "Content-Security-Policy", HTTP_CSP);
    if (request->server->draining) {
        http_add_header(request, "Connection", "close");
    }
}

/* evhttp would send a body after HEAD, and no Content-Length. */
static void drop_body(http_request_t *request, struct evbuffer *body)
{
    char length[24];

    snprintf(length, sizeof(length), "%zu", body ? evbuffer_get_length(body) : 0);
    http_add_header(request, "Content-Length", length);
    if (body) {
        evbuffer_drain(body, evbuffer_get_length(body));
    }
}

void http_reply(http_request_t *request, int status, const char *content_type, struct evbuffer *body)
{
    struct evhttp_request *evreq = request->evreq;
    conn_t *conn = request->conn;

    if (request->ending) {
        return;
    }
    add_common_headers(request, content_type);
    if (evhttp_request_get_command(evreq) == EVHTTP_REQ_HEAD) {
        drop_body(request, body);
    }
    if (body && (status == 204 || status == 304)) {
        evbuffer_drain(body, evbuffer_get_length(body)); /* evhttp would send it */
    }
    request_free(request);
    conn_sends(conn, PHASE_SENDING);
    evhttp_request_set_on_complete_cb(evreq, on_answer_sent, conn);
    evhttp_send_reply(evreq, status, http_reason(status), body);
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

/* streams */

/* HTTP/1.0 knows no chunks: the end of the connection is the end of the stream, whatever the client asked. */
static void close_at_end(struct evhttp_request *evreq)
{
    evhttp_remove_header(evhttp_request_get_input_headers(evreq), "Connection");
    evhttp_remove_header(evhttp_request_get_output_headers(evreq), "Connection");
    evhttp_add_header(evhttp_request_get_output_headers(evreq), "Connection", "close");
}

void http_stream_start(http_request_t *request, int status, const char *content_type, int64_t heartbeat_ms)
{
    struct evhttp_request *evreq = request->evreq;

    if (request->ending) {
        return;
    }
    add_common_headers(request, content_type);
    if (evreq->minor == 0) {
        close_at_end(evreq);
    }
    if (event_initialized(&request->watch)) {
        event_del(&request->watch);
    }
    request->heartbeat_ms = heartbeat_ms;
    request->beat_at_ms = loop_now_ms(request->server->loop) + heartbeat_ms;
    conn_sends(request->conn, PHASE_STREAMING);
    evhttp_send_reply_start(evreq, status, http_reason(status));
}

static void on_stream_written(struct evhttp_connection *evcon, void *self)
{
    http_request_t *request = self;

    (void)evcon;
    if (request->choked) {
        request->choked = false;
        if (request->on_drained) {
            request->on_drained(request->drained_self);
        }
    }
}

size_t http_stream_write(http_request_t *request, struct evbuffer *bytes)
{
    conn_t *conn = request->conn;
    size_t waiting;

    if (!request->ending) {
        evhttp_send_reply_chunk_with_cb(request->evreq, bytes, on_stream_written, request);
        conn_limit_input(conn); /* evhttp has just enabled reading */
    }
    evbuffer_drain(bytes, evbuffer_get_length(bytes)); /* what HEAD does not send */
    request->beat_at_ms = loop_now_ms(request->server->loop) + request->heartbeat_ms;
    waiting = evbuffer_get_length(bufferevent_get_output(conn->bev));
    request->choked |= waiting > HTTP_STREAM_HIGH_BYTES;
    return waiting;
}

void request_beat(http_request_t *request, int64_t now_ms)
{
    if (request->heartbeat_ms <= 0 || now_ms < request->beat_at_ms ||
        evbuffer_get_length(bufferevent_get_output(request->conn->bev)) > 0) {
        return;
    }
    AUTO(evbuffer_free) struct evbuffer *comment = evbuffer_new();
    evbuffer_add(comment, ": \n\n", 4);
    http_stream_write(request, comment);
}

void http_stream_on_drained(http_request_t *request, loop_f on_drained, void *self)
{
    request->on_drained = on_drained;
    request->drained_self = self;
}

void http_stream_end(http_request_t *request)
{
    struct evhttp_request *evreq = request->evreq;
    conn_t *conn = request->conn;

    if (request->ending) {
        return;
    }
    request_free(request);
    conn_sends(conn, PHASE_SENDING);
    evhttp_request_set_on_complete_cb(evreq, on_answer_sent, conn);
    evhttp_send_reply_end(evreq);
}

bool http_stream_started(const http_request_t *request)
{
    return request->conn->phase == PHASE_STREAMING;
}
