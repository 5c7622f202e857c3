/* See stdio_process.h.
 *
 * Surprising: what ends may leave children of its own behind (npx starts node), so its whole group is killed;
 * and before it is reaped, because afterwards its number could be another group's. What it still wrote is
 * read before its end is told: a server may answer and leave.
 */
#include "stdio_process.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "stdio_log.h"
#include "stdio_message.h"
#include "stdio_spawn.h"
#include "texts.h"

#define FIRST_RESTART_MS 500
#define LAST_RESTART_MS 30000
#define HEALTHY_MS 60000
#define STOP_STEP_MS 2000
#define MAX_UNREAD_BYTES (32 * 1024 * 1024)
#define LAST_READS 1024 /* of what a process that has ended left in its pipe */

/* ENDING: it closed one of its streams, and is given time to end as if it were stopped. */
typedef enum { WAITING, RUNNING, ENDING, STOPPING, STOPPED } state_t;

struct stdio_process {
    const stdio_events_t *events;
    void *self;
    loop_t *loop;
    char *name, **command, **env, *cwd;
    state_t state;
    pid_t pid; /* 0: none */
    struct bufferevent *streams[STDIO_STREAMS];
    stdio_lines_t lines, errors;
    struct event *timer, *child;
    int64_t started_ms, restart_ms;
    char *how; /* it ended: "Its process ended with status 1" */
    stdio_log_t log;
    int next_signal; /* of ENDING and STOPPING */
};

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

static void on_timer(evutil_socket_t fd, short what, void *self);
static void on_child(evutil_socket_t number, short what, void *self);
static void on_output(struct bufferevent *stream, void *self);
static void on_errors(struct bufferevent *stream, void *self);
static void on_broken(struct bufferevent *stream, short what, void *self);
static void on_errors_broken(struct bufferevent *stream, short what, void *self);
static void ended(stdio_process_t *process, char *how);

stdio_process_t *stdio_process_new(loop_t *loop, const connector_config_t *config, size_t max_line_bytes,
                                   const stdio_events_t *events, void *self)
{
    stdio_process_t *process = NEW(stdio_process_t);

    process->events = events;
    process->self = self;
    process->loop = loop;
    process->name = mem_strdup(config->name);
    process->command = texts_copy(config->command);
    process->env = texts_copy(config->env);
    process->cwd = config->cwd ? mem_strdup(config->cwd) : NULL;
    process->lines.max_bytes = max_line_bytes;
    process->log = (stdio_log_t){ .connector = process->name, .env = process->env };
    process->errors.max_bytes = stdio_log_reads_bytes(&process->log);
    process->timer = evtimer_new(loop_base(loop), on_timer, process);
    process->child = evsignal_new(loop_base(loop), SIGCHLD, on_child, process);
    evsignal_add(process->child, NULL);
    evtimer_add(process->timer, &(struct timeval){ 0 });
    return process;
}

void stdio_process_limit(stdio_process_t *process, size_t max_line_bytes)
{
    process->lines.max_bytes = max_line_bytes;
}

static void wait_ms(stdio_process_t *process, int64_t ms)
{
    struct timeval wait = clock_timeval(ms);

    evtimer_add(process->timer, &wait);
}

/* The log. */

static void log_begun(const stdio_process_t *process)
{
    if (log_begin(LOG_LEVEL_INFO, "process of a connector started")) {
        log_str("connector", process->name);
        log_int("pid", process->pid);
        log_end();
    }
}

static void log_ended(const stdio_process_t *process)
{
    if (log_begin(LOG_LEVEL_WARN, "process of a connector is down")) {
        log_str("connector", process->name);
        log_str("reason", process->how);
        log_int("restart_ms", process->restart_ms);
        log_end();
    }
}

void stdio_process_log(stdio_process_t *process, const char *message, span_t line)
{
    stdio_log(&process->log, loop_now_ms(process->loop), message, line);
}

/* Starting. */

