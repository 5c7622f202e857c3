/* What the tools of mcp-qlik share: the process's state. It holds no user's token: that comes with each call
 * and goes out with it. */
#pragma once

#include "account.h"
#include "connector.h"
#include "upstream.h"

typedef struct {
    const char *tenant_url;
    const char *api_key; /* NULL: every call needs a user's token */
    const char *tenants;
} qlik_settings_t;

typedef struct {
    const qlik_settings_t *settings;
    runtime_t *runtime;
    upstream_t *upstream;
    tenants_t tenants;
    account_rule_t accounts;
} qlik_t;

static inline const qlik_t *qlik_of(const call_t *call)
{
    return call_state(call);
}

extern const tool_t *const qlik_tools[]; /* NULL-ended; qlik_tools.c */
