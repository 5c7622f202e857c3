/* See envelope.h. Everything copied in has been checked by json_scan(), everything else is escaped here. */
#include "envelope.h"

#include <string.h>

#include "json_scan.h"

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_CLIENT "io.modelcontextprotocol/clientInfo"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define META_LOG_LEVEL "io.modelcontextprotocol/logLevel"
#define OUR_CLIENT_INFO "{\"name\":\"guiche\",\"version\":\"" GUICHE_VERSION "\"}"

static void begin(buf_t *out, span_t id)
{
    buf_add_text(out, "{\"jsonrpc\":\"2.0\"");
    if (id.at) {
        buf_add_text(out, ",\"id\":");
        buf_add_span(out, id);
    }
}

void envelope_result_begin(buf_t *out, span_t id)
{
    begin(out, id);
    buf_add_text(out, ",\"result\":");
}

void envelope_end(buf_t *out)
{
    buf_add_char(out, '}');
}

void envelope_error(buf_t *out, span_t id, int code, const char *message, span_t data)
{
    begin(out, id);
    buf_addf(out, ",\"error\":{\"code\":%d,\"message\":", code);
    buf_add_json_string(out, span_of(message));
    if (data.at) {
        buf_add_text(out, ",\"data\":");
        buf_add_span(out, data);
    }
    buf_add_text(out, "}}");
}

/* Opens the object with the first member and closes it only if there was one. */
typedef struct {
    buf_t *out;
    const char *open; /* what stands before the first member; later ones have a comma */
    bool begun;
} object_t;

static void object_key(object_t *object, span_t key)
{
    buf_add_text(object->out, object->begun ? ",\"" : object->open);
    buf_add_span(object->out, key);
    buf_add_text(object->out, "\":");
    object->begun = true;
}

static void object_raw(object_t *object, const char *key, span_t value)
{
    if (value.at) {
        object_key(object, span_of(key));
        buf_add_span(object->out, value);
    }
}

static void object_text(object_t *object, const char *key, span_t text)
{
    if (text.at) {
        object_key(object, span_of(key));
        buf_add_json_string(object->out, text);
    }
}

static void object_end(object_t *object)
{
    if (object->begun) {
        buf_add_char(object->out, '}');
    }
}

/* Members of _meta that are about this hop and so are never copied from the client's. */
static bool is_of_the_hop(span_t key, const envelope_request_t *request)
{
    if (span_is(key, "progressToken") || span_is(key, META_VERSION) || span_is(key, META_CAPABILITIES)) {
        return true;
    }
    if (span_is(key, "traceparent")) {
        return request->traceparent.at != NULL;
    }
    bool modern_only = span_is(key, META_CLIENT) || span_is(key, META_LOG_LEVEL);
    return modern_only && mcp_revision_era(request->revision) == MCP_LEGACY;
}

static void copy_client_meta(object_t *meta, const envelope_request_t *request)
{
    json_member_t member;

    if (scan_kind(request->meta) != SCAN_OBJECT) {
        return;
    }
    for (span_t rest = request->meta; scan_next_member(&rest, &member);) {
        if (!is_of_the_hop(member.key, request)) {
            object_key(meta, member.key);
            buf_add_span(meta->out, member.value);
        }
    }
}

static span_t capabilities_of(const envelope_request_t *request)
{
    return request->client_capabilities.at ? request->client_capabilities : SPAN("{}");
}

/* MCP 2026-07-28 basic "Per-request metadata". */
static void add_modern_meta(object_t *meta, const envelope_request_t *request)
{
    object_text(meta, META_VERSION, span_of(mcp_revision_name(request->revision)));
    object_raw(meta, META_CAPABILITIES, capabilities_of(request));
    if (!scan_member(request->meta, META_CLIENT).at) {
        object_raw(meta, META_CLIENT, SPAN(OUR_CLIENT_INFO));
    }
}

static void add_meta(object_t *params, const envelope_request_t *request)
{
    object_t meta = { params->out, params->begun ? ",\"_meta\":{\"" : ",\"params\":{\"_meta\":{\"", false };

    if (mcp_revision_era(request->revision) == MCP_MODERN) {
        add_modern_meta(&meta, request);
    }
    if (request->progress) {
        object_key(&meta, SPAN("progressToken"));
        buf_add_u64(meta.out, request->id);
    }
    object_text(&meta, "traceparent", request->traceparent);
    copy_client_meta(&meta, request);
    object_end(&meta);
    params->begun = params->begun || meta.begun;
}

/* 2025-11-25 basic/lifecycle "Initialization". */
static void add_initialize(object_t *params, const envelope_request_t *request)
{
    object_text(params, "protocolVersion", span_of(mcp_revision_name(request->revision)));
    object_raw(params, "capabilities", capabilities_of(request));
    object_raw(params, "clientInfo", SPAN(OUR_CLIENT_INFO));
}

void envelope_request(buf_t *out, const envelope_request_t *request)
{
    object_t params = { out, ",\"params\":{\"", false };

    buf_add_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_add_u64(out, request->id);
    buf_add_text(out, ",\"method\":");
    buf_add_json_string(out, span_of(request->method));
    if (strcmp(request->method, "initialize") == 0) {
        add_initialize(&params, request);
    }
    object_text(&params, "name", request->name);
    object_raw(&params, "arguments", request->arguments);
    object_raw(&params, "cursor", request->cursor);
    object_raw(&params, "inputResponses", request->input_responses);
    object_raw(&params, "requestState", request->request_state);
    add_meta(&params, request);
    object_end(&params);
    buf_add_char(out, '}');
}

void envelope_notification(buf_t *out, const char *method)
{
    buf_add_text(out, "{\"jsonrpc\":\"2.0\",\"method\":");
    buf_add_json_string(out, span_of(method));
    buf_add_char(out, '}');
}

static span_t of_kind(span_t value, scan_kind_t kind)
{
    return scan_kind(value) == kind ? value : (span_t){ 0 };
}

/* MCP 2026-07-28 basic/patterns/progress: the token as the client gave it, with its JSON type. What a
 * connector got wrong is left out: a client would refuse the whole stream for it. */
void envelope_progress(buf_t *out, span_t progress_token, span_t progress, span_t total, span_t message,
                       span_t meta)
{
    object_t params = { out, "{\"", false };

    buf_add_text(out, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":");
    object_raw(&params, "progressToken", progress_token);
    object_raw(&params, "progress", scan_kind(progress) == SCAN_NUMBER ? progress : SPAN("0"));
    object_raw(&params, "total", of_kind(total, SCAN_NUMBER));
    object_raw(&params, "message", of_kind(message, SCAN_STRING));
    object_raw(&params, "_meta", of_kind(meta, SCAN_OBJECT));
    object_end(&params);
    buf_add_char(out, '}');
}