static void open_streams(stdio_process_t *process, const int *fds)
{
    struct event_base *base = loop_base(process->loop);

    for (int i = 0; i < STDIO_STREAMS; i++) {
        process->streams[i] = bufferevent_socket_new(base, fds[i], BEV_OPT_CLOSE_ON_FREE);
    }
    bufferevent_setcb(process->streams[STDIO_INPUT], NULL, NULL, on_broken, process);
    bufferevent_setcb(process->streams[STDIO_OUTPUT], on_output, NULL, on_broken, process);
    bufferevent_setcb(process->streams[STDIO_ERRORS], on_errors, NULL, on_errors_broken, process);
    bufferevent_enable(process->streams[STDIO_INPUT], EV_WRITE);
    bufferevent_disable(process->streams[STDIO_OUTPUT], EV_WRITE);
    bufferevent_enable(process->streams[STDIO_OUTPUT], EV_READ);
    bufferevent_disable(process->streams[STDIO_ERRORS], EV_WRITE);
    bufferevent_enable(process->streams[STDIO_ERRORS], EV_READ);
}

static void start(stdio_process_t *process)
{
    stdio_program_t program = { process->command, process->env, process->cwd };
    int fds[STDIO_STREAMS];
    err_t err;

    process->started_ms = clock_ms();
    if (stdio_spawn(&program, &process->pid, fds, &err)) {
        process->pid = 0;
        ended(process, mem_strdup(err.text));
        return;
    }
    open_streams(process, fds);
    process->state = RUNNING;
    log_begun(process);
    process->events->on_up(process->self);
}

