/* load: the client of ./dev bench. One thread, sockets and epoll, so lean that it is never what is measured.
 *
 *     load --to ADDRESS --requests FILE [--connections N] [--seconds S | --count N] [--warmup S] [--rate N]
 *          [--fresh] [--once] [--pid N]...
 *
 * FILE holds whole requests, each after a line with its length; a connection sends them in turn. --fresh
 * closes after the last and opens anew: then one sample is the whole conversation with its connect. --once
 * sends each request a single time, whatever the connection. --rate sends at that mean pace (a request waits
 * for a free connection, and its time counts from when it was due); without it each connection has always one
 * request open. Of each --pid the CPU time of all threads during the measured time is reported. The result is
 * one line of JSON.
 *
 * An answer is an error when it is not 2xx or is not as long as the first answer to the same request.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu.h"
#include "reply.h"
#include "requests.h"
#include "samples.h"
#include "wire.h"

#define MAX_PIDS 8

typedef struct connection {
    struct connection *next_free;
    int fd;
    bool writing; /* EPOLLOUT is watched */
    size_t step;  /* which of the requests */
    size_t sent;
    int64_t since_ns;
    reply_t reply;
} connection_t;

static struct {
    const char *to;
    requests_t requests;
    int connections;
    double seconds, warmup, rate;
    uint64_t count;
    bool fresh, once;
    int pids[MAX_PIDS], pid_count;
} options = { .connections = 1, .seconds = 1 };

static struct {
    int epoll_fd;
    samples_t samples;
    connection_t *free;
    size_t next_once;
    int64_t next_due_ns; /* with --rate */
    uint64_t done, errors, events, refused;
    char first_error[256];
    bool measuring, stop;
} load;

static void open_connection(connection_t *connection);
static void begin(connection_t *connection, int64_t since_ns);
static void send_more(connection_t *connection);
static void on_reply(connection_t *connection);
static void next(connection_t *connection);

static void note_error(const char *what, const char *text, size_t length)
{
    if (load.errors++ == 0) {
        snprintf(load.first_error, sizeof(load.first_error), "%s: %.*s", what,
                 (int)(length > 160 ? 160 : length), text);
    }
}

static void watch(connection_t *connection, int how, bool writing)
{
    struct epoll_event event = { .events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = connection };

    connection->writing = writing;
    epoll_ctl(load.epoll_fd, how, connection->fd, &event);
}

static void open_connection(connection_t *connection)
{
    connection->fd = wire_connect(options.to);
    if (connection->fd < 0) {
        die(options.to);
    }
    watch(connection, EPOLL_CTL_ADD, false);
}

static void close_connection(connection_t *connection)
{
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    connection->fd = -1;
}

/* Which request comes next; -1 when --once has sent them all. */
static int choose(connection_t *connection)
{
    if (!options.once) {
        return 0;
    }
    if (load.next_once == options.requests.count) {
        return -1;
    }
    connection->step = load.next_once++;
    return 0;
}

static void begin(connection_t *connection, int64_t since_ns)
{
    if (choose(connection)) {
        return;
    }
    if (!options.fresh || connection->step == 0) {
        connection->since_ns = since_ns;
    }
    if (connection->fd < 0) {
        open_connection(connection);
    }
    connection->sent = 0;
    reply_begin(&connection->reply);
    send_more(connection);
}

static void broke(connection_t *connection, const char *what)
{
    if (++load.refused > 1000) {
        errno = ECONNABORTED;
        die(options.to);
    }
    note_error(what, strerror(errno), strlen(strerror(errno)));
    close_connection(connection);
    connection->step = 0;
    begin(connection, now_ns());
}

static void send_more(connection_t *connection)
{
    const request_t *request = &options.requests.at[connection->step];
    ssize_t sent = send(connection->fd, request->bytes + connection->sent, request->length - connection->sent,
                        MSG_NOSIGNAL);

    if (sent > 0) {
        connection->sent += (size_t)sent;
    } else if (errno != EAGAIN) {
        broke(connection, "sending");
        return;
    }
    bool writing = connection->sent < request->length;
    if (writing != connection->writing) {
        watch(connection, EPOLL_CTL_MOD, writing);
    }
}

static void read_some(connection_t *connection)
{
    static char bytes[1 << 18];
    ssize_t got = recv(connection->fd, bytes, sizeof(bytes), 0);

    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        broke(connection, got == 0 ? "closed before the answer" : "receiving");
        return;
    }
    if (reply_read(&connection->reply, bytes, (size_t)got)) {
        on_reply(connection);
    }
}

static void check(connection_t *connection)
{
    reply_t *reply = &connection->reply;
    size_t *expected = &options.requests.at[options.once ? 0 : connection->step].reply_bytes;

    if (reply->status / 100 != 2) {
        note_error("status", reply->head, reply->head_length);
    } else if (*expected == 0) {
        *expected = reply->body_bytes;
    } else if (!reply->chunked && *expected != reply->body_bytes) {
        note_error("another length", reply->head, reply->head_length);
    }
}

static void on_reply(connection_t *connection)
{
    bool last = options.once || connection->step + 1 == options.requests.count;

    check(connection);
    if (load.measuring) {
        load.events += connection->reply.events;
        if (!options.fresh || last) {
            samples_add(&load.samples, now_ns() - connection->since_ns);
        }
    }
    if (options.fresh && last) {
        close_connection(connection);
    }
    load.done += !options.fresh || last;
    connection->step = last ? 0 : connection->step + 1;
    next(connection);
}

