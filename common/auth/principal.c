/* See principal.h. */
#include "principal.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_unique(principal_t *principal)
{
    char **list = principal->permissions;
    size_t kept = 0;

    qsort(list, principal->permission_count, sizeof(*list), by_text);
    for (size_t i = 0; i < principal->permission_count; i++) {
        if (kept > 0 && strcmp(list[kept - 1], list[i]) == 0) {
            mem_free(list[i]);
        } else {
            list[kept++] = list[i];
        }
    }
    principal->permission_count = kept;
}

principal_t *principal_new(const char *subject, const char *tenant_id, const char *const *permissions,
                           size_t count)
{
    principal_t *principal = NEW(principal_t);

    principal->references = 1;
    principal->subject = mem_strdup(subject);
    principal->tenant_id = mem_strdup(tenant_id);
    principal->permissions = NEW_ARRAY(char *, count);
    principal->permission_count = count;
    for (size_t i = 0; i < count; i++) {
        principal->permissions[i] = mem_strdup(permissions[i]);
    }
    sort_unique(principal);
    return principal;
}

principal_t *principal_ref(principal_t *principal)
{
    principal->references++;
    return principal;
}

void principal_unref(principal_t *principal)
{
    if (!principal || --principal->references > 0) {
        return;
    }
    for (size_t i = 0; i < principal->permission_count; i++) {
        mem_free(principal->permissions[i]);
    }
    mem_free(principal->permissions);
    mem_free(principal->subject);
    mem_free(principal->tenant_id);
    mem_free(principal);
}

static bool listed(const principal_t *principal, const char *permission)
{
    return principal->permission_count > 0 &&
           bsearch(&permission, principal->permissions, principal->permission_count, sizeof(char *), by_text);
}

bool principal_has(const principal_t *principal, const char *permission)
{
    return listed(principal, permission) || listed(principal, "*");
}
