/* The header lines of a request to a connector, and which of the caller's own headers go along. Pure: what is
 * read is the caller's request, what is written is text.
 */
#pragma once

#include "buf.h"
#include "catalog.h"
#include "err.h"
#include "http_server.h"
#include "span.h"

#define HOP_HEADER_MAX_VALUE 8192

typedef struct {
    const catalog_connector_t *connector;
    bool opening; /* server/discover or initialize: nothing is known yet, no session */
    mcp_revision_t revision;
    const char *method; /* "tools/call" */
    span_t name;        /* the tool's own name; absent: no Mcp-Name */
    /* Trusted connectors only; absent: left out. */
    span_t principal; /* the hop token */
    span_t request_id;
    span_t traceparent;
    int64_t timeout_ms;
} hop_headers_t;
void hop_headers(buf_t *out, const hop_headers_t *headers);

/* Looks a header of the caller up. Like http_header(), but a test can bring its own. */
typedef span_t (*hop_header_f)(const void *request, const char *name, size_t *ret_count);

/* The caller's headers that this connector is configured to get, and those it must have. -1 with ERR_CALLER:
 * one occurs twice or is too long, or a required one is missing (then the text is the configured sentence).
 */
int hop_forwarded(buf_t *out, const connector_config_t *connector, const void *request, hop_header_f header,
                  err_t *err);
