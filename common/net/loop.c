/* One event loop per thread, on libevent's epoll backend. Registrations that come and go within a turn are
 * folded by the changelist and cost no system call. The base has no locks: other threads reach it by
 * loop_post() and loop_stop() only.
 *
 * Surprising: libevent 2.1 has no hook between waiting and calling back, so the clock is read by the first
 * callback of a turn that asks for it; and a turn here is one event_base_loop(EVLOOP_ONCE), after which the
 * log is flushed.
 */
#include "loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

#define TICK_MS 100
#define COMPLAINTS_PER_SECOND 5
#define WRITES_TOGETHER 64 /* a turn may have hundreds, and the first should not wait for all of them */

typedef struct {
    loop_f fn;
    void *self;
} task_t;

typedef struct {
    task_t *at;
    size_t count, size;
} tasks_t;

struct loop {
    struct event_base *base;
    struct event *wake, *deferred_ready, *writes_ready, *tick;
    int wake_fd;
    pthread_mutex_t lock; /* of posted */
    tasks_t posted, deferred;
    TAILQ_HEAD(, loop_write) writes;
    unsigned write_count;
    atomic_bool stopping;
    bool in_turn;
    int64_t now_ms; /* 0: nobody has asked in this turn */
    int64_t last_tick_us, lag_us;
    int fds_known;
    int64_t date_at;
    char date[64];
};

/* Out of descriptors libevent can complain once per event; a few lines say it as well. */
static void on_complaint(int severity, const char *text)
{
    static atomic_llong second;
    static atomic_int lines;

    if (severity < EVENT_LOG_WARN) {
        return;
    }
    int64_t now = clock_unix();
    if (atomic_exchange(&second, now) != now) {
        atomic_store(&lines, 0);
    }
    /* An error is the reason of the end that follows: always said. */
    if (severity < EVENT_LOG_ERR && atomic_fetch_add(&lines, 1) >= COMPLAINTS_PER_SECOND) {
        return;
    }
    if (log_begin(severity < EVENT_LOG_ERR ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "libevent")) {
        log_str("said", text);
        log_end();
    }
}

static void on_fatal(int code)
{
    if (log_begin(LOG_LEVEL_ERROR, "libevent cannot go on; the line before says why")) {
        log_int("code", code);
        log_end();
    }
    log_flush();
    abort();
}

/* The soft limit of descriptors is made for shells. */
static void take_descriptors(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void set_up_process(void)
{
    signal(SIGPIPE, SIG_IGN);
    take_descriptors();
    event_set_log_callback(on_complaint);
    event_set_fatal_callback(on_fatal);
}

static void add_task(tasks_t *tasks, loop_f fn, void *self)
{
    if (tasks->count == tasks->size) {
        tasks->size = tasks->size ? 2 * tasks->size : 16;
        tasks->at = mem_resize(tasks->at, tasks->size * sizeof(task_t));
    }
    tasks->at[tasks->count++] = (task_t){ fn, self };
}

static void run_tasks(const tasks_t *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        tasks->at[i].fn(tasks->at[i].self);
    }
}

static void on_deferred(evutil_socket_t fd, short what, void *self)
{
    loop_t *loop = self;
    tasks_t tasks = loop->deferred;

    (void)fd;
    (void)what;
    loop->deferred = (tasks_t){ 0 };
    run_tasks(&tasks);
    if (!loop->deferred.at) { /* nothing was deferred meanwhile: keep the memory for the next time */
        tasks.count = 0;
        loop->deferred = tasks;
        return;
    }
    mem_free(tasks.at);
}

static void run_posted(loop_t *loop)
{
    pthread_mutex_lock(&loop->lock);
    tasks_t tasks = loop->posted;
    loop->posted = (tasks_t){ 0 };
    pthread_mutex_unlock(&loop->lock);
    run_tasks(&tasks);
    mem_free(tasks.at);
}

static void on_wake(evutil_socket_t fd, short what, void *self)
{
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof(count)) > 0) {
        run_posted(self);
    }
}

static void run_writes(loop_t *loop)
{
    loop_write_t *write;

    while ((write = TAILQ_FIRST(&loop->writes))) {
        loop_write_cancel(loop, write);
        write->fn(write->self);
    }
}

static void on_writes(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    run_writes(self);
}

static void on_tick(evutil_socket_t fd, short what, void *self)
{
    loop_t *loop = self;
    int64_t now_us = clock_us();
    int64_t late_us = now_us - loop->last_tick_us - TICK_MS * 1000;

    (void)fd;
    (void)what;
    loop->lag_us = late_us > 0 ? late_us : 0;
    loop->last_tick_us = now_us;
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    base = event_base_new_with_config(config);
    event_config_free(config);
    if (!base) {
        on_fatal(0);
    }
    return base;
}

