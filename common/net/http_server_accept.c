/* Listeners, and what happens when more connections come than there is room for.
 *
 * At the cap the oldest connection makes room that has not asked anything whole yet, or whose last answer is
 * on its way: so a crowd that connects and says nothing, half of something, or nonsense drives itself out,
 * and whoever asks is served. Next comes the one that has been idle longest between two requests, if that is
 * a second or more. Where there is none the newcomer is told 503.
 *
 * Out of descriptors the connection that cannot be accepted stays readable for ever and would turn the loop
 * into a spin. So idle ones make room; else a reserve descriptor is given up for a moment to accept, say 503
 * and close; and the listener rests until the next sweep.
 */
#include "http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/listener.h>

#include "log.h"

#define TURNED_AWAY_AT_ONCE 128
#define IDLE_MS 1000

/* room */

static void complain(http_server_t *server, const char *what, const char *why)
{
    if (http_quota_may_complain(server->quota, loop_now_ms(server->loop)) &&
        log_begin(LOG_LEVEL_WARN, what)) {
        log_str("why", why);
        log_int("connections", (int64_t)server->conn_count);
        log_end();
    }
}

static bool make_room(http_server_t *server)
{
    int64_t recent_ms = loop_now_ms(server->loop) + server->limits.idle_timeout_ms - IDLE_MS;
    conn_t *conn = TAILQ_FIRST(&server->idle[false]), *idle = TAILQ_FIRST(&server->idle[true]);

    if (!conn && idle && idle->deadline_ms <= recent_ms) {
        conn = idle;
    }
    if (conn) {
        conn_cut(conn);
    }
    return conn != NULL;
}

static void refuse_full(conn_t *conn, const char *text)
{
    complain(conn->server, "too many connections: new ones are refused", text);
    conn_refuse(conn, 503, "too_many_connections", mem_strdup(text));
}

/* Agents behind one proxy all have its address. */
static bool is_crowding(conn_t *conn)
{
    http_server_t *server = conn->server;
    size_t max = server->limits.max_per_address;
    const char *peer = conn_peer(conn);

    if (max == 0 || !*peer || (server->is_proxy && server->is_proxy(server->is_proxy_self, peer))) {
        return false;
    }
    conn->counted = true;
    return http_quota_enter(server->quota, evhttp_connection_get_addr(conn->evcon)) > max;
}

bool conn_has_room(conn_t *conn)
{
    http_server_t *server = conn->server;
    size_t max = server->limits.max_connections, open = http_quota_connect(server->quota);

    if (is_crowding(conn)) {
        refuse_full(conn, "Too many connections are open from this address.");
        return false;
    }
    if (open <= max || make_room(server)) {
        return true;
    }
    if (open > max + max / 8 + 16) { /* even saying no takes a descriptor for a while */
        complain(server, "too many connections: new ones are closed", "the cap, and those being refused");
        conn_cut(conn);
        return false;
    }
    refuse_full(conn, "Too many connections are open. Try again later.");
    return false;
}

/* listeners */

void listeners_pause(http_server_t *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].bound) {
            evconnlistener_disable(evhttp_bound_socket_get_listener(server->listeners[i].bound));
        }
    }
}

void listeners_resume(http_server_t *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].bound) {
            evconnlistener_enable(evhttp_bound_socket_get_listener(server->listeners[i].bound));
        }
    }
}

int http_reserve_fd(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Whoever waits in the queue learns that it is full, as long as the reserve lets us accept. */
static void turn_away(http_server_t *server, int listen_fd)
{
    static const char sorry[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                                "Content-Length: 92\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
                                "{\"error\":{\"code\":\"too_many_connections\","
                                "\"message\":\"No descriptor is left.\",\"request_id\":\"\"}}";

    int fd = 0;

    for (int i = 0; i < TURNED_AWAY_AT_ONCE && fd >= 0 && server->reserve_fd >= 0; i++) {
        close(server->reserve_fd);
        fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            send(fd, sorry, sizeof(sorry) - 1, MSG_NOSIGNAL);
            close(fd);
        }
        server->reserve_fd = http_reserve_fd();
    }
}

/* libevent gives the callback no pointer of ours, so the sweep is told here whose listener it was. */
static __thread struct evhttp *starved;
static __thread int starved_error;

static void on_accept_error(struct evconnlistener *listener, void *http)
{
    starved_error = errno;
    starved = http;
    evconnlistener_disable(listener);
}

void listeners_relieve(http_server_t *server)
{
    int room = 0;

    if (starved != server->http) {
        return;
    }
    starved = NULL;
    if (server->reserve_fd < 0) { /* another thread was quicker to take it */
        server->reserve_fd = http_reserve_fd();
    }
    complain(server, "cannot accept connections", strerror(starved_error));
    while (room < TURNED_AWAY_AT_ONCE && make_room(server)) {
        room++;
    }
    for (size_t i = 0; i < server->listener_count && !server->draining; i++) {
        if (room == 0) {
            turn_away(server, evhttp_bound_socket_get_fd(server->listeners[i].bound));
        }
    }
    listeners_resume(server);
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
bool listeners_are_local(const http_server_t *server, int fd)
{
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof(at);

    if (getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
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

/* Their addresses stay known: connections that came in on them still want to know which were local. */
void listeners_close(http_server_t *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].bound) {
            evhttp_del_accept_socket(server->http, TAKE(server->listeners[i].bound));
        }
    }
}
