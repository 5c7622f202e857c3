/* May this principal use that entry of the catalog? Permissions are turned into sets of entries when a
 * catalog is built; a call looks one bit up, a list takes the union. The same function serves both, so a list
 * never shows what a call would refuse.
 *
 * With policies: each rule gives one permission a few globs of public names and URIs, and what no rule names
 * is open to nobody but "*". Without: <connector>.read has resources, prompts and the tools annotated
 * read-only, <connector>.write the other tools.
 */
#pragma once

#include "catalog.h"
#include "principal.h"

typedef struct {
    uint64_t words[CATALOG_MAX_ENTRIES / 64];
} entry_set_t;

policy_t *policy_new(const config_t *config, const catalog_entry_t *entries, size_t count);
void policy_free(policy_t *policy);

bool policy_allows(const policy_t *policy, const principal_t *principal, size_t index);
void policy_allowed(const policy_t *policy, const principal_t *principal, entry_set_t *ret);
/* A permission that opens this entry; NULL: none but "*". */
const char *policy_permission(const policy_t *policy, size_t index);
/* The sentence for a denied call; it names the permission that was missing. Always -1. */
int policy_deny(const policy_t *policy, const catalog_entry_t *entry, size_t index, err_t *err);

static inline bool entry_set_has(const entry_set_t *set, size_t index)
{
    return set->words[index / 64] >> (index % 64) & 1;
}
