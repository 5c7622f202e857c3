/* The main thread: it reads the configuration, takes the sockets, starts the workers, and then discovers
 * connectors, answers the admin port and waits for signals. It answers no agent itself, so discovery of any
 * size never delays a call.
 *
 * SIGTERM and SIGINT: workers answer what is open and end. SIGHUP: the configuration is read again; a bad one
 * changes nothing, a good one goes to the workers as a new catalog.
 */
#include "serve.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "admin.h"
#include "call_log.h"
#include "clock.h"
#include "discover.h"
#include "http_quota.h"
#include "jwks_fetch.h"
#include "log.h"
#include "mem.h"
#include "session_ends.h"
#include "showing.h"
#include "stdio_connectors.h"
#include "stray.h"
#include "texts.h"
#include "watch.h"
#include "worker.h"

#define HELPER_THREADS 2
#define HELPER_QUEUE 1024
/* Of the drain, at most: for connectors, far ones too, to hear that our sessions end. */
#define ENDING_MS 2000

typedef struct {
    struct serve *serve;
    worker_t *worker;
    pthread_t thread;
} slot_t;

typedef struct serve {
    gateway_t gateway;
    const char *config_path;
    config_t *config;
    catalog_t *catalog;
    metrics_shard_t *shard; /* of the main thread */
    resolver_t *resolver;
    stdio_connectors_t *stdio; /* connectors that are commands */
    slot_t *slots;
    size_t slot_count, running;
    admin_t *admin; /* NULL without admin_listen */
    struct event *signals[3];
    bool draining;
    int64_t stop_by_ms;  /* while it drains */
    unsigned still_busy; /* at the end: with sessions, with processes */
    bool restating;      /* on_restate() is deferred */
} serve_t;

static const int signal_numbers[] = { SIGTERM, SIGINT, SIGHUP };

static int fail(const err_t *err)
{
    fprintf(stderr, "guiche: %s\n", err->text);
    return 1;
}

static void log_warnings(const config_t *config)
{
    for (char **warning = config->warnings; warning && *warning; warning++) {
        if (log_begin(LOG_LEVEL_WARN, *warning)) {
            log_end();
        }
    }
}

/* Waits are spread by random(), which would be alike in all replicas otherwise. */
static void seed_chance(void)
{
    unsigned seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        seed = (unsigned)clock_us() ^ (unsigned)getpid();
    }
    srandom(seed);
}

/* A core file of this process would hold tokens. */
static void forbid_core_files(const config_t *config)
{
    if (config->production) {
        prctl(PR_SET_DUMPABLE, 0);
    }
}

/* Catalogs. */

/* gone: of a catalog that is replaced, whose connectors may not come back. */
static void set_gauges(const serve_t *serve, const catalog_t *catalog, bool gone)
{
    for (size_t i = 0; catalog && i < catalog->connector_count; i++) {
        const catalog_connector_t *connector = &catalog->connectors[i];
        metrics_set(serve->shard, connector->up, !gone && connector->is_up);
        metrics_set(serve->shard, connector->tools, gone ? 0 : (int64_t)connector->counts[MCP_TOOLS]);
        for (int kind = 0; kind < MCP_KINDS; kind++) {
            metrics_set(serve->shard, connector->kinds[kind], gone ? 0 : (int64_t)connector->counts[kind]);
        }
    }
}

static void publish(serve_t *serve)
{
    found_t *found = NEW_ARRAY(found_t, serve->config->connector_count);
    catalog_t *before = serve->catalog;

    if (serve->gateway.discover) {
        discover_found(serve->gateway.discover, found);
    }
    for (size_t i = 0; serve->gateway.watches && i < serve->config->connector_count; i++) {
        found[i].watched = watches_state(serve->gateway.watches, serve->config->connectors[i].name);
    }
    serve->catalog = catalog_build(serve->config, found, serve->gateway.metrics, before);
    jwks_fetch_show(serve->gateway.jwks, serve->catalog);
    set_gauges(serve, before, true);
    set_gauges(serve, serve->catalog, false);
    if (serve->gateway.watches) {
        watches_show(serve->gateway.watches, serve->catalog);
    }
    admin_show(serve->admin, serve->catalog);
    catalog_unref(before);
    mem_free(found);
}

