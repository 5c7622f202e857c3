/* Addresses that Qlik hands out: next pages and the user's own record. Only what is on the tenant's own host
 * is believed, and of a next page only its cursor, so that no answer can send a user's token elsewhere. */
#pragma once

#include <stdbool.h>

#include "err.h"
#include "span.h"

/* A tenant is "https://host" and nothing else; http:// (a stand-in) only outside production. -1 with
 * ERR_CALLER. */
int links_check_tenant(const char *url, bool is_production, err_t *err);

/* "/api/v1/..." with its query when `href` is on the host of `tenant_url` or has no host; absent otherwise.
 */
span_t links_local(const char *tenant_url, span_t href);

/* The value of one name of the query, percent-decoded, the caller's to free; NULL when there is none, or one
 * that holds a control character. */
char *links_query_value(span_t path, const char *name);
