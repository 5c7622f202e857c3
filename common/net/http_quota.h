/* What the servers of one process (a gateway has one per worker) hold together: connections, in all and by
 * address, and bytes of bodies and answers. Counts only: the limits are the servers' own. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;
typedef struct http_quota http_quota_t;

http_quota_t *http_quota_new(void);
void http_quota_free(http_quota_t *quota);

/* Each of these counts something in and says how much there is now; its opposite counts it out. */
size_t http_quota_connect(http_quota_t *quota);
void http_quota_disconnect(http_quota_t *quota);
size_t http_quota_enter(http_quota_t *quota, const struct sockaddr *peer); /* connections of this address */
void http_quota_leave(http_quota_t *quota, const struct sockaddr *peer);
size_t http_quota_hold(http_quota_t *quota, size_t bytes);
void http_quota_let_go(http_quota_t *quota, size_t bytes);

size_t http_quota_held(const http_quota_t *quota);
/* True once a minute for the whole process: what a crowd causes is told so often. */
bool http_quota_may_complain(http_quota_t *quota, int64_t now_ms);
/* How many connections leave enough descriptors for what they cause: two thirds of what the process may have,
 * 16,384 at most. */
size_t http_quota_default_connections(void);
