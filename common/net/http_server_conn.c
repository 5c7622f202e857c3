/* Connections. evhttp parses and writes them; what it lacks is added here, by public API only:
 *
 * - Born: evhttp asks conn_made() for a bufferevent before it has a connection. So a newborn is adopted by
 * the chores event, which runs in the same turn, before a byte of it can be read. The callbacks on both
 * buffers that it gets there are where a stricter gate belongs.
 * - Limits: evhttp's answer in HTML, and after the body. on_input() counts the bytes before evhttp sees them.
 * - Errors: when evhttp answers by itself, on_output() sees bytes that no handler has sent; they are replaced
 * by ours in the same turn, before they can leave.
 * - Refused: the answer is followed by reading on for a while, since closing with bytes unread resets the
 * connection and the client would never see why.
 * - Over: every connection ends in conn_free(), by conn_cut() when we end it and by on_closed() when evhttp
 * does.
 *
 * Surprising: a connection is never ended inside a callback of its buffers, always by a chore or the sweep.
 */
#include "http_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define LINGER_MS 2000
#define MAX_SENT_AHEAD 65536
#define MAX_SINGLE_WRITE 1048576

/* ends */

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *self);
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *self);

/* The bufferevent itself lives until libevent's next turn: nothing of ours may be called by it any more. */
static void conn_free(conn_t *conn)
{
    http_server_t *server = conn->server;

    evbuffer_remove_cb(bufferevent_get_input(conn->bev), on_input, conn);
    evbuffer_remove_cb(bufferevent_get_output(conn->bev), on_output, conn);
    LIST_REMOVE(conn, link);
    if (conn->fd >= 0) {
        server->by_fd[conn->fd] = NULL;
    }
    mem_free(conn->refuse_text);
    mem_free(conn);
    server->conn_count--;
    http_server_check_drained(server);
}

void conn_cut(conn_t *conn)
{
    struct evhttp_connection *evcon = conn->evcon;

    evhttp_connection_set_closecb(evcon, NULL, NULL);
    if (conn->request) {
        request_gone(conn->request);
    }
    conn_free(conn);
    evhttp_connection_free(evcon); /* and the request, if one is open */
}

/* evhttp ends a connection: after its last answer, or because reading or writing failed. In the latter case
 * it has let go of an open request, which is ours to free. */
static void on_closed(struct evhttp_connection *evcon, void *self)
{
    conn_t *conn = self;
    struct evhttp_request *orphan = conn->request ? conn->request->evreq : NULL;

    (void)evcon;
    if (orphan && evhttp_request_get_connection(orphan)) {
        orphan = NULL;
    }
    if (conn->request) {
        request_gone(conn->request);
    }
    conn_free(conn);
    if (orphan) {
        evhttp_request_free(orphan);
    }
}

/* refusals */

void conn_refuse(conn_t *conn, int status, const char *code, char *text)
{
    http_server_t *server = conn->server;

    if (conn->refuse_status) {
        mem_free(text);
        return;
    }
    conn->refuse_status = status;
    conn->refuse_code = code;
    conn->refuse_text = text;
    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&server->refusing, conn, link);
    event_active(server->chores, EV_TIMEOUT, 1);
}

static void on_refusal_sent(struct bufferevent *bev, void *self)
{
    (void)self;
    shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_refusal_over(struct bufferevent *bev, short what, void *self)
{
    (void)bev;
    (void)what;
    conn_cut(self);
}

static void log_refusal(conn_t *conn, const char *id)
{
    if (log_begin(LOG_LEVEL_INFO, "request refused")) {
        log_int("status", conn->refuse_status);
        log_str("code", conn->refuse_code);
        log_str("peer", conn_peer(conn));
        log_str("request_id", id);
        log_end();
    }
}

static void write_refusal(conn_t *conn, struct evbuffer *output)
{
    AUTO(evbuffer_free) struct evbuffer *body = evbuffer_new();
    char id[17];

    http_new_id(conn->server, id);
    http_error_json(body, conn->refuse_code, conn->refuse_text, id);
    evbuffer_add_printf(
        output,
        "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
        "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: " HTTP_CSP
        "\r\n%sConnection: close\r\n\r\n",
        conn->refuse_status, http_reason(conn->refuse_status), loop_http_date(conn->server->loop),
        evbuffer_get_length(body), id, conn->refuse_status == 405 ? "Allow: " HTTP_ALLOW "\r\n" : "");
    evbuffer_add_buffer(output, body);
    log_refusal(conn, id);
}

/* Takes the connection out of evhttp's hands. Nothing of an answer has left yet: what evhttp may have queued
 * is dropped. */
static void refuse(conn_t *conn)
{
    struct evbuffer *output = bufferevent_get_output(conn->bev);

    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&conn->server->conns, conn, link);
    conn->phase = PHASE_REFUSED;
    conn->deadline_ms = loop_now_ms(conn->server->loop) + LINGER_MS;
    bufferevent_setcb(conn->bev, NULL, on_refusal_sent, on_refusal_over, conn);
    evbuffer_unfreeze(output, 1);
    evbuffer_drain(output, evbuffer_get_length(output));
    evbuffer_freeze(output, 1);
    write_refusal(conn, output);
    bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
}

