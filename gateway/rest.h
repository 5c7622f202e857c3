/* The REST routes of docs/clients.md, docs/operating.md: the same catalog, gate and policies as /mcp, for
 * callers that speak no MCP.
 */
#pragma once

#include "http_server.h"
#include "worker.h"

void rest_list(worker_t *worker, http_request_t *request);         /* GET /v1/tools/list */
void rest_execute(worker_t *worker, http_request_t *request);      /* POST /v1/tools/execute */
void rest_declarations(worker_t *worker, http_request_t *request); /* POST /tools/list */
bool rest_is_stream(span_t path);
void rest_stream(worker_t *worker, http_request_t *request); /* GET, POST /v1/tools/{name}/stream */