static void on_changed(void *self)
{
    serve_t *serve = self;

    if (serve->draining) {
        return; /* a worker may have ended, and nothing new begins in any */
    }
    AUTO(mem_free) unsigned *said = NEW_ARRAY(unsigned, serve->config->connector_count + 1);
    if (discover_take_said(serve->gateway.discover, said)) {
        publish(serve);
    }
    showing_start(&serve->gateway, serve->catalog, said);
}

/* Not the connectors, but what else is in a catalog: keys, how connectors are watched. */
static void on_other_change(void *self)
{
    serve_t *serve = self;

    if (!serve->draining) {
        publish(serve);
        showing_start(&serve->gateway, serve->catalog, NULL);
    }
}

/* What connectors tell. */

static void on_said(void *self, const char *connector, unsigned kinds)
{
    const serve_t *serve = self;

    discover_changed(serve->gateway.discover, connector, kinds);
}

static void on_lost(void *self, const char *connector)
{
    const serve_t *serve = self;

    discover_suspect(serve->gateway.discover, connector, true);
}

static void on_updated(void *self, const char *connector, span_t own_uri)
{
    const serve_t *serve = self;

    for (size_t i = 0; i < serve->slot_count && !serve->draining; i++) {
        worker_updated(serve->slots[i].worker, connector, own_uri);
    }
}

static void on_stray(void *self, const char *connector, const char *session_id, span_t message)
{
    serve_t *serve = self;

    gateway_stray_question(&serve->gateway, connector, span_of(session_id), message);
}

static void on_restate(void *self)
{
    serve_t *serve = self;

    serve->restating = false;
    if (serve->gateway.watches) {
        metrics_set(serve->shard, serve->gateway.ids.watches, (int64_t)watches_open(serve->gateway.watches));
        on_other_change(serve);
    }
}

/* The status page is made with the catalog. */
static void on_watch_state(void *self)
{
    serve_t *serve = self;

    if (!serve->restating) {
        serve->restating = true;
        loop_defer(serve->gateway.loop, on_restate, serve);
    }
}

static const watch_events_t watch_events = {
    .said = on_said,
    .updated = on_updated,
    .lost = on_lost,
    .asked = on_stray,
    .state = on_watch_state,
};

static void on_process(void *self, const char *connector)
{
    serve_t *serve = self;

    if (serve->gateway.discover) {
        discover_anew(serve->gateway.discover, connector);
    }
}

/* Signals. */

static void note_restart(const char *name, bool changed)
{
    if (changed && log_begin(LOG_LEVEL_WARN, "this change needs a restart")) {
        log_str("setting", name);
        log_end();
    }
}

static config_t *load_again(serve_t *serve, err_t *err)
{
    config_t *config = config_load(serve->config_path, config_getenv, err);

    if (config && stdio_connectors_configure(serve->stdio, config, err)) {
        config_unref(TAKE(config));
    }
    return config;
}

static void reload(serve_t *serve)
{
    err_t err;
    config_t *config = load_again(serve, &err);

    if (!config) {
        if (log_begin(LOG_LEVEL_ERROR, "configuration not reloaded, nothing has changed")) {
            log_str("reason", err.text);
            log_end();
        }
        return;
    }
    note_restart("listen", !text_is_same(serve->config->listen, config->listen));
    note_restart("admin_listen", !text_is_same(serve->config->admin_listen, config->admin_listen));
    note_restart("workers", serve->config->workers != config->workers);
    note_restart("redis", !text_is_same(serve->config->redis, config->redis));
    log_set_level(config->log_level);
    log_warnings(config);
    config_unref(serve->config);
    serve->config = config;
    admin_configure(serve->admin, config);
    jwks_fetch_configure(serve->gateway.jwks, config);
    discover_configure(serve->gateway.discover, config);
    if (log_begin(LOG_LEVEL_INFO, "configuration reloaded")) {
        log_end();
    }
}

