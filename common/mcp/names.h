/* Public names. CrewAI calls the sanitised form of a name on the wire, so a name must be its own sanitised
 * form: [a-z0-9_]{1,64} without double or edge underscores. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

#define NAME_MAX_LENGTH 64

bool name_is_safe(span_t name);
/* By the rule of the specification, which takes more than every client does (MCP 2026-07-28 server/tools
 * "Tool Names", and '/' which earlier texts took): 1 to 64 of A-Z, a-z, 0-9, '_', '-', '.', '/'. */
bool name_is_valid(span_t name);
/* prefix + own name, made safe: lower case, other bytes to '_', runs and edges trimmed; longer than 64: cut
 * and closed with '_' and 8 hex digits of the whole name's SHA-256, the same on every replica. "" when
 * nothing is left. */
void name_public(const char *prefix, span_t own, char ret[NAME_MAX_LENGTH + 1]);
bool glob_matches(const char *pattern, span_t name); /* "*" any run, nothing else special */
