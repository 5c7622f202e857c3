/* The watch over a client that may hang up while its answer is pending.
 *
 * Meanwhile evhttp reads nothing and sees no hang-up; turning its reading back on lets a pipelined request
 * end the process, and EV_CLOSED spins after a reset. So an event of our own waits until the socket is
 * readable and peeks: nothing there is a hang-up (a client that only closed its sending side looks the same).
 * Bytes are the next request; they would keep the socket readable for ever, so the watch ends, and the sweep
 * asks poll() four times a second. Once an answer is being sent, evhttp reads again and sees the end itself.
 *
 * Surprising: the watch begins before evhttp stops reading, and ends after it has begun again. So the
 * descriptor is wanted for reading all the time, and nothing of it costs a system call.
 */
#include "http_private.h"

#include <errno.h>
#include <poll.h>

static void on_readable(evutil_socket_t fd, short what, void *self)
{
    conn_t *conn = self;
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    (void)what;
    if (got > 0) {
        conn->blind = true;
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        event_add(&conn->watch, NULL);
    } else {
        conn_cut(conn);
    }
}

void conn_watch(conn_t *conn)
{
    conn_unwatch(
        conn); /* a request may be whole for a turn before evhttp takes it, and more come behind it */
    conn->blind = false;
    event_assign(&conn->watch, loop_base(conn->server->loop), conn->fd, EV_READ, on_readable, conn);
    event_add(&conn->watch, NULL);
}

void conn_unwatch(conn_t *conn)
{
    if (event_initialized(&conn->watch)) {
        event_del(&conn->watch);
    }
}

bool conn_is_left(const conn_t *conn)
{
    struct pollfd socket = { .fd = conn->fd, .events = POLLRDHUP };

    return conn->blind && poll(&socket, 1, 0) > 0 && socket.revents & (POLLRDHUP | POLLHUP | POLLERR);
}
