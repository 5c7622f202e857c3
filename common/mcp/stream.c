/* The event streams of calls and listens: who reads one, how it begins, one message on it. */
#include "server_private.h"

#include <event2/buffer.h>

#include "sse.h"

static bool names_event_stream(void *self, span_t name, span_t value)
{
    static const char type[] = "text/event-stream";
    bool *accepts = self;

    if (!span_is_nocase(name, "Accept")) {
        return true;
    }
    for (size_t i = 0; i + sizeof(type) - 1 <= value.length && !*accepts; i++) {
        *accepts = (value.at[i] | 0x20) == type[0] && strncasecmp(value.at + i, type, sizeof(type) - 1) == 0;
    }
    return !*accepts;
}

/* Only a client that names the type gets a stream: curl's Accept is any type, and it wants JSON. */
bool mcp_stream_is_accepted(const http_request_t *http)
{
    bool accepts = false;

    http_each_header(http, names_event_stream, &accepts);
    return accepts;
}

void mcp_stream_start(const mcp_server_t *server, http_request_t *http)
{
    http_add_header(http, "X-Accel-Buffering", "no"); /* nginx would hold events back */
    http_add_header(http, "Cache-Control", "no-store");
    http_stream_start(http, 200, "text/event-stream", server->options.heartbeat_ms);
}

size_t mcp_stream_send(http_request_t *http, buf_t *json)
{
    struct evbuffer *event = evbuffer_new();

    sse_write_json(event, "message", json);
    size_t waiting = http_stream_write(http, event);
    evbuffer_free(event);
    return waiting;
}

size_t mcp_stream_waiting(http_request_t *http)
{
    struct evbuffer *nothing = evbuffer_new();
    size_t waiting = http_stream_write(http, nothing);

    evbuffer_free(nothing);
    return waiting;
}
