/* How long a fetched key set holds, and how often a key that is not in it may have it fetched again. No
 * sockets here.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "span.h"

#define JWKS_KIDS_A_MINUTE 4

/* By max-age (RFC 9111 5.2.2.1), from 5 minutes to 24 hours; 15 minutes when it is not said. */
int64_t jwks_lifetime_ms(span_t cache_control);

/* Anybody can name unknown keys in forged tokens: each leads to one fetch a minute, and all together to
 * JWKS_KIDS_A_MINUTE. A forger who uses those up delays a key that is really new by a minute at most, as each
 * of the fetches brings it too. */
typedef struct {
    pthread_mutex_t mutex; /* workers share it */
    struct {
        uint64_t kid_hash;
        int64_t until_ms;
    } asked[JWKS_KIDS_A_MINUTE];
} jwks_limit_t;

void jwks_limit_init(jwks_limit_t *limit);
bool jwks_limit_take(jwks_limit_t *limit, span_t kid, int64_t now_ms); /* true: fetch */
