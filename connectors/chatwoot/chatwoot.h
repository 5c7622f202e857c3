/* What the tools of mcp-chatwoot share: the settings and the process's state. */
#pragma once

#include "account.h"
#include "accounts.h"
#include "connector.h"
#include "upstream.h"

#define CHATWOOT_TOKEN_HEADER "X-Chatwoot-Access-Token"
#define CHATWOOT_ACCOUNT_HEADER "X-Chatwoot-Account-Id"

typedef struct {
    const char *url;
    const char *api_key; /* NULL: every caller brings a token */
    int64_t account_id;  /* 0: found by the key */
    const char *tenants;
} chatwoot_settings_t;

typedef struct {
    const chatwoot_settings_t *settings;
    runtime_t *runtime;
    upstream_t *upstream;
    tenants_t tenants;
    accounts_t *accounts;
    bool hyphens; /* Api-Access-Token: a proxy was seen to drop api_access_token */
    char about[64];
    bool is_known; /* what answers there: the first probe has asked */
} chatwoot_t;

static inline chatwoot_t *chatwoot_of(const call_t *call)
{
    return call_state(call);
}

static inline const char *chatwoot_token_name(const chatwoot_t *chatwoot)
{
    return chatwoot->hyphens ? "Api-Access-Token" : "api_access_token";
}

extern const tool_t *const chatwoot_tools[]; /* NULL-ended; chatwoot_tools.c */
