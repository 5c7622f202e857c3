/* One event loop per thread: libevent with the epoll changelist and no locks, helpers' results coming back by
 * an eventfd, log lines flushed and the clock read once per turn. Timers and descriptors use libevent
 * directly through loop_base(). The first loop also makes the process ignore SIGPIPE and sends libevent's own
 * complaints to our log.
 */
#pragma once

#include <stdint.h>

struct event_base;
typedef struct loop loop_t;
typedef void (*loop_f)(void *self);

loop_t *loop_new(void);
/* Runs what was posted or deferred and has not run yet, so that jobs which end late are not leaked: what they
 * touch must still know that it is over. */
void loop_free(loop_t *loop);
void loop_run(loop_t *loop);  /* until loop_stop(), or at once when it was stopped before; may be run again */
void loop_stop(loop_t *loop); /* any thread */

struct event_base *loop_base(loop_t *loop);
int64_t loop_now_ms(const loop_t *loop);  /* monotonic, read once per turn */
const char *loop_http_date(loop_t *loop); /* "Fri, 20 Nov 2026 10:41:15 GMT", formatted once per second */
/* How late a 100 ms tick last came: what blocks the loop shows here. Own thread, like the two above. */
int64_t loop_lag_us(const loop_t *loop);

/* Any thread: runs fn on the loop's own. Fits pool_post_f. */
void loop_post(void *loop, loop_f fn, void *self);
/* Own thread: runs fn after the callback that runs now. */
void loop_defer(loop_t *loop, loop_f fn, void *self);
