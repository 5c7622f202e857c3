/* One call from inside: what call.c (its life), call_answer.c (its ends) and call_work.c share. */
#pragma once

#include <stdatomic.h>

#include "runtime.h"

#define CALL_ID_MAX_LENGTH 64

typedef struct call_owned call_owned_t;
typedef struct call_header call_header_t;

struct call {
    runtime_t *runtime;
    const tool_t *tool;
    mcp_call_t *mcp; /* who waits; NULL once answered or gone */
    principal_t *principal;
    char id[CALL_ID_MAX_LENGTH + 1];

    int64_t started_ms, deadline_ms;
    int64_t timeout_ms; /* what a progress event gives anew */
    struct event *timer;

    size_t holds;      /* one while open, one for each operation */
    atomic_bool ended; /* read by helper threads too */
    loop_f cancel;
    void *cancel_self;

    json_t *arguments; /* what the decoded struct borrows from */
    void *args;
    call_owned_t *owned;     /* newest first */
    call_header_t *headers;  /* kept when the client has gone and the call goes on */
    double last_done;        /* of the progress sent so far */
    bool choked;             /* who waits does not read: progress is left out until it does */
    call_t *previous, *next; /* among the open ones */
};

/* Decodes the arguments and runs the tool. */
void call_start(runtime_t *runtime, const tool_t *tool, mcp_call_t *mcp);

/* Ends the call: stops its timer, and returns who waits for the answer (NULL: nobody). The caller answers,
 * then releases the hold of the open call. */
mcp_call_t *call_end(call_t *call);
/* Ends it before its time: answers err when somebody waits, and tells the running operation. */
void call_cut(call_t *call, const err_t *err);
void call_extend(call_t *call);

/* Guiche-Request-Id when it is one, else our own. */
span_t call_request_id(const http_request_t *request);
