/* The head of a request as the server keeps it, and what it shows evhttp instead. http_head_header() is in
 * http_server.h: who decides by a head needs it.
 */
#pragma once

#include "buf.h"
#include "http_server.h"

http_head_t *http_head_new(span_t bytes, size_t line_count); /* one piece of memory: mem_free() */
void http_head_each(const http_head_t *head, http_header_f each, void *self);
span_t http_head_target(const http_head_t *head); /* path and query */
/* What evhttp is shown of it: a head with the method, "/", and the lines that frame a body and end a
 * connection. */
void http_head_for_evhttp(const http_head_t *head, bool with_body, bool http_1_0, buf_t *out);
