/* Lines that are whole, escaped and dropped rather than waited for. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "mem.h"

/* Everything that is there to read now. */
static void read_all(int fd, buf_t *ret)
{
    char chunk[65536];
    ssize_t n;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_add(ret, chunk, (size_t)n);
    }
}

/* The lines of what was read, each as JSON; a line that is none fails the test. */
static json_t *lines_of(buf_t *text)
{
    json_t *list = json_array();
    char *rest = (char *)buf_text(text), *line;

    while ((line = strsep(&rest, "\n")) && rest) {
        json_t *value = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        cr_assert(value, "not JSON: %s", line);
        cr_assert_leq(strlen(line) + 1, 4096);
        json_array_append_new(list, value);
    }
    cr_assert(!line || !*line, "a line without an end: %s", line);
    return list;
}

static json_t *read_lines(int fd)
{
    AUTO_BUF text = { 0 };

    read_all(fd, &text);
    return lines_of(&text);
}

static void say(const char *message, int64_t number)
{
    if (log_begin(LOG_LEVEL_INFO, message)) {
        log_int("n", number);
        log_end();
    }
}

static void open_pipe(int fds[2])
{
    cr_assert_eq(pipe(fds), 0);
    log_open(fds[1], "test", LOG_LEVEL_INFO);
}

Test(log, writes_one_json_object_per_line)
{
    int fds[2];

    open_pipe(fds);
    cr_assert(log_begin(LOG_LEVEL_WARN, "a \"message\"\n"));
    log_str("connector", "crm");
    log_str("nothing", NULL);
    log_span("span", SPAN("x\0y"));
    log_int("count", -7);
    log_ms("ms", 1234567);
    log_bool("yes", true);
    log_end();
    json_auto_t *lines = read_lines(fds[0]);
    json_t *line = json_array_get(lines, 0);
    cr_assert_eq(json_array_size(lines), 1);
    cr_assert_str_eq(json_string_value(json_object_get(line, "level")), "warn");
    cr_assert_str_eq(json_string_value(json_object_get(line, "process")), "test");
    cr_assert_str_eq(json_string_value(json_object_get(line, "message")), "a \"message\"\n");
    cr_assert_str_eq(json_string_value(json_object_get(line, "connector")), "crm");
    cr_assert_null(json_object_get(line, "nothing"));
    cr_assert_eq(json_integer_value(json_object_get(line, "count")), -7);
    cr_assert_float_eq(json_number_value(json_object_get(line, "ms")), 1234.567, 1e-9);
    cr_assert(json_is_true(json_object_get(line, "yes")));
    cr_assert_eq(strlen(json_string_value(json_object_get(line, "time"))), 24);
}

Test(log, begins_with_time_level_process_message)
{
    int fds[2];
    AUTO_BUF text = { 0 };

    open_pipe(fds);
    say("hello", 1);
    read_all(fds[0], &text);
    cr_assert_eq(strncmp(buf_text(&text), "{\"time\":\"20", 11), 0);
    cr_assert(strstr(buf_text(&text),
                     "Z\",\"level\":\"info\",\"process\":\"test\",\"message\":\"hello\",\"n\":1}\n"));
}

Test(log, keeps_silent_below_its_level)
{
    int fds[2];

    open_pipe(fds);
    cr_assert_not(log_begin(LOG_LEVEL_DEBUG, "no"));
    log_set_level(LOG_LEVEL_ERROR);
    cr_assert_not(log_begin(LOG_LEVEL_WARN, "no"));
    log_set_level(LOG_LEVEL_DEBUG);
    cr_assert(log_begin(LOG_LEVEL_DEBUG, "yes"));
    cr_assert_eq(log_level_from_name("warn"), LOG_LEVEL_WARN);
    cr_assert_eq(log_level_from_name("loud"), -1);
}

Test(log, cuts_long_values_and_lines_and_stays_json)
{
    int fds[2];
    AUTO(mem_free) char *long_value = mem_alloc(20001);

    memset(long_value, '\x01', 20000); /* six bytes each when escaped */
    open_pipe(fds);
    cr_assert(log_begin(LOG_LEVEL_INFO, long_value));
    for (int i = 0; i < 10; i++) {
        log_str(i % 2 ? "a" : "b", NULL);
        char key[2] = { (char)('a' + i), '\0' };
        log_str(key, long_value);
    }
    log_int("after", 1);
    log_end();
    json_auto_t *lines = read_lines(fds[0]);
    cr_assert_eq(json_array_size(lines), 1);
}

Test(log, keeps_short_members_after_a_long_value)
{
    int fds[2];
    AUTO(mem_free) char *long_value = mem_alloc(20001);

    memset(long_value, 'x', 20000);
    open_pipe(fds);
    cr_assert(log_begin(LOG_LEVEL_INFO, "m"));
    log_str("long", long_value);
    log_str("request_id", "0123456789abcdef");
    log_end();
    json_auto_t *lines = read_lines(fds[0]);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(lines, 0), "request_id")),
                     "0123456789abcdef");
}

Test(log, waits_for_the_flush_once_a_thread_collects)
{
    int fds[2];

    open_pipe(fds);
    log_buffer_lines();
    say("later", 1);
    json_auto_t *before = read_lines(fds[0]);
    cr_assert_eq(json_array_size(before), 0);
    log_flush();
    json_auto_t *after = read_lines(fds[0]);
    cr_assert_eq(json_array_size(after), 1);
}

