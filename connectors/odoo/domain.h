/* Odoo's search domains, checked before they are sent, since what Odoo says of a wrong one is a traceback.
 *
 *     [["state","=","sale"], "|", ["partner_id.name","ilike","ana"], ["amount_total",">",1000]]
 *
 * A term is [field path, operator, value]; terms in a row are all meant; '&' and '|' stand before the two
 * they join, '!' before the one it turns round. Source: Odoo 17 and 18, "Search domains" of the ORM's
 * reference.
 */
#pragma once

#include <jansson.h>

#include "err.h"

/* NULL is no domain: everything. -1 with ERR_CALLER; the sentence shows the term that is wrong and what it
 * should be. */
int domain_check(const json_t *domain, err_t *err);
