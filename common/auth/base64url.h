/* base64url without padding, as JWS has it (RFC 7515 section 2). */
#pragma once

#include "buf.h"
#include "span.h"

void base64url_encode(buf_t *out, const void *bytes, size_t length);
/* Appends the bytes. Strict: no padding, no white space, no bits left over, so one value has one spelling. -1
 * otherwise. */
int base64url_decode(buf_t *out, span_t text);
