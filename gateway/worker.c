/* See worker.h: how a worker lives, and what it remembers. */
#include "worker.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "call_log.h"
#include "clock.h"
#include "forward.h"
#include "hop.h"
#include "mem.h"
#include "notify.h"
#include "router.h"

#define HOP_TOKENS_MAX 10000
#define GAUGES_EVERY_MS 1000
#define LAST_WORDS_MS 1000 /* of the drain, at most: for answers to reach their callers */
#define ID_BITS 40         /* JavaScript reads integers up to 53 bits */

typedef struct {
    char *jwt;
    principal_t *principal; /* kept, so that no other can have its address */
    int64_t until_unix;
} hop_token_t;

typedef struct {
    worker_t *worker;
    char *connector, *uri;
} update_t;

typedef struct {
    worker_t *worker;
    principal_t *principal;
    buf_t message;
} answer_t;

static int authenticate(void *self, http_request_t *request, principal_t **ret, err_t *err);
static void capabilities(void *self, const mcp_request_t *request, mcp_capabilities_t *ret);
static int list(void *self, const mcp_request_t *request, mcp_kind_t kind, mcp_list_t *ret, err_t *err);
static void call(void *self, mcp_call_t *call);
static void answered(void *self, const principal_t *principal, span_t message);
static void ended(void *self, const mcp_ended_t *ended);

static int admit(void *self, mcp_listen_t *listen, err_t *err);
static void begin_listen(void *self, mcp_listen_t *listen);

static const mcp_handlers_t handlers = {
    .authenticate = authenticate,
    .capabilities = capabilities,
    .list = list,
    .call = call,
    .admit = admit,
    .listen = begin_listen,
    .answered = answered,
    .ended = ended,
};

/* What the MCP server asks. */

static int authenticate(void *self, http_request_t *request, principal_t **ret, err_t *err)
{
    worker_t *worker = self;

    return gate_authenticate(worker->gate, request, ret, err);
}

/* Any route that wants a body wants a token, and refuses in its own words who has none. */
static bool wants_body(void *self, const http_head_t *head)
{
    worker_t *worker = self;
    principal_t *principal;
    size_t count;
    span_t authorization = http_head_header(head, "Authorization", &count);
    err_t err;

    if (gate_check(worker->gate, authorization, count, clock_unix(), &principal, &err)) {
        return false;
    }
    principal_unref(principal);
    return true;
}

static bool is_proxy(void *self, const char *peer)
{
    const worker_t *worker = self;

    return proxies_trusts(worker->proxies, peer);
}

static void capabilities(void *self, const mcp_request_t *request, mcp_capabilities_t *ret)
{
    const worker_t *worker = self;

    (void)request;
    *ret = worker->view->catalog->offers;
}

static int list(void *self, const mcp_request_t *request, mcp_kind_t kind, mcp_list_t *ret, err_t *err)
{
    worker_t *worker = self;
    const catalog_t *catalog = worker->view->catalog;

    (void)err;
    ret->items = worker_list(worker, request->principal, kind, mcp_shape(request->revision));
    ret->ttl_ms = catalog->ttl_ms[kind];
    /* MCP 2026-07-28 server/utilities/caching: what depends on who asks is private. */
    ret->is_public = catalog->is_public[kind] && catalog->config->lists_all;
    return 0;
}

static void call(void *self, mcp_call_t *open)
{
    forward_call(self, open);
}

static int admit(void *self, mcp_listen_t *listen, err_t *err)
{
    worker_t *worker = self;

    return listeners_admit(worker->listeners, listen, err);
}

static void begin_listen(void *self, mcp_listen_t *listen)
{
    worker_t *worker = self;

    listeners_add(worker->listeners, listen);
}

/* "w3-9f..." of our own kind; -1: it is none. */
static long asked_by(span_t id)
{
    char *end;
    AUTO(mem_free)
    char *text = id.at && id.length < 80 && *id.at == 'w' ? mem_strndup(id.at, id.length) : NULL;
    long number = text ? strtol(text + 1, &end, 10) : -1;

    return text && *end == '-' ? number : -1;
}

/* The client's connection for its answer may be another worker's than that of the call. */
static void answered(void *self, const principal_t *principal, span_t message)
{
    worker_t *worker = self;
    const gateway_t *gateway = worker->gateway;
    long number = asked_by(scan_plain_string(scan_member(message, "id")));

    if (number >= 0 && (size_t)number < gateway->worker_count && gateway->workers[number] != worker) {
        worker_answer(gateway->workers[number], principal, message);
    }
}

static void on_elsewhere(void *self)
{
    answer_t *answer = self;

    if (answer->worker->mcp) {
        mcp_server_answer(answer->worker->mcp, answer->principal, buf_span(&answer->message));
    }
    principal_unref(answer->principal);
    buf_free(&answer->message);
    mem_free(answer);
}

void worker_answer(worker_t *worker, const principal_t *principal, span_t message)
{
    answer_t *answer = NEW(answer_t);

    answer->worker = worker;
    /* References are counted within a thread; who answers is all that matters there. */
    answer->principal = principal_new(principal->subject, principal->tenant_id, NULL, 0);
    buf_add_span(&answer->message, message);
    loop_post(worker->loop, on_elsewhere, answer);
}

