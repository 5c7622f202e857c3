/* What an Odoo fault means and what is said of it. Odoo's codes (odoo/addons/base/controllers/rpc.py):
 *
 *   1  any other exception; the text is a whole Python traceback with paths and source lines
 *   2  what a person did wrong, a validation, a missing record, also an unknown model and an unknown uid
 *   3  the login does not hold
 *   4  the user may not (access rights, record rules, a private method)
 *
 * A fault means that the transaction was rolled back, but for one: a method has done its work and was
 * committed when its result cannot be written as XML-RPC (None, a recordset, keys that are no strings).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* Done, without a result: never a failure, never repeated. */
bool fault_is_unwritable_result(int code, const char *text);
bool fault_is_login(int code, const char *text, int64_t uid); /* the uid or the password no longer holds */

/* The sentence. Of a traceback only the exception is shown, of one that is the server's own trouble its
 * class. ERR_UNKNOWN: there is no such model. Returns -1. */
int fault_refuse(int code, const char *text, err_t *err);
