/* The header lines of a request to a connector, and which of the caller's own headers go along. Pure: what is
 * read is the caller's request, what is written is text.
 */
#pragma once

#include "buf.h"
#include "catalog.h"
#include "err.h"
#include "http_server.h"
#include "param_headers.h"
#include "server.h"
#include "span.h"

#define HOP_HEADER_MAX_VALUE 8192
#define HOP_PARAMS_MAX 32 /* Mcp-Param headers that the tool does not declare */
#define HOP_PARAMS_MAX_BYTES 8192

typedef struct {
    const catalog_connector_t *connector;
    bool opening;  /* server/discover or initialize: nothing is known yet, no session */
    bool bodiless; /* a DELETE: some servers take a Content-Type for the promise of a body */
    mcp_revision_t revision;
    span_t session_id;  /* of a legacy connector; absent: none */
    const char *method; /* "tools/call" */
    span_t name;        /* the tool's own name; absent: no Mcp-Name */
    /* Trusted connectors only; absent: left out. */
    span_t principal; /* the hop token */
    span_t request_id;
    span_t traceparent;
    int64_t timeout_ms;
    span_t forwarded; /* lines of hop_forwarded(); absent: the gateway asks for itself */
} hop_headers_t;
/* With the fixed headers of the connector, but those that are among the forwarded. */
void hop_headers(buf_t *out, const hop_headers_t *headers);

/* What names the gateway itself to a connector that is trusted: asking for itself it is nobody's agent, a
 * principal without a tenant's data or a permission. NULL for another connector; caller frees. */
char *hop_own_token(const catalog_connector_t *connector);

/* Looks a header of the caller up. Like http_header(), but a test can bring its own. */
typedef span_t (*hop_header_f)(const void *request, const char *name, size_t *ret_count);

/* Ready lines: the caller's headers that this connector is configured to get. -1 with ERR_CALLER: one occurs
 * twice or is too long, or one it must have is missing (then the text is the configured sentence).
 */
int hop_forwarded(buf_t *out, const connector_config_t *connector, const void *request, hop_header_f header,
                  err_t *err);

/* The Mcp-Param lines of a call to a modern connector: made anew from the arguments for those that the tool
 * declares, copied from a modern caller for the others (our schema may be older than the caller's). -1 with
 * ERR_CALLER. */
int hop_params(buf_t *out, const param_headers_t *params, const mcp_request_t *request, err_t *err);
/* A modern caller's own, against its body: -1 with ERR_PROTOCOL and -32020. */
int hop_params_check(const param_headers_t *params, const mcp_request_t *request, err_t *err);
