/* One call from inside: what call.c (its life), call_begin.c, call_input.c (its rounds), call_answer.c and
 * call_content.c (its ends) and call_work.c share. */
#pragma once

#include <stdatomic.h>

#include "runtime.h"

#define CALL_ID_MAX_LENGTH 64

typedef struct call_owned call_owned_t;
typedef struct call_header call_header_t;

struct call {
    runtime_t *runtime;
    const entry_t *entry;
    mcp_act_t act;
    mcp_call_t *mcp; /* who waits; NULL once answered or gone */
    principal_t *principal;
    char id[CALL_ID_MAX_LENGTH + 1];

    int64_t started_ms, deadline_ms;
    int64_t timeout_ms; /* what a progress event gives anew */
    int64_t stopped_ms; /* since when the client is asked, which is not the call's own time; 0: it runs */
    struct event *timer;

    size_t holds;      /* one while open, one for each operation */
    atomic_bool ended; /* read by helper threads too */
    loop_f cancel;
    void *cancel_self;

    json_t *arguments; /* an object; what the decoded struct borrows from */
    void *args;
    const char *uri;           /* of the resource that is read */
    completion_t typed;        /* of completion/complete */
    json_t *context;           /* what `typed` borrows from beside the arguments */
    json_t *inputs;            /* what the client was asked and answered, by key; NULL: nothing */
    json_t *state;             /* what the round before left for this one; NULL: nothing */
    size_t unanswered, rounds; /* questions to a legacy client, and how often it was asked */
    call_owned_t *owned;       /* newest first */
    call_header_t *headers;    /* kept when the client has gone and the call goes on */
    double last_done;          /* of the progress sent so far */
    bool choked;               /* who waits does not read: progress is left out until it does */
    call_t *previous, *next;   /* among the open ones */
};

/* Reads what the request says and runs the entry. */
void call_start(runtime_t *runtime, const entry_t *entry, mcp_call_t *mcp);
call_t *call_open(runtime_t *runtime, const entry_t *entry, mcp_call_t *mcp);
void call_run(call_t *call); /* the entry's own function, from its top */

/* The rounds before this one, as the request tells of them. */
int call_read_inputs(call_t *call, err_t *err);

/* Ends the call: stops its timer, and returns who waits for the answer (NULL: nobody). The caller answers,
 * then releases the hold of the open call. */
mcp_call_t *call_end(call_t *call);
/* Ends it before its time: answers err when somebody waits, and tells the running operation. */
void call_cut(call_t *call, const err_t *err);
void call_cut_for_stop(call_t *call); /* the process is stopping */
/* Ends it with a result of these members. */
void call_end_with(call_t *call, const json_member_t *members, size_t count);
/* With a JSON-RPC error; data: raw JSON or NULL. */
void call_end_with_rpc_error(call_t *call, int code, const char *message, const char *data);
void call_extend(call_t *call);
void call_stop_clock(call_t *call); /* while the client is asked, no deadline passes */
void call_start_clock(call_t *call);
/* Every failure says whether trying again is safe. */
#define CHECK_FIRST "Whether it took effect is not known: check before repeating it."
bool call_may_have_happened(const call_t *call);

/* JSON as it goes out: 15 digits and not 17, so that 0.1 stays 0.1 for the model that reads it. -1 when it
 * cannot be written. */
int call_dump(const json_t *value, buf_t *out);
/* -1 when it is more than a gateway takes. */
int call_check_size(size_t bytes, err_t *err);

/* Guiche-Request-Id when it is one, else our own. */
span_t call_request_id(const http_request_t *request);
