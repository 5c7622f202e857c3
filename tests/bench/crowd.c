/* crowd: many connections that cost a server room or patience and do no work.
 *
 *     crowd idle|slow --to ADDRESS --requests FILE --connections N
 *
 * idle: each sends one request, reads the answer and stays. slow: a third sends its head a byte per second, a
 * third its body, a third reads its answer so; who is closed comes back. "open N" is printed once all are
 * there; the end of standard input ends it, and it prints how many connections the server had closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "reply.h"
#include "requests.h"
#include "wire.h"

#define MS_PER_SECOND 1000
#define SMALL_BUFFER 4096

typedef enum { SLOW_HEAD, SLOW_BODY, SLOW_READER, KINDS } kind_t;

typedef struct {
    int fd;
    kind_t kind;
    size_t sent;
} slow_t;

static const char *to;
static requests_t requests;
static int connections = 1;
static long closed;

static int open_one(void)
{
    int fd = wire_connect(to);

    if (fd < 0) {
        die(to);
    }
    return fd;
}

static void exchange(int fd)
{
    static char bytes[65536];
    static reply_t reply;
    ssize_t got;

    fcntl(fd, F_SETFL, 0);
    if (send(fd, requests.at[0].bytes, requests.at[0].length, 0) < 0) {
        die("sending");
    }
    reply_begin(&reply);
    do {
        got = recv(fd, bytes, sizeof(bytes), 0);
        if (got <= 0) {
            die("no answer");
        }
    } while (!reply_read(&reply, bytes, (size_t)got));
    if (reply.status / 100 != 2) {
        errno = EPROTO;
        die("refused");
    }
}

static bool told_to_end(int wait_ms)
{
    struct pollfd input = { STDIN_FILENO, POLLIN, 0 };

    return poll(&input, 1, wait_ms) > 0;
}

static void stand_idle(void)
{
    for (int i = 0; i < connections; i++) {
        exchange(open_one());
    }
    printf("open %d\n", connections);
    fflush(stdout);
    told_to_end(-1);
}

static void start_slow(slow_t *one)
{
    const request_t *request = &requests.at[0];
    size_t head = wire_head_bytes(request->bytes, request->length);

    one->fd = open_one();
    setsockopt(one->fd, SOL_SOCKET, SO_RCVBUF, &(int){ SMALL_BUFFER }, sizeof(int));
    one->sent = one->kind == SLOW_READER ? request->length : one->kind == SLOW_BODY ? head : 1;
    send(one->fd, request->bytes, one->sent, MSG_NOSIGNAL);
}

static bool is_closed(const slow_t *one)
{
    char byte;
    ssize_t got = recv(one->fd, &byte, 1, one->kind == SLOW_READER ? 0 : MSG_PEEK);

    return got == 0 || (got < 0 && errno != EAGAIN);
}

/* A byte further; the last byte of a head or body is never sent. */
static void tick(slow_t *one)
{
    const request_t *request = &requests.at[0];

    if (is_closed(one)) {
        closed++;
        close(one->fd);
        start_slow(one);
    } else if (one->kind != SLOW_READER && one->sent + 1 < request->length &&
               (one->kind == SLOW_BODY || one->sent + 1 < wire_head_bytes(request->bytes, request->length))) {
        send(one->fd, request->bytes + one->sent, 1, MSG_NOSIGNAL);
        one->sent++;
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

/* Strangers are not in step: each has its own moment of the second. */
static void be_slow(void)
{
    slow_t *all = checked(calloc((size_t)connections, sizeof(*all)));
    int64_t ticks = 0;

    for (int i = 0; i < connections; i++) {
        all[i].kind = (kind_t)(i % KINDS);
        start_slow(&all[i]);
    }
    printf("open %d\n", connections);
    fflush(stdout);
    for (int64_t began = now_ms(); !told_to_end(1);) {
        for (int64_t due = (now_ms() - began) * connections / MS_PER_SECOND; ticks < due; ticks++) {
            tick(&all[ticks % connections]);
        }
    }
    free(all);
}

int main(int argc, char **argv)
{
    struct rlimit files;

    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--to") == 0) {
            to = argv[i + 1];
        } else if (strcmp(argv[i], "--requests") == 0) {
            requests = requests_read(argv[i + 1]);
        } else if (strcmp(argv[i], "--connections") == 0) {
            connections = atoi(argv[i + 1]);
        }
    }
    if (argc < 2 || !to || requests.count == 0) {
        errno = EINVAL;
        die("usage: crowd idle|slow --to ADDRESS --requests FILE --connections N");
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(argv[1], "idle") == 0) {
        stand_idle();
    } else {
        be_slow();
    }
    printf("closed %ld\n", closed);
    return 0;
}
