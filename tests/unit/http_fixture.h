/* A real server on a thread of its own, and raw sockets to drive it: each test is a process, so one of each
 * is enough.
 *
 * Paths: /echo answers the body, with X-Saw-* headers that tell what was read; /pending is kept until
 * answer_pending(); /stream begins a stream and is kept; everything else is 404.
 */
#pragma once

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "clock.h"
#include "http_server.h"
#include "log.h"
#include "mem.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

#define UNUSED __attribute__((unused))

static struct {
    loop_t *loop;
    http_server_t *server;
    pthread_t thread;
    char *address;
    http_limits_t limits;
    int64_t heartbeat_ms;
    http_request_t *kept[64]; /* loop thread only, as is kept_count */
    int kept_count;
    atomic_int requests, gone, done;
} fx;

/* the server's thread */

static void forget(http_request_t *request)
{
    for (int i = 0; i < fx.kept_count; i++) {
        if (fx.kept[i] == request) {
            memmove(fx.kept + i, fx.kept + i + 1, (size_t)(fx.kept_count - i - 1) * sizeof(*fx.kept));
            fx.kept_count--;
            return;
        }
    }
    abort(); /* told twice, or of a request that was answered */
}

static void count_gone(void *self)
{
    forget(self);
    atomic_fetch_add(&fx.gone, 1);
}

static void keep(http_request_t *request)
{
    fx.kept[fx.kept_count++] = request;
    http_on_gone(request, count_gone, request);
}

static void add_span_header(http_request_t *request, const char *name, span_t value)
{
    AUTO(mem_free) char *text = value.at ? mem_strndup(value.at, value.length) : mem_strdup("(absent)");

    http_add_header(request, name, text);
}

static void echo(http_request_t *request)
{
    size_t count;
    char number[24];
    span_t body = http_body(request);

    add_span_header(request, "X-Saw-Path", http_path(request));
    add_span_header(request, "X-Saw-Query", http_query(request));
    add_span_header(request, "X-Saw-Dup", http_header(request, "x-dup", &count));
    snprintf(number, sizeof(number), "%zu", count);
    http_add_header(request, "X-Saw-Count", number);
    http_add_header(request, "X-Saw-Method", http_method(request));
    http_add_header(request, "X-Saw-Peer", *http_peer(request) ? http_peer(request) : "(none)");
    http_add_header(request, "X-Saw-Local", http_is_local_listener(request) ? "yes" : "no");
    http_reply_bytes(request, 200, "text/plain", body.at, body.length);
}

static void stream(http_request_t *request)
{
    AUTO(evbuffer_free) struct evbuffer *bytes = evbuffer_new();

    keep(request);
    http_stream_start(request, 200, "text/event-stream", fx.heartbeat_ms);
    evbuffer_add_printf(bytes, "data: first\n\n");
    http_stream_write(request, bytes);
}

static void handle(void *self, http_request_t *request)
{
    (void)self;
    atomic_fetch_add(&fx.requests, 1);
    if (span_is(http_path(request), "/pending")) {
        keep(request);
    } else if (span_is(http_path(request), "/stream")) {
        stream(request);
    } else if (strncmp(http_path(request).at, "/echo", 5) == 0 || http_path(request).at[1] == '/') {
        echo(request);
    } else {
        http_reply_error(request, 404, "not_found", "Nothing is here.");
    }
}

static void *run_loop(void *self)
{
    loop_run(self);
    return NULL;
}

static sem_t step_done;
static loop_f step;

static void run_step(void *self)
{
    step(self);
    sem_post(&step_done);
}

/* Runs fn on the server's loop and waits for it. */
static void UNUSED on_loop(loop_f fn, void *self)
{
    step = fn;
    loop_post(fx.loop, run_step, self);
    sem_wait(&step_done);
}

static void UNUSED answer_one(void *text)
{
    http_request_t *request = fx.kept[0];

    if (fx.kept_count == 0) {
        abort();
    }
    forget(request);
    if (http_stream_started(request)) {
        http_stream_end(request);
    } else {
        http_reply_bytes(request, 200, "text/plain", text, strlen(text));
    }
}

static void UNUSED answer_pending(const char *text)
{
    on_loop(answer_one, (void *)text);
}

static void count_done(void *self)
{
    (void)self;
    atomic_fetch_add(&fx.done, 1);
}

static void UNUSED drain(void *drain_ms)
{
    http_server_drain(fx.server, *(int64_t *)drain_ms, count_done, NULL);
}

/* Limits of fx.limits may be set before; the defaults otherwise. */
static void start_on(const char *address)
{
    const http_limits_t defaults = HTTP_LIMITS_DEFAULT;
    err_t err;
    int fd;

    log_set_level(LOG_LEVEL_ERROR);
    if (fx.limits.max_body_bytes == 0) {
        fx.limits = defaults;
    }
    sem_init(&step_done, 0, 0);
    fx.loop = loop_new();
    fx.server = http_server_new(fx.loop, &fx.limits, handle, NULL);
    fd = http_listen(address, false, &err);
    cr_assert(fd >= 0, "%s", err.text);
    fx.address = http_listen_address(fd);
    http_server_accept(fx.server, fd);
    pthread_create(&fx.thread, NULL, run_loop, fx.loop);
}

static void UNUSED start(void)
{
    start_on("127.0.0.1:0");
}

static void UNUSED stop(void)
{
    loop_stop(fx.loop);
    pthread_join(fx.thread, NULL);
    http_server_free(fx.server);
    cr_expect_eq(fx.kept_count, 0, "requests that were not answered are told");
    loop_free(fx.loop);
    mem_free(fx.address);
}

