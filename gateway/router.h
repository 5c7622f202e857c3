/* Which handler answers which path, and what browsers may read. */
#pragma once

#include "http_server.h"

void router_handle(void *worker, http_request_t *request); /* an http_handler_f */
