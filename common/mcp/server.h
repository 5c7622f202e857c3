/* The one MCP server, of the gateway and of every connector. It takes an HTTP request on /mcp, decides the
 * era, checks headers against the body, answers initialize, server/discover, ping, lists and notifications by
 * itself, and hands calls to the functions of one table. It shapes every answer and every error for the era
 * that asked.
 *
 * Order of checks (first failure wins): method, origin, token, JSON, era, _meta, headers, version, method
 * known, then the handler. Sources: MCP 2026-07-28 basic/transports/streamable-http, server/discover,
 * server/tools; 2025-11-25 basic/lifecycle, basic/transports.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "eras.h"
#include "err.h"
#include "http_server.h"
#include "json_scan.h"
#include "origin.h"
#include "principal.h"
#include "span.h"

typedef struct mcp_server mcp_server_t; /* one per loop */
/* One open tools/call, resources/read, prompts/get or completion/complete; ends by result, error, rpc_error,
 * or the client going. */
typedef struct mcp_call mcp_call_t;
typedef struct mcp_listen mcp_listen_t; /* one open subscriptions/listen; listen.h */

/* What a request says. Spans live as long as the HTTP request; raw JSON unless noted; absent: at == NULL. */
typedef struct {
    mcp_era_t era;
    mcp_revision_t revision;
    span_t id;
    span_t method; /* text without quotes */
    mcp_act_t act; /* MCP_NO_ACT: answered without a call */
    /* What is named, escapes resolved: params.name of a tool or prompt, params.uri of a resource; of
     * completion/complete the ref's name or uri, and what the ref names: MCP_PROMPTS or MCP_TEMPLATES. */
    span_t name;
    mcp_kind_t kind;
    span_t arguments;
    span_t argument, context; /* of completion/complete */
    span_t filter;            /* params.notifications of subscriptions/listen */
    span_t meta;
    span_t cursor;
    span_t input_responses, request_state;
    span_t progress_token; /* absent: the caller did not ask for progress */
    span_t client_capabilities, client_info;
    span_t log_level;   /* raw: of _meta (modern) */
    span_t traceparent; /* text, from _meta, else from the HTTP header */
    const principal_t *principal;
    http_request_t *http;
} mcp_request_t;

typedef struct {
    span_t items; /* raw JSON array, borrowed until the call returns */
    int64_t ttl_ms;
    bool is_public; /* cacheScope public */
} mcp_list_t;

/* What is declared in initialize and server/discover, and answered at all: a method of what is not declared
 * is unknown. A modern client is also told that lists and resources can be listened to, if handlers listen.
 */
typedef struct {
    bool tools, resources, prompts, completions, logging;
} mcp_capabilities_t;

/* How one request on /mcp (or a REST call) ended: told exactly once, for the log line and the counters. */
typedef struct {
    const mcp_request_t *request; /* members that were not reached are zero */
    const mcp_call_t *call;       /* NULL when no call was opened */
    int http_status;              /* 0: the client was gone */
    bool failed;                  /* an error of any kind, isError included */
    err_kind_t kind;              /* when failed */
    const char *text;             /* when failed: the sentence the caller got */
    int64_t us;
    size_t reply_bytes;
} mcp_ended_t;

typedef struct {
    /* Step "token": a new reference, or -1 with ERR_UNAUTHORIZED (it may add WWW-Authenticate by
     * http_add_header). */
    int (*authenticate)(void *self, http_request_t *request, principal_t **ret, err_t *err);
    void (*capabilities)(void *self, const mcp_request_t *request, mcp_capabilities_t *ret);
    /* One of the four lists for this principal in mcp_shape(request->revision). */
    int (*list)(void *self, const mcp_request_t *request, mcp_kind_t kind, mcp_list_t *ret, err_t *err);
    void (*call)(void *self, mcp_call_t *call);
    /* Before a listen is acknowledged: -1 refuses it, and URIs that cannot be heard of are dropped from it
     * (listen.h). NULL: all are taken. */
    int (*admit)(void *self, mcp_listen_t *listen, err_t *err);
    /* Takes the listen over; it is acknowledged already. NULL: nothing can be listened to. */
    void (*listen)(void *self, mcp_listen_t *listen);
    /* A client's answer (raw JSON-RPC message) to a question that is not open here: another loop may have
     * asked it. NULL: there is no other. */
    void (*answered)(void *self, const principal_t *principal, span_t message);
    void (*ended)(void *self, const mcp_ended_t *ended); /* may be NULL */
} mcp_handlers_t;

typedef struct {
    const char *name, *title, *version; /* serverInfo */
    const char *instructions;           /* or NULL */
    origin_rules_t origins;
    int64_t heartbeat_ms; /* comments on quiet streams; 15 s */
    loop_t *loop;         /* the server's own; NULL: clients cannot be asked anything */
    /* Begins the ids of questions ("w3": "w3-9f..."), so that who shares a port can tell whose one is; may be
     * NULL. */
    const char *ask_prefix;
    int64_t ask_limit_ms; /* how long a question waits; 0: 10 minutes */
    /* What is read is cached for its reader alone, whatever the handler says: permissions decide who reads
     * it (MCP 2026-07-28 server/utilities/caching: a public answer may be given to anyone). */
    bool private_reads;
} mcp_options_t;

