/* Whether the upstream answers and accepts us, for GET /ready: the connector's probe is asked every 30 s,
 * every 2 s while the answer is no, and soon when a call has met an upstream that is not as the last probe
 * found it.
 */
#include "runtime.h"

#include <stdio.h>
#include <event2/event.h>

#include "log.h"

#define PROBE_MS 30000
#define PROBE_AGAIN_MS 2000 /* while the upstream does not answer */

static void log_readiness(const runtime_t *runtime)
{
    bool ready = runtime->ready.state == READY_YES;

    if (log_begin(ready ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
                  ready ? "upstream answers" : "upstream does not answer")) {
        log_str("reason", ready ? NULL : runtime->ready.reason);
        log_end();
    }
}

static void arm_probe(runtime_t *runtime)
{
    if (runtime->probe_timer && !runtime->draining) {
        loop_arm(runtime->probe_timer, runtime->ready.state == READY_YES ? PROBE_MS : PROBE_AGAIN_MS);
    }
}

void runtime_ready(runtime_t *runtime, const err_t *err)
{
    bool changed = runtime->ready.state != (err ? READY_NO : READY_YES);

    runtime->asked_ms = 0;
    runtime->ready.state = err ? READY_NO : READY_YES;
    snprintf(runtime->ready.reason, sizeof(runtime->ready.reason), "%s", err ? err->text : "");
    if (changed) {
        log_readiness(runtime);
        arm_probe(runtime);
    }
    if (runtime->on_calls_gone) { /* a stop waits for this too */
        runtime->on_calls_gone(runtime);
    }
}

static void probe(runtime_t *runtime)
{
    int64_t now_ms = loop_now_ms(runtime->loop);
    err_t err;

    if (runtime->asked_ms > 0 && now_ms - runtime->asked_ms < PROBE_MS) {
        return;
    }
    if (runtime->asked_ms > 0) {
        err_set(&err, ERR_UPSTREAM, "The upstream has not answered the readiness check for %d s.",
                PROBE_MS / 1000);
        runtime_ready(runtime, &err);
    }
    runtime->asked_ms = runtime->probed_ms = now_ms;
    runtime->connector->probe(runtime->state, runtime);
}

static void on_probe_due(int fd, short what, void *self)
{
    (void)fd;
    (void)what;
    probe(self);
    arm_probe(self);
}

/* Calls that fail all the time do not probe more often than an upstream that is known not to answer. */
void runtime_doubt(runtime_t *runtime)
{
    int64_t since_ms = loop_now_ms(runtime->loop) - runtime->probed_ms;

    if (runtime->probe_timer && runtime->ready.state == READY_YES && !runtime->draining) {
        loop_arm(runtime->probe_timer, since_ms < PROBE_AGAIN_MS ? PROBE_AGAIN_MS - since_ms : 0);
    }
}

void runtime_start_probing(runtime_t *runtime)
{
    if (!runtime->connector->probe) {
        runtime->ready.state = READY_YES;
        return;
    }
    runtime->probe_timer = evtimer_new(loop_base(runtime->loop), (event_callback_fn)on_probe_due, runtime);
    probe(runtime);
    arm_probe(runtime);
}
