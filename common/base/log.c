/* JSON lines that never stop the thread that writes them (log.h).
 *
 * The descriptor: O_NONBLOCK belongs to the open file, which a terminal or a pipe shares with the shell that
 * started us, so we open it anew through /proc and set the flag on our own. A regular file is only
 * duplicated: opened anew it would have an offset of its own and write over others. A socket cannot be
 * reopened and is sent to with MSG_DONTWAIT. What cannot be reopened otherwise (a pipe of another user) is
 * asked by poll() first.
 *
 * The threads: each builds lines in its own memory; only the write itself is under a lock, which also guards
 * the rest of a line that the descriptor took in part. A write that fails for whatever reason is tried again
 * with the next flush.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"

#define LINE_MAX_BYTES 4096  /* PIPE_BUF on Linux: written whole or not at all */
#define VALUE_MAX_BYTES 1024 /* so that one long value does not push the others out of the line */
#define LINES_MAX_BYTES (256 * 1024)

typedef struct {
    buf_t line;  /* being built */
    buf_t lines; /* waiting for log_flush() */
    bool collects;
    int64_t second;            /* of `time` */
    char time[CLOCK_ISO_SIZE]; /* of the line before: within a second only the milliseconds change */
} writer_t;

typedef enum { OUTPUT_OWN, OUTPUT_SOCKET, OUTPUT_SHARED } output_kind_t;

static struct {
    pthread_mutex_t lock;
    int fd;
    output_kind_t kind;
    char process[32];
    char rest[LINE_MAX_BYTES]; /* of a line that was taken in part */
    size_t rest_length;
} output = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO, .kind = OUTPUT_SHARED, .process = "guiche"
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static _Atomic int lowest_level = LOG_LEVEL_INFO;
static _Atomic uint64_t dropped;

static pthread_once_t writers_once = PTHREAD_ONCE_INIT;
static pthread_key_t writers_key;
static _Thread_local writer_t *writer;

static void writer_end(void *ending)
{
    writer = ending;
    log_flush();
    for (size_t i = 0; i < writer->lines.length; i++) {
        dropped += writer->lines.data[i] == '\n';
    }
    buf_free(&writer->line);
    buf_free(&writer->lines);
    mem_free(TAKE(writer));
}

static void make_key(void)
{
    pthread_key_create(&writers_key, writer_end);
}

static writer_t *my_writer(void)
{
    if (!writer) {
        pthread_once(&writers_once, make_key);
        writer = NEW(writer_t);
        pthread_setspecific(writers_key, writer);
    }
    return writer;
}

/* From here to put_lines(): the descriptor, all under output.lock. */

