/* Connections of the hop client, see http_pool.h. Newest first, so that a burst's surplus grows old at the
 * other end, where one timer per pool closes what has been idle too long. */
#include "http_pool.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

/* Most answers are small: read on the stack and copied into the small chain that malloc has at hand. A chain
 * of 8 KB for each cost 1 us more. */
#define SMALL_READ_BYTES 8192
/* After a read that filled its room, and while more is known to come. What malloc gives libevent for a chain
 * of a round size: its header is 48 bytes. */
#define LARGE_READ_BYTES (65536 - 64)

#define TRUSTED_MS 10

static void on_reaper(evutil_socket_t fd, short what, void *self);

http_pool_t *http_pool_new(loop_t *loop, resolver_t *resolver, const hop_url_t *url,
                           const http_pool_limits_t *limits)
{
    http_pool_t *pool = NEW(http_pool_t);

    pool->loop = loop;
    pool->resolver = resolver;
    pool->limits = *limits;
    pool->url.socket_path = url->socket_path ? mem_strdup(url->socket_path) : NULL;
    pool->url.host = url->host ? mem_strdup(url->host) : NULL;
    pool->url.port = url->port;
    pool->request_rest = mem_printf(" %s HTTP/1.1\r\nHost: %s\r\n", url->path, url->authority);
    pool->web = url->tls ? hop_web_pool_new(pool, url) : NULL;
    evtimer_assign(&pool->reaper, loop_base(loop), on_reaper, pool);
    return pool;
}

void http_pool_free(http_pool_t *pool)
{
    if (!pool) {
        return;
    }
    assert(pool->hops == 0);
    hop_drop_left(pool);
    while (pool->newest) {
        http_conn_close(pool->newest);
    }
    hop_web_pool_free(pool->web);
    event_del(&pool->reaper);
    hop_url_release(&pool->url);
    free(pool->request_rest);
    free(pool);
}

struct event_base *http_pool_base(const http_pool_t *pool)
{
    return loop_base(pool->loop);
}

size_t http_pool_idle(const http_pool_t *pool)
{
    return pool->web ? hop_web_pool_idle(pool->web) : pool->idle;
}

size_t http_pool_open(const http_pool_t *pool)
{
    return pool->web ? hop_web_pool_open(pool->web) : pool->open;
}

static void unlink_idle(http_conn_t *conn)
{
    http_pool_t *pool = conn->pool;

    *(conn->newer ? &conn->newer->older : &pool->newest) = conn->older;
    *(conn->older ? &conn->older->newer : &pool->oldest) = conn->newer;
    conn->newer = conn->older = NULL;
    pool->idle--;
}

static void on_readable(evutil_socket_t fd, short what, void *self)
{
    http_conn_t *conn = self;

    (void)fd;
    (void)what;
    if (conn->hop) {
        hop_readable(conn->hop);
    } else {
        http_conn_close(conn);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *self)
{
    http_conn_t *conn = self;

    (void)fd;
    (void)what;
    hop_writable(conn->hop);
}

static int open_socket(const struct sockaddr *address)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && address->sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    }
    return fd;
}

static int start_connect(int fd, const struct sockaddr *address, socklen_t length, bool *ret_connected)
{
    *ret_connected = connect(fd, address, length) == 0;
    return *ret_connected || errno == EINPROGRESS ? 0 : -1;
}

http_conn_t *http_conn_open(http_pool_t *pool, hop_t *hop, const struct sockaddr *address, socklen_t length,
                            bool *ret_connected)
{
    int fd = open_socket(address);

    if (fd < 0) {
        return NULL;
    }
    if (start_connect(fd, address, length, ret_connected) < 0) {
        int failure = errno;
        close(fd);
        errno = failure;
        return NULL;
    }
    http_conn_t *conn = NEW(http_conn_t);
    conn->pool = pool;
    conn->hop = hop;
    conn->fd = fd;
    conn->in = evbuffer_new();
    event_assign(&conn->readable, loop_base(pool->loop), fd, EV_READ | EV_PERSIST, on_readable, conn);
    event_assign(&conn->writable, loop_base(pool->loop), fd, EV_WRITE, on_writable, conn);
    pool->open++;
    return conn;
}

