/* One request above evhttp: what was asked, and the stream that answers it. Answers in one piece are in
 * http_answer.c.
 *
 * The http_request_t is freed when its answer is handed to evhttp, which keeps its own request until the last
 * byte has left.
 */
#include "http_private.h"

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
    request->head = TAKE(conn->head);
    http_new_id(conn->server, request->id);
    conn->request = request;
    conn->server->request_count++;
    return request;
}

void request_free(http_request_t *request)
{
    request->conn->request = NULL;
    request->server->request_count--;
    mem_free(request->head);
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

span_t http_path(const http_request_t *request)
{
    span_t target = http_head_target(request->head);
    size_t length = 0;

    while (length < target.length && target.at[length] != '?' && target.at[length] != '#') {
        length++;
    }
    return length > 0 ? (span_t){ target.at, length } : SPAN("/");
}

span_t http_query(const http_request_t *request)
{
    span_t target = http_head_target(request->head);
    const char *mark = memchr(target.at, '?', target.length);
    const char *fragment = memchr(target.at, '#', target.length);
    const char *end = fragment ? fragment : target.at + target.length;

    return mark && mark < end ? (span_t){ mark + 1, (size_t)(end - mark) - 1 } : (span_t){ 0 };
}

span_t http_header(const http_request_t *request, const char *name, size_t *ret_count)
{
    return http_head_header(request->head, name, ret_count);
}

void http_each_header(const http_request_t *request, http_header_f each, void *self)
{
    http_head_each(request->head, each, self);
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

bool http_is_local_listener(const http_request_t *request)
{
    return request->conn->local;
}

int64_t http_started_us(const http_request_t *request)
{
    return request->conn->started_us;
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
    answer_add_headers(request, content_type);
    if (evreq->minor == 0 || request->conn->cut_short) {
        close_at_end(evreq);
    }
    request->heartbeat_ms = heartbeat_ms;
    request->beat_at_ms = loop_now_ms(request->server->loop) + heartbeat_ms;
    conn_sends(request->conn, PHASE_STREAMING);
    evhttp_send_reply_start(evreq, status, http_reason(status));
    conn_unwatch(request->conn);
}

static void on_stream_written(struct evhttp_connection *evcon, void *self)
{
    http_request_t *request = self;

    (void)evcon;
    if (request->choked) {
        request->choked = false;
        conn_let_go(request->conn);
        conn_hold(request->conn, evbuffer_get_length(evhttp_request_get_input_buffer(request->evreq)));
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
    if (waiting > HTTP_STREAM_HIGH_BYTES) {
        request->choked = true;
        conn_hold(conn, waiting);
    }
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
