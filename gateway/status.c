/* See status.h. */
#include "status.h"

#include "mem.h"

static void reply_json(http_request_t *request, int status, const char *body)
{
    http_reply_bytes(request, status, "application/json", body, strlen(body));
}

void status_health(http_request_t *request)
{
    reply_json(request, 200, "{\"status\":\"ok\"}");
}

void status_ready(const catalog_t *catalog, bool stopping, http_request_t *request)
{
    if (stopping) {
        http_reply_error(request, 503, "stopping", "The gateway is stopping.");
    } else if (catalog->awaits_keys) {
        http_reply_error(request, 503, "not_ready",
                         "The keys of auth.jwks_url have not been fetched yet; /status says why.");
    } else if (catalog->ready) {
        reply_json(request, 200, "{\"status\":\"ready\"}");
    } else {
        http_reply_error(request, 503, "not_ready", "No connector has been listed yet; /status says why.");
    }
}

void status_page(const catalog_t *catalog, http_request_t *request)
{
    http_add_header(request, "Cache-Control", "no-store");
    reply_json(request, 200, catalog->status);
}

void status_metrics(gateway_t *gateway, http_request_t *request)
{
    AUTO_BUF page = { 0 };

    metrics_render(gateway->metrics, &page);
    http_reply_bytes(request, 200, "text/plain; version=0.0.4; charset=utf-8", page.data, page.length);
}

static void add_texts(buf_t *out, const char *name, char *const *texts)
{
    const char *separator = "";

    buf_addf(out, ",\"%s\":[", name);
    for (; *texts; texts++, separator = ",") {
        buf_add_text(out, separator);
        buf_add_json_string(out, span_of(*texts));
    }
    buf_add_char(out, ']');
}

/* `resource` comes from public_url and never from the Host header, which the caller writes. */
void status_resource_metadata(const config_t *config, http_request_t *request)
{
    AUTO_BUF page = { 0 };

    if (!config->authorization_servers || !*config->authorization_servers || !config->public_url) {
        http_reply_error(request, 404, "not_found", "This gateway names no authorization server.");
        return;
    }
    buf_add_text(&page, "{\"resource\":");
    buf_add_json_string(&page, span_of(config->public_url));
    add_texts(&page, "authorization_servers", config->authorization_servers);
    if (config->scopes_supported) {
        add_texts(&page, "scopes_supported", config->scopes_supported);
    }
    buf_add_text(&page, ",\"bearer_methods_supported\":[\"header\"]}");
    http_reply_bytes(request, 200, "application/json", page.data, page.length);
}
