/* Server-sent events, both directions. Reading follows the HTML standard's event-stream format: LF, CR or
 * CRLF, comments skipped, several data lines joined by LF. Ids and retry times are read over: we never resume
 * a stream.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "span.h"

struct evbuffer;

/* "event: message\ndata: ...\n\n"; `event` NULL leaves that line out. Data with line breaks becomes several
 * data lines, which a reader joins again: JSON stays the same value. */
void sse_write(struct evbuffer *out, const char *event, span_t data);

typedef struct sse_reader sse_reader_t;
sse_reader_t *sse_reader_new(size_t max_event_bytes);
void sse_reader_free(sse_reader_t *reader);
/* Takes bytes out of `in` and calls on_event for each whole event (borrowed while it runs; events without
 * data are skipped; `event` is absent when it had no name). on_event may return false to stop: what follows
 * stays in `in`. The reader must not be freed by on_event. -1 with ERR_UPSTREAM when an event is larger than
 * allowed; the reader is of no use after that. */
typedef bool (*sse_event_f)(void *self, span_t event, span_t data);
int sse_read(sse_reader_t *reader, struct evbuffer *in, sse_event_f on_event, void *self, err_t *err);
