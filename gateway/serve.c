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
#include <sys/resource.h>
#include <unistd.h>

#include "call_log.h"
#include "discover.h"
#include "log.h"
#include "mem.h"
#include "origin.h"
#include "status.h"
#include "worker.h"

#define HELPER_THREADS 2
#define HELPER_QUEUE 1024

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
    slot_t *slots;
    size_t slot_count, running;
    http_server_t *admin;
    struct event *signals[3];
    bool draining;
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

/* A core file of this process would hold tokens; and the soft limit of descriptors is made for shells. */
static void set_process_limits(const config_t *config)
{
    struct rlimit files;

    if (config->production) {
        prctl(PR_SET_DUMPABLE, 0);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* Catalogs. */

/* gone: of a catalog that is replaced, whose connectors may not come back. */
static void set_gauges(const serve_t *serve, const catalog_t *catalog, bool gone)
{
    for (size_t i = 0; catalog && i < catalog->connector_count; i++) {
        const catalog_connector_t *connector = &catalog->connectors[i];
        metrics_set(serve->shard, connector->up, !gone && connector->is_up);
        metrics_set(serve->shard, connector->tools, gone ? 0 : (int64_t)connector->tool_count);
    }
}

static void publish(serve_t *serve)
{
    found_t *found = NEW_ARRAY(found_t, serve->config->connector_count);
    catalog_t *before = serve->catalog;

    if (serve->gateway.discover) {
        discover_found(serve->gateway.discover, found);
    }
    serve->catalog = catalog_build(serve->config, found, serve->gateway.metrics);
    set_gauges(serve, before, true);
    set_gauges(serve, serve->catalog, false);
    catalog_unref(before);
    mem_free(found);
}

static void on_changed(void *self)
{
    serve_t *serve = self;

    if (serve->draining) {
        return; /* a worker may have ended, and nothing new begins in any */
    }
    publish(serve);
    for (size_t i = 0; i < serve->slot_count; i++) {
        worker_show(serve->slots[i].worker, serve->catalog);
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

static bool differs(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) != 0 : a != b;
}

static void reload(serve_t *serve)
{
    err_t err;
    config_t *config = config_load(serve->config_path, config_getenv, &err);

    if (!config) {
        if (log_begin(LOG_LEVEL_ERROR, "configuration not reloaded, nothing has changed")) {
            log_str("reason", err.text);
            log_end();
        }
        return;
    }
    note_restart("listen", differs(serve->config->listen, config->listen));
    note_restart("admin_listen", differs(serve->config->admin_listen, config->admin_listen));
    note_restart("workers", serve->config->workers != config->workers);
    note_restart("redis", differs(serve->config->redis, config->redis));
    log_set_level(config->log_level);
    log_warnings(config);
    config_unref(serve->config);
    serve->config = config;
    if (serve->admin) {
        http_server_set_limits(serve->admin, &config->door);
    }
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

/* The admin port. */

static void on_admin(void *self, http_request_t *request)
{
    serve_t *serve = self;
    span_t path = http_path(request);
    err_t err;

    /* Without a token a page whose name resolves to this machine could read what is said here. */
    if (origin_check(&(origin_rules_t){ 0 }, request, &err)) {
        http_reply_error(request, err_rest_status(err.kind), err_name(err.kind), err.text);
    } else if (strcmp(http_method(request), "GET") != 0) {
        http_reply_error(request, 405, "method_not_allowed", "This port takes GET.");
    } else if (span_is(path, "/status")) {
        status_page(serve->catalog, request);
    } else if (span_is(path, "/metrics")) {
        status_metrics(&serve->gateway, request);
    } else if (span_is(path, "/ready")) {
        status_ready(serve->catalog, serve->draining, request);
    } else if (span_is(path, "/health")) {
        status_health(request);
    } else {
        http_reply_error(request, 404, "not_found", "This port has /status, /metrics, /ready and /health.");
    }
}

static void log_listening(const char *what, int fd)
{
    AUTO(mem_free) char *address = http_listen_address(fd);

    if (log_begin(LOG_LEVEL_INFO, what)) {
        log_str("address", address);
        log_end();
    }
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
    serve->admin = http_server_new(serve->gateway.loop, &serve->config->door, on_admin, serve);
    log_listening("admin port is open", fd);
    http_server_accept(serve->admin, fd);
    return 0;
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

static void open_gateway(serve_t *serve)
{
    gateway_t *gateway = &serve->gateway;

    gateway->loop = loop_new();
    gateway->helpers = pool_new(HELPER_THREADS, HELPER_QUEUE);
    gateway->metrics = metrics_new();
    serve->shard = metrics_shard_new(gateway->metrics);
    call_log_register(gateway);
    serve->resolver = resolver_new(gateway->loop, gateway->helpers);
    publish(serve);
}

static void close_gateway(serve_t *serve)
{
    discover_free(TAKE(serve->gateway.discover)); /* a suspicion may still be posted */
    resolver_free(serve->resolver);
    http_server_free(serve->admin);
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
    metrics_free(serve->gateway.metrics);
    mem_free(serve->slots);
}

static void run(serve_t *serve, const sigset_t *before)
{
    start_workers(serve);
    watch_signals(serve);
    pthread_sigmask(SIG_SETMASK, before, NULL);
    serve->gateway.discover = discover_new(serve->gateway.loop, serve->resolver, on_changed, serve);
    discover_configure(serve->gateway.discover, serve->config);
    loop_run(serve->gateway.loop);
    for (size_t i = 0; i < serve->slot_count; i++) {
        pthread_join(serve->slots[i].thread, NULL);
    }
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
    open_gateway(serve);
    int failed = open_workers(serve, &err) || open_admin(serve, &err);
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
    set_process_limits(serve.config);
    int status = serve_config(&serve);
    config_unref(serve.config);
    return status;
}
