/* What the files of the server share: server.c, call.c, ask.c, batch.c, listen.c, stream.c. */
#pragma once

#include <sys/queue.h>

#include "message.h"
#include "server.h"

LIST_HEAD(asks, ask);             /* ask.c */
LIST_HEAD(listens, mcp_listen);   /* listen.c */
LIST_HEAD(batch_calls, mcp_call); /* batch.c */

struct mcp_server {
    const mcp_handlers_t *handlers;
    void *self;
    mcp_options_t options;
    size_t open_calls;
    struct asks asks;
    struct listens listens;
    bool ending; /* no listen stays open any more */
};

struct mcp_call {
    mcp_server_t *server;
    mcp_request_t request;
    mcp_batch_t *batch; /* whose element it is; NULL: the HTTP request is its own */
    LIST_ENTRY(mcp_call) batch_link;
    buf_t name; /* holds request.name when the body spells it with escapes */
    const mcp_answers_t *answers;
    void *answers_self;
    void *owner;
    loop_f on_gone, on_drained;
    void *gone_self, *drained_self;
    bool wants_progress;
    bool gone;      /* the handler is being told; whatever it answers now is dropped */
    uint8_t asking; /* questions that are open */
    size_t streamed_bytes;
};

/* Where an answer goes: to the client, or into the array of a batch, under this id. */
typedef struct {
    http_request_t *http;
    mcp_batch_t *batch;
    span_t id;
} mcp_sink_t;

/* Tells `ended`, with us filled in. */
void mcp_server_tell_ended(mcp_server_t *server, const mcp_ended_t *ended, http_request_t *http);
/* Sends the whole answer, JSON or nothing; body is empty afterwards, or of no use. */
void mcp_server_send(const mcp_sink_t *to, int status, buf_t *body);
/* One message, whatever it is. */
void mcp_server_take(mcp_server_t *server, message_t *message);
/* Answers a message with an error. status 0: what the kind of error has. */
void mcp_server_refuse(mcp_server_t *server, message_t *message, int status, const err_t *err);

/* stream.c */
bool mcp_stream_is_accepted(const http_request_t *http);
void mcp_stream_start(const mcp_server_t *server, http_request_t *http);
size_t mcp_stream_send(http_request_t *http, buf_t *json); /* as http_stream_write() */
size_t mcp_stream_waiting(http_request_t *http);           /* how much has not left yet */

/* batch.c: an array of messages; its elements come back by mcp_server_take(), their answers by the others. */
void mcp_batch_begin(mcp_server_t *server, message_t *message);
void mcp_batch_add_call(mcp_batch_t *batch, mcp_call_t *call);
void mcp_batch_take(mcp_batch_t *batch, span_t id, buf_t *answer);

/* Opens the listen of a subscriptions/listen message and hands it to the handler. */
void mcp_listen_begin(mcp_server_t *server, message_t *message);

/* Whether events may be sent before the answer: MCP's own way to answer, and a client that reads streams. */
bool mcp_call_may_stream(const mcp_call_t *call);
/* A whole message on the call's stream, which it opens. How many bytes wait. */
size_t mcp_call_send_event(mcp_call_t *call, buf_t *json);
void mcp_call_drop_asks(mcp_call_t *call);
void mcp_call_hang_up(mcp_call_t *call); /* its client has gone; the call is gone afterwards */

/* Opens the call of a message (whose name moves into it) and hands it to the handler. */
void mcp_call_begin(mcp_server_t *server, message_t *message);