static void next(connection_t *connection)
{
    if (options.count && load.measuring && load.done >= options.count) {
        load.stop = true;
    } else if (options.rate == 0 || (options.fresh && connection->step > 0)) {
        begin(connection, now_ns());
    } else {
        connection->next_free = load.free;
        load.free = connection;
    }
}

/* Of any length up to twice the mean: even gaps would lock two loads in step, and one would always queue
 * behind. */
static int64_t next_gap_ns(void)
{
    return (int64_t)(2e9 / options.rate * drand48());
}

/* A request that found no free connection counts from when it was due; else a late wake-up here would count.
 */
static void send_due(void)
{
    static bool late;
    int64_t now = now_ns();

    while (load.next_due_ns <= now && load.free) {
        connection_t *connection = load.free;
        load.free = connection->next_free;
        begin(connection, late ? load.next_due_ns : now_ns());
        load.next_due_ns += next_gap_ns();
    }
    late = load.next_due_ns <= now;
}

static void on_event(connection_t *connection, uint32_t what)
{
    if (what & EPOLLOUT && connection->writing) {
        send_more(connection);
    }
    if (what & (EPOLLIN | EPOLLHUP | EPOLLERR) && connection->fd >= 0) {
        read_some(connection);
    }
}

static void run_until(int64_t until_ns)
{
    struct epoll_event events[256];

    for (int64_t now = now_ns(); now < until_ns && !load.stop; now = now_ns()) {
        int64_t wake_ns = until_ns;
        if (options.rate > 0) {
            send_due();
            wake_ns = load.free && load.next_due_ns < wake_ns ? load.next_due_ns : wake_ns;
        }
        int count = wire_wait(load.epoll_fd, events, 256, wake_ns);
        for (int i = 0; i < count; i++) {
            on_event(events[i].data.ptr, events[i].events);
        }
    }
}

static void start_connections(void)
{
    connection_t *all = checked(calloc((size_t)options.connections, sizeof(*all)));

    load.next_due_ns = now_ns();
    for (int i = 0; i < options.connections; i++) {
        all[i].fd = -1;
        next(&all[i]);
    }
}

static void print_error(void)
{
    printf("\"first_error\":\"");
    for (const char *at = load.first_error; *at; at++) {
        putchar(*at < ' ' || *at == '"' || *at == '\\' ? ' ' : *at);
    }
    printf("\"");
}

static void print_result(double seconds, const cpu_t *cpu, cpu_t own)
{
    samples_t *samples = &load.samples;

    samples_sort(samples);
    printf("{\"requests\":%zu,\"errors\":%llu,\"seconds\":%.4f,\"events\":%llu,", samples->count,
           (unsigned long long)load.errors, seconds, (unsigned long long)load.events);
    printf("\"p50_us\":%.1f,\"p99_us\":%.1f,", samples_at(samples, 0.5), samples_at(samples, 0.99));
    printf("\"own_cpu_us\":%.1f,\"processes\":[", own.used_ns / 1e3);
    for (int i = 0; i < options.pid_count; i++) {
        printf("%s{\"cpu_us\":%.1f,\"waited_us\":%.1f}", i ? "," : "", cpu[i].used_ns / 1e3,
               cpu[i].waited_ns / 1e3);
    }
    printf("],");
    print_error();
    printf("}\n");
}

static void read_processes(cpu_t *ret)
{
    for (int i = 0; i < options.pid_count; i++) {
        ret[i] = cpu_of(options.pids[i]);
    }
}

static void measure(void)
{
    cpu_t before[MAX_PIDS], after[MAX_PIDS];

    run_until(now_ns() + (int64_t)(options.warmup * 1e9));
    load.measuring = true;
    load.done = 0;
    read_processes(before);
    cpu_t own = cpu_of(getpid());
    int64_t since_ns = now_ns();
    run_until(since_ns + (int64_t)(options.seconds * 1e9));
    double seconds = (double)(now_ns() - since_ns) / 1e9;
    read_processes(after);
    for (int i = 0; i < options.pid_count; i++) {
        after[i] = cpu_between(before[i], after[i]);
    }
    print_result(seconds, after, cpu_between(own, cpu_of(getpid())));
}

static bool read_option(const char *name, const char *value)
{
    if (strcmp(name, "--to") == 0) {
        options.to = value;
    } else if (strcmp(name, "--requests") == 0) {
        options.requests = requests_read(value);
    } else if (strcmp(name, "--connections") == 0) {
        options.connections = atoi(value);
    } else if (strcmp(name, "--seconds") == 0) {
        options.seconds = atof(value);
    } else if (strcmp(name, "--warmup") == 0) {
        options.warmup = atof(value);
    } else if (strcmp(name, "--rate") == 0) {
        options.rate = atof(value);
    } else if (strcmp(name, "--count") == 0) {
        options.count = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--pid") == 0 && options.pid_count < MAX_PIDS) {
        options.pids[options.pid_count++] = atoi(value);
    } else {
        return false;
    }
    return true;
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--fresh") == 0) {
            options.fresh = true;
        } else if (strcmp(argv[i], "--once") == 0) {
            options.once = true;
        } else if (i + 1 < argc && read_option(argv[i], argv[i + 1])) {
            i++;
        } else {
            errno = EINVAL;
            die(argv[i]);
        }
    }
    if (!options.to || options.requests.count == 0) {
        errno = EINVAL;
        die("load needs --to and --requests");
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1000UL);
    srand48(getpid());
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    start_connections();
    measure();
    return 0;
}
