/* See policy.h. Rows are sorted by permission, so that a principal's few permissions are found by halving. */
#include "policy.h"

#include <stdlib.h>

#include "mem.h"
#include "names.h"

typedef struct {
    char *permission;
    uint64_t *words;
} row_t;

struct policy {
    row_t *rows; /* sorted once complete */
    size_t count;
    size_t entry_count, word_count;
};

static row_t *row_for(policy_t *policy, const char *permission)
{
    for (size_t i = 0; i < policy->count; i++) {
        if (strcmp(policy->rows[i].permission, permission) == 0) {
            return &policy->rows[i];
        }
    }
    policy->rows = mem_resize(policy->rows, (policy->count + 1) * sizeof(row_t));
    row_t *row = &policy->rows[policy->count++];
    row->permission = mem_strdup(permission);
    row->words = NEW_ARRAY(uint64_t, policy->word_count);
    return row;
}

static void grant(row_t *row, size_t index)
{
    row->words[index / 64] |= UINT64_C(1) << (index % 64);
}

static bool has(const row_t *row, size_t index)
{
    return row->words[index / 64] >> (index % 64) & 1;
}

static bool rule_names(const policy_rule_t *rule, const char *name)
{
    for (char **glob = rule->allow; glob && *glob; glob++) {
        if (glob_matches(*glob, span_of(name))) {
            return true;
        }
    }
    return false;
}

static void add_rule(policy_t *policy, const policy_rule_t *rule, const catalog_entry_t *entries)
{
    row_t *row = row_for(policy, rule->permission);

    for (size_t i = 0; i < policy->entry_count; i++) {
        if (rule_names(rule, entries[i].name)) {
            grant(row, i);
        }
    }
}

static void add_usual(policy_t *policy, const config_t *config, const catalog_entry_t *entries)
{
    for (size_t i = 0; i < policy->entry_count; i++) {
        const char *connector = config->connectors[entries[i].connector].name;
        AUTO(mem_free)
        char *permission = mem_printf("%s.%s", connector, entries[i].read_only ? "read" : "write");
        grant(row_for(policy, permission), i);
    }
}

static int by_permission(const void *a, const void *b)
{
    return strcmp(((const row_t *)a)->permission, ((const row_t *)b)->permission);
}

policy_t *policy_new(const config_t *config, const catalog_entry_t *entries, size_t count)
{
    policy_t *policy = NEW(policy_t);

    policy->entry_count = count;
    policy->word_count = (count + 63) / 64;
    if (config->has_policies) {
        for (size_t i = 0; i < config->policy_count; i++) {
            add_rule(policy, &config->policies[i], entries);
        }
    } else {
        add_usual(policy, config, entries);
    }
    if (policy->count > 0) {
        qsort(policy->rows, policy->count, sizeof(row_t), by_permission);
    }
    return policy;
}

void policy_free(policy_t *policy)
{
    if (!policy) {
        return;
    }
    for (size_t i = 0; i < policy->count; i++) {
        mem_free(policy->rows[i].permission);
        mem_free(policy->rows[i].words);
    }
    mem_free(policy->rows);
    mem_free(policy);
}

static const row_t *find(const policy_t *policy, const char *permission)
{
    row_t key = { .permission = (char *)permission };

    return policy->count > 0 ? bsearch(&key, policy->rows, policy->count, sizeof(row_t), by_permission)
                             : NULL;
}

bool policy_allows(const policy_t *policy, const principal_t *principal, size_t index)
{
    for (size_t i = 0; i < principal->permission_count; i++) {
        const char *permission = principal->permissions[i];
        const row_t *row = find(policy, permission);
        if (strcmp(permission, "*") == 0 || (row && has(row, index))) {
            return true;
        }
    }
    return false;
}

static void add_row(const policy_t *policy, const row_t *row, entry_set_t *set)
{
    for (size_t i = 0; row && i < policy->word_count; i++) {
        set->words[i] |= row->words[i];
    }
}

static void add_all(const policy_t *policy, entry_set_t *set)
{
    for (size_t i = 0; i < policy->entry_count; i++) {
        set->words[i / 64] |= UINT64_C(1) << (i % 64);
    }
}

void policy_allowed(const policy_t *policy, const principal_t *principal, entry_set_t *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < principal->permission_count; i++) {
        if (strcmp(principal->permissions[i], "*") == 0) {
            add_all(policy, ret);
            return;
        }
        add_row(policy, find(policy, principal->permissions[i]), ret);
    }
}

const char *policy_permission(const policy_t *policy, size_t index)
{
    for (size_t i = 0; i < policy->count; i++) {
        if (has(&policy->rows[i], index)) {
            return policy->rows[i].permission;
        }
    }
    return NULL;
}

int policy_deny(const policy_t *policy, const catalog_entry_t *entry, size_t index, err_t *err)
{
    const char *permission = policy_permission(policy, index);

    if (permission) {
        return err_set(err, ERR_DENIED, "Not allowed: %s needs the permission %s.", entry->name, permission);
    }
    return err_set(err, ERR_DENIED, "Not allowed: no policy opens %s; it needs the permission *.",
                   entry->name);
}