static void nothing(void *self)
{
    (void)self;
}

/* What clients have done so far reaches the loop: what had come to its sockets before is worked off in a few
 * turns. */
static void UNUSED settle(void)
{
    usleep(20000);
    for (int i = 0; i < 50; i++) {
        on_loop(nothing, NULL);
    }
}

/* 20 s: a busy machine under a sanitizer is slow, and a failure is rare. */
static bool UNUSED becomes(atomic_int *counter, int value)
{
    for (int i = 0; i < 2000 && atomic_load(counter) != value; i++) {
        usleep(10000);
    }
    return atomic_load(counter) == value;
}

/* the client */

typedef struct {
    int fd;
    char bytes[1 << 20]; /* received and not yet taken */
    size_t length;
} client_t;

typedef struct {
    int status;
    char head[8192];
    char body[1 << 20];
    size_t length;
} answer_t;

static int try_connect(void)
{
    const struct timeval patience = { .tv_sec = 20 };
    const struct timeval full = { .tv_sec = 8 }; /* some send until nothing is taken */
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in in = { .sin_family = AF_INET };
    bool is_unix = strncmp(fx.address, "unix:", 5) == 0;
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", fx.address + 5);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in.sin_port = htons((uint16_t)atoi(strrchr(fx.address, ':') + 1));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &full, sizeof(full));
    if (is_unix ? connect(fd, (struct sockaddr *)&un, sizeof(un))
                : connect(fd, (struct sockaddr *)&in, sizeof(in))) {
        close(fd);
        return -1;
    }
    return fd;
}

static client_t *client_new(void)
{
    client_t *client = NEW(client_t);

    client->fd = try_connect();
    cr_assert(client->fd >= 0, "connect: %s", strerror(errno));
    return client;
}

static void UNUSED client_free(client_t *client)
{
    close(client->fd);
    mem_free(client);
}

/* Closes with a reset instead of a FIN. */
static void UNUSED client_reset(client_t *client)
{
    const struct linger now = { .l_onoff = 1 };

    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    client_free(client);
}

static void say_bytes(client_t *client, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void UNUSED say(client_t *client, const char *text)
{
    say_bytes(client, text, strlen(text));
}

/* Whether more came; false at the end of the connection or of our patience. */
static bool client_fill(client_t *client)
{
    ssize_t got =
        recv(client->fd, client->bytes + client->length, sizeof(client->bytes) - client->length - 1, 0);

    if (got <= 0) {
        return false;
    }
    client->length += (size_t)got;
    client->bytes[client->length] = '\0';
    return true;
}

static void client_take(client_t *client, size_t length)
{
    memmove(client->bytes, client->bytes + length, client->length - length);
    client->length -= length;
    client->bytes[client->length] = '\0';
}

static bool UNUSED is_closed(client_t *client)
{
    char byte;
    ssize_t got = client->length == 0 ? recv(client->fd, &byte, 1, 0) : 1;

    return got == 0 || (got < 0 && errno != EAGAIN);
}

/* Reads until `text` has come and takes everything up to its end. */
static bool UNUSED hears(client_t *client, const char *text)
{
    char *found;

    while (!(found = strstr(client->bytes, text))) {
        if (!client_fill(client)) {
            return false;
        }
    }
    client_take(client, (size_t)(found - client->bytes) + strlen(text));
    return true;
}

static const char *find_header(const answer_t *answer, const char *name)
{
    AUTO(mem_free) char *line = mem_printf("\r\n%s: ", name);
    const char *found = strcasestr(answer->head, line);

    return found ? found + strlen(line) : NULL;
}

static bool UNUSED header_is(const answer_t *answer, const char *name, const char *value)
{
    const char *found = find_header(answer, name);

    return found && strncmp(found, value, strlen(value)) == 0 && found[strlen(value)] == '\r';
}

/* The next answer with a Content-Length; status 0 when none came. */
static answer_t *hear_head(client_t *client, answer_t *answer)
{
    char *end;

    *answer = (answer_t){ 0 };
    while (!(end = strstr(client->bytes, "\r\n\r\n"))) {
        if (!client_fill(client)) {
            return answer;
        }
    }
    snprintf(answer->head, sizeof(answer->head), "%.*s", (int)(end + 2 - client->bytes), client->bytes);
    client_take(client, (size_t)(end + 4 - client->bytes));
    cr_assert_eq(sscanf(answer->head, "HTTP/1.%*d %d", &answer->status), 1, "%s", answer->head);
    return answer;
}

static answer_t *hear(client_t *client, answer_t *answer)
{
    hear_head(client, answer);
    if (answer->status && find_header(answer, "Content-Length")) {
        answer->length = strtoul(find_header(answer, "Content-Length"), NULL, 10);
        while (client->length < answer->length) {
            if (!client_fill(client)) {
                answer->status = 0;
                return answer;
            }
        }
        memcpy(answer->body, client->bytes, answer->length);
        client_take(client, answer->length);
    }
    return answer;
}

static answer_t *UNUSED ask(client_t *client, const char *text, answer_t *answer)
{
    say(client, text);
    return hear(client, answer);
}

/* Under AddressSanitizer freed memory stays resident: there it is what is allocated. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#define resident_bytes __sanitizer_get_current_allocated_bytes
#else
static size_t UNUSED resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (fscanf(file, "%*u %lu", &pages) != 1) {
        pages = 0;
    }
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}
#endif

static int64_t UNUSED cpu_ms(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}
