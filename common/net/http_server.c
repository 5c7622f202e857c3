/* The server: its listeners, what happens to a request that evhttp has read whole, deadlines, and the end of
 * it all.
 *
 * Deadlines are absolute and are compared by one sweep four times a second, which costs a request two
 * assignments; evhttp's own are per read, and a byte per second passes them.
 */
#include "http_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"

#define SWEEP_MS 250
#define METHODS                                                                                              \
    (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |                \
     EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS)
/* When too much is held by answers that nobody takes, or that are taken drop by drop. */
#define STALLED_MS 1000
#define SLOW_BYTES_PER_MS 64
#define SWEEPS_PER_TRIM 8
#define MANY_CONNECTIONS 128 /* after so many, or so many bytes, memory is given back */
#define MANY_BYTES (4u * 1024 * 1024)

/* requests */

/* evhttp has read what the gate let pass, and the same of it: else one of the two would take a body for a
 * request, or a request for a body. */
static bool is_agreed(conn_t *conn, struct evhttp_request *evreq)
{
    size_t length = evbuffer_get_length(evhttp_request_get_input_buffer(evreq));

    if (conn->cut_short || (conn->gate.stage == HTTP_GATE_WHOLE && length == conn->gate.body_bytes)) {
        return true;
    }
    conn_refuse(conn, 400, "bad_request", mem_strdup("This is not a well-formed HTTP/1.1 request."));
    return false;
}

static void on_request(struct evhttp_request *evreq, void *self)
{
    http_server_t *server = self;
    struct evhttp_connection *evcon = evhttp_request_get_connection(evreq);
    conn_t *conn = server->by_fd[bufferevent_getfd(evhttp_connection_get_bufferevent(evcon))];

    if (is_agreed(conn, evreq)) {
        conn->phase = PHASE_OPEN;
        conn->deadline_ms = INT64_MAX;
        server->handler(server->self, request_new(conn, evreq));
    }
}

static void on_chores(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    conn_chores(self);
}

/* deadlines */

/* Of an answer in one piece; a stream is as slow as its events. */
static bool is_slow_to_take(const conn_t *conn, int64_t now_ms)
{
    size_t left = evbuffer_get_length(bufferevent_get_output(conn->bev));
    int64_t taken = (int64_t)(conn->held_bytes > left ? conn->held_bytes - left : 0);

    return conn->phase == PHASE_SENDING && taken < (now_ms - conn->sending_since_ms) * SLOW_BYTES_PER_MS;
}

/* Who takes little or nothing of a large answer may hold it as long as something is taken every
 * idle_timeout_ms, but not while others need the room. */
static bool is_in_the_way(const conn_t *conn, int64_t now_ms)
{
    const http_limits_t *limits = &conn->server->limits;
    int64_t taken_at_ms = conn->deadline_ms - limits->idle_timeout_ms;

    return (conn->phase == PHASE_SENDING || conn->phase == PHASE_STREAMING) && conn->held_bytes > 0 &&
           http_quota_held(conn->server->quota) > limits->max_held_bytes &&
           now_ms - conn->sending_since_ms > STALLED_MS &&
           (now_ms - taken_at_ms > STALLED_MS || is_slow_to_take(conn, now_ms));
}

static bool is_expired(const conn_t *conn, int64_t now_ms)
{
    if (conn->phase == PHASE_STREAMING && evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0) {
        return false; /* quiet, not stalled */
    }
    if (conn->phase == PHASE_OPEN) {
        return conn_is_left(conn);
    }
    return conn->deadline_ms <= now_ms || is_in_the_way(conn, now_ms);
}

static void expire(conn_t *conn)
{
    const http_limits_t *limits = &conn->server->limits;

    if (conn->phase == PHASE_HEAD) {
        conn_refuse(
            conn, 408, "timeout",
            mem_printf("The headers were not whole after %lld ms.", (long long)limits->header_timeout_ms));
    } else if (conn->phase == PHASE_BODY) {
        conn_refuse(conn, 408, "timeout",
                    mem_printf("The body was not whole after %lld ms.", (long long)limits->body_timeout_ms));
    } else {
        conn_cut(conn);
    }
}

/* What on_gone calls may end other connections: so the doomed are set apart first, and taken one by one. */
static void doom(conn_t *conn)
{
    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&conn->server->doomed, conn, link);
}

static void end_doomed(http_server_t *server, void (*end)(conn_t *conn))
{
    conn_t *conn;

    while ((conn = LIST_FIRST(&server->doomed))) {
        LIST_REMOVE(conn, link);
        LIST_INSERT_HEAD(&server->conns, conn, link);
        end(conn);
    }
}

static void end_all(http_server_t *server)
{
    conn_chores(server);
    while (!LIST_EMPTY(&server->conns)) {
        conn_cut(LIST_FIRST(&server->conns));
    }
}

static void sweep_conns(http_server_t *server, int64_t now_ms)
{
    conn_t *conn, *next;

    for (conn = LIST_FIRST(&server->conns); conn; conn = next) {
        next = LIST_NEXT(conn, link);
        if (is_expired(conn, now_ms)) {
            doom(conn);
        } else if (conn->phase == PHASE_STREAMING) {
            request_beat(conn->request, now_ms);
        }
    }
    end_doomed(server, expire);
}

