/* What an answer of a tool looks like on the REST routes: bytes in, bytes out. `result` is the tool's
 * structuredContent, or its text when it has none; never the MCP envelope.
 */
#pragma once

#include "buf.h"
#include "err.h"
#include "json_scan.h"
#include "server.h"

bool rest_is_error(const json_member_t *members, size_t count);
/* An isError result, a connector's JSON-RPC error: as an err_t of the kind that decides the status. */
void rest_result_error(const json_member_t *members, size_t count, err_t *ret);
void rest_rpc_error(const mcp_rpc_error_t *error, err_t *ret);

void rest_result(buf_t *out, const json_member_t *members, size_t count); /* raw JSON */
const char *rest_code(err_kind_t kind);                                   /* "not_found", "upstream", ... */

/* One event of a stream, every key always there. Spans are raw JSON; absent: null, "" and {}. */
typedef struct {
    const char *type;  /* progress, result, error, done */
    const char *stage; /* starting, processing, analyzing, comparing, done, error */
    double progress;   /* 0..1; below 0: not known */
    span_t message;    /* raw JSON string */
    span_t data;
} rest_event_t;
void rest_event(buf_t *out, const rest_event_t *event, int64_t unix_ms);

/* A progress notification, in these words. */
void rest_progress(const mcp_progress_t *progress, rest_event_t *ret);
/* The data of the last event: the result's own keys, and `result`. */
void rest_done_data(buf_t *out, span_t result);