loop_t *loop_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    loop_t *loop = NEW(loop_t);

    pthread_once(&once, set_up_process);
    loop->base = new_base();
    pthread_mutex_init(&loop->lock, NULL);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0) {
        on_fatal(0);
    }
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    loop->deferred_ready = event_new(loop->base, -1, 0, on_deferred, loop);
    loop->writes_ready = event_new(loop->base, -1, 0, on_writes, loop);
    TAILQ_INIT(&loop->writes);
    loop->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
    event_add(loop->wake, NULL);
    return loop;
}

void loop_free(loop_t *loop)
{
    if (!loop) {
        return;
    }
    while (loop->posted.count > 0 || loop->deferred.count > 0) {
        run_posted(loop);
        on_deferred(-1, 0, loop);
    }
    event_free(loop->wake);
    event_free(loop->deferred_ready);
    event_free(loop->writes_ready);
    event_free(loop->tick);
    event_base_free(loop->base);
    close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
    mem_free(loop->posted.at);
    mem_free(loop->deferred.at);
    mem_free(loop);
}

void loop_run(loop_t *loop)
{
    log_buffer_lines();
    loop->last_tick_us = clock_us();
    loop_arm(loop->tick, TICK_MS);
    while (!atomic_load(&loop->stopping)) {
        loop->now_ms = 0;
        loop->in_turn = true;
        event_base_loop(loop->base, EVLOOP_ONCE);
        loop->in_turn = false;
        log_flush();
    }
    event_del(loop->tick);
    atomic_store(&loop->stopping, false);
}

/* The write fails only when the counter is full of wake-ups not yet taken: the loop wakes anyway. */
static void wake(const loop_t *loop)
{
    const uint64_t one = 1;

    if (write(loop->wake_fd, &one, sizeof(one)) < 0) {
        return;
    }
}

void loop_stop(loop_t *loop)
{
    atomic_store(&loop->stopping, true);
    wake(loop);
}

static void no_event(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what, (void)self;
}

void loop_expect_fds(loop_t *loop, int end)
{
    struct event event;

    for (; loop->fds_known < end; loop->fds_known++) {
        event_assign(&event, loop->base, loop->fds_known, EV_READ, no_event, NULL);
        event_add(&event, NULL);
        event_del(&event);
    }
}

struct event_base *loop_base(loop_t *loop)
{
    return loop->base;
}

void loop_arm(struct event *event, int64_t ms)
{
    struct timeval wait = clock_timeval(ms);

    event_add(event, &wait);
}

int64_t loop_now_ms(const loop_t *loop)
{
    if (!loop->in_turn) {
        return clock_ms();
    }
    if (loop->now_ms == 0) {
        ((loop_t *)loop)->now_ms = clock_ms();
    }
    return loop->now_ms;
}

const char *loop_http_date(loop_t *loop)
{
    int64_t now = clock_unix();

    if (now != loop->date_at) {
        static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        time_t seconds = (time_t)now;
        struct tm utc;

        /* Not strftime: its names follow the locale. */
        gmtime_r(&seconds, &utc);
        snprintf(loop->date, sizeof(loop->date), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                 days + 3 * utc.tm_wday, utc.tm_mday, months + 3 * utc.tm_mon, utc.tm_year + 1900,
                 utc.tm_hour, utc.tm_min, utc.tm_sec);
        loop->date_at = now;
    }
    return loop->date;
}

int64_t loop_lag_us(const loop_t *loop)
{
    return loop->lag_us;
}

void loop_post(void *self, loop_f fn, void *arg)
{
    loop_t *loop = self;
    bool first;

    pthread_mutex_lock(&loop->lock);
    first = loop->posted.count == 0;
    add_task(&loop->posted, fn, arg);
    pthread_mutex_unlock(&loop->lock);
    if (first) {
        wake(loop);
    }
}

void loop_defer(loop_t *loop, loop_f fn, void *self)
{
    if (loop->deferred.count == 0) {
        event_active(loop->deferred_ready, EV_TIMEOUT, 1);
    }
    add_task(&loop->deferred, fn, self);
}

void loop_write_soon(loop_t *loop, loop_write_t *write, loop_f fn, void *self)
{
    write->fn = fn;
    write->self = self;
    write->waits = true;
    TAILQ_INSERT_TAIL(&loop->writes, write, link);
    if (++loop->write_count == WRITES_TOGETHER) {
        run_writes(loop);
    } else if (loop->write_count == 1) {
        event_active(loop->writes_ready, EV_TIMEOUT, 1);
    }
}

void loop_write_cancel(loop_t *loop, loop_write_t *write)
{
    if (write->waits) {
        write->waits = false;
        TAILQ_REMOVE(&loop->writes, write, link);
        loop->write_count--;
    }
}
