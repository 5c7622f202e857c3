/* Entries of lists and results as each revision of the protocol may see them. Bytes in, bytes out.
 *
 * Modern clients get what the connector said, byte for byte. For 2025-06-18 and 2025-11-25 structuredContent
 * must be an object: anything else is wrapped as {"result": ...}, and so is its outputSchema when its root
 * type is plainly not an object; an outputSchema of which that cannot be told is left out (clients validate,
 * and raise). Older revisions lose the members they do not know; resource_link blocks, of tools and of
 * prompts, become text for 2025-03-26, audio too for 2024-11-05, what no revision knows for all legacy ones.
 */
#pragma once

#include "buf.h"
#include "eras.h"
#include "err.h"
#include "json_scan.h"

/* One declaration (a JSON object as a connector gave it) under its public name, which is the `name` of a tool
 * or prompt, the `uri` of a resource, the `uriTemplate` of a template. Of the last two a `name` that is
 * missing is what they are known by. */
int shape_entry(mcp_kind_t kind, span_t entry, const char *public_name, mcp_shape_t shape, buf_t *out,
                err_t *err);

/* MCP 2026-07-28 basic "ResultType": absent, as older servers have it, is complete. */
typedef enum { RESULT_COMPLETE, RESULT_ASKS, RESULT_UNKNOWN } result_type_t;
result_type_t shape_result_type(const json_member_t *members, size_t count);

/* The members of a result, appended as one JSON object with what the era adds (modern: resultType; of a
 * resource ttlMs and cacheScope). Legacy: without what only the modern era knows. A result that asks for
 * input passes to a modern client as it is; a legacy one must not get it, see mcp_call_result(). -1 with
 * ERR_UPSTREAM and what was appended of no use, when what the result cannot be without is missing or wrong:
 * messages, contents, completion. A tool's `content` is always there, so that never fails. */
int shape_answer(mcp_act_t act, const json_member_t *members, size_t count, mcp_shape_t shape, buf_t *out,
                 err_t *err);
