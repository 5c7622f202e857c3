/* How connections are born and end. evhttp parses and writes them; what it lacks is added by public API only:
 *
 * - Born: evhttp asks conn_made() for a bufferevent before it has a connection. So a newborn is adopted by
 * the chores event, which runs in the same turn, before a byte of it can be read. The callbacks on both
 * buffers that it gets there are in http_server_bytes.c.
 * - Refused: the last answer goes out past evhttp, followed by reading on for a while, since closing with
 * bytes unread resets the connection and the client would never see why.
 * - Over: every connection ends in conn_free(), by conn_cut() when we end it and by on_closed() when evhttp
 * does.
 *
 * Surprising: a connection is never ended inside a callback of its buffers, always by a chore or the sweep.
 */
#include "http_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define LINGER_MS 2000
#define MAX_SINGLE_WRITE 1048576
#define NEWBORNS_AT_ONCE 64 /* libevent accepts until nobody waits; the cap is looked at in between */

/* what a connection has of what all share */

bool conn_hold(conn_t *conn, size_t bytes)
{
    http_server_t *server = conn->server;
    size_t more = bytes > conn->held_bytes ? bytes - conn->held_bytes : 0;

    conn->held_bytes += more;
    server->held_bytes += more;
    return http_quota_hold(server->quota, more) <= server->limits.max_held_bytes;
}

void conn_let_go(conn_t *conn)
{
    if (conn->held_bytes > 0) {
        http_quota_let_go(conn->server->quota, conn->held_bytes);
        conn->server->held_bytes -= conn->held_bytes;
        conn->held_bytes = 0;
    }
}

void conn_be_idle(conn_t *conn)
{
    assert(!conn->idle_in); /* twice in and once out would leave freed memory behind */
    conn->idle_in = &conn->server->idle[conn->served];
    TAILQ_INSERT_TAIL(conn->idle_in, conn, idle_link);
}

void conn_be_busy(conn_t *conn)
{
    if (conn->idle_in) {
        TAILQ_REMOVE(conn->idle_in, conn, idle_link);
        conn->idle_in = NULL;
    }
    conn->served = true;
}

/* ends */

static void free_bytes(struct evbuffer *bytes)
{
    if (bytes) {
        evbuffer_free(bytes);
    }
}

/* The bufferevent itself lives until libevent's next turn: nothing of ours may be called by it any more. */
static void conn_free(conn_t *conn)
{
    http_server_t *server = conn->server;

    evbuffer_remove_cb(bufferevent_get_input(conn->bev), on_input, conn);
    evbuffer_remove_cb(bufferevent_get_output(conn->bev), on_output, conn);
    LIST_REMOVE(conn, link);
    conn_unwatch(conn);
    loop_write_cancel(server->loop, &conn->sending);
    conn_be_busy(conn);
    conn_let_go(conn);
    if (conn->fd >= 0) {
        server->by_fd[conn->fd] = NULL;
        http_quota_disconnect(server->quota);
    }
    if (conn->counted) {
        http_quota_leave(server->quota, evhttp_connection_get_addr(conn->evcon));
    }
    free_bytes(conn->early);
    free_bytes(conn->farewell);
    mem_free(conn->head);
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
    struct evhttp_request *orphan = conn->request ? conn->request->evreq : conn->unsent;

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

void conn_say_farewell(conn_t *conn, struct evbuffer *answer)
{
    conn->farewell = answer;
    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&conn->server->refusing, conn, link);
    event_active(conn->server->chores, EV_TIMEOUT, 1);
}

static void log_refusal(conn_t *conn, int status, const char *code, const char *id)
{
    if (log_begin(LOG_LEVEL_INFO, "request refused")) {
        log_int("status", status);
        log_str("code", code);
        log_str("peer", conn_peer(conn));
        log_str("request_id", id);
        log_end();
    }
}

void conn_refuse(conn_t *conn, int status, const char *code, char *text)
{
    AUTO(mem_free) char *sentence = text;
    AUTO(evbuffer_free) struct evbuffer *body = evbuffer_new();
    struct evbuffer *answer = evbuffer_new();
    char id[17];

    if (conn->farewell) {
        evbuffer_free(answer);
        return;
    }
    http_new_id(conn->server, id);
    http_error_json(body, code, sentence, id);
    evbuffer_add_printf(
        answer,
        "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
        "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: " HTTP_CSP
        "\r\n%s%sConnection: close\r\n\r\n",
        status, http_reason(status), loop_http_date(conn->server->loop), evbuffer_get_length(body), id,
        status == 405 ? "Allow: " HTTP_ALLOW "\r\n" : "", status == 503 ? "Retry-After: 1\r\n" : "");
    evbuffer_add_buffer(answer, body);
    log_refusal(conn, status, code, id);
    conn_say_farewell(conn, answer);
}

static void on_farewell_sent(struct bufferevent *bev, void *self)
{
    conn_t *conn = self;

    shutdown(bufferevent_getfd(bev), SHUT_WR);
    if (!conn->idle_in) { /* it lingers for the client's sake; others may need the room more */
        conn->served = false;
        conn_be_idle(conn);
    }
}

static void on_farewell_over(struct bufferevent *bev, short what, void *self)
{
    (void)bev;
    (void)what;
    conn_cut(self);
}

/* Takes the connection out of evhttp's hands. Nothing of an answer has left yet: what evhttp may have queued
 * is dropped. */
static void send_farewell(conn_t *conn)
{
    struct evbuffer *output = bufferevent_get_output(conn->bev);

    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&conn->server->conns, conn, link);
    conn_unwatch(conn);
    conn_be_busy(conn);
    conn_let_go(conn);
    conn->phase = PHASE_REFUSED;
    conn->deadline_ms = loop_now_ms(conn->server->loop) + LINGER_MS;
    bufferevent_setcb(conn->bev, NULL, on_farewell_sent, on_farewell_over, conn);
    evbuffer_unfreeze(output, 1);
    evbuffer_drain(output, evbuffer_get_length(output));
    evbuffer_freeze(output, 1);
    evbuffer_add_buffer(output, conn->farewell);
    bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
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
    if (++server->newborn_count == NEWBORNS_AT_ONCE) {
        listeners_pause(server);
    }
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
        loop_expect_fds(server->loop, (int)size);
    }
    server->by_fd[fd] = conn;
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
        conn->local = listeners_are_local(conn->server, conn->fd);
        remember_fd(conn);
        evhttp_connection_set_closecb(conn->evcon, on_closed, conn);
        if (conn_has_room(conn)) {
            conn_be_idle(conn);
        }
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
        send_farewell(conn);
    }
    if (server->newborn_count >= NEWBORNS_AT_ONCE) {
        listeners_resume(server);
    }
    server->newborn_count = 0;
}
