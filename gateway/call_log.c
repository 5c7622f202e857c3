/* See call_log.h. */
#include "call_log.h"

#include "clock.h"
#include "forward.h"
#include "log.h"
#include "mem.h"

/* MCP methods, and routes, that have a series of their own; the rest counts as the last. */
static const char *const methods[] = {
    "initialize",
    "server/discover",
    "ping",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "subscriptions/listen",
    "notifications/initialized",
    "/v1/tools/execute",
    "/v1/tools/{name}/stream",
    "/v1/tools/list",
    "/tools/list",
    "other",
};

void call_log_register(gateway_t *gateway)
{
    metrics_t *metrics = gateway->metrics;
    gateway_metrics_t *ids = &gateway->ids;

    _Static_assert(COUNT_OF(methods) <= COUNT_OF(ids->requests), "one series per method");
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        AUTO_BUF labels = { 0 };
        metrics_label(&labels, "method", methods[i]);
        ids->requests[i] =
            metrics_counter(metrics, "guiche_requests_total", "Requests that have ended.", buf_text(&labels));
    }
    for (int kind = ERR_CALLER; kind <= ERR_INTERNAL; kind++) {
        AUTO_BUF labels = { 0 };
        metrics_label(&labels, "kind", err_name(kind));
        ids->failures[kind] = metrics_counter(metrics, "guiche_errors_total",
                                              "Requests that failed, by kind.", buf_text(&labels));
    }
    ids->open_requests = metrics_gauge(metrics, "guiche_open_requests", "Requests being answered.", NULL);
    ids->connections = metrics_gauge(metrics, "guiche_connections", "Connections of clients.", NULL);
    ids->held_bytes =
        metrics_gauge(metrics, "guiche_held_bytes", "Large bodies and answers of clients in memory.", NULL);
    ids->lists_kept = metrics_gauge(metrics, "guiche_lists_kept", "Rendered tool lists in memory.", NULL);
    ids->listens = metrics_gauge(metrics, "guiche_listens", "Open subscriptions/listen of clients.", NULL);
    ids->watches = metrics_gauge(metrics, "guiche_watches",
                                 "Open streams on which connectors tell that something has changed.", NULL);
    ids->loop_lag = metrics_gauge(metrics, "guiche_loop_lag_microseconds",
                                  "How late the loops' ticks last came, summed over workers.", NULL);
}

static metric_t requests_of(const gateway_metrics_t *ids, span_t method)
{
    size_t i = 0;

    while (i + 1 < COUNT_OF(methods) && !span_is(method, methods[i])) {
        i++;
    }
    return ids->requests[i];
}

static bool join_forwarded(void *self, span_t name, span_t value)
{
    buf_t *all = self;

    if (span_is_nocase(name, "X-Forwarded-For")) {
        if (all->length > 0) {
            buf_add_char(all, ',');
        }
        buf_add_span(all, value);
    }
    return true;
}

static void log_client(worker_t *worker, const http_request_t *request)
{
    char address[CLIENT_ADDRESS_SIZE];
    AUTO_BUF forwarded = { 0 };

    if (!*http_peer(request)) {
        return; /* a unix socket */
    }
    if (proxies_trusts(worker->proxies, http_peer(request))) {
        http_each_header(request, join_forwarded, &forwarded);
    }
    log_str("client", proxies_client(worker->proxies, http_peer(request), buf_span(&forwarded), address));
}

static void log_http(worker_t *worker, const http_request_t *request)
{
    log_str("request_id", http_request_id(request));
    log_client(worker, request);
    log_str("http", http_method(request));
    log_span("path", http_path(request));
}

static void log_principal(const principal_t *principal)
{
    if (principal) {
        log_str("tenant", principal->tenant_id);
        log_str("subject", principal->subject);
    }
}

static void count(worker_t *worker, const mcp_ended_t *ended, const forward_t *forward)
{
    const gateway_metrics_t *ids = &worker->gateway->ids;

    metrics_add(worker->shard, requests_of(ids, ended->request->method), 1);
    if (ended->failed) {
        metrics_add(worker->shard, ids->failures[ended->kind], 1);
    }
    const catalog_entry_t *entry = forward ? forward_entry(forward) : NULL;
    if (entry && entry->kind == MCP_TOOLS) {
        metrics_add(worker->shard, entry->calls, 1);
        metrics_add(worker->shard, entry->errors, ended->failed);
        metrics_observe_us(worker->shard, entry->seconds, ended->us);
    }
}

/* A URI that was asked for may name a customer: of what is no tool or prompt only what the catalog calls it.
 */
static void log_entry(const mcp_request_t *request, const catalog_entry_t *entry)
{
    static const char *const keys[MCP_KINDS] = { "tool", "resource", "template", "prompt" };

    if (request->kind == MCP_TOOLS || request->kind == MCP_PROMPTS) {
        log_span(keys[request->kind], request->name);
    } else if (entry) {
        log_str(keys[entry->kind], entry->name);
    }
}

static void log_forward(const forward_t *forward)
{
    log_str("connector", forward_connector(forward)->config->name);
    log_ms("upstream_ms", forward_upstream_us(forward));
}

/* What a caller got wrong quotes the arguments, which are customers' data. */
static const char *loggable_error(const mcp_ended_t *ended)
{
    return ended->failed && ended->kind != ERR_CALLER ? ended->text : NULL;
}

static void write_line(worker_t *worker, const mcp_ended_t *ended, const forward_t *forward)
{
    const mcp_request_t *request = ended->request;

    if (!log_begin(LOG_LEVEL_INFO, "request")) {
        return;
    }
    log_http(worker, request->http);
    log_int("status", ended->http_status);
    log_span("method", request->method);
    log_entry(request, forward ? forward_entry(forward) : NULL);
    if (request->method.at) {
        log_str("era", request->era == MCP_MODERN ? "modern" : "legacy");
    }
    if (forward && forward_connector(forward)) {
        log_forward(forward);
    }
    log_str("outcome", ended->failed ? err_name(ended->kind) : ended->http_status ? "ok" : "gone");
    log_str("error", loggable_error(ended));
    log_ms("ms", ended->us);
    log_int("bytes", (int64_t)ended->reply_bytes);
    log_principal(request->principal);
    log_end();
}

void call_log(worker_t *worker, const mcp_ended_t *ended)
{
    forward_t *forward = ended->call ? mcp_call_owner(ended->call) : NULL;

    count(worker, ended, forward);
    write_line(worker, ended, forward);
    if (forward) {
        forward_logged(forward);
    }
}

void call_log_plain(worker_t *worker, http_request_t *request, int status, const principal_t *principal,
                    const char *code)
{
    const gateway_metrics_t *ids = &worker->gateway->ids;
    int kind = code ? err_from_name(code) : -1;

    metrics_add(worker->shard, requests_of(ids, http_path(request)), 1);
    if (kind >= 0) {
        metrics_add(worker->shard, ids->failures[kind], 1);
    }
    if (log_begin(LOG_LEVEL_INFO, "request")) {
        log_http(worker, request);
        log_int("status", status);
        log_str("outcome", code ? code : "ok");
        log_ms("ms", clock_us() - http_started_us(request));
        log_principal(principal);
        log_end();
    }
}
