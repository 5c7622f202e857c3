/* Messages on the wire, written from members that are already JSON. The envelope is always ours: only values
 * are copied. */
#pragma once

#include "buf.h"
#include "eras.h"
#include "err.h"
#include "server.h"
#include "span.h"

void envelope_result_begin(buf_t *out, span_t id); /* {"jsonrpc":"2.0","id":7,"result": */
void envelope_end(buf_t *out);                     /* } */
/* id absent: left out, never null (the schema forbids it). data: raw JSON or absent. */
void envelope_error(buf_t *out, span_t id, int code, const char *message, span_t data);
/* {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":..., members}} */
void envelope_progress(buf_t *out, span_t progress_token, span_t progress, span_t total, span_t message,
                       span_t meta);

/* What a client of a connector writes: the gateway's hop, discovery. `initialize` gets its own three params
 * from revision and client_capabilities. Of the client's _meta, what speaks about the hop is written anew or
 * left out: version, capabilities and progressToken always, traceparent when one is given, the log level for
 * legacy connectors (to whom none of our keys may look modern). A clientInfo of the client stays, else it is
 * ours. */
typedef struct {
    mcp_revision_t revision; /* MCP_2026_07_28 adds _meta with version, clientInfo, clientCapabilities */
    uint64_t id;
    const char *method;                    /* "tools/call" */
    span_t name;                           /* the tool's own name; absent: no params.name */
    span_t uri;                            /* text; of resources/read */
    span_t ref_type, argument, context;    /* of completion/complete: "ref/prompt" with name, else with uri */
    span_t filter;                         /* raw: params.notifications of subscriptions/listen */
    span_t arguments;                      /* raw JSON; absent: left out */
    span_t cursor;                         /* raw JSON string */
    span_t input_responses, request_state; /* raw JSON */
    span_t meta; /* the client's _meta, raw; its members pass but for those we write ourselves */
    span_t client_capabilities; /* raw JSON; absent: {} */
    span_t traceparent;         /* bare text; absent: the client's own stays */
    span_t log_level;           /* raw, the same */
    bool progress;              /* ask for progress: progressToken = id */
} envelope_request_t;
void envelope_request(buf_t *out, const envelope_request_t *request);

/* A client's call (of any mcp_act_t) as its connector is to see it: the client's values, and of the rest only
 * this. */
typedef struct {
    mcp_revision_t revision; /* of the connector */
    uint64_t id;
    span_t name; /* the entry's own name or URI */
    span_t traceparent;
    span_t client_capabilities, input_responses, request_state; /* raw; absent: left out */
    span_t log_level; /* raw; for a client that has no _meta to say it in; absent: the client's own stays */
    bool progress;
} envelope_hop_t;
void envelope_call(buf_t *out, const mcp_request_t *request, const envelope_hop_t *hop);
void envelope_notification(buf_t *out, const char *method);
