/* Demo data: two tenants, `demo` and `other`, by a seeded generator, the same at every run but for the dates,
 * which reach up to now. */
#pragma once

#include "db.h"

#define DEMO_FIRST_CONTACT "demo-0001" /* external_id that says: this database holds demo data */

/* Fills the tables (made by schema_migrate). *ret_filled false: a tenant has contacts already, nothing was
 * done. All or nothing. */
int demo_data_fill(db_admin_t *admin, int64_t now_ms, bool *ret_filled, err_t *err);
