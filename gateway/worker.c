/* See worker.h: how a worker lives, and what it remembers. */
#include "worker.h"

#include <event2/event.h>
#include <stdlib.h>

#include "call_log.h"
#include "clock.h"
#include "forward.h"
#include "hop.h"
#include "mem.h"
#include "notify.h"
#include "router.h"

#define LISTS_MAX_ENTRIES 1024
#define LISTS_MAX_BYTES (16 * 1024 * 1024)
#define HOP_TOKENS_MAX 10000
#define GAUGES_EVERY_S 1
#define LAST_WORDS_MS 1000 /* of the drain, at most: for answers to reach their callers */
#define ID_BITS 40         /* JavaScript reads integers up to 53 bits */

typedef struct {
    char *text;
    size_t length;
} rendered_t;

typedef struct {
    char *jwt;
    principal_t *principal; /* kept, so that no other can have its address */
    int64_t until_unix;
} hop_token_t;

typedef struct {
    worker_t *worker;
    catalog_t *catalog;
} showing_t;

static int authenticate(void *self, http_request_t *request, principal_t **ret, err_t *err);
static int list(void *self, const mcp_request_t *request, mcp_list_t *ret, err_t *err);
static void call(void *self, mcp_call_t *call);
static void ended(void *self, const mcp_ended_t *ended);

static const mcp_handlers_t handlers = {
    .authenticate = authenticate,
    .list = list,
    .call = call,
    .ended = ended,
};

/* Lanes and views. */

static lane_t *lane_new(worker_t *worker, const connector_config_t *connector, size_t max_reply_bytes)
{
    lane_t *lane = NEW(lane_t);
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;

    if (max_reply_bytes > 0) {
        limits.max_reply_bytes = max_reply_bytes;
    }
    lane->pool = http_pool_new(worker->loop, worker->resolver, &connector->hop, &limits);
    lane->url = mem_strdup(connector->url);
    return lane;
}

/* The lane of the view before, when it leads to the same place under the same limit. */
static lane_t *find_lane(const view_t *before, const connector_config_t *connector, size_t max_reply_bytes)
{
    if (!before || before->catalog->config->max_reply_bytes != max_reply_bytes) {
        return NULL;
    }
    for (size_t i = 0; i < before->catalog->connector_count; i++) {
        if (strcmp(before->lanes[i]->url, connector->url) == 0) {
            return before->lanes[i];
        }
    }
    return NULL;
}

static void free_lane(void *self)
{
    lane_t *lane = self;

    http_pool_free(lane->pool);
    mem_free(lane->url);
    mem_free(lane);
}

/* Freed after the callback that runs now: it may be one of the pool's own. */
static void lane_unref(worker_t *worker, lane_t *lane)
{
    if (--lane->references == 0) {
        loop_defer(worker->loop, free_lane, lane);
    }
}

static void rendered_free(void *value)
{
    rendered_t *rendered = value;

    mem_free(rendered->text);
    mem_free(rendered);
}

static view_t *view_new(worker_t *worker, catalog_t *catalog, const view_t *before)
{
    view_t *view = NEW(view_t);
    size_t max_reply_bytes = catalog->config->max_reply_bytes;

    view->worker = worker;
    view->catalog = catalog_ref(catalog);
    view->references = 1;
    view->lists = lru_new(LISTS_MAX_ENTRIES, LISTS_MAX_BYTES, rendered_free);
    view->lanes = NEW_ARRAY(lane_t *, catalog->connector_count);
    for (size_t i = 0; i < catalog->connector_count; i++) {
        const connector_config_t *connector = catalog->connectors[i].config;
        lane_t *lane = find_lane(before, connector, max_reply_bytes);
        view->lanes[i] = lane ? lane : lane_new(worker, connector, max_reply_bytes);
        view->lanes[i]->references++;
    }
    return view;
}

view_t *view_ref(view_t *view)
{
    view->references++;
    return view;
}

void view_unref(view_t *view)
{
    if (!view || --view->references > 0) {
        return;
    }
    for (size_t i = 0; i < view->catalog->connector_count; i++) {
        lane_unref(view->worker, view->lanes[i]);
    }
    mem_free(view->lanes);
    lru_free(view->lists);
    catalog_unref(view->catalog);
    mem_free(view);
}

/* What the MCP server asks. */

static int authenticate(void *self, http_request_t *request, principal_t **ret, err_t *err)
{
    worker_t *worker = self;

    return gate_authenticate(worker->gate, request, ret, err);
}

static void add_forms(const catalog_t *catalog, const tool_set_t *allowed, int form, buf_t *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < catalog->tool_count; i++) {
        if (tool_set_has(allowed, i) && catalog->tools[i].forms[form].at) {
            if (out->length > 1) {
                buf_add_char(out, ',');
            }
            buf_add_span(out, catalog->tools[i].forms[form]);
        }
    }
    buf_add_char(out, ']');
}

static const rendered_t *render(view_t *view, const tool_set_t *allowed, int form, span_t key)
{
    rendered_t *rendered = NEW(rendered_t);
    buf_t out = { 0 };

    add_forms(view->catalog, allowed, form, &out);
    rendered->length = out.length;
    rendered->text = buf_steal(&out);
    lru_put(view->lists, key, rendered, rendered->length);
    return rendered;
}

