/* Tools and results as each revision of the protocol may see them. Bytes in, bytes out.
 *
 * Modern clients get what the connector said, byte for byte. For 2025-06-18 and 2025-11-25 structuredContent
 * must be an object: anything else is wrapped as {"result": ...}, and so is its outputSchema when its root
 * type is plainly not an object; an outputSchema of which that cannot be told is left out (clients validate,
 * and raise). Older revisions lose the members they do not know; resource_link blocks become text for
 * 2025-03-26, audio too for 2024-11-05.
 */
#pragma once

#include "buf.h"
#include "eras.h"
#include "err.h"
#include "json_scan.h"

/* One tool declaration (a JSON object as a connector gave it) under its public name. */
int shape_tool(span_t tool, const char *public_name, mcp_shape_t shape, buf_t *out, err_t *err);
/* The members of a tools/call result, appended as one JSON object with what the era adds (modern:
 * resultType). `content` is always there. */
void shape_result(const json_member_t *members, size_t count, mcp_shape_t shape, buf_t *out);
