/* responder: the connector behind gateway, nginx and haproxy alike in ./dev bench. It parses nothing: it
 * finds the end of a request, the id, the method's first letter and the tool's name at their known places,
 * and writes fixed bytes.
 *
 *     responder [--tools N] [--ttl-ms N] [--delay-ms N] [--events N] [--pause-us N] ADDRESS...
 *
 * Tools r400, r4k and r64k answer bodies of that size; sse and burst answer a stream of --events events, sse
 * with
 * --pause-us between them. --delay-ms holds every answer back, which makes a slow connector. It knows one
 * client that keeps its bodies in one shape (`{"jsonrpc":"2.0","id":7,"method":"..."`), as gateway/envelope
 * and the bench write it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "answers.h"
#include "wire.h"

#define FIRST_ROOM 4096

typedef struct peer {
    LIST_ENTRY(peer) link; /* while it waits for a time */
    int fd;
    bool listens, waits;
    char *in;
    size_t in_length, in_room;
    size_t request_bytes; /* 0: its head has not come whole */
    size_t body_at;
    char *left; /* what the socket did not take */
    size_t left_at, left_length;
    int64_t due_ns;
    int event, events; /* of an open stream */
    char id[ANSWER_ID_BYTES + 1];
} peer_t;

static struct {
    answers_t answers;
    LIST_HEAD(, peer) waiting;
    int epoll_fd, tools, ttl_ms, events;
    int64_t delay_ns, pause_ns;
} responder = { .tools = 20, .ttl_ms = 60000, .events = 100, .pause_ns = 5000000 };

static void watch(peer_t *peer, int how, uint32_t what)
{
    struct epoll_event event = { .events = what, .data.ptr = peer };

    epoll_ctl(responder.epoll_fd, how, peer->fd, &event);
}

static peer_t *peer_new(int fd, bool listens)
{
    peer_t *peer = checked(calloc(1, sizeof(*peer)));

    peer->fd = fd;
    peer->listens = listens;
    watch(peer, EPOLL_CTL_ADD, EPOLLIN);
    return peer;
}

static void stop_waiting(peer_t *peer)
{
    if (peer->waits) {
        LIST_REMOVE(peer, link);
        peer->waits = false;
    }
}

static void wait_until(peer_t *peer, int64_t due_ns)
{
    stop_waiting(peer);
    peer->due_ns = due_ns;
    peer->waits = true;
    LIST_INSERT_HEAD(&responder.waiting, peer, link);
}

static void peer_free(peer_t *peer)
{
    stop_waiting(peer);
    close(peer->fd);
    free(peer->in);
    free(peer->left);
    free(peer);
}

