/* The tables: those of the CRM, which exist on a live database, and our own. */
#pragma once

#include <stdio.h>

#include "db.h"

/* Creates the tables that are missing, with their indexes, and alters nothing that exists. Says on `out` (may
 * be NULL) what it did. All or nothing. */
int schema_migrate(db_admin_t *admin, FILE *out, err_t *err);
