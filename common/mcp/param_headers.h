/* Arguments that a tool wants mirrored in headers: a property with "x-mcp-header": "Region" travels a second
 * time as Mcp-Param-Region, so that whoever stands in between can route by it. MCP 2026-07-28
 * basic/transports/streamable-http "Custom Headers from Tool Parameters".
 *
 * Most tools have none: param_headers_read() is NULL for them, everything here takes that NULL and does
 * nothing.
 */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "http_server.h"
#include "span.h"

#define PARAM_HEADER_MAX 64         /* in one tool */
#define PARAM_HEADER_MAX_VALUE 8192 /* bytes of a value that is written */
#define PARAM_HEADER_PREFIX "Mcp-Param-"

typedef struct param_headers param_headers_t;

/* Of an inputSchema whose annotations have been checked; names without escapes where JSON allows it. More
 * than PARAM_HEADER_MAX, and what is no valid annotation, are not read. */
param_headers_t *param_headers_read(span_t input_schema);
void param_headers_free(param_headers_t *params);

bool param_header_name_is_valid(const char *name); /* an RFC 9110 token */
/* Whether this header (any case) is one of the tool's. */
bool param_headers_know(const param_headers_t *params, span_t header);

/* "Server Behavior for Custom Headers": each of the tool's headers against the body. -1 with ERR_PROTOCOL and
 * -32020 when one is missing, says something else, occurs twice, is badly encoded, or stands for an argument
 * that is null or absent; or when an argument on the way occurs twice, for readers differ in which they take.
 * Headers of other names are nobody's business here. `arguments` as in mcp_request_t. */
int param_headers_check(const param_headers_t *params, const http_request_t *request, span_t arguments,
                        err_t *err);
/* "Client Behavior": the lines for a connector, "Mcp-Param-Region: eu\r\n". Nothing for null and absent. What
 * is written says what the value is, not what the schema wants it to be: which of the two is wrong is the
 * connector's to tell. -1 with ERR_CALLER: an argument occurs twice, is an object or array, an integer that
 * not every reader holds exactly, or too long for a header. */
int param_headers_write(const param_headers_t *params, span_t arguments, buf_t *lines, err_t *err);
