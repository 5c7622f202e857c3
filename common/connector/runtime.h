/* What the parts of the runtime share: one runtime_t per process, on one loop. Tools and connectors see
 * connector.h only.
 *
 * runtime.c starts and stops, readiness.c probes the upstream, routes.c answers HTTP, dispatch.c is the MCP
 * server's function table, call*.c are the life of one call, listens.c tells of changes, hop_gate.c says who
 * asks, tool_list.c, resource_list.c and prompt_list.c what is offered.
 */
#pragma once

#include "connector.h"
#include "http_server.h"
#include "hop_gate.h"
#include "metrics.h"
#include "process_settings.h"
#include "resource_list.h"
#include "sealed_state.h"
#include "server.h"
#include "tool_list.h"

#define PROGRESS_TIMEOUT_MS 120000 /* the longest a call that reports progress may take */
#define HELPER_QUEUE 256

typedef struct listener listener_t;

typedef struct {
    enum { READY_UNKNOWN, READY_YES, READY_NO } state;
    char reason[sizeof(((err_t *)0)->text)];
} readiness_t;

struct runtime {
    const connector_t *connector;
    const process_settings_t *process;
    const void *settings;
    void *state;
    bool opened;

    loop_t *loop;
    pool_t *pool;
    http_server_t *http;
    mcp_options_t mcp_options;
    mcp_server_t *mcp;
    hop_gate_t *gate;
    tool_list_t *tools;
    resource_list_t *resources;
    entry_list_t prompts;
    sealer_t *sealer;
    char *address;
    const char *address_file;

    readiness_t ready;
    int64_t asked_ms;  /* when the probe that has not answered yet was asked; 0: none */
    int64_t probed_ms; /* when the last one was asked */
    struct event *probe_timer;

    metrics_t *metrics;
    metrics_shard_t *shard;
    metric_t lag, queue, calls_alive;

    listener_t *listeners; /* open subscriptions/listen */
    call_t *open_calls;    /* not ended yet */
    size_t alive_calls;    /* ended ones that an operation still holds included */
    loop_f on_calls_gone;  /* told when the last one is freed, and of each probe's end; NULL while serving */

    bool draining, drained;
    struct event *signals[2];
    struct event *patience; /* of a stop: with open calls, then with operations that hold ended ones */
};

/* Everything is ready to serve, or NULL: with ERR_CALLER when a setting is wrong. All is borrowed. */
typedef struct {
    const connector_t *connector;
    const process_settings_t *process;
    const void *settings;       /* the connector's own */
    const char *no_auth_tenant; /* NULL: hop tokens */
    const char *address_file;   /* NULL: none */
} runtime_options_t;
runtime_t *runtime_new(const runtime_options_t *options, err_t *err);
void runtime_serve(runtime_t *runtime); /* until SIGTERM or SIGINT */
void runtime_free(runtime_t *runtime);

void calls_cancel_all(runtime_t *runtime);
void calls_cancel_asking(runtime_t *runtime); /* those that wait for a legacy client's answer */
void listens_open(void *runtime, mcp_listen_t *listen);
void runtime_start_probing(runtime_t *runtime);
void runtime_doubt(runtime_t *runtime); /* probes soon, when it was ready until now */
void routes_handle(void *runtime, http_request_t *request);
extern const mcp_handlers_t dispatch_handlers; /* self is the runtime */
/* For http_server_on_head(): the body of a request that is not the gateway's is not waited for. */
bool dispatch_wants_body(void *runtime, const http_head_t *head);
