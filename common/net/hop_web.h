/* An exchange over TLS, as http_client.c and http_pool.c see it. */
#pragma once

#include "http_client.h"

typedef struct hop_web hop_web_t;           /* of one exchange */
typedef struct hop_web_pool hop_web_pool_t; /* of a pool */

hop_web_pool_t *hop_web_pool_new(http_pool_t *pool, const hop_url_t *url);
void hop_web_pool_free(hop_web_pool_t *web);
size_t hop_web_pool_open(const hop_web_pool_t *web);
size_t hop_web_pool_idle(const hop_web_pool_t *web);

/* Unless the deadline has passed; hop->message is the body already. */
void hop_web_begin(hop_t *hop, const hop_request_t *request);
void hop_web_pause(hop_t *hop); /* or go on, by hop->paused */
void hop_web_end(hop_t *hop);   /* hop->ever_sent is right after it */
