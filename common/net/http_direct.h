/* Two things that libevent does in small steps and that we do at once: writing an answer while its bytes are
 * at hand, and reading what is known to come of a body. Each is one function, so that what it gains can be
 * measured by taking it out (docs/performance.md).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct evbuffer;

/* Sends the answer that stands in the output of evhttp's connection. Most of the time the socket takes all of
 * it here and now: true, and the output is empty. Else the rest waits, and evhttp's callback is told when it
 * has left. A broken connection shows there too. */
bool http_write_now(struct bufferevent *bev);

/* Reads up to `most` bytes that have arrived into `input`, whose callbacks see them. How many; 0: none, or
 * the connection is over, which evhttp will find for itself. */
size_t http_read_ahead(int fd, struct evbuffer *input, size_t most);