/* handlers, self and what options point to are borrowed; options itself is copied. */
mcp_server_t *mcp_server_new(const mcp_handlers_t *handlers, void *self, const mcp_options_t *options);
void mcp_server_free(mcp_server_t *server);
void mcp_server_set_options(mcp_server_t *server, const mcp_options_t *options); /* after a reload */

void mcp_server_handle(mcp_server_t *server, http_request_t *request); /* any method on /mcp */

/* How a call's events reach who asked. MCP's own is built in; the gateway's REST routes bring another. */
typedef struct {
    span_t progress, total, message; /* raw JSON; total and message may be absent */
    span_t meta; /* raw JSON object: guiche/stage, guiche/data; absent from other servers */
} mcp_progress_t;

typedef struct {
    int code;
    span_t message; /* raw JSON string */
    span_t data;    /* raw JSON or absent */
} mcp_rpc_error_t;

typedef struct {
    /* How many bytes wait to be sent; NULL: never streams. */
    size_t (*progress)(void *self, mcp_call_t *call, const mcp_progress_t *progress);
    void (*result)(void *self, mcp_call_t *call, const json_member_t *members, size_t count);
    void (*error)(void *self, mcp_call_t *call, const err_t *err);
    void (*rpc_error)(void *self, mcp_call_t *call, const mcp_rpc_error_t *error);
    /* A log message; waits as progress does. NULL: dropped. */
    size_t (*log)(void *self, mcp_call_t *call, span_t params);
} mcp_answers_t;

/* A call that did not come as an MCP message (REST). request is copied and its principal referenced; its
 * spans must live as long as request->http. progress_token present (any JSON) asks for progress. In result,
 * error and rpc_error the answers first call mcp_call_ended and then end the HTTP request: the log line still
 * reads what the request says. When the client goes none of them is called: mcp_call_on_gone is told, then
 * `ended` with http_status 0. The opener hands the call to the handler itself; http_on_gone and, for
 * on_drained, http_stream_on_drained of this request belong to the call. */
mcp_call_t *mcp_call_open(mcp_server_t *server, const mcp_request_t *request, const mcp_answers_t *answers,
                          void *self);
void mcp_call_ended(mcp_call_t *call, const mcp_ended_t *ended); /* fills request, call, us; frees the call */

const mcp_request_t *mcp_call_request(const mcp_call_t *call);
bool mcp_call_wants_progress(const mcp_call_t *call);
void mcp_call_set_owner(mcp_call_t *call, void *owner); /* what the handler wants to find again in ended() */
void *mcp_call_owner(const mcp_call_t *call);

/* The client hung up: told once, the call is gone afterwards. In the legacy era a hang-up is no wish to
 * cancel (2025-11-25 basic/transports): it is told all the same and the handler decides. */
void mcp_call_on_gone(mcp_call_t *call, loop_f on_gone, void *self);

/* Sent as a notification on the call's stream when the caller asked for progress, else dropped. Returns how
 * many bytes wait to be sent: above HTTP_STREAM_HIGH_BYTES stop until on_drained. */
size_t mcp_call_progress(mcp_call_t *call, const mcp_progress_t *progress);
void mcp_call_on_drained(mcp_call_t *call, loop_f on_drained, void *self);

/* A log message of the connector's for this request; params raw, as notifications/message has them, of which
 * `level` (text) is the level. Sent on the call's stream to a legacy client that reads one, and to a modern
 * one that set a log level which this reaches; else, and when params are not sound, dropped. Returns as
 * mcp_call_progress(). */
size_t mcp_call_log(mcp_call_t *call, span_t level, span_t params);

/* What a client answered to a question. */
typedef struct {
    span_t result;         /* raw; absent: it answered with the error */
    mcp_rpc_error_t error; /* message may be absent; code 0: it gave none that can be read */
} mcp_reply_t;
typedef void (*mcp_reply_f)(void *self, const mcp_reply_t *reply);

/* Questions to a legacy client in mid-call (sampling/createMessage, roots/list, from 2025-06-18 on
 * elicitation/create; method text, params raw or absent): a request on the call's stream. The client posts
 * its answer, perhaps to another loop (handlers.answered, mcp_server_answer), as the principal that was
 * asked. Each question is answered once, never before mcp_call_ask() has returned, with an error when the
 * client takes longer than ask_limit_ms; not at all once the call has ended. A call may have 16 open;
 * `false`: this client cannot be asked that (modern, no stream, REST, too many). */
bool mcp_call_can_ask(const mcp_call_t *call);
bool mcp_call_ask(mcp_call_t *call, span_t method, span_t params, mcp_reply_f on_reply, void *self);
/* A client's answer that another loop's server was posted. false: nothing open here has asked that. */
bool mcp_server_answer(mcp_server_t *server, const principal_t *principal, span_t message);

/* The three ends. `members` are those of the result object (content, structuredContent, isError, _meta, ...),
 * raw. */
void mcp_call_result(mcp_call_t *call, const json_member_t *members, size_t count);
void mcp_call_error(mcp_call_t *call, const err_t *err);
void mcp_call_rpc_error(mcp_call_t *call, const mcp_rpc_error_t *error); /* a connector's own, relayed */
