/* What the parts of mcp-odoo share: its settings and the state of the process. */
#pragma once

#include "account.h"
#include "allowed.h"
#include "connector.h"
#include "logins.h"
#include "upstream.h"

typedef struct {
    const char *url, *db;
    const char *username, *password; /* the service account: both or neither */
    const char *tenants;
    bool read_only;
    const char *allowed_methods;
} odoo_settings_t;

typedef struct {
    const odoo_settings_t *settings;
    runtime_t *runtime;
    upstream_t *upstream;
    tenants_t tenants;
    allowed_t *allowed; /* methods that call_method may call */
    logins_t *logins;
    struct odoo_probe *probe;
} odoo_t;

static inline const odoo_settings_t *odoo_settings(const call_t *call)
{
    return call_settings(call);
}

static inline odoo_t *odoo_of(const call_t *call)
{
    return call_state(call);
}

extern const tool_t *const odoo_tools[];         /* NULL-ended; odoo_tools.c */
extern const resource_t *const odoo_resources[]; /* odoo_resources.c */
extern const resource_template_t *const odoo_templates[];
bool odoo_offers(const void *settings, const tool_t *tool);
