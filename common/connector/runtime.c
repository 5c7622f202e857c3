/* A connector's process from its start to its stop. One loop thread does everything but what is given to the
 * helpers.
 *
 * A stop (SIGTERM, SIGINT) stops accepting, ends the listens and the calls that wait for a person, and lets
 * the other calls end for 30 s, then cuts them; then it waits a little for the operations that still hold a
 * call's memory, because the connector's state may only be closed under nobody. A second signal finds the
 * default action and ends the process at once.
 */
#include "runtime.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <event2/event.h>

#include "listen.h"
#include "log.h"
#include "prompt_list.h"

#define IDLE_TIMEOUT_MS                                                                                      \
    75000 /* above the gateway's pool (50 s), so that it is never we who close under a request */
#define DRAIN_MS 30000
#define DRAIN_CALLS_MS (DRAIN_MS - 1000)
#define PATIENCE_MS 5000
#define HEARTBEAT_MS 15000

/* Seen by connectors */

loop_t *runtime_loop(runtime_t *runtime)
{
    return runtime->loop;
}

pool_t *runtime_pool(runtime_t *runtime)
{
    return runtime->pool;
}

bool runtime_is_production(const runtime_t *runtime)
{
    return process_is_production(runtime->process);
}

/* Stopping */

static void stop_if_quiet(void *self)
{
    runtime_t *runtime = self;

    if (runtime->drained && runtime->alive_calls == 0 && runtime->asked_ms == 0) {
        loop_stop(runtime->loop);
    }
}

static void give_up(runtime_t *runtime)
{
    if (log_begin(LOG_LEVEL_WARN, "stopping although operations are still running")) {
        log_int("calls", (int64_t)runtime->alive_calls);
        log_end();
    }
    loop_stop(runtime->loop);
}

static void on_patience_over(int fd, short what, void *self)
{
    runtime_t *runtime = self;

    (void)fd;
    (void)what;
    if (runtime->drained) {
        give_up(runtime);
    } else {
        calls_cancel_all(runtime);
    }
}

static void on_drained(void *self)
{
    runtime_t *runtime = self;

    runtime->drained = true;
    runtime->on_calls_gone = stop_if_quiet;
    calls_cancel_all(runtime);
    loop_arm(runtime->patience, PATIENCE_MS);
    stop_if_quiet(runtime);
}

static void on_signal(int number, short what, void *self)
{
    runtime_t *runtime = self;

    (void)what;
    for (size_t i = 0; i < COUNT_OF(runtime->signals); i++) {
        event_del(runtime->signals[i]);
    }
    runtime->draining = true;
    if (runtime->probe_timer) {
        event_del(runtime->probe_timer);
    }
    if (log_begin(LOG_LEVEL_INFO, "stopping")) {
        log_str("signal", strsignal(number));
        log_int("open_requests", (int64_t)http_server_open_requests(runtime->http));
        log_end();
    }
    loop_arm(runtime->patience, DRAIN_CALLS_MS);
    mcp_server_end_listens(runtime->mcp);
    calls_cancel_asking(runtime);
    http_server_drain(runtime->http, DRAIN_MS, on_drained, runtime);
}

static void watch_signals(runtime_t *runtime)
{
    static const int numbers[] = { SIGTERM, SIGINT };

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        runtime->signals[i] =
            evsignal_new(loop_base(runtime->loop), numbers[i], (event_callback_fn)on_signal, runtime);
        event_add(runtime->signals[i], NULL);
    }
    runtime->patience = evtimer_new(loop_base(runtime->loop), (event_callback_fn)on_patience_over, runtime);
}

/* Starting, in this order: what is cheap to find wrong comes first, the upstream last. */

static void new_metrics(runtime_t *runtime)
{
    AUTO_BUF labels = { 0 };

    runtime->metrics = metrics_new();
    runtime->shard = metrics_shard_new(runtime->metrics);
    metrics_label(&labels, "connector", runtime->connector->name);
    runtime->lag = metrics_gauge(runtime->metrics, "guiche_loop_lag_microseconds",
                                 "How late a 100 ms tick last came.", buf_text(&labels));
    runtime->queue = metrics_gauge(runtime->metrics, "guiche_helper_queue",
                                   "Jobs that wait for a helper thread.", buf_text(&labels));
    runtime->calls_alive =
        metrics_gauge(runtime->metrics, "guiche_connector_calls_open",
                      "Calls that run or are still held by an operation.", buf_text(&labels));
}

static int open_gate(runtime_t *runtime, const char *no_auth_tenant, err_t *err)
{
    runtime->gate = no_auth_tenant ? hop_gate_new_open(no_auth_tenant)
                                   : hop_gate_new(runtime->connector->name, runtime->process->hop_key, err);
    return runtime->gate ? 0 : -1;
}

static int listen_fd(const runtime_t *runtime, const char *no_auth_tenant, err_t *err)
{
    int fd = http_listen(runtime->process->listen, false, err);

    if (fd >= 0 && no_auth_tenant && !http_listen_is_local(fd)) {
        close(fd);
        return err_set(
            err, ERR_CALLER,
            "--no-auth lets anyone in, so it listens on loopback or a unix socket only, not on LISTEN=%s.",
            runtime->process->listen);
    }
    return fd;
}

