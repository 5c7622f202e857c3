/* What the files of this connector share: its settings, its state, its tool. */
#pragma once

#include "account.h"
#include "connector.h"
#include "upstream.h"

typedef struct {
    const char *url, *token, *tenants;
} settings_t;

typedef struct {
    const settings_t *settings;
    upstream_t *server;
    tenants_t tenants; /* who may use the service account */
} desk_t;

extern const tool_t find_ticket_tool;