Test(log, never_blocks_on_a_reader_that_does_not_read_and_counts_what_it_drops, .timeout = 60)
{
    int fds[2];
    size_t written = 0;

    open_pipe(fds);
    log_buffer_lines();
    for (int i = 0; i < 20000; i++) {
        say("nobody reads this line, which is long enough to fill things up soon", i);
        log_flush();
    }
    cr_assert_gt(log_dropped(), 0);
    for (int turns = 0; turns < 50; turns++) {
        json_auto_t *lines = read_lines(fds[0]);
        written += json_array_size(lines);
        log_flush();
    }
    cr_assert_eq(written + log_dropped(), 20000, "%zu written, %zu dropped", written, (size_t)log_dropped());
}

Test(log, drops_at_once_on_a_thread_that_does_not_collect, .timeout = 60)
{
    int fds[2];

    open_pipe(fds);
    for (int i = 0; i < 5000; i++) {
        say("a line of some length, so that the pipe of 64 KiB is full at some time", i);
    }
    json_auto_t *lines = read_lines(fds[0]);
    cr_assert_gt(log_dropped(), 0);
    cr_assert_eq(json_array_size(lines) + log_dropped(), 5000);
}

Test(log, writes_to_stderr_without_blocking_before_it_is_opened, .timeout = 60)
{
    int fds[2];

    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    for (int i = 0; i < 5000; i++) {
        say("nobody reads, and this descriptor would block", i);
    }
    json_auto_t *lines = read_lines(fds[0]);
    cr_assert_gt(log_dropped(), 0);
    cr_assert_eq(json_array_size(lines) + log_dropped(), 5000);
}

Test(log, leaves_the_mode_of_the_descriptor_it_was_given_alone)
{
    int fds[2];

    open_pipe(fds);
    say("x", 1);
    cr_assert_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
}

Test(log, writes_to_a_terminal_without_touching_its_mode, .timeout = 60)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    AUTO_BUF text = { 0 };

    cr_assert_geq(master, 0);
    cr_assert_eq(grantpt(master) | unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    log_open(terminal, "test", LOG_LEVEL_INFO);
    cr_assert_eq(fcntl(terminal, F_GETFL) & O_NONBLOCK, 0);
    log_buffer_lines();
    for (int i = 0; i < 5000; i++) { /* nobody reads: as good as paused */
        say("to a terminal that is paused", i);
        log_flush();
    }
    read_all(master, &text);
    cr_assert_gt(text.length, 0);
}

static void check_socket(int type)
{
    int fds[2];

    cr_assert_eq(socketpair(AF_UNIX, type, 0, fds), 0);
    log_open(fds[1], "test", LOG_LEVEL_INFO);
    cr_assert_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    log_buffer_lines();
    for (int i = 0; i < 20000; i++) {
        say("into a socket that nobody reads from, for a while", i);
        log_flush();
    }
    AUTO_BUF text = { 0 };
    for (int i = 0; i < 100; i++) {
        read_all(fds[0], &text);
        log_flush();
    }
    json_auto_t *lines = lines_of(&text); /* lines that were taken in part have been completed */
    cr_assert_eq(json_array_size(lines) + log_dropped(), 20000);
}

Test(log, falls_back_to_send_on_a_socket, .timeout = 60)
{
    check_socket(SOCK_STREAM);
}

Test(log, survives_a_socket_whose_other_end_is_gone)
{
    int fds[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    log_open(fds[1], "test", LOG_LEVEL_INFO);
    close(fds[0]);
    say("nobody", 1);
    cr_assert_eq(log_dropped(), 1);
}

Test(log, appends_to_a_file_behind_what_others_wrote)
{
    char path[] = "/tmp/test_log_XXXXXX";
    int fd = mkstemp(path);

    cr_assert_eq(write(fd, "{\"first\":1}\n", 12), 12);
    log_open(fd, "test", LOG_LEVEL_INFO);
    say("second", 2);
    cr_assert_eq(write(fd, "{\"third\":3}\n", 12), 12);
    lseek(fd, 0, SEEK_SET);
    json_auto_t *lines = read_lines(fd);
    unlink(path);
    cr_assert_eq(json_array_size(lines), 3);
    cr_assert(json_object_get(json_array_get(lines, 2), "third"));
}

Test(log, survives_a_closed_descriptor)
{
    log_open(987, "test", LOG_LEVEL_INFO);
    say("nowhere", 1);
    cr_assert_eq(log_dropped(), 1);
}

#define THREADS 4
#define LINES 2000

static void *write_many(void *self)
{
    log_buffer_lines();
    for (int i = 0; i < LINES; i++) {
        say(self, i);
        if (i % 7 == 0) {
            log_flush();
        }
    }
    return NULL; /* the rest is flushed when the thread ends */
}

static void *read_until_end(void *self)
{
    int fd = *(int *)self;
    buf_t *text = NEW(buf_t);
    char chunk[65536];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_add(text, chunk, (size_t)n);
        if (memchr(chunk, '!', (size_t)n)) {
            break;
        }
    }
    return text;
}

Test(log, never_mixes_the_lines_of_two_threads, .timeout = 60)
{
    static char names[THREADS][2] = { "a", "b", "c", "d" };
    pthread_t writers[THREADS], reader;
    int fds[2];
    buf_t *text;

    open_pipe(fds);
    pthread_create(&reader, NULL, read_until_end, &fds[0]);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&writers[i], NULL, write_many, names[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i], NULL);
    }
    cr_assert_eq(write(fds[1], "{\"end\":\"!\"}\n", 12), 12);
    pthread_join(reader, (void **)&text);
    json_auto_t *lines = lines_of(text);
    cr_assert_eq(json_array_size(lines) - 1 + log_dropped(), THREADS * LINES);
    buf_free(text);
    mem_free(text);
}