void http_conn_close(http_conn_t *conn)
{
    if (!conn->hop) {
        unlink_idle(conn);
    }
    conn->pool->open--;
    event_del(&conn->readable);
    event_del(&conn->writable);
    close(conn->fd);
    evbuffer_free(conn->in);
    free(conn);
}

/* A close or surplus bytes may have arrived that the loop has not come to yet. A connection that served a
 * moment ago is not asked: under load that saves a system call per exchange (0.5 us). */
static bool is_quiet(const http_conn_t *conn)
{
    char byte;

    return clock_ms() - conn->idle_since_ms < TRUSTED_MS ||
           (recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

http_conn_t *http_pool_take(http_pool_t *pool, hop_t *hop)
{
    while (pool->newest && !is_quiet(pool->newest)) {
        http_conn_close(pool->newest);
    }
    http_conn_t *conn = pool->newest;
    if (conn) {
        unlink_idle(conn);
        conn->hop = hop;
        conn->reused = true;
        conn->fills = false;
    }
    return conn;
}

static void arm_reaper(http_pool_t *pool)
{
    if (pool->oldest && !evtimer_pending(&pool->reaper, NULL)) {
        loop_arm(&pool->reaper, pool->oldest->idle_since_ms + pool->limits.idle_ms - clock_ms());
    }
}

static void on_reaper(evutil_socket_t fd, short what, void *self)
{
    http_pool_t *pool = self;
    int64_t now_ms = clock_ms();

    (void)fd;
    (void)what;
    while (pool->oldest && pool->oldest->idle_since_ms + pool->limits.idle_ms <= now_ms) {
        http_conn_close(pool->oldest);
    }
    arm_reaper(pool);
}

void http_conn_keep(http_conn_t *conn)
{
    http_pool_t *pool = conn->pool;

    if (pool->idle >= pool->limits.max_idle) {
        http_conn_close(conn);
        return;
    }
    conn->hop = NULL;
    conn->idle_since_ms = clock_ms();
    conn->older = pool->newest;
    *(conn->older ? &conn->older->newer : &pool->oldest) = conn;
    pool->newest = conn;
    pool->idle++;
    http_conn_watch(conn, true);
    arm_reaper(pool);
}

void http_conn_watch(http_conn_t *conn, bool reading)
{
    bool watched = event_pending(&conn->readable, EV_READ, NULL) != 0;

    if (reading && !watched) {
        event_add(&conn->readable, NULL);
    } else if (watched && !reading) {
        event_del(&conn->readable);
    }
}

static ssize_t read_small(http_conn_t *conn, struct evbuffer *to)
{
    char room[SMALL_READ_BYTES];
    ssize_t got;

    do {
        got = read(conn->fd, room, sizeof(room));
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        evbuffer_add(to, room, (size_t)got);
        conn->fills = got == sizeof(room);
    }
    return got;
}

static ssize_t read_large(http_conn_t *conn, struct evbuffer *to, size_t size)
{
    struct evbuffer_iovec room;
    ssize_t got;

    evbuffer_reserve_space(to, (ev_ssize_t)size, &room, 1);
    room.iov_len = room.iov_len < size ? room.iov_len : size;
    do {
        got = read(conn->fd, room.iov_base, room.iov_len);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        conn->fills = (size_t)got == room.iov_len;
        room.iov_len = (size_t)got;
        evbuffer_commit_space(to, &room, 1);
    }
    return got;
}

ssize_t http_conn_read(http_conn_t *conn, struct evbuffer *to, uint64_t expects)
{
    if (expects > SMALL_READ_BYTES) {
        return read_large(conn, to, expects < LARGE_READ_BYTES ? (size_t)expects : LARGE_READ_BYTES);
    }
    return conn->fills ? read_large(conn, to, LARGE_READ_BYTES) : read_small(conn, to);
}
