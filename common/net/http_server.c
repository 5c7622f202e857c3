/* The server: its listeners, what happens to a request that evhttp has read whole, deadlines, and the end of
 * it all.
 *
 * Deadlines are absolute and are compared by one sweep four times a second, which costs a request two
 * assignments; evhttp's own are per read, and a byte per second passes them.
 */
#include "http_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <event2/listener.h>

#include "clock.h"
#include "log.h"

#define SWEEP_MS 250
#define SWEEPS_UNTIL_ACCEPTING_AGAIN 4
#define ALL_METHODS 0xffff /* unknown ones too: they are answered here, evhttp would say 501 in HTML */
#define KNOWN_METHODS                                                                                        \
    (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |                \
     EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS)

/* requests */

/* What evhttp lets pass and should not. It reads no body of HEAD, TRACE and unknown methods and would take it
 * for the next request. */
static bool is_served(conn_t *conn, struct evhttp_request *evreq)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(evreq);

    if (!(method & KNOWN_METHODS)) {
        conn_refuse(conn, 405, "method_not_allowed",
                    mem_strdup("This method is not served; these are: " HTTP_ALLOW "."));
    } else if (method == EVHTTP_REQ_HEAD &&
               (conn->intake.content_length > 0 ||
                evhttp_find_header(evhttp_request_get_input_headers(evreq), "Transfer-Encoding"))) {
        conn_refuse(conn, 400, "bad_request", mem_strdup("A HEAD request has no body."));
    } else if (evbuffer_get_length(evhttp_request_get_input_buffer(evreq)) >
               conn->server->limits.max_body_bytes) {
        conn_refuse_body(conn);
    }
    return !conn->refuse_status;
}

static void on_request(struct evhttp_request *evreq, void *self)
{
    http_server_t *server = self;
    struct evhttp_connection *evcon = evhttp_request_get_connection(evreq);
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));
    conn_t *conn = server->by_fd[fd];
    http_request_t *request;

    if (!is_served(conn, evreq)) {
        return;
    }
    request = request_new(conn, evreq);
    conn->phase = PHASE_OPEN;
    conn->deadline_ms = INT64_MAX;
    server->handler(server->self, request);
    if (server->by_fd[fd] == conn && conn->phase == PHASE_OPEN) {
        request_watch(conn->request);
    }
}

static void on_chores(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    conn_chores(self);
}

/* deadlines */

static bool is_expired(const conn_t *conn, int64_t now_ms)
{
    if (conn->phase == PHASE_STREAMING && evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0) {
        return false; /* quiet, not stalled */
    }
    return conn->deadline_ms <= now_ms;
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

static void accept_again(http_server_t *server)
{
    for (size_t i = 0; i < server->listener_count && !server->draining; i++) {
        evconnlistener_enable(evhttp_bound_socket_get_listener(server->listeners[i].bound));
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
    if (++server->sweeps % SWEEPS_UNTIL_ACCEPTING_AGAIN == 0) {
        accept_again(server);
    }
}

/* listeners */

/* Out of descriptors: the connection that cannot be accepted stays readable for ever, so the listener rests
 * until a sweep. */
static void on_accept_error(struct evconnlistener *listener, void *http)
{
    int error = errno;

    (void)http;
    evconnlistener_disable(listener);
    if (log_begin(LOG_LEVEL_WARN, "cannot accept connections; trying again in a second")) {
        log_str("error", strerror(error));
        log_end();
    }
}

void http_server_accept(http_server_t *server, int listen_fd)
{
    listener_t listener = { .local = http_listen_is_local(listen_fd) };
    socklen_t size = sizeof(listener.at);

    getsockname(listen_fd, (struct sockaddr *)&listener.at, &size);
    evutil_make_socket_nonblocking(listen_fd); /* else accept() would block the loop after the last one */
    listener.bound = evhttp_accept_socket_with_handle(server->http, listen_fd);
    if (!listener.bound) {
        abort();
    }
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(listener.bound), on_accept_error);
    server->listeners = mem_resize(server->listeners, (server->listener_count + 1) * sizeof(listener_t));
    server->listeners[server->listener_count++] = listener;
}

/* Their addresses stay known: requests that came in on them still want to know which were local. */
static void close_listeners(http_server_t *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].bound) {
            evhttp_del_accept_socket(server->http, TAKE(server->listeners[i].bound));
        }
    }
}

/* the server */

static void limit_evhttp(struct evhttp *http, const http_limits_t *limits)
{
    evhttp_set_max_headers_size(http, (ev_ssize_t)limits->max_header_bytes);
    evhttp_set_max_body_size(http, (ev_ssize_t)http_max_raw_body(limits));
}

static struct evhttp *new_evhttp(http_server_t *server)
{
    struct evhttp *http = evhttp_new(loop_base(server->loop));

    if (!http) {
        abort();
    }
    evhttp_set_allowed_methods(http, ALL_METHODS);
    evhttp_set_default_content_type(http, NULL);
    limit_evhttp(http, &server->limits);
    evhttp_set_bevcb(http, conn_made, server);
    evhttp_set_gencb(http, on_request, server);
    return http;
}

http_server_t *http_server_new(loop_t *loop, const http_limits_t *limits, http_handler_f handler, void *self)
{
    const struct timeval period = { .tv_usec = SWEEP_MS * 1000 };
    http_server_t *server = NEW(http_server_t);

    *server = (http_server_t){ .loop = loop, .limits = *limits, .handler = handler, .self = self };
    server->http = new_evhttp(server);
    server->chores = event_new(loop_base(loop), -1, 0, on_chores, server);
    server->sweep = event_new(loop_base(loop), -1, EV_PERSIST, on_sweep, server);
    event_add(server->sweep, &period);
    if (getrandom(&server->id_state, sizeof(server->id_state), 0) < 0) {
        server->id_state = (uint64_t)clock_us();
    }
    return server;
}

void http_server_set_limits(http_server_t *server, const http_limits_t *limits)
{
    server->limits = *limits;
    limit_evhttp(server->http, limits);
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

    server->draining = true;
    server->drain_until_ms = loop_now_ms(server->loop) + drain_ms;
    server->on_drained = done;
    server->drained_self = self;
    close_listeners(server);
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
    close_listeners(server);
    end_all(server);
    evhttp_free(server->http);
    event_free(server->chores);
    event_free(server->sweep);
    mem_free(server->listeners);
    mem_free(server->by_fd);
    mem_free(server);
}

size_t http_server_open_requests(const http_server_t *server)
{
    return server->request_count;
}