static int open_output(int fd, output_kind_t *ret_kind)
{
    struct stat about = { 0 };
    char path[32];

    *ret_kind = OUTPUT_OWN;
    if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISSOCK(about.st_mode)) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0) {
            return own;
        }
        *ret_kind = OUTPUT_SHARED;
    } else if (S_ISSOCK(about.st_mode)) {
        *ret_kind = OUTPUT_SOCKET;
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static bool would_block(void)
{
    struct pollfd ask = { .fd = output.fd, .events = POLLOUT };

    return output.kind == OUTPUT_SHARED && (poll(&ask, 1, 0) != 1 || !(ask.revents & POLLOUT));
}

/* How much was taken; 0 on any failure. */
static size_t put(const char *at, size_t length)
{
    ssize_t n;

    if (would_block()) {
        return 0;
    }
    do {
        n = output.kind == OUTPUT_SOCKET ? send(output.fd, at, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                                         : write(output.fd, at, length);
    } while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

static bool put_rest(void)
{
    size_t taken = output.rest_length > 0 ? put(output.rest, output.rest_length) : 0;

    output.rest_length -= taken;
    memmove(output.rest, output.rest + taken, output.rest_length);
    return output.rest_length == 0;
}

/* Whole lines, at most LINE_MAX_BYTES. False: not now. Once begun they count as written, the rest is kept
 * here. */
static bool put_lines(const char *at, size_t length)
{
    if (!put_rest()) {
        return false;
    }
    size_t taken = put(at, length);
    if (taken == 0) {
        return false;
    }
    output.rest_length = length - taken;
    memcpy(output.rest, at + taken, output.rest_length);
    return true;
}

void log_open(int fd, const char *process, log_level_t level)
{
    static bool flushes_at_exit;
    output_kind_t kind;
    int opened = open_output(fd, &kind);

    pthread_mutex_lock(&output.lock);
    if (output.fd > STDERR_FILENO) {
        close(output.fd);
    }
    output.fd = opened;
    output.kind = kind;
    output.rest_length = 0;
    snprintf(output.process, sizeof(output.process), "%s", process);
    if (!flushes_at_exit) {
        atexit(log_flush);
        flushes_at_exit = true;
    }
    pthread_mutex_unlock(&output.lock);
    log_set_level(level);
}

void log_set_level(log_level_t level)
{
    atomic_store_explicit(&lowest_level, (int)level, memory_order_relaxed);
}

int log_level_from_name(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(level_names); i++) {
        if (strcmp(level_names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Room for a value once `,"key":` and the end of the line are there. */
static size_t room_for(const char *key)
{
    size_t taken = writer->line.length + strlen(key) + sizeof(",\"\":}\n");

    return taken < LINE_MAX_BYTES ? LINE_MAX_BYTES - taken : 0;
}

static bool add_key(const char *key, size_t value_length)
{
    if (room_for(key) < value_length) {
        return false;
    }
    buf_add_text(&writer->line, ",\"");
    buf_add_text(&writer->line, key);
    buf_add_text(&writer->line, "\":");
    return true;
}

/* Lines are written once per call: all of this without printf costs 0.5 us, with it 2 us. */
static const char *time_text(int64_t unix_ms)
{
    char *ms = writer->time + sizeof("2026-11-20T13:57:45");

    if (unix_ms / 1000 != writer->second) {
        clock_iso(unix_ms, writer->time);
        writer->second = unix_ms / 1000;
    }
    ms[0] = (char)('0' + unix_ms % 1000 / 100);
    ms[1] = (char)('0' + unix_ms % 100 / 10);
    ms[2] = (char)('0' + unix_ms % 10);
    return writer->time;
}

bool log_begin(log_level_t level, const char *message)
{
    if ((int)level < atomic_load_explicit(&lowest_level, memory_order_relaxed)) {
        return false;
    }
    buf_t *line = &my_writer()->line;
    buf_clear(line);
    buf_add_text(line, "{\"time\":\"");
    buf_add_text(line, time_text(clock_unix_ms()));
    buf_add_text(line, "\",\"level\":\"");
    buf_add_text(line, level_names[level]);
    buf_add_text(line, "\",\"process\":");
    buf_add_json_string(line, span_of(output.process));
    log_str("message", message);
    return true;
}

void log_span(const char *key, span_t value)
{
    size_t room = room_for(key);

    if (value.at && add_key(key, sizeof("\"...\""))) {
        buf_add_json_string_cut(&writer->line, value, room < VALUE_MAX_BYTES ? room : VALUE_MAX_BYTES);
    }
}

void log_str(const char *key, const char *value)
{
    log_span(key, span_of(value));
}

/* Room for any number of log_int() and log_ms(). */
#define NUMBER_MAX_BYTES 24

void log_int(const char *key, int64_t value)
{
    if (!add_key(key, NUMBER_MAX_BYTES)) {
        return;
    }
    if (value < 0) {
        buf_add_char(&writer->line, '-');
    }
    buf_add_u64(&writer->line, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void log_ms(const char *key, int64_t us)
{
    int64_t shown = us > 0 ? us : 0;
    int rest = (int)(shown % 1000);
    const char digits[] = { '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                            (char)('0' + rest % 10) };

    if (add_key(key, NUMBER_MAX_BYTES)) {
        buf_add_u64(&writer->line, (uint64_t)(shown / 1000));
        buf_add(&writer->line, digits, sizeof(digits));
    }
}

void log_bool(const char *key, bool value)
{
    if (add_key(key, sizeof("false"))) {
        buf_add_text(&writer->line, value ? "true" : "false");
    }
}

static bool write_at_once(const buf_t *line)
{
    pthread_mutex_lock(&output.lock);
    bool written = put_lines(line->data, line->length);
    pthread_mutex_unlock(&output.lock);
    return written;
}

static bool collect(const buf_t *line)
{
    if (writer->lines.length + line->length > LINES_MAX_BYTES) {
        return false;
    }
    buf_add_span(&writer->lines, buf_span(line));
    return true;
}

void log_end(void)
{
    buf_t *line = &writer->line;

    buf_add_text(line, "}\n");
    if (!(writer->collects ? collect(line) : write_at_once(line))) {
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    }
}

void log_buffer_lines(void)
{
    my_writer()->collects = true;
}

/* As many whole lines as fit into one chunk; no line is longer than one. */
static size_t chunk_length(const char *at, size_t length)
{
    if (length <= LINE_MAX_BYTES) {
        return length;
    }
    const char *end = memrchr(at, '\n', LINE_MAX_BYTES);
    return end ? (size_t)(end - at) + 1 : LINE_MAX_BYTES;
}

void log_flush(void)
{
    size_t sent = 0;

    if (!writer || writer->lines.length == 0) {
        return;
    }
    buf_t *lines = &writer->lines;
    pthread_mutex_lock(&output.lock);
    while (sent < lines->length) {
        size_t length = chunk_length(lines->data + sent, lines->length - sent);
        if (!put_lines(lines->data + sent, length)) {
            break;
        }
        sent += length;
    }
    pthread_mutex_unlock(&output.lock);
    lines->length -= sent;
    memmove(lines->data, lines->data + sent, lines->length);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}
