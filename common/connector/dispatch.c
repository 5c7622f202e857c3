/* What the MCP server asks of a connector: who it is, which tools there are, to run one; and what it tells at
 * the end of each request, which becomes the one log line and the counts. */
#include "call_life.h"

#include "clock.h"
#include "log.h"

#define LIST_TTL_MS 60000 /* a connector's tools change with its process only */

static int authenticate(void *self, http_request_t *request, principal_t **ret, err_t *err)
{
    runtime_t *runtime = self;
    size_t lines = 0;
    span_t token = http_header(request, HOP_HEADER, &lines);

    if (hop_gate_enter(runtime->gate, token, lines, clock_unix(), ret, err) == 0) {
        return 0;
    }
    http_add_header(request, "WWW-Authenticate", HOP_HEADER); /* RFC 9110 15.5.2 wants a challenge */
    return -1;
}

static int list(void *self, const mcp_request_t *request, mcp_list_t *ret, err_t *err)
{
    const runtime_t *runtime = self;

    (void)err;
    *ret = (mcp_list_t){ tool_list_json(runtime->tools, mcp_shape(request->revision)), LIST_TTL_MS, true };
    return 0;
}

static void on_call(void *self, mcp_call_t *mcp)
{
    runtime_t *runtime = self;
    span_t name = mcp_call_request(mcp)->name;
    const tool_entry_t *entry = tool_list_find(runtime->tools, name);
    err_t err;

    if (!entry) {
        /* "not found" keeps CrewAI from repeating the call. */
        err_set(&err, ERR_UNKNOWN, "Tool not found: %.*s. tools/list names those there are.",
                SPAN_ARGS(name));
        mcp_call_error(mcp, &err);
        return;
    }
    /* The entry outlives every call, which call_t does not when the client goes. */
    mcp_call_set_owner(mcp, (void *)entry);
    call_start(runtime, entry->tool, mcp);
}

static void count_end(runtime_t *runtime, const tool_entry_t *entry, const mcp_ended_t *ended)
{
    metrics_add(runtime->shard, entry->calls, 1);
    metrics_observe_us(runtime->shard, entry->seconds, ended->us);
    if (ended->http_status == 0) {
        metrics_add(runtime->shard, entry->gone, 1);
    } else if (ended->failed) {
        metrics_add(runtime->shard, entry->errors[ended->kind], 1);
    }
}

static const char *outcome(const mcp_ended_t *ended)
{
    if (ended->http_status == 0) {
        return "gone";
    }
    return ended->failed ? err_name(ended->kind) : "ok";
}

/* What is the caller's own mistake may quote the caller; it is counted, not written down. */
static bool is_worth_its_text(const mcp_ended_t *ended)
{
    return ended->failed && ended->kind != ERR_CALLER && ended->kind != ERR_DENIED &&
           ended->kind != ERR_UNKNOWN;
}

static log_level_t level_of(const mcp_ended_t *ended)
{
    if (ended->failed &&
        (ended->kind == ERR_INTERNAL || ended->kind == ERR_UPSTREAM || ended->kind == ERR_TIMEOUT)) {
        return LOG_LEVEL_WARN;
    }
    return ended->call || ended->failed ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
}

static void on_ended(void *self, const mcp_ended_t *ended)
{
    runtime_t *runtime = self;
    const mcp_request_t *request = ended->request;
    const tool_entry_t *entry = ended->call ? mcp_call_owner(ended->call) : NULL;

    if (entry) {
        count_end(runtime, entry, ended);
    }
    if (!log_begin(level_of(ended), ended->call ? "call" : "request")) {
        return;
    }
    log_span("request_id", call_request_id(request->http));
    log_span("method", request->method);
    log_str("tool", entry ? entry->tool->name : NULL);
    log_str("tenant", request->principal ? request->principal->tenant_id : NULL);
    log_str("outcome", outcome(ended));
    log_int("status", ended->http_status);
    log_ms("ms", ended->us);
    log_int("reply_bytes", (int64_t)ended->reply_bytes);
    log_str("error", is_worth_its_text(ended) ? ended->text : NULL);
    log_end();
}

const mcp_handlers_t dispatch_handlers = {
    .authenticate = authenticate, .list = list, .call = on_call, .ended = on_ended
};