static void open_server(runtime_t *runtime, int fd)
{
    const connector_t *connector = runtime->connector;
    http_limits_t limits = HTTP_LIMITS_DEFAULT;
    mcp_options_t options = { .name = connector->name,
                              .title = connector->title,
                              .version = GUICHE_VERSION,
                              .instructions = connector->instructions,
                              .loop = runtime->loop,
                              .heartbeat_ms = HEARTBEAT_MS };

    limits.idle_timeout_ms = IDLE_TIMEOUT_MS;
    runtime->mcp_options = options;
    runtime->mcp = mcp_server_new(&dispatch_handlers, runtime, &runtime->mcp_options);
    runtime->http = http_server_new(runtime->loop, &limits, routes_handle, runtime);
    runtime->address = http_listen_address(fd);
    http_server_on_head(runtime->http, dispatch_wants_body, runtime);
    http_server_accept(runtime->http, fd);
}

static int open_connector(runtime_t *runtime, err_t *err)
{
    const connector_t *connector = runtime->connector;

    *err = (err_t){ 0 };
    if (connector->open) {
        runtime->state = connector->open(runtime, runtime->settings, err);
    }
    if (!runtime->state && err->text[0] != '\0') {
        return -1;
    }
    runtime->opened = true;
    return 0;
}

/* Written whole, then put in place: who waits for the file never reads half of it. */
static int write_address(const runtime_t *runtime, err_t *err)
{
    if (!runtime->address_file) {
        return 0;
    }
    AUTO(mem_free) char *temporary = mem_printf("%s.%ld", runtime->address_file, (long)getpid());
    FILE *file = fopen(temporary, "we");
    bool written = file && fprintf(file, "%s\n", runtime->address) > 0;
    if (file) {
        written = fclose(file) == 0 && written;
    }
    if (!written || rename(temporary, runtime->address_file) != 0) {
        int why = errno;
        unlink(temporary);
        return err_set(err, ERR_CALLER, "The address cannot be written to %s: %s.", runtime->address_file,
                       strerror(why));
    }
    return 0;
}

static void log_start(const runtime_t *runtime, bool open_to_all)
{
    const connector_t *connector = runtime->connector;

    if (log_begin(open_to_all ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
                  open_to_all ? "listening, anyone may call" : "listening")) {
        log_str("address", runtime->address);
        log_str("about", connector->about ? connector->about(runtime->state) : NULL);
        log_int("tools", (int64_t)tool_list_count(runtime->tools));
        log_str("environment", runtime->process->environment);
        log_str("version", GUICHE_VERSION);
        log_end();
    }
}

static int list_offers(runtime_t *runtime, err_t *err)
{
    const connector_t *connector = runtime->connector;

    runtime->tools = tool_list_new(connector, runtime->settings, runtime->metrics, err);
    runtime->resources = runtime->tools ? resource_list_new(connector, runtime->metrics, err) : NULL;
    return runtime->resources ? prompt_list_fill(&runtime->prompts, connector, runtime->metrics, err) : -1;
}

static int start(runtime_t *runtime, const char *no_auth_tenant, err_t *err)
{
    if (list_offers(runtime, err) != 0 || open_gate(runtime, no_auth_tenant, err) != 0) {
        return -1;
    }
    runtime->sealer = sealer_new(no_auth_tenant ? NULL : runtime->process->hop_key);
    int fd = listen_fd(runtime, no_auth_tenant, err);
    if (fd < 0) {
        return -1;
    }
    open_server(runtime, fd);
    if (open_connector(runtime, err) != 0 || write_address(runtime, err) != 0) {
        return -1;
    }
    log_start(runtime, no_auth_tenant != NULL);
    return 0;
}

runtime_t *runtime_new(const runtime_options_t *options, err_t *err)
{
    runtime_t *runtime = NEW(runtime_t);

    runtime->connector = options->connector;
    runtime->process = options->process;
    runtime->settings = options->settings;
    runtime->address_file = options->address_file;
    if (process_is_production(options->process)) {
        prctl(PR_SET_DUMPABLE, 0); /* secrets are in our memory */
    }
    runtime->loop = loop_new();
    runtime->pool = pool_new((unsigned)options->process->helpers, HELPER_QUEUE);
    new_metrics(runtime);
    if (start(runtime, options->no_auth_tenant, err) != 0) {
        runtime->address_file = NULL; /* not ours to remove */
        runtime_free(runtime);
        return NULL;
    }
    return runtime;
}

void runtime_serve(runtime_t *runtime)
{
    watch_signals(runtime);
    runtime_start_probing(runtime);
    loop_run(runtime->loop);
}

static void free_events(runtime_t *runtime)
{
    struct event *events[] = { runtime->signals[0], runtime->signals[1], runtime->patience,
                               runtime->probe_timer };

    for (size_t i = 0; i < COUNT_OF(events); i++) {
        if (events[i]) {
            event_free(events[i]);
        }
    }
}

void runtime_free(runtime_t *runtime)
{
    if (!runtime) {
        return;
    }
    if (runtime->address_file) {
        unlink(runtime->address_file);
    }
    http_server_free(runtime->http);
    if (runtime->opened && runtime->connector->close) {
        runtime->connector->close(runtime->state);
    }
    pool_free(runtime->pool);
    free_events(runtime);
    mcp_server_free(runtime->mcp);
    loop_free(runtime->loop);
    hop_gate_free(runtime->gate);
    tool_list_free(runtime->tools);
    resource_list_free(runtime->resources);
    entry_list_release(&runtime->prompts);
    sealer_free(runtime->sealer);
    metrics_free(runtime->metrics);
    mem_free(runtime->address);
    mem_free(runtime);
}
