/* Values of headers that mirror the body (Mcp-Name, Mcp-Param-*): plain text, or base64 between =?base64? and
 * ?= where a header could not carry it. MCP 2026-07-28 basic/transports/streamable-http "Value Encoding". */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "span.h"

/* Appends the decoded value. false: bytes a plain value may not have, or the base64 is broken (strict:
 * alphabet, padding, no spare bits). A marker that is not whole, or not in lower case, is plain text. */
bool header_value_decode(span_t value, buf_t *out);
/* Appends what decodes to this text again, whatever its bytes. Plain where that is safe everywhere: an empty
 * value too goes as base64, because there are servers that drop a header without one. */
void header_value_encode(span_t text, buf_t *out);
