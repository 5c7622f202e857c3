/* One HTTP body on /mcp, read as a message: what it is, which era it speaks, whether its headers say the
 * same. Private to this library. */
#pragma once

#include "buf.h"
#include "err.h"
#include "server.h"

typedef enum { MESSAGE_REQUEST, MESSAGE_NOTIFICATION, MESSAGE_RESPONSE } message_kind_t;

typedef struct {
    message_kind_t kind;
    mcp_request_t request;
    buf_t name; /* holds request.name when the body spells it with escapes */
    buf_t data; /* JSON for the error's data; empty: none */
} message_t;

/* ret->request.http is given. On -1 era and id are those to answer with, as far as they could be read. */
int message_read(message_t *message, err_t *err);
void message_release(message_t *message);
