/* See http_direct.h. Public libevent API only.
 *
 * - Writing: evhttp would print each header by itself, wait for the loop to say that the socket takes bytes
 * (it nearly always does), and take two epoll_ctl() for it.
 * - Reading: a bufferevent reads 4096 bytes at a time, whatever it is told.
 */
#include "http_direct.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PIECES 16
#define MAX_AHEAD_BYTES 1048576 /* memory set aside on a client's word */

static size_t try_to_send(int fd, struct evbuffer *output)
{
    struct iovec pieces[PIECES];
    int count = evbuffer_peek(output, -1, NULL, pieces, PIECES);
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)(count < PIECES ? count : PIECES) };
    ssize_t sent;

    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent > 0 ? (size_t)sent : 0;
}

/* As evhttp does when it has something to write: its reading callback is off, for the next request must not
 * be begun. */
static void wait_until_written(struct bufferevent *bev)
{
    bufferevent_event_cb on_event;
    bufferevent_data_cb on_written;
    void *self;

    bufferevent_getcb(bev, NULL, &on_written, &on_event, &self);
    bufferevent_setcb(bev, NULL, on_written, on_event, self);
    bufferevent_enable(bev, EV_WRITE);
}

bool http_write_now(struct bufferevent *bev)
{
    struct evbuffer *output = bufferevent_get_output(bev);
    bool busy = bufferevent_get_enabled(bev) & EV_WRITE; /* evhttp writes "100 Continue", which goes first */
    size_t sent = busy ? 0 : try_to_send(bufferevent_getfd(bev), output);

    bufferevent_enable(bev, EV_READ); /* for the next request, or for a hang-up while this is being sent */
    evbuffer_unfreeze(output, 1);
    evbuffer_drain(output, sent);
    evbuffer_freeze(output, 1);
    if (evbuffer_get_length(output) == 0) {
        return true;
    }
    wait_until_written(bev);
    return false;
}

size_t http_read_ahead(int fd, struct evbuffer *input, size_t most)
{
    size_t room = most < MAX_AHEAD_BYTES ? most : MAX_AHEAD_BYTES;
    struct evbuffer_iovec piece;
    ssize_t got;

    /* Expanded first: so the start of the body and the rest are in one piece, and nobody copies them into
     * one. */
    if (evbuffer_expand(input, room) < 0 || evbuffer_reserve_space(input, (ev_ssize_t)room, &piece, 1) != 1) {
        return 0;
    }
    do {
        got = recv(fd, piece.iov_base, piece.iov_len < room ? piece.iov_len : room, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return 0;
    }
    piece.iov_len = (size_t)got;
    evbuffer_commit_space(input, &piece, 1);
    return (size_t)got;
}