static void on_reload(evutil_socket_t number, short what, void *self)
{
    serve_t *serve = self;

    (void)number, (void)what;
    if (!serve->draining) {
        reload(serve);
    }
}

static void on_stop(evutil_socket_t number, short what, void *self)
{
    serve_t *serve = self;

    (void)number, (void)what;
    if (serve->draining) {
        return;
    }
    serve->draining = true;
    admin_set_stopping(serve->admin);
    serve->stop_by_ms = clock_ms() + serve->config->drain_delay_ms + serve->config->drain_ms;
    if (log_begin(LOG_LEVEL_INFO, "stopping: open calls are being answered")) {
        log_end();
    }
    for (size_t i = 0; i < serve->slot_count; i++) {
        worker_drain(serve->slots[i].worker);
    }
}

static void watch_signals(serve_t *serve)
{
    for (size_t i = 0; i < COUNT_OF(signal_numbers); i++) {
        event_callback_fn react = signal_numbers[i] == SIGHUP ? on_reload : on_stop;
        serve->signals[i] = evsignal_new(loop_base(serve->gateway.loop), signal_numbers[i], react, serve);
        evsignal_add(serve->signals[i], NULL);
    }
}

/* Workers. */

static void on_worker_ended(void *self)
{
    serve_t *serve = self;

    if (--serve->running == 0) {
        loop_stop(serve->gateway.loop);
    }
}

static void *run_worker(void *self)
{
    slot_t *slot = self;

    worker_run(slot->worker);
    loop_post(slot->serve->gateway.loop, on_worker_ended, slot->serve);
    return NULL;
}

static void share_workers(serve_t *serve)
{
    gateway_t *gateway = &serve->gateway;

    gateway->workers = NEW_ARRAY(worker_t *, serve->slot_count);
    for (size_t i = 0; i < serve->slot_count; i++) {
        gateway->workers[i] = serve->slots[i].worker;
    }
    gateway->worker_count = serve->slot_count;
}

static void log_listening(const char *what, int fd)
{
    AUTO(mem_free) char *address = http_listen_address(fd);

    if (log_begin(LOG_LEVEL_INFO, what)) {
        log_str("address", address);
        log_end();
    }
}

static int open_workers(serve_t *serve, err_t *err)
{
    size_t count = serve->config->workers;
    int *fds = NEW_ARRAY(int, count);

    if (http_listen_shared(serve->config->listen, fds, count, err)) {
        mem_free(fds);
        return -1;
    }
    serve->slots = NEW_ARRAY(slot_t, count);
    serve->slot_count = count;
    log_listening("listening", fds[0]);
    for (size_t i = 0; i < count; i++) {
        serve->slots[i].serve = serve;
        serve->slots[i].worker = worker_new(&serve->gateway, (unsigned)i, &fds[i], 1, serve->catalog);
    }
    mem_free(fds);
    share_workers(serve);
    return 0;
}

static void start_workers(serve_t *serve)
{
    for (size_t i = 0; i < serve->slot_count; i++) {
        serve->running++;
        if (pthread_create(&serve->slots[i].thread, NULL, run_worker, &serve->slots[i]) != 0) {
            abort(); /* nothing is served yet, and nothing can be */
        }
    }
}

/* Life. Threads other than the main one leave signals alone: they are blocked while those are made. */

static int open_gateway(serve_t *serve, err_t *err)
{
    gateway_t *gateway = &serve->gateway;

    gateway->loop = loop_new();
    gateway->helpers = pool_new(HELPER_THREADS, HELPER_QUEUE);
    gateway->quota = http_quota_new();
    gateway->metrics = metrics_new();
    serve->shard = metrics_shard_new(gateway->metrics);
    call_log_register(gateway);
    serve->resolver = resolver_new(gateway->loop, gateway->helpers);
    gateway->session_ends = session_ends_new(gateway->loop, serve->resolver);
    gateway->jwks = jwks_fetch_new(gateway->loop, on_other_change, serve);
    jwks_fetch_configure(gateway->jwks, serve->config);
    serve->stdio = stdio_connectors_new(gateway->loop, on_process, serve);
    if (stdio_connectors_configure(serve->stdio, serve->config, err)) {
        return -1;
    }
    publish(serve);
    return 0;
}