static void ended(void *self, const mcp_ended_t *end)
{
    call_log(self, end);
}

/* Hop tokens. */

static void hop_token_free(void *value)
{
    hop_token_t *token = value;

    mem_wipe(token->jwt, strlen(token->jwt));
    mem_free(token->jwt);
    principal_unref(token->principal);
    mem_free(token);
}

static hop_token_t *mint(const catalog_connector_t *connector, const principal_t *principal, int64_t now_unix)
{
    hop_token_t *token = NEW(hop_token_t);

    token->jwt = hop_mint(connector->hop_key, connector->config->name, principal, now_unix);
    token->principal = principal_ref((principal_t *)principal);
    token->until_unix = now_unix + HOP_TTL_SECONDS / 2;
    return token;
}

/* The configuration's connector stands in the key and not the catalog's: it stays the same until a reload,
 * which empties this cache. */
span_t worker_hop_token(worker_t *worker, const catalog_connector_t *connector, const principal_t *principal)
{
    const void *const key[] = { principal, connector->config };
    span_t bytes = { (const char *)key, sizeof(key) };
    int64_t now_unix = clock_unix();

    if (!*connector->hop_key) {
        return (span_t){ 0 };
    }
    hop_token_t *token = lru_get(worker->hop_tokens, bytes);
    if (!token || now_unix >= token->until_unix) {
        token = mint(connector, principal, now_unix);
        lru_put(worker->hop_tokens, bytes, token, 1);
    }
    return span_of(token->jwt);
}

/* Life. */

static void set_options(worker_t *worker, const config_t *config)
{
    worker->options = (mcp_options_t){
        .name = "guiche",
        .title = "Guichê",
        .version = GUICHE_VERSION,
        .origins = { .origins = (const char *const *)config->cors_origins,
                     .count = config->cors_count,
                     .public_url = config->public_url },
        .heartbeat_ms = 15000,
        .ask_prefix = worker->ask_prefix,
        .loop = worker->loop,
        .private_reads = true,
    };
}

static void set_connections(worker_t *worker, const view_t *view, bool gone)
{
    for (size_t i = 0; i < view->catalog->connector_count; i++) {
        const catalog_connector_t *connector = &view->catalog->connectors[i];
        http_pool_t *pool = view->lanes[i]->pool;
        metrics_set(worker->shard, connector->open, gone ? 0 : (int64_t)http_pool_open(pool));
        metrics_set(worker->shard, connector->idle, gone ? 0 : (int64_t)http_pool_idle(pool));
    }
}

/* After a reload; the view before still holds the old configuration. */
static void use_config(worker_t *worker, config_t *config)
{
    http_server_set_limits(worker->server, &config->door);
    set_options(worker, config);
    mcp_server_set_options(worker->mcp, &worker->options);
    gate_set_config(worker->gate, config);
    lru_clear(worker->hop_tokens);
    proxies_free(worker->proxies);
    worker->proxies = proxies_new(config->trusted_proxies);
}

/* Who listens may be refused now. While keys are being fetched nobody can tell. */
static bool may_refuse(const catalog_t *before, const catalog_t *now)
{
    bool differs = before->config != now->config || before->keys != now->keys || before->awaits_keys;

    return differs && !now->awaits_keys;
}

static void set_view(worker_t *worker, catalog_t *catalog)
{
    view_t *before = worker->view;

    worker->view = view_new(worker, catalog, before);
    if (before) {
        set_connections(worker, before, true); /* one of them may be gone; the next tick sets the others */
    }
    if (before && before->catalog->config != catalog->config) {
        use_config(worker, catalog->config);
    }
    gate_set_keys(worker->gate, catalog->keys, catalog->awaits_keys);
    if (before && may_refuse(before->catalog, catalog)) {
        listeners_recheck(worker->listeners);
    }
    view_unref(before);
}

void worker_take(worker_t *worker, catalog_t *catalog)
{
    if (catalog != worker->view->catalog) {
        set_view(worker, catalog);
    }
    forward_catalog_shown(worker);
}

static void on_updated(void *self)
{
    update_t *update = self;

    if (update->worker->listeners) {
        listeners_updated(update->worker->listeners, update->connector, span_of(update->uri));
    }
    mem_free(update->connector);
    mem_free(update->uri);
    mem_free(update);
}

void worker_updated(worker_t *worker, const char *connector, span_t own_uri)
{
    update_t *update = NEW(update_t);

    update->worker = worker;
    update->connector = mem_strdup(connector);
    update->uri = mem_strndup(own_uri.at, own_uri.length);
    loop_post(worker->loop, on_updated, update);
}

static void on_drained(void *self)
{
    worker_t *worker = self;

    forward_cancel_all(worker); /* calls whose client is gone */
    notify_cancel_all(worker);
    loop_stop(worker->loop);
}

