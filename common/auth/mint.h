/* Client tokens for people and tests: what `guiche token` prints. HS256 by libjwt. */
#pragma once

#include <stdint.h>

#include "err.h"
#include "principal.h"
#include "span.h"

/* Caller frees; NULL when libjwt refuses. issuer and audience may be NULL. */
char *mint_client_token(span_t secret, const principal_t *principal, const char *issuer, const char *audience,
                        int64_t now_unix, int64_t ttl_seconds);
