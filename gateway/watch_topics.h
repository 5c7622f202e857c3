/* Which resources of one connector somebody listens to, by the connector's own URIs: counted over all workers
 * and clients, so that the connector is asked once and told once. What it says of them is passed on at most
 * ten times a second for each.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "span.h"

typedef struct topics topics_t;

/* Of one connector not more are asked for by one filter. */
#define TOPICS_MAX_ASKED 1000
#define TOPICS_MAX_ASKED_BYTES 262144
#define TOPICS_PAUSE_MS 100

topics_t *topics_new(void);
void topics_free(topics_t *topics);
bool topics_is_empty(const topics_t *topics);

/* One listener more or less. True when the connector is to be asked for another set of URIs. */
bool topics_hold(topics_t *topics, span_t uri);
bool topics_release(topics_t *topics, span_t uri);
/* A JSON array of those that are held, as many as may be asked for; "[]" when none is. */
void topics_render(const topics_t *topics, buf_t *out);

/* The connector says that it changed. False: nobody listens to it, or it is to be told later. */
bool topics_touch(topics_t *topics, span_t uri, int64_t now_ms);
/* All of them may have changed: it was not listened to for a while. */
void topics_touch_all(topics_t *topics);
/* The next one that was touched and may be told now, borrowed until the next call; NULL: none. *ret_wait_ms:
 * when to come again, -1: nothing waits. */
const char *topics_next_touched(topics_t *topics, int64_t now_ms, int64_t *ret_wait_ms);

/* What a legacy connector is still to be told: the URI and whether it is to subscribe, NULL: nothing. It is
 * taken for done. */
const char *topics_next_request(topics_t *topics, bool *ret_subscribe);
void topics_forget_requests(topics_t *topics); /* its session is gone, and its subscriptions with it */