static void allowed_tools(const catalog_t *catalog, const principal_t *principal, tool_set_t *ret)
{
    if (catalog->config->lists_all) {
        memset(ret, 0xff, sizeof(*ret));
    } else {
        policy_allowed(catalog->policy, principal, ret);
    }
}

span_t worker_list(worker_t *worker, const principal_t *principal, int form)
{
    view_t *view = worker->view;
    struct {
        uint64_t form;
        tool_set_t allowed;
    } key = { .form = (uint64_t)form };

    allowed_tools(view->catalog, principal, &key.allowed);
    span_t bytes = { (const char *)&key, sizeof(uint64_t) * (1 + (view->catalog->tool_count + 63) / 64) };
    const rendered_t *rendered = lru_get(view->lists, bytes);
    if (!rendered) {
        rendered = render(view, &key.allowed, form, bytes);
    }
    return (span_t){ rendered->text, rendered->length };
}

static int list(void *self, const mcp_request_t *request, mcp_list_t *ret, err_t *err)
{
    worker_t *worker = self;
    const catalog_t *catalog = worker->view->catalog;

    (void)err;
    ret->tools = worker_list(worker, request->principal, mcp_shape(request->revision));
    ret->ttl_ms = catalog->ttl_ms;
    /* MCP 2026-07-28 server/utilities/caching: what depends on who asks is private. */
    ret->is_public = catalog->is_public && catalog->config->lists_all;
    return 0;
}

static void call(void *self, mcp_call_t *open)
{
    forward_call(self, open);
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

static void show(worker_t *worker, catalog_t *catalog)
{
    view_t *before = worker->view;

    worker->view = view_new(worker, catalog, before);
    if (before) {
        set_connections(worker, before, true); /* one of them may be gone; the next tick sets the others */
    }
    if (before && before->catalog->config != catalog->config) {
        use_config(worker, catalog->config);
    }
    view_unref(before);
}

static void on_show(void *self)
{
    showing_t *showing = self;

    show(showing->worker, showing->catalog);
    catalog_unref(showing->catalog);
    mem_free(showing);
}

void worker_show(worker_t *worker, catalog_t *catalog)
{
    showing_t *showing = NEW(showing_t);

    showing->worker = worker;
    showing->catalog = catalog_ref(catalog);
    loop_post(worker->loop, on_show, showing);
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
    struct timeval patience = clock_timeval(drain_ms - last_words_ms);

    worker->patience = evtimer_new(loop_base(worker->loop), on_patience_over, worker);
    event_add(worker->patience, &patience);
}

static void on_drain(void *self)
{
    worker_t *worker = self;
    int64_t drain_ms = worker->view->catalog->config->drain_ms;

    worker->stopping = true;
    limit_patience(worker, drain_ms);
    http_server_drain(worker->server, drain_ms, on_drained, worker);
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
    metrics_set(worker->shard, ids->lists_kept, (int64_t)lru_count(worker->view->lists));
    metrics_set(worker->shard, ids->loop_lag, loop_lag_us(worker->loop));
}

static void start_gauges(worker_t *worker)
{
    struct timeval every = { .tv_sec = GAUGES_EVERY_S };

    worker->gauges = event_new(loop_base(worker->loop), -1, EV_PERSIST, on_gauges, worker);
    event_add(worker->gauges, &every);
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
    worker->hop_tokens = lru_new(HOP_TOKENS_MAX, SIZE_MAX, hop_token_free);
    worker->proxies = proxies_new(catalog->config->trusted_proxies);
    worker->self = principal_new("guiche", "guiche", NULL, 0);
    worker->last_id = (uint64_t)(number + 1) << ID_BITS;
    LIST_INIT(&worker->forwards);
    LIST_INIT(&worker->notices);
    show(worker, catalog);
    set_options(worker, catalog->config);
    worker->mcp = mcp_server_new(&handlers, worker, &worker->options);
    worker->server = http_server_new(worker->loop, &catalog->config->door, router_handle, worker);
    for (size_t i = 0; i < count; i++) {
        http_server_accept(worker->server, listen_fds[i]);
    }
    start_gauges(worker);
    return worker;
}

void worker_run(worker_t *worker)
{
    log_buffer_lines();
    loop_run(worker->loop);
    log_flush();
}

void worker_close(worker_t *worker)
{
    forward_cancel_all(worker);
    notify_cancel_all(worker);
    event_free(worker->gauges);
    if (worker->patience) {
        event_free(worker->patience);
    }
    http_server_free(worker->server);
    mcp_server_free(worker->mcp);
    view_unref(worker->view);
    lru_free(worker->hop_tokens);
    gate_free(worker->gate);
    principal_unref(worker->self);
    proxies_free(worker->proxies);
    resolver_free(worker->resolver);
    buf_free(&worker->scratch);
}

void worker_free(worker_t *worker)
{
    loop_free(worker->loop); /* runs what was deferred: lanes go here */
    mem_free(worker);
}