/* bytes coming in */

static void begin_head(conn_t *conn)
{
    conn->phase = PHASE_HEAD;
    conn->started_us = clock_us();
    conn->deadline_ms = loop_now_ms(conn->server->loop) + conn->server->limits.header_timeout_ms;
    conn->intake = (intake_t){ 0 };
}

/* Chunk framing may add a quarter and some, and so may requests that were sent ahead; the decoded body is
 * measured exactly when it is whole. */
size_t http_max_raw_body(const http_limits_t *limits)
{
    return limits->max_body_bytes + limits->max_body_bytes / 4 + 2 * MAX_SENT_AHEAD;
}

void conn_refuse_body(conn_t *conn)
{
    conn_refuse(conn, 413, "body_too_large",
                mem_printf("The body is larger than %zu bytes, the most this server takes.",
                           conn->server->limits.max_body_bytes));
}

static void check_head(conn_t *conn)
{
    const http_limits_t *limits = &conn->server->limits;
    const intake_t *intake = &conn->intake;

    if (intake->bytes > limits->max_header_bytes) {
        conn_refuse(
            conn, 431, "headers_too_large",
            mem_printf("The request line and headers are longer than %zu bytes.", limits->max_header_bytes));
    } else if (intake->lines > limits->max_header_lines + 2) { /* request line, empty line */
        conn_refuse(conn, 431, "headers_too_large",
                    mem_printf("There are more than %zu header lines.", limits->max_header_lines));
    } else if (intake->ended && intake->lengths > 1) {
        /* evhttp would take the first, something in front of us perhaps the last. */
        conn_refuse(conn, 400, "bad_request", mem_strdup("Content-Length is given twice."));
    } else if (intake->ended && intake->content_length > limits->max_body_bytes) {
        conn_refuse_body(conn);
    }
}

/* Reads what `input` holds from `offset` on. */
static void read_head(conn_t *conn, struct evbuffer *input, size_t offset)
{
    struct evbuffer_ptr at;
    struct evbuffer_iovec piece;

    evbuffer_ptr_set(input, &at, offset, EVBUFFER_PTR_SET);
    while (!conn->intake.ended && evbuffer_peek(input, -1, &at, &piece, 1) > 0) {
        offset += intake_feed(&conn->intake, piece.iov_base, piece.iov_len);
        if (evbuffer_ptr_set(input, &at, piece.iov_len, EVBUFFER_PTR_ADD) < 0) {
            break;
        }
    }
    if (conn->intake.ended) {
        conn->phase = PHASE_BODY;
        conn->deadline_ms = loop_now_ms(conn->server->loop) + conn->server->limits.body_timeout_ms;
        conn->body_bytes = evbuffer_get_length(input) - offset;
    }
    check_head(conn);
}

void conn_limit_input(conn_t *conn)
{
    if (evbuffer_get_length(bufferevent_get_input(conn->bev)) > MAX_SENT_AHEAD) {
        bufferevent_disable(conn->bev, EV_READ); /* evhttp enables it again for the next request */
    }
}

/* Runs before evhttp sees the bytes: what is drained here it never does. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *self)
{
    conn_t *conn = self;

    if (info->n_added == 0) {
        return;
    }
    if (conn->phase == PHASE_IDLE) {
        begin_head(conn);
    }
    if (conn->phase == PHASE_HEAD) {
        read_head(conn, input, evbuffer_get_length(input) - info->n_added);
    } else if (conn->phase == PHASE_BODY) {
        conn->body_bytes += info->n_added;
        if (conn->body_bytes > http_max_raw_body(&conn->server->limits)) {
            conn_refuse_body(conn);
        }
    } else {
        conn_limit_input(conn);
    }
    if (conn->refuse_status) {
        evbuffer_drain(input, evbuffer_get_length(input));
    }
}

/* bytes going out */

