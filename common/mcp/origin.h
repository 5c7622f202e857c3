/* Which browsers and host names may speak to us (DNS rebinding): MCP 2026-07-28
 * basic/transports/streamable-http "Security Warning". */
#pragma once

#include <stddef.h>

#include "err.h"
#include "http_server.h"

typedef struct {
    const char *const *origins; /* "https://app.example.com", exact; our own always pass */
    size_t count;
    const char *public_url; /* its host and origin are ours too; NULL */
} origin_rules_t;

/* Absent Origin is fine. On loopback listeners Host must be a loopback name or the host of public_url. -1:
 * ERR_DENIED, the answer is 403. */
int origin_check(const origin_rules_t *rules, const http_request_t *request, err_t *err);
/* The Origin if it may read our answers, for Access-Control-Allow-Origin; else absent. */
span_t origin_allowed(const origin_rules_t *rules, const http_request_t *request);
