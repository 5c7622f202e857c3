/* What the gateway says about itself: /health, /ready, /status and /metrics, on the main port and on the
 * admin port. */
#pragma once

#include "catalog.h"
#include "gateway.h"
#include "http_server.h"

void status_health(http_request_t *request);
/* stopping: open calls are still answered, but nothing new should be sent here. */
void status_ready(const catalog_t *catalog, bool stopping, http_request_t *request);
void status_page(const catalog_t *catalog, http_request_t *request);
void status_metrics(gateway_t *gateway, http_request_t *request);
/* RFC 9728; 404 unless auth.authorization_servers is set. */
void status_resource_metadata(const config_t *config, http_request_t *request);
