/* The claims of a token, read and written. Private to auth. */
#pragma once

#include <stdint.h>
#include <jansson.h>

#include "err.h"
#include "principal.h"
#include "token.h"

/* Checks times, issuer and audience, and makes the principal. -1 with ERR_UNAUTHORIZED. */
int claims_read(const token_rules_t *rules, const json_t *claims, principal_t **ret,
                int64_t *ret_expires_unix, err_t *err);

/* sub, tenant_id, permissions, iat, exp; a new reference. */
json_t *claims_write(const principal_t *principal, int64_t now_unix, int64_t ttl_seconds);