static int open_admin(serve_t *serve, err_t *err)
{
    if (!serve->config->admin_listen) {
        return 0;
    }
    int fd = http_listen(serve->config->admin_listen, false, err);
    if (fd < 0) {
        return -1;
    }
    log_listening("admin port is open", fd);
    serve->admin = admin_new(&serve->gateway, serve->config, serve->catalog, fd);
    return 0;
}

static void close_gateway(serve_t *serve)
{
    watches_free(TAKE(serve->gateway.watches));
    discover_free(TAKE(serve->gateway.discover)); /* a suspicion may still be posted */
    jwks_fetch_free(TAKE(serve->gateway.jwks));   /* or a wish for a key */
    session_ends_close(serve->gateway.session_ends);
    resolver_free(serve->resolver);
    stdio_connectors_free(serve->stdio);
    admin_free(serve->admin);
    for (size_t i = 0; i < serve->slot_count; i++) {
        worker_close(serve->slots[i].worker);
    }
    pool_free(serve->gateway.helpers);
    for (size_t i = 0; i < serve->slot_count; i++) {
        worker_free(serve->slots[i].worker);
    }
    for (size_t i = 0; i < COUNT_OF(serve->signals) && serve->signals[i]; i++) {
        event_free(serve->signals[i]);
    }
    loop_free(serve->gateway.loop);
    catalog_unref(serve->catalog);
    session_ends_free(serve->gateway.session_ends);
    metrics_free(serve->gateway.metrics);
    http_quota_free(serve->gateway.quota);
    mem_free(serve->gateway.workers);
    mem_free(serve->slots);
}

static void on_left(void *self)
{
    serve_t *serve = self;

    if (--serve->still_busy == 0) {
        loop_stop(serve->gateway.loop);
    }
}

/* When nobody calls them any more. What they say while they end is for nobody either. */
static void leave_connectors(serve_t *serve)
{
    int64_t left_ms = serve->stop_by_ms - clock_ms();

    watches_free(TAKE(serve->gateway.watches));
    discover_free(TAKE(serve->gateway.discover));
    serve->still_busy = 2;
    session_ends_finish(serve->gateway.session_ends, left_ms < ENDING_MS ? left_ms : ENDING_MS, on_left,
                        serve);
    stdio_connectors_stop(serve->stdio, on_left, serve);
    loop_run(serve->gateway.loop);
}

static void run(serve_t *serve, const sigset_t *before)
{
    start_workers(serve);
    watch_signals(serve);
    pthread_sigmask(SIG_SETMASK, before, NULL);
    serve->gateway.discover =
        discover_new(serve->gateway.loop, serve->resolver, serve->gateway.session_ends, on_changed, serve);
    serve->gateway.watches = watches_new(serve->gateway.loop, serve->resolver, &watch_events, serve);
    discover_configure(serve->gateway.discover, serve->config);
    loop_run(serve->gateway.loop);
    for (size_t i = 0; i < serve->slot_count; i++) {
        pthread_join(serve->slots[i].thread, NULL);
    }
    leave_connectors(serve);
    if (log_begin(LOG_LEVEL_INFO, "stopped")) {
        log_end();
    }
}

static int serve_config(serve_t *serve)
{
    sigset_t all, before;
    err_t err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = open_gateway(serve, &err) || open_workers(serve, &err) || open_admin(serve, &err);
    if (!failed) {
        run(serve, &before);
    }
    close_gateway(serve);
    return failed ? fail(&err) : 0;
}

int serve_run(const char *config_path)
{
    serve_t serve = { .config_path = config_path };
    err_t err;

    serve.config = config_load(config_path, config_getenv, &err);
    if (!serve.config) {
        return fail(&err);
    }
    log_open(STDERR_FILENO, "guiche", serve.config->log_level);
    log_warnings(serve.config);
    forbid_core_files(serve.config);
    seed_chance();
    int status = serve_config(&serve);
    config_unref(serve.config);
    return status;
}
