/* JSON-RPC messages as the stdio transport frames them: one message, one line. Pure functions over bytes.
 *
 * Two of the gateway's threads may use one request id, and a server on its standard streams knows only one
 * client. So ids, progress tokens and subscription ids are written anew on the way there and back; all other
 * bytes stay as they are. Source: MCP 2026-07-28 basic/transports/stdio; 2025-11-25 basic/transports "stdio".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "span.h"

struct evbuffer;

typedef enum { STDIO_REQUEST, STDIO_NOTIFICATION, STDIO_RESPONSE } stdio_kind_t;

/* Raw JSON within the text that was read; what is not there: at == NULL. */
typedef struct {
    span_t text;
    stdio_kind_t kind;
    span_t id;
    span_t method;
    span_t result;          /* of a response that is no error */
    span_t progress_token;  /* what a request asks to be told under, or a progress notification tells under */
    span_t request_id;      /* which request a notifications/cancelled is about */
    span_t subscription_id; /* which subscriptions/listen a notification or result belongs to */
} stdio_message_t;

/* -1 with a sentence: no JSON, or none of the three kinds. A batch is none of them either. */
int stdio_message_read(span_t text, stdio_message_t *ret, err_t *err);

/* Of a line that is cut or broken: the id it probably answers, as far as one can tell; absent: none. */
span_t stdio_message_guess_id(span_t line);

/* `part` of the message becomes `with`. Parts do not overlap; an absent one changes nothing. */
typedef struct {
    span_t part, with;
} stdio_change_t;
#define STDIO_MAX_CHANGES 4
/* The message without any line break in it (between JSON values those are white space, and inside a string
 * they would be escaped). No line break is added at its end. */
void stdio_message_write(buf_t *out, span_t text, const stdio_change_t *changes, size_t count);

/* Cuts a stream of bytes into lines. */
typedef struct {
    size_t max_bytes;
    buf_t begun; /* of the line whose end has not come */
    bool is_long;
} stdio_lines_t;

/* Borrowed while it runs, without the line break; blank ones are left out. cut: it was longer than max_bytes,
 * and these are the first of them. */
typedef void (*stdio_line_f)(void *self, span_t line, bool cut);
void stdio_lines_read(stdio_lines_t *lines, struct evbuffer *in, stdio_line_f on_line, void *self);
void stdio_lines_end(stdio_lines_t *lines, stdio_line_f on_line, void *self); /* what had no line break */
void stdio_lines_release(stdio_lines_t *lines);