static size_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file) {
        if (fscanf(file, "%*u %lu", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* glibc keeps what was freed, and a crowd or a few large bodies would be seen in RSS for ever. */
static void give_memory_back(http_server_t *server)
{
    bool crowd_left = server->conn_peak >= MANY_CONNECTIONS && server->conn_count < server->conn_peak / 2;
    bool grown = server->request_count == 0 && resident_bytes() > server->resident_bytes + MANY_BYTES;

    if (server->conn_count > server->conn_peak) {
        server->conn_peak = server->conn_count;
    }
    if (crowd_left || grown) {
        server->conn_peak = server->conn_count;
        mem_give_back();
        server->resident_bytes = resident_bytes();
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *self)
{
    http_server_t *server = self;
    int64_t now_ms = loop_now_ms(server->loop);

    (void)fd;
    (void)what;
    sweep_conns(server, now_ms);
    if (server->draining && now_ms >= server->drain_until_ms) {
        end_all(server);
    }
    listeners_relieve(server);
    if (++server->sweeps % SWEEPS_PER_TRIM == 0) {
        give_memory_back(server);
    }
}

/* the server */

static http_limits_t filled_in(const http_limits_t *limits)
{
    http_limits_t filled = *limits;

    if (filled.max_connections == 0) {
        filled.max_connections = http_quota_default_connections();
    }
    return filled;
}

/* The gate has refused what is more; here stands the same, in case it is ever taken away. */
static void limit_evhttp(struct evhttp *http, const http_limits_t *limits)
{
    evhttp_set_max_headers_size(http, (ev_ssize_t)limits->max_header_bytes);
    evhttp_set_max_body_size(http, (ev_ssize_t)limits->max_body_bytes);
}

static struct evhttp *new_evhttp(http_server_t *server)
{
    struct evhttp *http = evhttp_new(loop_base(server->loop));

    if (!http) {
        abort();
    }
    evhttp_set_allowed_methods(http, METHODS);
    evhttp_set_default_content_type(http, NULL);
    limit_evhttp(http, &server->limits);
    evhttp_set_bevcb(http, conn_made, server);
    evhttp_set_gencb(http, on_request, server);
    return http;
}

http_server_t *http_server_new(loop_t *loop, const http_limits_t *limits, http_handler_f handler, void *self)
{
    http_server_t *server = NEW(http_server_t);

    mem_keep_spare();
    *server = (http_server_t){ .loop = loop, .limits = filled_in(limits), .handler = handler, .self = self };
    server->own_quota = server->quota = http_quota_new();
    server->reserve_fd = http_reserve_fd();
    TAILQ_INIT(&server->idle[false]);
    TAILQ_INIT(&server->idle[true]);
    server->http = new_evhttp(server);
    server->chores = event_new(loop_base(loop), -1, 0, on_chores, server);
    server->sweep = event_new(loop_base(loop), -1, EV_PERSIST, on_sweep, server);
    loop_arm(server->sweep, SWEEP_MS);
    if (getrandom(&server->id_state, sizeof(server->id_state), 0) < 0) {
        server->id_state = (uint64_t)clock_us();
    }
    return server;
}

void http_server_set_limits(http_server_t *server, const http_limits_t *limits)
{
    server->limits = filled_in(limits);
    limit_evhttp(server->http, limits);
}

void http_server_share(http_server_t *server, http_quota_t *quota)
{
    server->quota = quota;
}

void http_server_on_head(http_server_t *server, http_head_f wants_body, void *self)
{
    server->wants_body = wants_body;
    server->wants_body_self = self;
}

void http_server_on_peer(http_server_t *server, http_peer_f is_proxy, void *self)
{
    server->is_proxy = is_proxy;
    server->is_proxy_self = self;
}

void http_server_announce_end(http_server_t *server)
{
    server->closing = true;
}

void http_server_check_drained(http_server_t *server)
{
    if (server->draining && server->conn_count == 0 && server->on_drained) {
        loop_defer(server->loop, server->on_drained, server->drained_self);
        server->on_drained = NULL;
    }
}

void http_server_drain(http_server_t *server, int64_t drain_ms, loop_f done, void *self)
{
    conn_t *conn, *next;

    server->closing = server->draining = true;
    server->drain_until_ms = loop_now_ms(server->loop) + drain_ms;
    server->on_drained = done;
    server->drained_self = self;
    listeners_close(server);
    conn_chores(server);
    for (conn = LIST_FIRST(&server->conns); conn; conn = next) {
        next = LIST_NEXT(conn, link);
        if (conn->phase == PHASE_IDLE) {
            doom(conn);
        }
    }
    end_doomed(server, conn_cut);
    http_server_check_drained(server);
}

void http_server_free(http_server_t *server)
{
    if (!server) {
        return;
    }
    server->on_drained = NULL;
    listeners_close(server);
    end_all(server);
    evhttp_free(server->http); /* and what on_gone of one connection has still put aside of another */
    assert(server->conn_count == 0 && server->request_count == 0 && server->held_bytes == 0);
    event_free(server->chores);
    event_free(server->sweep);
    if (server->reserve_fd >= 0) {
        close(server->reserve_fd);
    }
    http_quota_free(server->own_quota);
    mem_free(server->listeners);
    mem_free(server->by_fd);
    buf_free(&server->scratch);
    mem_free(server);
}

size_t http_server_open_requests(const http_server_t *server)
{
    return server->request_count;
}

size_t http_server_connections(const http_server_t *server)
{
    return server->conn_count;
}

size_t http_server_held_bytes(const http_server_t *server)
{
    return server->held_bytes;
}
