/* See mcp_fake.h. The functions have the names of the real ones: the linker takes these and leaves the
 * libraries' out. */
#include "mcp_fake.h"

#include <string.h>

#include "mem.h"

#define MEMBERS 8
#define ASKED_MAX 16

struct http_request {
    const fake_header_t *headers;
};

struct mcp_call {
    mcp_request_t request;
    http_request_t http;
    principal_t *principal;
    char *arguments;
    bool wants_progress, gone;
    loop_f on_gone, on_drained;
    void *gone_self, *drained_self;
    size_t waiting_bytes;
    void *owner;
    int answers;
    char *keys[MEMBERS], *values[MEMBERS];
    size_t count;
    err_t error;
    bool failed;
    int rpc_code;
    char *rpc_message, *rpc_data;
    buf_t progress, log;
    bool can_ask;
    struct {
        char *method, *params;
        mcp_reply_f on_reply;
        void *self;
    } asked[ASKED_MAX];
    size_t asked_count;
};

mcp_call_t *fake_call_new(mcp_era_t era, const char *arguments, const fake_header_t *headers)
{
    static const char *const permissions[] = { "*" };
    mcp_call_t *call = NEW(mcp_call_t);

    call->arguments = arguments ? mem_strdup(arguments) : NULL;
    call->principal = principal_new("anna", "demo", permissions, 1);
    call->http.headers = headers;
    call->request.act = MCP_CALL_TOOL;
    call->request.era = era;
    call->request.revision = era == MCP_MODERN ? MCP_2026_07_28 : MCP_LEGACY_LATEST;
    call->request.arguments = span_of(call->arguments);
    call->request.principal = call->principal;
    call->request.http = &call->http;
    return call;
}

void fake_call_free(mcp_call_t *call)
{
    for (size_t i = 0; i < call->count; i++) {
        mem_free(call->keys[i]);
        mem_free(call->values[i]);
    }
    for (size_t i = 0; i < call->asked_count; i++) {
        mem_free(call->asked[i].method);
        mem_free(call->asked[i].params);
    }
    mem_free(call->rpc_message);
    mem_free(call->rpc_data);
    buf_free(&call->progress);
    buf_free(&call->log);
    principal_unref(call->principal);
    mem_free(call->arguments);
    mem_free(call);
}

void fake_call_ask_progress(mcp_call_t *call)
{
    call->wants_progress = true;
}

void fake_call_stop_reading(mcp_call_t *call)
{
    call->waiting_bytes = HTTP_STREAM_HIGH_BYTES + 1;
}

void fake_call_read_on(mcp_call_t *call)
{
    call->waiting_bytes = 0;
    call->on_drained(call->drained_self);
}

/* What the request lent is spoiled afterwards, as it is freed in earnest. */
void fake_call_hang_up(mcp_call_t *call)
{
    if (call->on_gone) {
        loop_f on_gone = TAKE(call->on_gone);
        on_gone(call->gone_self);
    }
    call->gone = true;
    call->http.headers = NULL;
    if (call->arguments) {
        memset(call->arguments, '#', strlen(call->arguments));
    }
}

int fake_answers(const mcp_call_t *call)
{
    return call->answers;
}

const char *fake_member(const mcp_call_t *call, const char *key)
{
    for (size_t i = 0; i < call->count; i++) {
        if (strcmp(call->keys[i], key) == 0) {
            return call->values[i];
        }
    }
    return NULL;
}

const err_t *fake_error(const mcp_call_t *call)
{
    return call->failed ? &call->error : NULL;
}

const char *fake_progress(mcp_call_t *call)
{
    return buf_text(&call->progress);
}

const char *fake_log(mcp_call_t *call)
{
    return buf_text(&call->log);
}

mcp_request_t *fake_request(mcp_call_t *call)
{
    return &call->request;
}

int fake_rpc_error(const mcp_call_t *call, const char **ret_message, const char **ret_data)
{
    *ret_message = call->rpc_message;
    *ret_data = call->rpc_data;
    return call->rpc_code;
}

void fake_call_let_ask(mcp_call_t *call)
{
    call->can_ask = true;
}

