/* Arguments of a tool from a query string, typed by the tool's inputSchema: what makes
 * `?period=today&agent_ids=a,b` work from curl, and f"{k}={v}" from Python; the words of `guiche call` are
 * read by it too. Pure, and a fuzz target.
 *
 * string, integer, number, boolean (true, false, True, False); a list is repeated keys, `a,b`, or a JSON or
 * Python list. An optional argument whose value is None (Python), or empty and no string, counts as absent.
 * Whatever else: 400, use POST.
 */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "span.h"

/* Appends one JSON object to ret. -1 with ERR_CALLER that names the argument. */
int query_args(const char *schema, span_t query, buf_t *ret, err_t *err);

/* A token has no place in a query string: it would stand in logs and histories. True when one seems to be
 * there. */
bool query_has_token(span_t query);

/* %XX and '+' resolved. false: a broken escape, or a NUL. */
bool query_decode(span_t text, buf_t *out);