static void on_patience_over(evutil_socket_t fd, short what, void *self)
{
    worker_t *worker = self;

    (void)fd, (void)what;
    worker->impatient = true;
    forward_give_up_all(worker);
}

/* An answer that says what is not known is better than a closed connection: CrewAI waits for ever on that. */
static void limit_patience(worker_t *worker, int64_t drain_ms)
{
    int64_t last_words_ms = drain_ms / 10 < LAST_WORDS_MS ? drain_ms / 10 : LAST_WORDS_MS;

    worker->patience = evtimer_new(loop_base(worker->loop), on_patience_over, worker);
    loop_arm(worker->patience, drain_ms - last_words_ms);
}

static void on_delay_over(evutil_socket_t fd, short what, void *self)
{
    worker_t *worker = self;
    int64_t drain_ms = worker->view->catalog->config->drain_ms;

    (void)fd, (void)what;
    limit_patience(worker, drain_ms);
    http_server_drain(worker->server, drain_ms, on_drained, worker);
}

/* A load balancer that asks /ready is given time to hear 503 before connections to us are refused. */
static void on_drain(void *self)
{
    worker_t *worker = self;

    worker->stopping = true;
    http_server_announce_end(worker->server);
    mcp_server_end_listens(worker->mcp);
    worker->delay = evtimer_new(loop_base(worker->loop), on_delay_over, worker);
    loop_arm(worker->delay, worker->view->catalog->config->drain_delay_ms);
}

void worker_drain(worker_t *worker)
{
    loop_post(worker->loop, on_drain, worker);
}

static void on_gauges(evutil_socket_t fd, short what, void *self)
{
    worker_t *worker = self;
    const gateway_metrics_t *ids = &worker->gateway->ids;

    (void)fd, (void)what;
    set_connections(worker, worker->view, false);
    metrics_set(worker->shard, ids->open_requests, (int64_t)http_server_open_requests(worker->server));
    metrics_set(worker->shard, ids->connections, (int64_t)http_server_connections(worker->server));
    metrics_set(worker->shard, ids->held_bytes, (int64_t)http_server_held_bytes(worker->server));
    metrics_set(worker->shard, ids->lists_kept, (int64_t)lru_count(worker->view->lists));
    metrics_set(worker->shard, ids->listens, (int64_t)listeners_count(worker->listeners));
    metrics_set(worker->shard, ids->loop_lag, loop_lag_us(worker->loop));
}

static void start_gauges(worker_t *worker)
{
    worker->gauges = event_new(loop_base(worker->loop), -1, EV_PERSIST, on_gauges, worker);
    loop_arm(worker->gauges, GAUGES_EVERY_MS);
}

worker_t *worker_new(gateway_t *gateway, unsigned number, const int *listen_fds, size_t count,
                     catalog_t *catalog)
{
    worker_t *worker = NEW(worker_t);

    worker->gateway = gateway;
    worker->loop = loop_new();
    worker->resolver = resolver_new(worker->loop, gateway->helpers);
    worker->shard = metrics_shard_new(gateway->metrics);
    worker->gate = gate_new(catalog->config);
    gate_on_unknown_key(worker->gate, gateway_want_key, gateway);
    worker->hop_tokens = lru_new(HOP_TOKENS_MAX, SIZE_MAX, hop_token_free);
    worker->proxies = proxies_new(catalog->config->trusted_proxies);
    worker->last_id = (uint64_t)(number + 1) << ID_BITS;
    LIST_INIT(&worker->forwards);
    LIST_INIT(&worker->notices);
    worker->listeners = listeners_new(worker);
    set_view(worker, catalog);
    snprintf(worker->ask_prefix, sizeof(worker->ask_prefix), "w%u", number);
    set_options(worker, catalog->config);
    worker->mcp = mcp_server_new(&handlers, worker, &worker->options);
    worker->server = http_server_new(worker->loop, &catalog->config->door, router_handle, worker);
    http_server_share(worker->server, gateway->quota);
    http_server_on_head(worker->server, wants_body, worker);
    http_server_on_peer(worker->server, is_proxy, worker);
    for (size_t i = 0; i < count; i++) {
        http_server_accept(worker->server, listen_fds[i]);
    }
    start_gauges(worker);
    return worker;
}

void worker_run(worker_t *worker)
{
    loop_run(worker->loop);
}

static void free_event(struct event *event)
{
    if (event) {
        event_free(event);
    }
}

void worker_close(worker_t *worker)
{
    forward_cancel_all(worker);
    notify_cancel_all(worker);
    event_free(worker->gauges);
    free_event(worker->delay);
    free_event(worker->patience);
    http_server_free(worker->server);
    mcp_server_free(TAKE(worker->mcp));
    listeners_free(TAKE(worker->listeners));
    view_unref(worker->view);
    lru_free(worker->hop_tokens);
    gate_free(worker->gate);
    proxies_free(worker->proxies);
    resolver_free(worker->resolver);
    buf_free(&worker->scratch);
}

void worker_free(worker_t *worker)
{
    loop_free(worker->loop); /* runs what was deferred: lanes go here */
    mem_free(worker);
}
