/* May this principal call that tool? Permissions are turned into sets of tools when a catalog is built; a
 * call looks one bit up, a list takes the union. The same function serves both, so a list never shows what a
 * call would refuse.
 *
 * With policies: each rule gives one permission a few globs of public names, and what no rule names is open
 * to nobody but "*". Without: <connector>.read has the tools annotated read-only, <connector>.write the rest.
 */
#pragma once

#include "catalog.h"
#include "principal.h"

typedef struct {
    uint64_t words[CATALOG_MAX_TOOLS / 64];
} tool_set_t;

policy_t *policy_new(const config_t *config, const catalog_tool_t *tools, size_t count);
void policy_free(policy_t *policy);

bool policy_allows(const policy_t *policy, const principal_t *principal, size_t tool);
void policy_allowed(const policy_t *policy, const principal_t *principal, tool_set_t *ret);
/* A permission that opens this tool; NULL: none but "*". */
const char *policy_permission(const policy_t *policy, size_t tool);
/* The sentence for a denied call; it names the permission that was missing. Always -1. */
int policy_deny(const policy_t *policy, const catalog_tool_t *tool, size_t index, err_t *err);

static inline bool tool_set_has(const tool_set_t *set, size_t tool)
{
    return set->words[tool / 64] >> (tool % 64) & 1;
}
