/* Odoo as a tool asks it: execute_kw over XML-RPC, with the account of the call.
 *
 * POST /xmlrpc/2/common authenticate finds the uid of a login once and again after some minutes; POST
 * /xmlrpc/2/object execute_kw carries uid and secret in every request. Nothing else is ever asked: version 1
 * (/xmlrpc/) answers faults the codec cannot read, and /xmlrpc/2/db would show every database.
 */
#pragma once

#include <jansson.h>

#include "odoo.h"

/* What a method that only reads returns; an answer of another shape is a failure. What is not one of them may
 * change things and may return anything. */
typedef enum {
    ODOO_WRITES,
    ODOO_ROWS,   /* an array of objects */
    ODOO_IDS,    /* an array of integers */
    ODOO_COUNT,  /* an integer */
    ODOO_FIELDS, /* an object of objects */
} odoo_reads_t;

typedef struct {
    const char *model, *method;
    json_t *args;       /* positional, an array; stolen, also on failure */
    json_t *kwargs;     /* an object or NULL; stolen */
    odoo_reads_t reads; /* not 0: changes nothing, so it may be asked again */
    bool by_address;    /* a resource's: a model that is not there is ERR_UNKNOWN, in a tool ERR_CALLER */
} odoo_request_t;

/* result: lives as long as the call; of a method that writes json null when it is done and has no result, or
 * none that XML-RPC can carry. One at a time per call. Not called once the call has ended, never before
 * odoo_execute() has returned. */
typedef void (*odoo_f)(void *self, json_t *result, const err_t *err);
void odoo_execute(call_t *call, const odoo_request_t *request, odoo_f cb, void *self);

/* Whether the account of the call was accepted, by this call or lately. */
bool odoo_is_logged_in(call_t *call);

json_t *odoo_keep(call_t *call, json_t *value); /* freed with the call; returns it */

/* Whether Odoo answers and accepts the service account: runtime_ready(). Without a service account only
 * whether it answers. odoo_probe.c */
void odoo_probe(void *state, runtime_t *runtime);

/* What the client, the probe and the tests share. */
#define SERVICE_ACCOUNT "" /* in place of a tenant, where failed logins are counted */
json_t *odoo_login_params(const char *db, const char *login, const char *secret);
json_t *odoo_execute_params(const char *db, int64_t uid, const char *secret, const odoo_request_t *request);
/* -1 for what is certainly no answer of XML-RPC. Odoo says its faults with status 200. */
int odoo_check_answer(const upstream_t *upstream, const upstream_reply_t *reply, err_t *err);
