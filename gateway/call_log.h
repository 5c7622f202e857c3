/* One line and one set of counters per request, written when it has ended. Never a token, a forwarded header,
 * a query string or a value of an argument.
 */
#pragma once

#include "gateway.h"
#include "server.h"
#include "worker.h"

void call_log_register(gateway_t *gateway);                /* the series that need no catalog */
void call_log(worker_t *worker, const mcp_ended_t *ended); /* a request on /mcp, or a REST call */
/* A request that was no call: REST lists, what nobody serves, what was refused before it became one. code:
 * why it failed; principal and code may be NULL. */
void call_log_plain(worker_t *worker, http_request_t *request, int status, const principal_t *principal,
                    const char *code);
