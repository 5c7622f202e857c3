/* What a connector answers over HTTP beside MCP: all without a token, nothing of a tenant in
 * it. */
#include "runtime.h"

#include <string.h>

#define JSON_TYPE "application/json"

static void reply(http_request_t *request, int status, const char *content_type, const buf_t *body)
{
    http_reply_bytes(request, status, content_type, body->data, body->length);
}

static void answer_mcp(runtime_t *runtime, http_request_t *request)
{
    mcp_server_handle(runtime->mcp, request);
}

static void answer_tools(runtime_t *runtime, http_request_t *request)
{
    AUTO_BUF body = { 0 };

    buf_add_text(&body, "{\"tools\":");
    buf_add_span(&body, tool_list_json(runtime->tools, MCP_SHAPE_MODERN));
    buf_add_text(&body, "}\n");
    reply(request, 200, JSON_TYPE, &body);
}

static void answer_health(runtime_t *runtime, http_request_t *request)
{
    static const char ok[] = "{\"status\":\"ok\"}\n";

    (void)runtime;
    http_reply_bytes(request, 200, JSON_TYPE, ok, sizeof(ok) - 1);
}

static void add_member(buf_t *body, const char *name, const char *text)
{
    if (text) {
        buf_addf(body, ",\"%s\":", name);
        buf_add_json_string(body, span_of(text));
    }
}

static const char *why_not_ready(const runtime_t *runtime)
{
    if (runtime->draining) {
        return "The connector is stopping.";
    }
    if (runtime->ready.state == READY_UNKNOWN) {
        return "Whether the upstream answers is not known yet.";
    }
    return runtime->ready.state == READY_NO ? runtime->ready.reason : NULL;
}

static void answer_ready(runtime_t *runtime, http_request_t *request)
{
    const connector_t *connector = runtime->connector;
    const char *reason = why_not_ready(runtime);
    AUTO_BUF body = { 0 };

    buf_addf(&body, "{\"status\":\"%s\"", reason ? "not ready" : "ready");
    add_member(&body, "reason", reason);
    add_member(&body, "about", connector->about ? connector->about(runtime->state) : NULL);
    buf_add_text(&body, "}\n");
    reply(request, reason ? 503 : 200, JSON_TYPE, &body);
}

static void answer_metrics(runtime_t *runtime, http_request_t *request)
{
    AUTO_BUF body = { 0 };

    metrics_set(runtime->shard, runtime->lag, loop_lag_us(runtime->loop));
    metrics_set(runtime->shard, runtime->queue, (int64_t)pool_queued(runtime->pool));
    metrics_set(runtime->shard, runtime->calls_alive, (int64_t)runtime->alive_calls);
    metrics_render(runtime->metrics, &body);
    reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static const struct {
    const char *path, *method; /* method NULL: the handler decides */
    void (*answer)(runtime_t *runtime, http_request_t *request);
} routes[] = {
    { "/mcp", NULL, answer_mcp },
    { "/", NULL, answer_mcp },
    { "/tools/list", "POST", answer_tools },
    { "/health", "GET", answer_health },
    { "/ready", "GET", answer_ready },
    { "/metrics", "GET", answer_metrics },
};

static void refuse_method(http_request_t *request, const char *allowed)
{
    AUTO(mem_free) char *text = mem_printf("This path is asked with %s.", allowed);

    http_add_header(request, "Allow", allowed);
    http_reply_error(request, 405, "method_not_allowed", text);
}

void routes_handle(void *self, http_request_t *request)
{
    runtime_t *runtime = self;

    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (!span_is(http_path(request), routes[i].path)) {
            continue;
        }
        if (routes[i].method && strcmp(http_method(request), routes[i].method) != 0) {
            refuse_method(request, routes[i].method);
        } else {
            routes[i].answer(runtime, request);
        }
        return;
    }
    http_reply_error(request, 404, "not_found",
                     "There is nothing here. MCP is at /mcp; /health, /ready, /metrics and POST /tools/list "
                     "need no token.");
}
