/* Schemas as clients of the earlier revisions can read them. Those clients make classes of an inputSchema
 * (CrewAI), compile an outputSchema when they list (the TypeScript SDK), and throw the whole list away when
 * one schema is beyond them. So what they choke on is said in other words that accept the same values; what
 * cannot be said otherwise is refused, and the tool is kept from them. Which client needs what:
 * docs/protocol.md "Tool schemas".
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "err.h"

/* Rewrites an inputSchema that check_schema_input() has taken. -1 with the reason; it is then half done. */
int schema_legacy_input(json_t *schema, bool *ret_changed, err_t *err);
/* The same for an outputSchema, by which clients check results: on -1 they are better off without it. */
int schema_legacy_output(json_t *schema, bool *ret_changed, err_t *err);

/* Whether every engine that clients use reads this pattern, and reads the same in it (ECMAScript with the u
 * flag, Python, Rust). No on doubt. */
bool schema_pattern_is_plain(const char *pattern);