static void keep_rest(peer_t *peer, const struct iovec *parts, int count, size_t sent)
{
    size_t total = 0;

    for (int i = 0; i < count; i++) {
        total += parts[i].iov_len;
    }
    if (sent == total) {
        return;
    }
    peer->left = checked(malloc(total));
    peer->left_at = sent;
    for (int i = 0; i < count; i++) {
        memcpy(peer->left + peer->left_length, parts[i].iov_base, parts[i].iov_len);
        peer->left_length += parts[i].iov_len;
    }
    watch(peer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void send_parts(peer_t *peer, struct iovec *parts, int count)
{
    ssize_t sent = writev(peer->fd, parts, count);

    keep_rest(peer, parts, count, sent < 0 ? 0 : (size_t)sent);
}

static void send_rest(peer_t *peer)
{
    ssize_t sent =
        send(peer->fd, peer->left + peer->left_at, peer->left_length - peer->left_at, MSG_NOSIGNAL);

    peer->left_at += sent < 0 ? 0 : (size_t)sent;
    if (peer->left_at == peer->left_length) {
        free(peer->left);
        peer->left = NULL;
        peer->left_length = 0;
        watch(peer, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void send_answer(peer_t *peer, const answer_t *answer)
{
    size_t after = answer->id_at + ANSWER_ID_BYTES;
    struct iovec parts[] = { { answer->bytes, answer->id_at },
                             { peer->id, ANSWER_ID_BYTES },
                             { answer->bytes + after, answer->length - after } };
    struct iovec whole = { answer->bytes, answer->length };

    if (answer->id_at) {
        send_parts(peer, parts, 3);
    } else {
        send_parts(peer, &whole, 1);
    }
}

static void send_event(peer_t *peer)
{
    char chunk[1024];
    size_t length = answer_event(chunk, sizeof(chunk), peer->id, ++peer->event, peer->events);

    send_parts(peer, &(struct iovec){ chunk, length }, 1);
    if (peer->event == peer->events) {
        peer->events = 0;
        stop_waiting(peer);
    }
}

static void start_stream(peer_t *peer, bool paced)
{
    static char head[] = ANSWER_STREAM_HEAD;

    peer->event = 0;
    peer->events = responder.events;
    wire_one_segment_at_a_time(peer->fd);
    send_parts(peer, &(struct iovec){ head, sizeof(head) - 1 }, 1);
    if (paced) {
        wait_until(peer, now_ns() + responder.pause_ns);
    }
    while (!paced && peer->events && !peer->left) {
        send_event(peer);
    }
}

static bool is_next(const char *at, const char *word)
{
    return strncmp(at, word, strlen(word)) == 0;
}

/* nginx and haproxy pass the client's name on as it is, with the gateway's prefix. */
static void answer_call(peer_t *peer, const char *name)
{
    if (is_next(name, "t_") || is_next(name, "u_")) {
        name += 2;
    }
    if (is_next(name, "r4k")) {
        send_answer(peer, &responder.answers.medium);
    } else if (is_next(name, "r64k")) {
        send_answer(peer, &responder.answers.large);
    } else if (is_next(name, "sse") || is_next(name, "burst")) {
        start_stream(peer, *name == 's');
    } else {
        send_answer(peer, &responder.answers.small);
    }
}

/* Returns what follows the id. */
static const char *read_id(peer_t *peer, const char *body)
{
    const char *at = body + strlen("{\"jsonrpc\":\"2.0\",\"id\":");
    size_t length = strspn(at, "0123456789");

    memset(peer->id, ' ', ANSWER_ID_BYTES);
    memcpy(peer->id, at, length < ANSWER_ID_BYTES ? length : ANSWER_ID_BYTES);
    return at + length;
}

static void answer(peer_t *peer)
{
    const char *method = read_id(peer, peer->in + peer->body_at);

    if (is_next(method, ",\"method\":\"tools/call\",\"params\":{\"name\":\"")) {
        answer_call(peer, method + strlen(",\"method\":\"tools/call\",\"params\":{\"name\":\""));
    } else if (is_next(method, ",\"method\":\"tools/list\"")) {
        send_answer(peer, &responder.answers.tools);
    } else if (is_next(method, ",\"method\":\"server/discover\"")) {
        send_answer(peer, &responder.answers.discover);
    } else {
        send_answer(peer, &responder.answers.accepted);
    }
}

static void begin_next(peer_t *peer)
{
    peer->in_length = 0; /* nobody here pipelines */
    peer->request_bytes = 0;
}

static void on_request(peer_t *peer)
{
    if (responder.delay_ns && !peer->waits) {
        wait_until(peer, now_ns() + responder.delay_ns);
        return;
    }
    answer(peer);
    begin_next(peer);
}

static void make_room(peer_t *peer, size_t bytes)
{
    if (peer->in_room < bytes + 1) {
        peer->in_room = bytes + 1;
        peer->in = checked(realloc(peer->in, peer->in_room));
    }
}

static void find_end(peer_t *peer)
{
    size_t head = wire_head_bytes(peer->in, peer->in_length);

    if (head) {
        peer->body_at = head;
        peer->request_bytes = head + wire_body_bytes(peer->in, head);
        make_room(peer, peer->request_bytes);
    } else {
        make_room(peer, peer->in_length * 2);
    }
}

/* false: it is gone. */
static bool on_readable(peer_t *peer)
{
    make_room(peer, FIRST_ROOM);
    ssize_t got = recv(peer->fd, peer->in + peer->in_length, peer->in_room - peer->in_length - 1, 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    peer->in_length += (size_t)got;
    peer->in[peer->in_length] = '\0';
    if (!peer->request_bytes) {
        find_end(peer);
    }
    if (peer->request_bytes && peer->in_length >= peer->request_bytes) {
        on_request(peer);
    }
    return true;
}

static void accept_all(peer_t *listener)
{
    int fd;

    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        wire_one_segment_at_a_time(fd);
        peer_new(fd, false);
    }
}

static void on_event(peer_t *peer, uint32_t what)
{
    if (peer->listens) {
        accept_all(peer);
        return;
    }
    if (what & EPOLLOUT && peer->left) {
        send_rest(peer);
        while (peer->events && !peer->waits && !peer->left) {
            send_event(peer);
        }
    }
    if (what & (EPOLLIN | EPOLLHUP | EPOLLERR) && !on_readable(peer)) {
        peer_free(peer);
    }
}

/* Of an open stream the next event, else the answer that was held back. */
static void on_due(peer_t *peer)
{
    if (!peer->events) {
        answer(peer);
        begin_next(peer);
        stop_waiting(peer);
        return;
    }
    peer->due_ns += responder.pause_ns;
    if (!peer->left) {
        send_event(peer);
    }
}

static int64_t serve_waiting(void)
{
    int64_t now = now_ns(), next = -1;
    peer_t *following;

    for (peer_t *peer = LIST_FIRST(&responder.waiting); peer; peer = following) {
        following = LIST_NEXT(peer, link);
        if (peer->due_ns <= now) {
            on_due(peer);
        }
        if (peer->waits && (next < 0 || peer->due_ns < next)) {
            next = peer->due_ns;
        }
    }
    return next;
}

static _Noreturn void serve(void)
{
    struct epoll_event events[256];

    for (;;) {
        int count = wire_wait(responder.epoll_fd, events, 256, serve_waiting());

        for (int i = 0; i < count; i++) {
            on_event(events[i].data.ptr, events[i].events);
        }
    }
}

/* Returns where the addresses begin. */
static int read_options(int argc, char **argv)
{
    int at = 1;

    for (; at + 1 < argc && is_next(argv[at], "--"); at += 2) {
        long value = atol(argv[at + 1]);
        if (strcmp(argv[at], "--tools") == 0) {
            responder.tools = (int)value;
        } else if (strcmp(argv[at], "--ttl-ms") == 0) {
            responder.ttl_ms = (int)value;
        } else if (strcmp(argv[at], "--delay-ms") == 0) {
            responder.delay_ns = value * 1000000;
        } else if (strcmp(argv[at], "--events") == 0) {
            responder.events = (int)value;
        } else if (strcmp(argv[at], "--pause-us") == 0) {
            responder.pause_ns = value * 1000;
        } else {
            errno = EINVAL;
            die(argv[at]);
        }
    }
    return at;
}

int main(int argc, char **argv)
{
    int at = read_options(argc, argv);

    signal(SIGPIPE, SIG_IGN);
    answers_build(&responder.answers, responder.tools, responder.ttl_ms);
    responder.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (; at < argc; at++) {
        peer_new(wire_listen(argv[at]), true);
    }
    serve();
}
