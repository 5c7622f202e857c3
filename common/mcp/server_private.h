/* What server.c and call.c share. */
#pragma once

#include "message.h"
#include "server.h"

struct mcp_server {
    const mcp_handlers_t *handlers;
    void *self;
    mcp_options_t options;
    size_t open_calls;
};

/* Tells `ended`, with us filled in. */
void mcp_server_tell_ended(mcp_server_t *server, const mcp_ended_t *ended, http_request_t *http);
/* Sends the whole answer, JSON or nothing; body is empty afterwards. */
void mcp_server_send(http_request_t *http, int status, buf_t *body);

/* Opens the call of a tools/call message (whose name moves into it) and hands it to the handler. */
void mcp_call_begin(mcp_server_t *server, message_t *message);
