/* Listening sockets, made by ourselves: evhttp's own know neither SO_REUSEPORT nor unix sockets, and
 * TCP_NODELAY set here is inherited by every connection (without it a reply in two segments waits 40 ms for
 * an acknowledgement).
 *
 * Surprising: two programs of one user may both hold a port with SO_REUSEPORT and neither is told. So a
 * shared port is bound once without it first, which fails when anybody is there.
 */
#include "http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "mem.h"

#define BACKLOG 4096
#define UNIX_PREFIX "unix:"

/* "[::1]:80" and "127.0.0.1:80" into host and port, both inside `copy`. */
static int split_address(char *copy, const char **ret_host, const char **ret_port)
{
    char *colon = strrchr(copy, ':');

    if (!colon || colon == copy || colon[1] == '\0') {
        return -1;
    }
    *colon = '\0';
    *ret_host = copy;
    *ret_port = colon + 1;
    if (*copy == '[') {
        if (colon[-1] != ']') {
            return -1;
        }
        colon[-1] = '\0';
        *ret_host = copy + 1;
    } else if (strchr(copy, ':')) {
        return -1; /* an IPv6 address without brackets: which colon is the port's? */
    }
    return strspn(*ret_port, "0123456789") == strlen(*ret_port) && strlen(*ret_port) <= 5 ? 0 : -1;
}

static int parse_tcp(const char *address, struct sockaddr_storage *ret, socklen_t *ret_size, err_t *err)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                    .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM };
    AUTO(mem_free) char *copy = mem_strdup(address);
    const char *host, *port;
    struct addrinfo *found;

    if (split_address(copy, &host, &port) < 0 || atoi(port) > 65535) {
        return err_set(err, ERR_CALLER,
                       "\"%s\" is no address to listen on: write 127.0.0.1:8080, [::1]:8080, 0.0.0.0:8080 or "
                       "unix:/path/to.sock.",
                       address);
    }
    if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &hints, &found) != 0) {
        return err_set(err, ERR_CALLER,
                       "Cannot listen on %s: \"%s\" is no IP address of this machine (0.0.0.0 means all).",
                       address, host);
    }
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    *ret_size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int bind_failed(const char *address, int error, err_t *err)
{
    switch (error) {
    case EADDRINUSE:
        return err_set(err, ERR_CALLER,
                       "Cannot listen on %s: another program does already. Stop it, or choose another port.",
                       address);
    case EACCES:
        return err_set(err, ERR_CALLER,
                       "Cannot listen on %s: not allowed. Ports below 1024 need a privilege.", address);
    case EADDRNOTAVAIL:
        return err_set(err, ERR_CALLER, "Cannot listen on %s: this machine does not have that address.",
                       address);
    default:
        return err_set(err, ERR_CALLER, "Cannot listen on %s: %s.", address, strerror(error));
    }
}

static int listen_tcp(const char *address, bool share, err_t *err)
{
    const int on = 1;
    struct sockaddr_storage to = { 0 };
    socklen_t size = 0;
    int fd;

    if (parse_tcp(address, &to, &size, err) < 0) {
        return -1;
    }
    fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return bind_failed(address, errno, err);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (share) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    }
    if (bind(fd, (struct sockaddr *)&to, size) < 0 || listen(fd, BACKLOG) < 0) {
        bind_failed(address, errno, err);
        close(fd);
        return -1;
    }
    return fd;
}

static int make_folder(const char *path, err_t *err)
{
    AUTO(mem_free) char *folder = mem_strdup(path);
    char *slash = strrchr(folder, '/');

    if (!slash || slash == folder) {
        return 0;
    }
    *slash = '\0';
    if (mkdir(folder, 0750) == 0 || errno == EEXIST) {
        return 0;
    }
    return err_set(err, ERR_CALLER, "Cannot make the folder %s for the socket %s: %s.", folder, path,
                   strerror(errno));
}

/* Whether anybody may be there. Only a refusal says no: a full backlog (EAGAIN) or a missing permission does
 * not. */
static bool is_alive(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool alive;

    if (fd < 0) {
        return true;
    }
    alive = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno != ECONNREFUSED;
    close(fd);
    return alive;
}

static int clear_path(const struct sockaddr_un *at, err_t *err)
{
    struct stat found;

    if (lstat(at->sun_path, &found) < 0) {
        return 0;
    }
    if (!S_ISSOCK(found.st_mode)) {
        return err_set(err, ERR_CALLER,
                       "Cannot listen on %s: something that is no socket is there. Remove it.", at->sun_path);
    }
    if (is_alive(at)) {
        return err_set(err, ERR_CALLER, "Cannot listen on %s: another process answers there. Stop it first.",
                       at->sun_path);
    }
    if (unlink(at->sun_path) < 0) {
        return err_set(err, ERR_CALLER, "Cannot remove the stale socket %s: %s.", at->sun_path,
                       strerror(errno));
    }
    return 0;
}

static int listen_unix(const char *path, err_t *err)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd;

    if (*path == '\0' || strlen(path) >= sizeof(at.sun_path)) {
        return err_set(err, ERR_CALLER, "\"%s\" is no path for a socket: it must have 1 to %zu bytes.", path,
                       sizeof(at.sun_path) - 1);
    }
    strcpy(at.sun_path, path);
    if (make_folder(path, err) < 0 || clear_path(&at, err) < 0) {
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Nobody can connect before listen(), so the mode is right in time. */
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || chmod(path, 0660) < 0 ||
        listen(fd, BACKLOG) < 0) {
        err_set(err, ERR_CALLER, "Cannot listen on the socket %s: %s.", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

int http_listen(const char *address, bool share, err_t *err)
{
    if (strncmp(address, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0) {
        return listen_unix(address + sizeof(UNIX_PREFIX) - 1, err);
    }
    return listen_tcp(address, share, err);
}

/* The port that is bound first also decides what port 0 means for the others. */
static int listen_on_free_port(const char *address, char **ret_bound, err_t *err)
{
    int fd = http_listen(address, false, err);

    if (fd < 0) {
        return -1;
    }
    *ret_bound = http_listen_address(fd);
    close(fd);
    return http_listen(*ret_bound, true, err);
}

int http_listen_shared(const char *address, int *fds, size_t count, err_t *err)
{
    bool is_unix = strncmp(address, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0;
    AUTO(mem_free) char *bound = NULL;

    for (size_t i = 0; i < count; i++) {
        if (i == 0) {
            fds[0] = is_unix ? http_listen(address, false, err) : listen_on_free_port(address, &bound, err);
        } else {
            fds[i] = is_unix ? fcntl(fds[0], F_DUPFD_CLOEXEC, 0) : http_listen(bound, true, err);
        }
        if (fds[i] < 0) {
            if (is_unix && i > 0) {
                err_set(err, ERR_INTERNAL, "Cannot share the socket %s: %s.", address, strerror(errno));
            }
            while (i > 0) {
                close(fds[--i]);
            }
            return -1;
        }
    }
    return 0;
}

char *http_listen_address(int fd)
{
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof(at);
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
        return mem_strdup("");
    }
    if (at.ss_family == AF_UNIX) {
        return mem_printf(UNIX_PREFIX "%s", ((struct sockaddr_un *)&at)->sun_path);
    }
    if (getnameinfo((struct sockaddr *)&at, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV)) {
        return mem_strdup("");
    }
    return mem_printf(at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

bool http_listen_is_local(int fd)
{
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof(at);

    if (getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
        return false;
    }
    switch (at.ss_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(((struct sockaddr_in *)&at)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&at)->sin6_addr);
    default:
        return false;
    }
}
