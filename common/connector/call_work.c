/* Work that a call leaves for later: on a helper thread, or on the loop after the current step. Both hold the
 * call, and neither comes back to one that has ended. */
#include "call_life.h"

typedef struct {
    call_t *call;
    pool_f work, done, dispose;
    void *job;
} offloaded_t;

/* On a helper thread: of the call, only whether it has ended may be asked here. */
static void work_unless_ended(void *self)
{
    const offloaded_t *offloaded = self;

    if (!call_ended(offloaded->call)) {
        offloaded->work(offloaded->job);
    }
}

static void dispose(offloaded_t *offloaded)
{
    if (offloaded->dispose) {
        offloaded->dispose(offloaded->job);
    }
    call_release(offloaded->call);
    mem_free(offloaded);
}

static void on_worked(void *self)
{
    offloaded_t *offloaded = self;

    if (!call_ended(offloaded->call)) {
        offloaded->done(offloaded->job);
    }
    dispose(offloaded);
}

static void on_refused(void *self)
{
    offloaded_t *offloaded = self;

    if (!call_ended(offloaded->call)) {
        /* The answer to a write may be what could not be read. */
        call_failf(offloaded->call, ERR_UPSTREAM, "The connector has more work waiting than it can take. %s",
                   call_may_have_happened(offloaded->call) ? CHECK_FIRST : "Try again in a few seconds.");
    }
    dispose(offloaded);
}

void call_offload(call_t *call, pool_f work, pool_f done, pool_f dispose_job, void *job)
{
    runtime_t *runtime = call->runtime;
    offloaded_t *offloaded = NEW(offloaded_t);

    *offloaded = (offloaded_t){ call, work, done, dispose_job, job };
    call_hold(call);
    if (!pool_run(runtime->pool, runtime->loop, loop_post, work_unless_ended, on_worked, offloaded)) {
        loop_defer(runtime->loop, on_refused, offloaded);
    }
}

typedef struct {
    call_t *call;
    loop_f fn;
    void *self;
} deferred_t;

static void on_deferred(void *self)
{
    deferred_t *deferred = self;

    if (!call_ended(deferred->call)) {
        deferred->fn(deferred->self);
    }
    call_release(deferred->call);
    mem_free(deferred);
}

void call_defer(call_t *call, loop_f fn, void *self)
{
    deferred_t *deferred = NEW(deferred_t);

    *deferred = (deferred_t){ call, fn, self };
    call_hold(call);
    loop_defer(call->runtime->loop, on_deferred, deferred);
}