const char *fake_asked(const mcp_call_t *call, size_t index, const char **ret_params)
{
    if (index >= call->asked_count) {
        return NULL;
    }
    *ret_params = call->asked[index].params;
    return call->asked[index].method;
}

void fake_call_reply(mcp_call_t *call, size_t index, const mcp_reply_t *reply)
{
    call->asked[index].on_reply(call->asked[index].self, reply);
}

/* server.h */

const mcp_request_t *mcp_call_request(const mcp_call_t *call)
{
    return &call->request;
}

bool mcp_call_wants_progress(const mcp_call_t *call)
{
    return call->wants_progress;
}

void mcp_call_set_owner(mcp_call_t *call, void *owner)
{
    call->owner = owner;
}

void *mcp_call_owner(const mcp_call_t *call)
{
    return call->owner;
}

void mcp_call_on_gone(mcp_call_t *call, loop_f on_gone, void *self)
{
    call->on_gone = on_gone;
    call->gone_self = self;
}

size_t mcp_call_progress(mcp_call_t *call, const mcp_progress_t *progress)
{
    buf_add_span(&call->progress, progress->progress);
    buf_add_char(&call->progress, '/');
    buf_add_span(&call->progress, progress->total);
    buf_add_char(&call->progress, ' ');
    buf_add_span(&call->progress, progress->message);
    buf_add_char(&call->progress, ' ');
    buf_add_span(&call->progress, progress->meta);
    buf_add_char(&call->progress, '\n');
    return call->waiting_bytes;
}

void mcp_call_on_drained(mcp_call_t *call, loop_f on_drained, void *self)
{
    call->on_drained = on_drained;
    call->drained_self = self;
}

void mcp_call_result(mcp_call_t *call, const json_member_t *members, size_t count)
{
    call->answers++;
    for (size_t i = 0; i < count && call->count < MEMBERS; i++, call->count++) {
        call->keys[call->count] = mem_strndup(members[i].key.at, members[i].key.length);
        call->values[call->count] = mem_strndup(members[i].value.at, members[i].value.length);
    }
}

void mcp_call_error(mcp_call_t *call, const err_t *err)
{
    call->answers++;
    call->failed = true;
    call->error = *err;
}

static char *copy_span(span_t text)
{
    return text.at ? mem_strndup(text.at, text.length) : NULL;
}

void mcp_call_rpc_error(mcp_call_t *call, const mcp_rpc_error_t *error)
{
    call->answers++;
    call->rpc_code = error->code;
    call->rpc_message = copy_span(error->message);
    call->rpc_data = copy_span(error->data);
}

size_t mcp_call_log(mcp_call_t *call, span_t level, span_t params)
{
    buf_add_span(&call->log, level);
    buf_add_char(&call->log, ' ');
    buf_add_span(&call->log, params);
    buf_add_char(&call->log, '\n');
    return call->waiting_bytes;
}

bool mcp_call_can_ask(const mcp_call_t *call)
{
    return call->can_ask;
}

bool mcp_call_ask(mcp_call_t *call, span_t method, span_t params, mcp_reply_f on_reply, void *self)
{
    if (!call->can_ask || call->asked_count == ASKED_MAX) {
        return false;
    }
    call->asked[call->asked_count].method = copy_span(method);
    call->asked[call->asked_count].params = copy_span(params);
    call->asked[call->asked_count].on_reply = on_reply;
    call->asked[call->asked_count++].self = self;
    return true;
}

/* http_server.h */

span_t http_header(const http_request_t *request, const char *name, size_t *ret_count)
{
    for (const fake_header_t *header = request->headers; header && header->name; header++) {
        if (strcasecmp(header->name, name) == 0) {
            if (ret_count) {
                *ret_count = 1;
            }
            return span_of(header->value);
        }
    }
    return (span_t){ 0 };
}

void http_each_header(const http_request_t *request, http_header_f each, void *self)
{
    for (const fake_header_t *header = request->headers; header && header->name; header++) {
        if (!each(self, span_of(header->name), span_of(header->value))) {
            return;
        }
    }
}

const char *http_request_id(const http_request_t *request)
{
    (void)request;
    return "0123456789abcdef";
}
