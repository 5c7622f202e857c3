/* Base64 in the two spellings that reach us: base64url without padding in tokens and keys (RFC 7515 section
 * 2), the standard alphabet with padding in encoded header values (RFC 4648 section 4). */
#pragma once

#include "buf.h"
#include "span.h"

void base64url_encode(buf_t *out, const void *bytes, size_t length);

/* Both append the bytes; -1 otherwise, with part of them appended. Strict: no white space, no bits left over,
 * padding never or always, so one value has one spelling. */
int base64url_decode(buf_t *out, span_t text);
int base64_decode(buf_t *out, span_t text);
