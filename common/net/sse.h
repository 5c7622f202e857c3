/* Server-sent events, both directions. Reading follows the HTML standard's event-stream format: LF, CR or
 * CRLF, comments skipped, several data lines joined by LF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "span.h"

struct evbuffer;

/* "event: message\ndata: ...\n\n"; `event` NULL leaves that line out. Data with line breaks becomes several
 * data lines, which a reader joins again: JSON stays the same value. */
void sse_write(struct evbuffer *out, const char *event, span_t data);
/* JSON that was copied may be laid out on several lines. Here its line breaks, which are white space (inside
 * a string they would be escaped), become blanks: one event, one data line. */
void sse_write_json(struct evbuffer *out, const char *event, buf_t *json);

typedef struct sse_reader sse_reader_t;
sse_reader_t *sse_reader_new(size_t max_event_bytes);
void sse_reader_free(sse_reader_t *reader);
/* Takes bytes out of `in` and calls on_event for each whole event (borrowed while it runs; events without
 * data are skipped; `event` is absent when it had no name). on_event may return false to stop: what follows
 * stays in `in`. The reader must not be freed by on_event. -1 with ERR_UPSTREAM when an event is larger than
 * allowed; the reader is of no use after that. */
/* What a resumption needs: the id of the last whole event (empty: none had one), and how long the server
 * wants us to wait (-1: it did not say). Ids of over SSE_MAX_ID bytes, or with control characters, are none.
 */
#define SSE_MAX_ID 256
const char *sse_last_id(const sse_reader_t *reader);
int64_t sse_retry_ms(const sse_reader_t *reader);
/* The stream has ended and another one goes on where it was: what was not whole is dropped, id and retry
 * stay. */
void sse_reader_restart(sse_reader_t *reader);

typedef bool (*sse_event_f)(void *self, span_t event, span_t data);
int sse_read(sse_reader_t *reader, struct evbuffer *in, sse_event_f on_event, void *self, err_t *err);
