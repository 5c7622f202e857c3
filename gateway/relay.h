/* The answer of a connector to one JSON-RPC request, as JSON or as a stream of events, read and checked
 * before anybody sees it: status, content type, jsonrpc, our id, one result or one error. What is not a clean
 * answer becomes one sentence that begins with "It" (the connector) and holds no byte of what came. Calls and
 * discovery both read through this.
 *
 * Exactly one of on_answer and on_error ends a relay, never before relay_start() has returned, never after
 * relay_cancel().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "http_client.h"
#include "json_scan.h"
#include "server.h"
#include "span.h"

typedef struct relay relay_t;

typedef struct {
    span_t session_id;            /* Mcp-Session-Id; only of an answer in one piece */
    const json_member_t *members; /* of the result; NULL when it is an error */
    size_t count;
    mcp_rpc_error_t error;
    int status; /* HTTP */
} relay_answer_t;

typedef struct {
    span_t id, method, params;
} relay_question_t;

/* All spans are borrowed while a callback runs. */
typedef struct {
    void (*on_progress)(void *self, const mcp_progress_t *progress); /* NULL: not asked for */
    /* notifications/message: `level` text, `params` raw. NULL: not wanted. */
    void (*on_log)(void *self, span_t level, span_t params);
    /* What a legacy connector asks the client in mid-call; `id` and `params` raw, `method` text. It waits for
     * an answer that is posted to it. NULL: nobody can answer, which is logged. */
    void (*on_request)(void *self, const relay_question_t *question);
    /* Header lines for a GET that goes on reading a stream which ended before its answer (2025-11-25
     * basic/transports "Resumability and Redelivery"). False, or NULL: it is not resumed. */
    bool (*resume)(void *self, buf_t *lines);
    void (*on_answer)(void *self, const relay_answer_t *answer);
    void (*on_error)(void *self, const err_t *err, bool sent); /* sent: the connector may have begun */
} relay_events_t;

/* Of a trusted connector that does not know our signature; takes its name. */
#define RELAY_KEY_REMEDY "Its operator sets HOP_KEY to what `guiche hop-key %s` prints."

typedef struct {
    http_pool_t *pool;
    span_t headers;         /* ready lines */
    const char *key_holder; /* a trusted connector: its 401 is about its key; must outlive the relay */
    int64_t deadline_ms;
    bool idempotent;
    uint64_t id; /* of our request */
    size_t max_event_bytes;
} relay_request_t;

/* `body` is taken. */
relay_t *relay_start(const relay_request_t *request, buf_t *body, const relay_events_t *events, void *self);
void relay_cancel(relay_t *relay); /* drops the connection */
void relay_pause(relay_t *relay, bool paused);
void relay_extend(relay_t *relay, int64_t deadline_ms);

int relay_status(const relay_t *relay); /* HTTP; 0 before there is one. For use within callbacks */

/* A member of a result by name; absent: at == NULL. */
span_t relay_member(const relay_answer_t *answer, const char *name);
