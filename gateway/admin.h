/* The port of those who run the gateway (admin_listen): /status, /metrics, /ready and /health, answered on
 * the main thread, without a token. */
#pragma once

#include "catalog.h"
#include "gateway.h"

typedef struct admin admin_t;

admin_t *admin_new(gateway_t *gateway, const config_t *config, catalog_t *catalog, int fd);
void admin_free(admin_t *admin);

/* NULL, when there is no such port, is fine for these. */
void admin_show(admin_t *admin, catalog_t *catalog); /* a newer one; takes its own reference */
void admin_set_stopping(admin_t *admin);             /* /ready says so from now on */
void admin_configure(admin_t *admin, const config_t *config);