/* evhttp speaks for itself: "100 Continue" passes, an error is noted and becomes ours. */
static void replace_own_answer(conn_t *conn, struct evbuffer *output, size_t added)
{
    struct evbuffer_ptr at;
    char line[24] = "";
    int status;

    evbuffer_ptr_set(output, &at, evbuffer_get_length(output) - added, EVBUFFER_PTR_SET);
    evbuffer_copyout_from(output, &at, line, sizeof(line) - 1);
    if (sscanf(line, "HTTP/%*d.%*d %d", &status) != 1 || status == 100) {
        return;
    }
    if (status == 413) {
        conn_refuse_body(conn);
    } else if (status == 417) {
        conn_refuse(conn, status, "expectation_failed",
                    mem_strdup("The only Expect that is known is 100-continue."));
    } else {
        conn_refuse(conn, 400, "bad_request", mem_strdup("This is not a well-formed HTTP/1.1 request."));
    }
}

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *self)
{
    conn_t *conn = self;

    if (conn->phase < PHASE_OPEN) {
        if (info->n_added > 0 && !conn->refuse_status) {
            replace_own_answer(conn, output, info->n_added);
        }
    } else if (conn->phase != PHASE_REFUSED && (info->n_deleted > 0 || info->orig_size == 0)) {
        conn->deadline_ms = loop_now_ms(conn->server->loop) + conn->server->limits.idle_timeout_ms;
    }
}

void conn_sends(conn_t *conn, phase_t phase)
{
    conn->phase = phase;
    conn->deadline_ms = loop_now_ms(conn->server->loop) + conn->server->limits.idle_timeout_ms;
}

/* evhttp goes on to the next request after this, or closes: the header is what it looks at. */
void on_answer_sent(struct evhttp_request *evreq, void *self)
{
    conn_t *conn = self;
    struct evbuffer *input = bufferevent_get_input(conn->bev);

    conn_sends(conn, PHASE_IDLE);
    if (conn->server->draining) {
        evhttp_add_header(evhttp_request_get_output_headers(evreq), "Connection", "close");
    } else if (evbuffer_get_length(input) > 0) {
        begin_head(conn);
        read_head(conn, input, 0);
        if (conn->refuse_status) {
            evbuffer_drain(input, evbuffer_get_length(input));
        }
    }
}

/* births */

struct bufferevent *conn_made(struct event_base *base, void *self)
{
    http_server_t *server = self;
    conn_t *conn = NEW(conn_t);

    *conn = (conn_t){ .server = server, .fd = -1, .phase = PHASE_IDLE };
    conn->deadline_ms = loop_now_ms(server->loop) + server->limits.header_timeout_ms;
    conn->bev = bufferevent_socket_new(base, -1, 0);
    if (!conn->bev) {
        abort(); /* evhttp would go on with a bufferevent of its own, behind our back */
    }
    bufferevent_set_max_single_write(conn->bev, MAX_SINGLE_WRITE); /* else 16 KiB per turn */
    evbuffer_add_cb(bufferevent_get_input(conn->bev), on_input, conn);
    evbuffer_add_cb(bufferevent_get_output(conn->bev), on_output, conn);
    bufferevent_incref(conn->bev); /* until adopted: evhttp may drop it on the way */
    LIST_INSERT_HEAD(&server->newborns, conn, link);
    server->conn_count++;
    event_active(server->chores, EV_TIMEOUT, 1);
    return conn->bev;
}

static void remember_fd(conn_t *conn)
{
    http_server_t *server = conn->server;
    size_t fd = (size_t)conn->fd;

    if (fd >= server->by_fd_size) {
        size_t size = 2 * fd + 64;
        server->by_fd = mem_resize(server->by_fd, size * sizeof(*server->by_fd));
        memset(server->by_fd + server->by_fd_size, 0, (size - server->by_fd_size) * sizeof(*server->by_fd));
        server->by_fd_size = size;
    }
    server->by_fd[fd] = conn;
}

static void check_cap(conn_t *conn)
{
    size_t max = conn->server->limits.max_connections, open = conn->server->conn_count;

    if (max == 0 || open <= max) {
        return;
    }
    if (open > max + max / 8 + 16) { /* even saying no takes a descriptor for a while */
        conn_cut(conn);
        return;
    }
    conn_refuse(conn, 503, "too_many_connections",
                mem_strdup("Too many connections are open. Try again later."));
}

static void adopt(conn_t *conn)
{
    struct bufferevent *bev = conn->bev;
    void *evcon;

    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&conn->server->conns, conn, link);
    bufferevent_getcb(bev, NULL, NULL, NULL, &evcon);
    if (evcon) {
        conn->evcon = evcon;
        conn->fd = bufferevent_getfd(bev);
        remember_fd(conn);
        evhttp_connection_set_closecb(conn->evcon, on_closed, conn);
        check_cap(conn);
    } else {
        conn_free(conn);
    }
    bufferevent_decref(bev);
}

void conn_chores(http_server_t *server)
{
    conn_t *conn;

    while ((conn = LIST_FIRST(&server->newborns))) {
        adopt(conn);
    }
    while ((conn = LIST_FIRST(&server->refusing))) {
        refuse(conn);
    }
}
