/* Host names to addresses, off the loop: getaddrinfo on a helper thread, kept 30 s per loop, asked again at
 * once after a failed connect. One lookup per name at a time, however many ask. Literal addresses take the
 * same road without a thread; failures are not kept. Free the resolver first, then the pool (lookups may be
 * under way), then the loop.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "err.h"
#include "loop.h"
#include "pool.h"

typedef struct resolver resolver_t; /* one per loop */
typedef struct resolve resolve_t;   /* one open question */

resolver_t *resolver_new(loop_t *loop, pool_t *pool);
void resolver_free(resolver_t *resolver); /* open questions are never answered; not within a callback */

/* cb once, never before resolve_start() has returned; addresses borrowed while it runs, at most
 * RESOLVE_MAX_ADDRESSES. The question is gone when cb runs. Fails with ERR_UPSTREAM; the text does not name
 * the host. */
#define RESOLVE_MAX_ADDRESSES 8
typedef void (*resolve_f)(void *self, const struct sockaddr_storage *addresses, size_t count,
                          const err_t *err);
resolve_t *resolve_start(resolver_t *resolver, const char *host, uint16_t port, resolve_f cb, void *self);
void resolve_cancel(resolve_t *question);
void resolver_forget(resolver_t *resolver, const char *host); /* a connect failed */
