/* What the load generator and the responder share: addresses, non-blocking sockets, time, and finding the end
 * of an HTTP message at the least cost. Both see only messages of known programs on loopback, so none of this
 * is strict; that is the gateway's part. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t now_ns(void);                    /* CLOCK_MONOTONIC */
_Noreturn void die(const char *what);    /* with errno's text */
void *checked(void *memory);             /* ends the program when memory is NULL */
int wire_listen(const char *address);    /* "127.0.0.1:8080" or "unix:/path"; a stale path is removed */
int wire_connect(const char *address);   /* -1 with errno; EINPROGRESS counts as connected */
void wire_one_segment_at_a_time(int fd); /* TCP_NODELAY, where there is TCP */
int wire_wait(int epoll_fd, void *events, int count, int64_t until_ns); /* until_ns < 0: without end */

/* Of a message whose first `length` bytes are here: its head with the empty line, 0 when that has not come
 * yet. */
size_t wire_head_bytes(const char *at, size_t length);
/* What Content-Length says, 0 without one. */
size_t wire_body_bytes(const char *head, size_t length);
