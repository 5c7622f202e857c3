/* pause_ms: the smallest operation. What it owes its call: it holds it while it runs, stops when the call is
 * cancelled, calls back once and never before it has returned, and lets go. */
#include "hello.h"

#include <event2/event.h>

typedef struct {
    call_t *call;
    struct event *timer;
    loop_f cb;
    void *self;
} pause_t;

static void on_over(int fd, short what, void *self)
{
    pause_t *p = self;
    call_t *call = p->call;

    (void)fd;
    (void)what;
    event_free(p->timer);
    call_on_cancel(call, NULL, NULL);
    if (!call_ended(call)) {
        p->cb(p->self);
    }
    call_release(call);
}

static void on_cancel(void *self)
{
    pause_t *p = self;

    event_free(p->timer);
    call_release(p->call);
}

void pause_ms(call_t *call, int64_t ms, loop_f cb, void *self)
{
    const hello_t *hello = call_state(call);
    pause_t *p = CALL_NEW(call, pause_t);

    *p = (pause_t){ call, NULL, cb, self };
    p->timer = evtimer_new(loop_base(hello->loop), (event_callback_fn)on_over, p);
    loop_arm(p->timer, ms);
    call_hold(call);
    call_on_cancel(call, on_cancel, p);
}
