/* One HTTP body on /mcp, read as a message: what it is, which era it speaks, whether its headers say the
 * same. Private to this library. */
#pragma once

#include "buf.h"
#include "err.h"
#include "server.h"

typedef enum { MESSAGE_REQUEST, MESSAGE_NOTIFICATION, MESSAGE_RESPONSE, MESSAGE_BATCH } message_kind_t;

typedef struct mcp_batch mcp_batch_t; /* batch.c */

typedef struct {
    span_t body;        /* absent: that of request.http */
    mcp_batch_t *batch; /* whose element it is; NULL: it came alone */
    message_kind_t kind;
    mcp_request_t request;
    buf_t name;                /* holds request.name when the body spells it with escapes */
    mcp_capabilities_t offers; /* to who asks */
    buf_t data;                /* JSON for the error's data; empty: none */
    span_t level, uri;         /* raw: of logging/setLevel and resources/subscribe */
} message_t;

/* request.http is given; of an element body and batch too. Of a batch nothing else is read. On -1 era and id
 * are those to answer with, as far as they could be read. */
int message_read(message_t *message, err_t *err);
void message_release(message_t *message);
