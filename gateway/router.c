/* See router.h. The table of routes is docs/clients.md, docs/operating.md. /mcp goes to the MCP server as it
 * is: that one answers other methods, foreign origins and missing tokens in its own way.
 */
#include "router.h"

#include "call_log.h"
#include "clock.h"
#include "mem.h"
#include "param_headers.h"
#include "rest.h"
#include "status.h"
#include "worker.h"

#define METADATA "/.well-known/oauth-protected-resource"

typedef void (*route_f)(worker_t *worker, http_request_t *request);

static void mcp(worker_t *worker, http_request_t *request);
static void health(worker_t *worker, http_request_t *request);
static void ready(worker_t *worker, http_request_t *request);
static void metrics_route(worker_t *worker, http_request_t *request);
static void status_route(worker_t *worker, http_request_t *request);
static void resource_metadata(worker_t *worker, http_request_t *request);

static const struct {
    const char *path;
    const char *method; /* NULL: all */
    route_f run;
} routes[] = {
    { "/mcp", NULL, mcp },
    { "/", NULL, mcp },
    { "/v1/tools/list", "GET", rest_list },
    { "/v1/tools/execute", "POST", rest_execute },
    { "/tools/list", "POST", rest_declarations },
    { "/health", "GET", health },
    { "/ready", "GET", ready },
    { "/metrics", "GET", metrics_route },
    { "/status", "GET", status_route },
    { METADATA, "GET", resource_metadata },
    { METADATA "/mcp", "GET", resource_metadata },
};

static void mcp(worker_t *worker, http_request_t *request)
{
    mcp_server_handle(worker->mcp, request);
}

static void health(worker_t *worker, http_request_t *request)
{
    (void)worker;
    status_health(request);
}

static void ready(worker_t *worker, http_request_t *request)
{
    status_ready(worker->view->catalog, worker->stopping, request);
}

static void resource_metadata(worker_t *worker, http_request_t *request)
{
    status_resource_metadata(worker->view->catalog->config, request);
}

/* On the main port what the gateway says about itself is for holders of the permission `admin`. */
static bool is_admin(worker_t *worker, http_request_t *request)
{
    principal_t *principal;
    err_t err;

    if (origin_check(&worker->options.origins, request, &err) == 0 &&
        gate_authenticate(worker->gate, request, &principal, &err) == 0) {
        bool admin = principal_has(principal, "admin");
        principal_unref(principal);
        if (admin) {
            return true;
        }
        err_set(&err, ERR_DENIED, "This needs the permission admin.");
    }
    call_log_plain(worker, request, err_rest_status(err.kind), NULL, err_name(err.kind));
    http_reply_error(request, err_rest_status(err.kind), err_name(err.kind), err.text);
    return false;
}

static void metrics_route(worker_t *worker, http_request_t *request)
{
    if (is_admin(worker, request)) {
        status_metrics(worker->gateway, request);
    }
}

static void status_route(worker_t *worker, http_request_t *request)
{
    if (is_admin(worker, request)) {
        status_page(worker->view->catalog, request);
    }
}

static void refuse(worker_t *worker, http_request_t *request, int status, const char *code, const char *text)
{
    call_log_plain(worker, request, status, NULL, code);
    http_reply_error(request, status, code, text);
}

static bool may_use(worker_t *worker, http_request_t *request, const char *method)
{
    if (!method || strcmp(http_method(request), method) == 0) {
        return true;
    }
    AUTO(mem_free) char *text = mem_printf("This path takes %s.", method);
    http_add_header(request, "Allow", method);
    refuse(worker, request, 405, "method_not_allowed", text);
    return false;
}

/* RFC 9728 section 3.1: the path of the resource follows the well-known one; behind a proxy that path may be
 * any. */
static bool is_metadata_of_public_url(worker_t *worker, span_t path)
{
    const char *public_url = worker->options.origins.public_url;

    if (!public_url || path.length < strlen(METADATA)) {
        return false;
    }
    AUTO(mem_free) char *url = gate_metadata_url(public_url);
    const char *at = strstr(url, METADATA);
    return at && span_is(path, at);
}

static void route(worker_t *worker, http_request_t *request)
{
    span_t path = http_path(request);

    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (span_is(path, routes[i].path)) {
            if (may_use(worker, request, routes[i].method)) {
                routes[i].run(worker, request);
            }
            return;
        }
    }
    if (rest_is_stream(path)) {
        rest_stream(worker, request);
    } else if (is_metadata_of_public_url(worker, path)) {
        resource_metadata(worker, request);
    } else {
        refuse(worker, request, 404, "not_found", "Nothing is served here; MCP is at /mcp.");
    }
}

/* Mcp-Param headers are named by the tools, which a preflight does not show: any is allowed that is asked
 * for. */
static void add_param_headers(const http_request_t *request, buf_t *names)
{
    span_t rest = http_header(request, "Access-Control-Request-Headers", NULL);

    while (rest.length > 0) {
        const char *comma = memchr(rest.at, ',', rest.length);
        size_t length = comma ? (size_t)(comma - rest.at) : rest.length;
        AUTO(mem_free) char *name = mem_strndup(rest.at, length);
        const char *word = name + strspn(name, " \t");
        if (strncasecmp(word, PARAM_HEADER_PREFIX, strlen(PARAM_HEADER_PREFIX)) == 0 &&
            param_header_name_is_valid(word)) {
            buf_addf(names, ", %s", word);
        }
        length += comma != NULL;
        rest = (span_t){ rest.at + length, rest.length - length };
    }
}

/* What a page may send: what clients of MCP send, and the headers that connectors are configured to get. */
static void add_allowed_headers(const config_t *config, http_request_t *request)
{
    AUTO_BUF names = { 0 };

    buf_add_text(&names, "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name, "
                         "Mcp-Session-Id, Last-Event-ID, traceparent, tracestate");
    for (size_t i = 0; i < config->connector_count; i++) {
        const connector_config_t *connector = &config->connectors[i];
        for (size_t h = 0; h < connector->forward_count; h++) {
            buf_addf(&names, ", %s", connector->forward_headers[h].from);
        }
    }
    add_param_headers(request, &names);
    http_add_header(request, "Access-Control-Allow-Headers", buf_text(&names));
}

static void preflight(worker_t *worker, http_request_t *request, bool allowed)
{
    if (allowed) {
        http_add_header(request, "Access-Control-Allow-Methods", "GET, POST");
        http_add_header(request, "Access-Control-Max-Age", "300");
        add_allowed_headers(worker->view->catalog->config, request);
    }
    http_reply(request, allowed ? 204 : 403, NULL, NULL);
}

/* True when this page may read the answer. Caches must keep the answers to different origins apart. */
static bool add_cors(worker_t *worker, http_request_t *request)
{
    span_t origin = origin_allowed(&worker->options.origins, request);

    if (worker->options.origins.count > 0) {
        http_add_header(request, "Vary", "Origin");
    }
    if (!origin.at) {
        return false;
    }
    AUTO(mem_free) char *text = mem_strndup(origin.at, origin.length);
    http_add_header(request, "Access-Control-Allow-Origin", text);
    http_add_header(request, "Access-Control-Expose-Headers", "X-Request-Id, WWW-Authenticate, Retry-After");
    return true;
}

void router_handle(void *self, http_request_t *request)
{
    worker_t *worker = self;
    bool allowed = add_cors(worker, request);

    if (strcmp(http_method(request), "OPTIONS") == 0) {
        preflight(worker, request, allowed);
    } else {
        route(worker, request);
    }
}
