/* See admin.h. */
#include "admin.h"

#include "mem.h"
#include "origin.h"
#include "status.h"

struct admin {
    gateway_t *gateway;
    http_server_t *server;
    catalog_t *catalog;
    bool stopping;
};

static void on_request(void *self, http_request_t *request)
{
    const admin_t *admin = self;
    span_t path = http_path(request);
    err_t err;

    /* Without a token a page whose name resolves to this machine could read what is said here. */
    if (origin_check(&(origin_rules_t){ 0 }, request, &err)) {
        http_reply_error(request, err_rest_status(err.kind), err_name(err.kind), err.text);
    } else if (strcmp(http_method(request), "GET") != 0) {
        http_reply_error(request, 405, "method_not_allowed", "This port takes GET.");
    } else if (span_is(path, "/status")) {
        status_page(admin->catalog, request);
    } else if (span_is(path, "/metrics")) {
        status_metrics(admin->gateway, request);
    } else if (span_is(path, "/ready")) {
        status_ready(admin->catalog, admin->stopping, request);
    } else if (span_is(path, "/health")) {
        status_health(request);
    } else {
        http_reply_error(request, 404, "not_found", "This port has /status, /metrics, /ready and /health.");
    }
}

admin_t *admin_new(gateway_t *gateway, const config_t *config, catalog_t *catalog, int fd)
{
    admin_t *admin = NEW(admin_t);

    admin->gateway = gateway;
    admin->catalog = catalog_ref(catalog);
    admin->server = http_server_new(gateway->loop, &config->door, on_request, admin);
    http_server_accept(admin->server, fd);
    return admin;
}

void admin_free(admin_t *admin)
{
    if (admin) {
        http_server_free(admin->server);
        catalog_unref(admin->catalog);
        mem_free(admin);
    }
}

void admin_show(admin_t *admin, catalog_t *catalog)
{
    if (admin) {
        catalog_t *before = admin->catalog;
        admin->catalog = catalog_ref(catalog);
        catalog_unref(before);
    }
}

void admin_set_stopping(admin_t *admin)
{
    if (admin) {
        admin->stopping = true;
    }
}

void admin_configure(admin_t *admin, const config_t *config)
{
    if (admin) {
        http_server_set_limits(admin->server, &config->door);
    }
}
