/* See wire.h. */
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef union {
    struct sockaddr any;
    struct sockaddr_in ip;
    struct sockaddr_un path;
} address_t;

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

_Noreturn void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

void *checked(void *memory)
{
    if (!memory) {
        die("memory");
    }
    return memory;
}

static socklen_t parse(const char *text, address_t *address)
{
    const char *colon = strrchr(text, ':');

    memset(address, 0, sizeof(*address));
    if (strncmp(text, "unix:", 5) == 0) {
        address->path.sun_family = AF_UNIX;
        snprintf(address->path.sun_path, sizeof(address->path.sun_path), "%s", text + 5);
        return sizeof(address->path);
    }
    address->ip.sin_family = AF_INET;
    address->ip.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->ip.sin_port = htons((uint16_t)atoi(colon ? colon + 1 : text));
    return sizeof(address->ip);
}

int wire_listen(const char *text)
{
    address_t address;
    socklen_t length = parse(text, &address);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (address.any.sa_family == AF_UNIX) {
        unlink(address.path.sun_path);
    }
    if (fd < 0 || bind(fd, &address.any, length) || listen(fd, 4096)) {
        die(text);
    }
    return fd;
}

int wire_connect(const char *text)
{
    address_t address;
    socklen_t length = parse(text, &address);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    wire_one_segment_at_a_time(fd);
    if (connect(fd, &address.any, length) && errno != EINPROGRESS) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

void wire_one_segment_at_a_time(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

int wire_wait(int epoll_fd, void *events, int count, int64_t until_ns)
{
    struct timespec left = { 0, 0 };

    if (until_ns < 0) {
        return epoll_wait(epoll_fd, events, count, -1);
    }
    int64_t ns = until_ns - now_ns();
    if (ns > 0) {
        left = (struct timespec){ ns / 1000000000, ns % 1000000000 };
    }
    return epoll_pwait2(epoll_fd, events, count, &left, NULL);
}

size_t wire_head_bytes(const char *at, size_t length)
{
    const char *end = memmem(at, length, "\r\n\r\n", 4);

    return end ? (size_t)(end - at) + 4 : 0;
}

/* "Content-Length: " and "content-length: " alike. */
size_t wire_body_bytes(const char *head, size_t length)
{
    const char *at = memmem(head, length, "ength: ", 7);

    return at ? strtoul(at + 7, NULL, 10) : 0;
}
