/* Connections of the hop client and the list of idle ones; only http_client*.c uses this. A connection is
 * either some exchange's (hop set) or idle. Its read event stays added from one exchange to the next, so a
 * call costs no epoll_ctl, and an idle connection that becomes readable (closed, or answering what nobody
 * asked) is dropped at once. */
#pragma once

#include <event2/event_struct.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "hop_web.h"
#include "http_client.h"

typedef struct http_conn http_conn_t;

struct http_conn {
    http_pool_t *pool;
    hop_t *hop; /* NULL: idle */
    int fd;
    bool reused;
    struct event readable, writable; /* writable: added while a connect or a write waits */
    struct evbuffer *in;
    bool fills; /* the last read filled its room: the next one asks for more */
    int64_t idle_since_ms;
    http_conn_t *newer, *older;
};

struct http_pool {
    loop_t *loop;
    resolver_t *resolver;
    hop_web_pool_t *web; /* https: its connections, by libcurl; there are none below then */
    hop_url_t url;
    http_pool_limits_t limits;
    char *request_rest; /* " /mcp HTTP/1.1\r\nHost: crm:8000\r\n" */
    size_t idle, open, hops;
    LIST_HEAD(, hop) left; /* by hop_leave(); not among `hops` */
    size_t left_count;
    http_conn_t *newest, *oldest;
    struct event reaper; /* pending while connections are idle */
};

/* A connection of `hop` that is connecting or connected (*ret_connected). NULL with errno. */
http_conn_t *http_conn_open(http_pool_t *pool, hop_t *hop, const struct sockaddr *address, socklen_t length,
                            bool *ret_connected);
void http_conn_close(http_conn_t *conn);
http_conn_t *http_pool_take(http_pool_t *pool, hop_t *hop); /* the newest idle one, or NULL */
void http_conn_keep(http_conn_t *conn);                     /* becomes idle; closed when enough are */
void http_conn_watch(http_conn_t *conn, bool reading);
/* One large read into `to`: bytes, 0 when closed, -1 with errno. expects: how many are known to come, 0: not
 * known. */
ssize_t http_conn_read(http_conn_t *conn, struct evbuffer *to, uint64_t expects);

/* In http_client*.c: what a busy connection tells its exchange; and the end of those that were left. */
void hop_readable(hop_t *hop);
void hop_writable(hop_t *hop);
void hop_drop_left(http_pool_t *pool);
