/* What stdio_bridge.c (the gateway's side) and stdio_answer.c (the process's side) share. */
#pragma once

#include <sys/queue.h>

#include "buf.h"
#include "http_server.h"
#include "stdio_bridge.h"
#include "stdio_message.h"
#include "stdio_process.h"

#define STDIO_HEARTBEAT_MS 15000

typedef enum {
    EXCHANGE_PLAIN,
    EXCHANGE_CALL,
    EXCHANGE_LISTEN,
    EXCHANGE_INITIALIZE,
    EXCHANGE_DISCOVER
} exchange_kind_t;

/* A request of the gateway's that waits for the process. */
typedef struct exchange {
    LIST_ENTRY(exchange) link;
    stdio_bridge_t *bridge;
    http_request_t *request; /* NULL: nobody waits any more for this initialize or server/discover */
    exchange_kind_t kind;
    uint64_t id;         /* at the process; 0: an initialize that waits for another's answer */
    char *id_text;       /* at the gateway, raw JSON */
    char *token;         /* its progressToken, raw JSON; NULL */
    bool takes_stream;   /* else what comes before the answer is dropped */
    bool behind;         /* its reader is slow: what only informs is dropped meanwhile */
    bool cancelled;      /* the process has been told */
    struct event *timer; /* how long a server/discover may take */
} exchange_t;

/* A stream of what belongs to no request. */
typedef struct listener {
    LIST_ENTRY(listener) link;
    http_request_t *request;
    bool behind;
} listener_t;

/* A request of the process's to the client of a call. */
typedef struct question {
    LIST_ENTRY(question) link;
    exchange_t *exchange;
    uint64_t id; /* at the gateway */
    char *its_id;
} question_t;

struct stdio_bridge {
    loop_t *loop;
    const stdio_bridge_events_t *events;
    void *self;
    connector_config_t config; /* name, command, env and cwd only */
    char *socket_path;
    http_server_t *server;
    stdio_process_t *process;
    struct event *timer; /* while it is being stopped */
    int64_t drain_ms;
    bool stopping;
    uint64_t last_id;
    LIST_HEAD(, exchange) exchanges;
    LIST_HEAD(, listener) listeners;
    LIST_HEAD(, question) questions;
    /* Of the process that runs now. */
    char session_id[33];     /* "" before it has been initialized */
    char *initialize_result; /* raw JSON */
    bool told_initialized;
};

extern const stdio_events_t stdio_answer_events; /* stdio_answer.c; self: the bridge */
void stdio_bridge_ended(stdio_bridge_t *bridge); /* stdio_bridge.c: its process is gone for good */

/* stdio_reply.c */

void stdio_reply_json(http_request_t *request, int status, const buf_t *json);
void stdio_reply_error(http_request_t *request, int status, span_t id, int code, const char *message);
/* Nothing was done, and why ("Its ..."): /status shows it, and callers read it in the words of other
 * connectors' failures (forward_failure.c). */
void stdio_reply_refused(const stdio_bridge_t *bridge, http_request_t *request, int status, const char *why,
                         const stdio_message_t *message);
/* The same with 503: the process is not there. */
void stdio_reply_down(const stdio_bridge_t *bridge, http_request_t *request, const stdio_message_t *message);
/* The answer to an initialize that the process has given before. */
void stdio_reply_initialized(const stdio_bridge_t *bridge, http_request_t *request, span_t id);
/* Starts the stream with the first. How much waits to be read. */
size_t stdio_reply_event(http_request_t *request, buf_t *json);

/* stdio_exchange.c */

exchange_t *stdio_exchange_find(const stdio_bridge_t *bridge, span_t id); /* by its id at the process */
void stdio_exchange_free(exchange_t *exchange);
bool stdio_exchange_tell(exchange_t *exchange, buf_t *json);   /* before its answer; false: nobody reads it */
void stdio_exchange_finish(exchange_t *exchange, buf_t *json); /* with its answer */
void stdio_exchange_fail(exchange_t *exchange);                /* without one */
void stdio_listeners_tell(const stdio_bridge_t *bridge, span_t json);
void stdio_question_free(question_t *question);
void stdio_question_refuse(const stdio_bridge_t *bridge, span_t its_id);

/* A number as raw JSON; valid as long as the scratch is. */
typedef struct {
    char text[24];
} stdio_digits_t;
span_t stdio_digits(uint64_t number, stdio_digits_t *scratch);
bool stdio_is_number(span_t raw, uint64_t number);