static void signal_group(const stdio_process_t *process, int number)
{
    if (process->pid > 0) {
        kill(-process->pid, number);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    stdio_process_t *process = self;

    (void)fd, (void)what;
    if (process->state == WAITING) {
        start(process);
    } else {
        signal_group(process, process->next_signal);
        process->next_signal = SIGKILL;
        wait_ms(process, STOP_STEP_MS);
    }
}

/* What it says. */

static void on_line(void *self, span_t line, bool cut)
{
    stdio_process_t *process = self;

    if (cut) {
        process->events->on_long_line(process->self, line);
    } else {
        process->events->on_line(process->self, line);
    }
}

static void on_output(struct bufferevent *stream, void *self)
{
    stdio_process_t *process = self;

    stdio_lines_read(&process->lines, bufferevent_get_input(stream), on_line, process);
}

static void on_error_line(void *self, span_t line, bool cut)
{
    (void)cut;
    stdio_process_log(self, "stderr of a connector", line);
}

static void on_errors(struct bufferevent *stream, void *self)
{
    stdio_process_t *process = self;

    stdio_lines_read(&process->errors, bufferevent_get_input(stream), on_error_line, process);
}

static void close_stream(stdio_process_t *process, int which)
{
    if (process->streams[which]) {
        bufferevent_free(TAKE(process->streams[which]));
    }
}

static void on_errors_broken(struct bufferevent *stream, short what, void *self)
{
    stdio_process_t *process = self;

    (void)stream, (void)what;
    stdio_lines_end(&process->errors, on_error_line, process);
    close_stream(process, STDIO_ERRORS);
}

/* Its end. */

static void begin_end(stdio_process_t *process, state_t state)
{
    process->state = state;
    process->next_signal = SIGTERM;
    close_stream(process, STDIO_INPUT);
    wait_ms(process, STOP_STEP_MS);
}

/* Usually it has ended, and SIGCHLD says so in this turn of the loop or the next. */
static void on_broken(struct bufferevent *stream, short what, void *self)
{
    stdio_process_t *process = self;

    (void)what;
    bufferevent_disable(stream, EV_READ | EV_WRITE);
    if (process->state == RUNNING) {
        begin_end(process, ENDING);
    }
}

static void read_last(stdio_process_t *process, int which, stdio_lines_t *lines, stdio_line_f each)
{
    AUTO(evbuffer_free) struct evbuffer *rest = evbuffer_new();
    int fd = process->streams[which] ? bufferevent_getfd(process->streams[which]) : -1;

    for (int i = 0; fd >= 0 && i < LAST_READS && evbuffer_read(rest, fd, -1) > 0; i++) {
        stdio_lines_read(lines, rest, each, process);
    }
    stdio_lines_end(lines, each, process);
    close_stream(process, which);
}

static char *how_it_ended(int status)
{
    if (WIFSIGNALED(status)) {
        return mem_printf("Its process was ended by signal %d", WTERMSIG(status));
    }
    return mem_printf("Its process ended with status %d", WEXITSTATUS(status));
}

static void reap(stdio_process_t *process)
{
    int status = 0;

    signal_group(process, SIGKILL);
    waitpid(process->pid, &status, 0);
    process->pid = 0;
    read_last(process, STDIO_OUTPUT, &process->lines, on_line);
    read_last(process, STDIO_ERRORS, &process->errors, on_error_line);
    close_stream(process, STDIO_INPUT);
    ended(process, how_it_ended(status));
}

static void on_child(evutil_socket_t number, short what, void *self)
{
    stdio_process_t *process = self;
    siginfo_t found = { 0 };

    (void)number, (void)what;
    if (process->pid > 0 && waitid(P_PID, (id_t)process->pid, &found, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        found.si_pid > 0) {
        reap(process);
    }
}

static void choose_wait(stdio_process_t *process)
{
    int64_t doubled = process->restart_ms * 2;

    if (process->restart_ms == 0 || clock_ms() - process->started_ms >= HEALTHY_MS) {
        process->restart_ms = FIRST_RESTART_MS;
    } else {
        process->restart_ms = doubled < LAST_RESTART_MS ? doubled : LAST_RESTART_MS;
    }
}

static void ended(stdio_process_t *process, char *how)
{
    mem_free(process->how);
    process->how = how;
    evtimer_del(process->timer);
    if (process->state == STOPPING) {
        process->state = STOPPED;
        process->events->on_stopped(process->self);
        return;
    }
    choose_wait(process);
    process->state = WAITING;
    wait_ms(process, process->restart_ms);
    log_ended(process);
    process->events->on_down(process->self);
}

static void on_nothing_left(void *self)
{
    ended(self, NULL);
}

void stdio_process_stop(stdio_process_t *process)
{
    if (process->state == STOPPING || process->state == STOPPED) {
        return;
    }
    begin_end(process, STOPPING);
    if (process->pid == 0) {
        loop_defer(process->loop, on_nothing_left, process);
    }
}

void stdio_process_free(stdio_process_t *process)
{
    if (!process) {
        return;
    }
    if (process->pid > 0) {
        signal_group(process, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    for (int i = 0; i < STDIO_STREAMS; i++) {
        close_stream(process, i);
    }
    event_free(process->timer);
    event_free(process->child);
    stdio_lines_release(&process->lines);
    stdio_lines_release(&process->errors);
    texts_free(process->command);
    texts_wipe(process->env);
    mem_free(process->name);
    mem_free(process->cwd);
    mem_free(process->how);
    mem_free(process);
}

/* Speaking to it. */

bool stdio_process_is_up(const stdio_process_t *process)
{
    return process->state == RUNNING;
}

void stdio_process_trouble(const stdio_process_t *process, buf_t *out)
{
    if (process->state == WAITING && process->how) {
        buf_addf(out, "%s; it is started again after %g s.", process->how,
                 (double)process->restart_ms / 1000);
    } else if (process->state == WAITING) {
        buf_add_text(out, "Its process is being started.");
    } else {
        buf_add_text(out, "Its process is ending.");
    }
}

bool stdio_process_write(stdio_process_t *process, span_t message)
{
    if (process->state != RUNNING) {
        return false;
    }
    struct bufferevent *input = process->streams[STDIO_INPUT];
    if (evbuffer_get_length(bufferevent_get_output(input)) + message.length > MAX_UNREAD_BYTES) {
        return false;
    }
    bufferevent_write(input, message.at, message.length);
    bufferevent_write(input, "\n", 1);
    return true;
}
