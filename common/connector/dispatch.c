/* What the MCP server asks of a connector: who it is, which tools, resources and prompts there are, to run
 * one; and what it tells at the end of each request, which becomes the one log line and the counts. */
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

bool dispatch_wants_body(void *self, const http_head_t *head)
{
    runtime_t *runtime = self;
    size_t lines;
    span_t token = http_head_header(head, HOP_HEADER, &lines);
    principal_t *principal;
    err_t err;

    if (hop_gate_enter(runtime->gate, token, lines, clock_unix(), &principal, &err)) {
        return false;
    }
    principal_unref(principal);
    return true;
}

static bool completes(const connector_t *connector)
{
    for (size_t i = 0; connector->templates && connector->templates[i]; i++) {
        if (connector->templates[i]->complete) {
            return true;
        }
    }
    for (size_t i = 0; connector->prompts && connector->prompts[i]; i++) {
        if (connector->prompts[i]->complete) {
            return true;
        }
    }
    return false;
}

static void capabilities(void *self, const mcp_request_t *request, mcp_capabilities_t *ret)
{
    const connector_t *connector = ((const runtime_t *)self)->connector;

    (void)request;
    *ret = (mcp_capabilities_t){ .tools = connector->tools != NULL,
                                 .resources = connector->resources || connector->templates,
                                 .prompts = connector->prompts != NULL,
                                 .completions = completes(connector),
                                 .logging = connector->logs };
}

static const entry_list_t *list_of(const runtime_t *runtime, mcp_kind_t kind)
{
    const entry_list_t *const lists[MCP_KINDS] = { tool_list_entries(runtime->tools),
                                                   &runtime->resources->listed,
                                                   &runtime->resources->templates, &runtime->prompts };

    return lists[kind];
}

static int list(void *self, const mcp_request_t *request, mcp_kind_t kind, mcp_list_t *ret, err_t *err)
{
    const entry_list_t *entries = list_of(self, kind);

    (void)err;
    *ret = (mcp_list_t){ buf_span(&entries->json[mcp_shape(request->revision)]), LIST_TTL_MS, true };
    return 0;
}

static const entry_t *find(const runtime_t *runtime, const mcp_request_t *request)
{
    switch (request->act) {
    case MCP_CALL_TOOL:
        return tool_list_find(runtime->tools, request->name);
    case MCP_READ_RESOURCE:
        return resource_list_find(runtime->resources, request->name);
    case MCP_GET_PROMPT:
        return entry_list_find(&runtime->prompts, request->name);
    default:
        return entry_list_find(list_of(runtime, request->kind), request->name);
    }
}

static void refuse_unknown(mcp_call_t *mcp)
{
    static const char *const words[MCP_ACTS] = { [MCP_CALL_TOOL] = "Tool",
                                                 [MCP_READ_RESOURCE] = "Resource",
                                                 [MCP_GET_PROMPT] = "Prompt",
                                                 [MCP_COMPLETE] = "Prompt or resource template" };
    static const char *const lists[MCP_ACTS] = { [MCP_CALL_TOOL] = "tools/list names",
                                                 [MCP_READ_RESOURCE] =
                                                     "resources/list and resources/templates/list name",
                                                 [MCP_GET_PROMPT] = "prompts/list names",
                                                 [MCP_COMPLETE] =
                                                     "prompts/list and resources/templates/list name" };
    const mcp_request_t *request = mcp_call_request(mcp);
    err_t err;

    /* "not found" keeps CrewAI from repeating the call. */
    err_set(&err, ERR_UNKNOWN, "%s not found: %.*s. %s those there are.", words[request->act],
            SPAN_ARGS(request->name), lists[request->act]);
    mcp_call_error(mcp, &err);
}

static void on_call(void *self, mcp_call_t *mcp)
{
    runtime_t *runtime = self;
    const mcp_request_t *request = mcp_call_request(mcp);
    const entry_t *entry = find(runtime, request);
    err_t err;

    if (!entry) {
        refuse_unknown(mcp);
        return;
    }
    if (request->era == MCP_MODERN &&
        param_headers_check(entry->params, request->http, request->arguments, &err)) {
        mcp_call_error(mcp, &err);
        return;
    }
    /* The entry outlives every call, which call_t does not when the client goes. */
    mcp_call_set_owner(mcp, (void *)entry);
    call_start(runtime, entry, mcp);
}

static void count_end(runtime_t *runtime, const entry_t *entry, const mcp_ended_t *ended)
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
    const entry_t *entry = ended->call ? mcp_call_owner(ended->call) : NULL;

    if (entry) {
        count_end(runtime, entry, ended);
    }
    if (!log_begin(level_of(ended), ended->call ? "call" : "request")) {
        return;
    }
    log_span("request_id", call_request_id(request->http));
    log_span("method", request->method);
    if (entry) {
        log_str(entry_word(entry), entry->name);
    }
    log_str("tenant", request->principal ? request->principal->tenant_id : NULL);
    log_str("outcome", outcome(ended));
    log_int("status", ended->http_status);
    log_ms("ms", ended->us);
    log_int("reply_bytes", (int64_t)ended->reply_bytes);
    log_str("error", is_worth_its_text(ended) ? ended->text : NULL);
    log_end();
}

const mcp_handlers_t dispatch_handlers = {
    .authenticate = authenticate,
    .capabilities = capabilities,
    .list = list,
    .call = on_call,
    .listen = listens_open,
    .ended = on_ended,
};
