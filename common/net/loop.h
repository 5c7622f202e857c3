/* One event loop per thread: libevent with the epoll changelist and no locks, helpers' results coming back by
 * an eventfd, log lines flushed and the clock read once per turn. Timers and descriptors are libevent's own,
 * through loop_base(). The first loop also makes the process ignore SIGPIPE, raises its limit of
 * descriptors to the hard one, and sends libevent's own complaints to our log.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct event;
struct event_base;
typedef struct loop loop_t;
typedef void (*loop_f)(void *self);

/* A write that waits for others to leave together with, as a member of what it is about. */
typedef struct loop_write {
    TAILQ_ENTRY(loop_write) link;
    loop_f fn;
    void *self;
    bool waits;
} loop_write_t;

loop_t *loop_new(void);
/* Runs what was posted or deferred and has not run yet, so that jobs which end late are not leaked: what they
 * touch must still know that it is over. */
void loop_free(loop_t *loop);
void loop_run(loop_t *loop);  /* until loop_stop(), or at once when it was stopped before; may be run again */
void loop_stop(loop_t *loop); /* any thread */

struct event_base *loop_base(loop_t *loop);
/* Own thread: the event's timeout, counted from now, in place of the one it had; at once for what is past.
 * One of EV_PERSIST comes again and again. */
void loop_arm(struct event *event, int64_t ms);
/* libevent keeps a small record of each descriptor number it has met, for ever. Made one by one while
 * connections come they lie between what those have allocated, and each would hold a page of it when they are
 * gone. */
void loop_expect_fds(loop_t *loop, int end);
int64_t loop_now_ms(const loop_t *loop);  /* monotonic, read once per turn */
const char *loop_http_date(loop_t *loop); /* "Fri, 20 Nov 2026 10:41:15 GMT", formatted once per second */
/* How late a 100 ms tick last came: what blocks the loop shows here. Own thread, like the two above. */
int64_t loop_lag_us(const loop_t *loop);

/* Any thread: runs fn on the loop's own. Fits pool_post_f. */
void loop_post(void *loop, loop_f fn, void *self);
/* Own thread: runs fn after the callback that runs now. */
void loop_defer(loop_t *loop, loop_f fn, void *self);

/* Own thread: runs fn, which writes to a socket, at the end of this turn, or at once with those that wait
 * when they are enough. A peer that sleeps is woken by the first of many writes and then finds the others:
 * one by one, with our own work in between, each of them wakes it, at the cost of the writer. fn may free
 * what `write` is in. */
void loop_write_soon(loop_t *loop, loop_write_t *write, loop_f fn, void *self);
void loop_write_cancel(loop_t *loop, loop_write_t *write); /* nothing when it does not wait */
