/* See envelope.h. Everything copied in has been checked by json_scan(), everything else is escaped here. */
#include "envelope.h"

#include <string.h>

#include "json_scan.h"
#include "meta_keys.h"

#define ROOM_FOR_OURS 448 /* what stands around the caller's values, mostly: one allocation does */
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
    if (span_is(key, META_LOG_LEVEL) && request->log_level.at) {
        return true;
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

/* What the client can do, but for extensions: of those every hop would have to carry what they bring (MCP
 * 2026-07-28 basic/versioning "Extensions"), and ours does not. */
static void add_capabilities(object_t *meta, span_t capabilities)
{
    object_t kept = { meta->out, "{\"", false };
    json_member_t member;

    if (!scan_member(capabilities, "extensions").at) {
        object_raw(meta, META_CAPABILITIES, capabilities);
        return;
    }
    object_key(meta, SPAN(META_CAPABILITIES));
    for (span_t rest = capabilities; scan_next_member(&rest, &member);) {
        if (!span_is(member.key, "extensions")) {
            object_key(&kept, member.key);
            buf_add_span(kept.out, member.value);
        }
    }
    kept.begun ? object_end(&kept) : buf_add_text(meta->out, "{}");
}

/* MCP 2026-07-28 basic "Per-request metadata". */
static void add_modern_meta(object_t *meta, const envelope_request_t *request)
{
    object_text(meta, META_VERSION, span_of(mcp_revision_name(request->revision)));
    add_capabilities(meta, capabilities_of(request));
    object_raw(meta, META_LOG_LEVEL, request->log_level);
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

/* server/utilities/completion: a prompt is referred to by its name, a resource template by its uri. */
static void add_ref(object_t *params, const envelope_request_t *request)
{
    object_t ref = { params->out, "{\"", false };

    if (!request->ref_type.at) {
        object_text(params, "name", request->name);
        object_text(params, "uri", request->uri);
        return;
    }
    object_key(params, SPAN("ref"));
    object_text(&ref, "type", request->ref_type);
    object_text(&ref, "name", request->name);
    object_text(&ref, "uri", request->uri);
    object_end(&ref);
    object_raw(params, "argument", request->argument);
    object_raw(params, "context", request->context);
}

void envelope_request(buf_t *out, const envelope_request_t *request)
{
    object_t params = { out, ",\"params\":{\"", false };

    buf_reserve(out, ROOM_FOR_OURS + request->arguments.length + request->meta.length +
                         request->input_responses.length + request->request_state.length +
                         request->client_capabilities.length);
    buf_add_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_add_u64(out, request->id);
    buf_add_text(out, ",\"method\":");
    buf_add_json_string(out, span_of(request->method));
    if (strcmp(request->method, "initialize") == 0) {
        add_initialize(&params, request);
    }
    add_ref(&params, request);
    object_raw(&params, "notifications", request->filter);
    object_raw(&params, "arguments", request->arguments);
    object_raw(&params, "cursor", request->cursor);
    object_raw(&params, "inputResponses", request->input_responses);
    object_raw(&params, "requestState", request->request_state);
    add_meta(&params, request);
    object_end(&params);
    buf_add_char(out, '}');
}

void envelope_call(buf_t *out, const mcp_request_t *request, const envelope_hop_t *hop)
{
    envelope_request_t message = {
        .revision = hop->revision,
        .id = hop->id,
        .method = mcp_act_method(request->act),
        .argument = request->argument,
        .context = request->context,
        .arguments = request->arguments,
        .input_responses = hop->input_responses,
        .request_state = hop->request_state,
        .meta = request->meta,
        .client_capabilities = hop->client_capabilities,
        .traceparent = hop->traceparent,
        .log_level = hop->log_level,
        .progress = hop->progress,
    };

    if (request->act == MCP_COMPLETE) {
        message.ref_type = request->kind == MCP_PROMPTS ? SPAN("ref/prompt") : SPAN("ref/resource");
    }
    if (request->kind == MCP_TOOLS || request->kind == MCP_PROMPTS) {
        message.name = hop->name;
    } else {
        message.uri = hop->name;
    }
    envelope_request(out, &message);
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
