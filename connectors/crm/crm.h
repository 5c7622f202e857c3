/* What the tools of mcp-crm share: the process's state and the shape of what they say. */
#pragma once

#include "connector.h"
#include "db.h"
#include "period.h"
#include "web.h"

typedef struct {
    const char *database_url;
    int64_t statement_timeout_ms;
    int64_t connections;
    const char *timezone;
    const char *llm_url, *llm_api_key, *llm_model; /* all or none */
} crm_settings_t;

typedef struct {
    const crm_settings_t *settings;
    runtime_t *runtime;
    db_t *db;
    web_t *web; /* NULL without a model */
    const char *about;
    bool is_known, is_demo; /* what the data is, once the first probe has looked */
} crm_t;

static inline const crm_t *crm_of(const call_t *call)
{
    return call_state(call);
}

static inline db_t *crm_db(const call_t *call)
{
    return crm_of(call)->db;
}

extern const tool_t *const crm_tools[]; /* NULL-ended; crm_tools.c */
