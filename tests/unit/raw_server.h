/* A scripted peer for client tests: a thread that accepts connections one after another and runs a script on
 * each, with nothing but send() and recv(), so it can misbehave at will. raw_stop() joins it: a script ends
 * when its peer closes. */
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef void (*raw_script_f)(int fd, int nth); /* nth connection, from 0; fd is closed after it */

typedef struct {
    int listen_fd;
    uint16_t port;
    raw_script_f script;
    atomic_int accepted;
    pthread_t thread;
} raw_server_t;

/* The last request read whole, NUL-terminated and cut. Each connection reads into a buffer of its own first:
 * two peers may run at once. */
static char raw_request[8192];
static pthread_mutex_t raw_lock = PTHREAD_MUTEX_INITIALIZER;

static inline void *raw_serve(void *self)
{
    raw_server_t *server = self;
    int fd;

    while ((fd = accept(server->listen_fd, NULL, NULL)) >= 0) {
        server->script(fd, atomic_fetch_add(&server->accepted, 1));
        close(fd);
    }
    return NULL;
}

static inline void raw_listen(raw_server_t *server, const struct sockaddr *address, socklen_t size)
{
    server->listen_fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listen_fd, address, size) < 0 || listen(server->listen_fd, 64) < 0) {
        perror("raw_listen");
        abort();
    }
    pthread_create(&server->thread, NULL, raw_serve, server);
}

static inline void raw_start(raw_server_t *server, raw_script_f script)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);

    *server = (raw_server_t){ .script = script };
    raw_listen(server, (struct sockaddr *)&address, size);
    getsockname(server->listen_fd, (struct sockaddr *)&address, &size);
    server->port = ntohs(address.sin_port);
}

static inline void raw_start_unix(raw_server_t *server, raw_script_f script, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    *server = (raw_server_t){ .script = script };
    raw_listen(server, (struct sockaddr *)&address, sizeof(address));
}

static inline void raw_stop(raw_server_t *server)
{
    shutdown(server->listen_fd, SHUT_RDWR); /* wakes accept() */
    pthread_join(server->thread, NULL);
    close(server->listen_fd);
}

static inline bool raw_send_bytes(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static inline bool raw_send(int fd, const char *text)
{
    return raw_send_bytes(fd, text, strlen(text));
}

static inline void raw_send_slowly(int fd, const char *text, unsigned pause_us)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    for (; *text && raw_send_bytes(fd, text, 1); text++) {
        usleep(pause_us);
    }
}

/* One request with its Content-Length body; false when the peer closes first. Bytes of the body go to
 * *ret_body. */
static inline bool raw_read_request(int fd, size_t *ret_body)
{
    char request[sizeof(raw_request)];
    size_t used = 0, length = 0, body = 0;
    char *end = NULL;

    while (!end) {
        ssize_t got = recv(fd, request + used, sizeof(request) - 1 - used, 0);
        if (got <= 0) {
            return false;
        }
        used += (size_t)got;
        request[used] = '\0';
        end = strstr(request, "\r\n\r\n");
    }
    const char *line = strstr(request, "\r\nContent-Length: ");
    length = line ? strtoul(line + 18, NULL, 10) : 0;
    body = used - (size_t)(end + 4 - request);
    while (body < length) {
        char rest[65536];
        ssize_t got = recv(fd, rest, sizeof(rest), 0);
        if (got <= 0) {
            return false;
        }
        body += (size_t)got;
    }
    if (ret_body) {
        *ret_body = body;
    }
    pthread_mutex_lock(&raw_lock);
    memcpy(raw_request, request, used + 1);
    pthread_mutex_unlock(&raw_lock);
    return true;
}

static inline void raw_wait_for_close(int fd)
{
    char rest[4096];

    while (recv(fd, rest, sizeof(rest), 0) > 0) {
    }
}

static inline void raw_reset(int fd) /* the close after the script sends RST */
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
}
