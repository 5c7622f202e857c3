/* Answers over HTTP, whole or event by event. See stdio_bridge.h. */
#include <event2/buffer.h>

#include "envelope.h"
#include "errors.h"
#include "json_scan.h"
#include "mem.h"
#include "sse.h"
#include "stdio_bridge_private.h"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

void stdio_reply_json(http_request_t *request, int status, const buf_t *json)
{
    http_reply_bytes(request, status, "application/json", json->data, json->length);
}

void stdio_reply_error(http_request_t *request, int status, span_t id, int code, const char *message)
{
    AUTO_BUF body = { 0 };

    envelope_error(&body, id, code, message, (span_t){ 0 });
    stdio_reply_json(request, status, &body);
}

void stdio_reply_refused(const stdio_bridge_t *bridge, http_request_t *request, int status, const char *why,
                         const stdio_message_t *message)
{
    AUTO_BUF text = { 0 };

    if (!scan_string_is(message->method, "tools/call")) {
        stdio_reply_error(request, status, message->id, RPC_INTERNAL_ERROR, why);
        return;
    }
    buf_addf(&text, "Connector %s failed to take the call. %s Nothing was done; try again in a moment.",
             bridge->config.name, why);
    stdio_reply_error(request, status, message->id, RPC_INTERNAL_ERROR, buf_text(&text));
}

void stdio_reply_down(const stdio_bridge_t *bridge, http_request_t *request, const stdio_message_t *message)
{
    AUTO_BUF why = { 0 };

    if (stdio_process_is_up(bridge->process)) {
        buf_add_text(&why, "Its process leaves unread what it is sent.");
    } else {
        stdio_process_trouble(bridge->process, &why);
    }
    stdio_reply_refused(bridge, request, 503, buf_text(&why), message);
}

void stdio_reply_initialized(const stdio_bridge_t *bridge, http_request_t *request, span_t id)
{
    AUTO_BUF body = { 0 };

    envelope_result_begin(&body, id);
    buf_add_text(&body, bridge->initialize_result);
    envelope_end(&body);
    http_add_header(request, "Mcp-Session-Id", bridge->session_id);
    stdio_reply_json(request, 200, &body);
}

size_t stdio_reply_event(http_request_t *request, buf_t *json)
{
    AUTO(evbuffer_free) struct evbuffer *bytes = evbuffer_new();

    if (!http_stream_started(request)) {
        http_stream_start(request, 200, "text/event-stream", STDIO_HEARTBEAT_MS);
    }
    sse_write_json(bytes, "message", json);
    return http_stream_write(request, bytes);
}
