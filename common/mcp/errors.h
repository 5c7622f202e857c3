/* One err_t, one answer: what a failure looks like to the era that asked. The only place that knows. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "eras.h"
#include "err.h"
#include "span.h"

#define RPC_PARSE_ERROR (-32700)
#define RPC_INVALID_REQUEST (-32600)
#define RPC_METHOD_NOT_FOUND (-32601)
#define RPC_INVALID_PARAMS (-32602)
#define RPC_INTERNAL_ERROR (-32603)
#define MCP_RESOURCE_NOT_FOUND (-32002) /* legacy; must not be sent to modern clients */
#define MCP_HEADER_MISMATCH (-32020)
#define MCP_MISSING_CAPABILITY (-32021)
#define MCP_UNSUPPORTED_VERSION (-32022)

/* All append the whole JSON-RPC message to `out` and return its HTTP status. `data`: raw JSON or absent. */

/* A failed call. Of a tool: a result with isError, which a model can act on, or a JSON-RPC error. An isError
 * result carries _meta {"guiche/kind": "upstream"} so that a gateway in front can tell the kinds apart. Of
 * any other act, where there is no isError: a JSON-RPC error, -32002 for a legacy client that reads an
 * unknown resource. Legacy: always at 200. ERR_DENIED with code 403 is insufficient scope: HTTP 403 for a
 * modern client (the handler has added WWW-Authenticate). */
int error_for_call(const err_t *err, mcp_act_t act, mcp_era_t era, span_t id, span_t data, buf_t *out);
/* Any other method, and messages that are none. Legacy: 200 but for ERR_PROTOCOL, which is 400. */
int error_for_message(const err_t *err, mcp_era_t era, span_t id, span_t data, buf_t *out);
/* Before the message is looked at: no id and no era; the status is err_rest_status(), or 405, 415. */
void error_at_gate(const err_t *err, buf_t *out);

/* A JSON-RPC error of a connector's; message is a raw JSON string. Of a tool, to a legacy client: a result
 * with isError, since clients repeat a call after any JSON-RPC error. Else an error with its code, but: codes
 * that would speak about our own hop (those of headers and versions) or that the era does not know become
 * -32603, and a resource that is not found has the code of the era. */
typedef struct {
    int code;
    span_t message, data;
} relayed_error_t;
int error_relayed(const relayed_error_t *error, mcp_act_t act, mcp_era_t era, span_t id, buf_t *out);
err_kind_t error_relayed_kind(int code); /* whose fault such an error is: the caller's or the connector's */
