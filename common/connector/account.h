/* Whose credentials a call goes out with: the user's own, forwarded in headers, which win; or the service
 * account of the environment, for the tenants it belongs to (TENANTS). Never both in one call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "connector.h"
#include "err.h"
#include "fields.h"

typedef struct {
    char **names; /* NULL-ended */
    bool all;     /* "*", or unset outside production */
} tenants_t;

/* The row of TENANTS for a connector with a service account. */
#define TENANTS_FIELD(struct_type)                                                                           \
    FIELD(struct_type, tenants, .env = "TENANTS", .group = "Service account",                                \
          .doc = "Tenants that may use the service account, separated by commas; * for every tenant. "       \
                 "Required in production when there is a service account.")

/* -1 with a sentence: production, a service account and no list; or a list that is none (empty names, "*"
 * beside names). Unset elsewhere counts as "*" and is logged. */
int tenants_parse(const char *text, bool has_service_account, bool production, tenants_t *ret, err_t *err);
void tenants_release(tenants_t *tenants);
bool tenants_include(const tenants_t *tenants, const char *tenant);

typedef struct {
    const char *system;              /* "Odoo" */
    const char *const *user_headers; /* all of them make a user's account; NULL-ended, 4 at most */
    bool has_service_account;
    const tenants_t *tenants;
    const char *missing; /* the sentence when there are no credentials at all; NULL: one made of the above */
} account_rule_t;

typedef enum { ACCOUNT_NONE = -1, ACCOUNT_USER, ACCOUNT_SERVICE } account_t;

/* Values of the user's headers go to `values` in their order (NULL for a service account); borrowed from the
 * call, never logged. ACCOUNT_NONE with *err: half of the headers (ERR_CALLER), another tenant's service
 * account (ERR_DENIED), or no credentials (ERR_DENIED). */
account_t account_of_call(call_t *call, const account_rule_t *rule, const char **values, err_t *err);
