/* One event stream of a connector that is kept open: opened anew when it ends, with a wait in between that
 * grows from half a second to half a minute; given up for ten minutes when the connector refuses it. A
 * connection that died without a word is found by its silence: connectors send a comment now and then, and
 * one that is quiet for ten minutes is asked again.
 */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "http_client.h"
#include "loop.h"
#include "span.h"

typedef struct watch_stream watch_stream_t;

/* None is called before watch_stream_new() has returned. In each the stream may be freed. */
typedef struct {
    /* What is sent to open it: a POST of this body, or a GET where the body stays empty. Asked each time, for
     * tokens grow old. */
    void (*prepare)(void *self, buf_t *lines, buf_t *body);
    void (*on_open)(void *self); /* its head has come: it is an event stream */
    /* The data of one event, borrowed; false: it is no stream to be kept, so it counts as refused. */
    bool (*on_message)(void *self, span_t data);
    void (*on_closed)(void *self, bool refused);
    void (*on_lost)(void *self); /* in place of on_closed: it does not know the session */
} watch_stream_events_t;

typedef struct {
    loop_t *loop;
    http_pool_t *pool;
    size_t max_event_bytes;
    bool in_session; /* so that 404 is about the session */
} watch_stream_options_t;

watch_stream_t *watch_stream_new(const watch_stream_options_t *options, const watch_stream_events_t *events,
                                 void *self);
void watch_stream_free(watch_stream_t *stream); /* closes its connection; no callback follows */
bool watch_stream_is_open(const watch_stream_t *stream);
