/* One call, from the caller to the connector that owns the tool and back: found by its exact name, allowed or
 * denied, its envelope written anew, sent, and its answer handed on. The steps stand in running order in
 * forward.c.
 */
#pragma once

#include "worker.h"

typedef struct forward forward_t;

void forward_call(worker_t *worker, mcp_call_t *call);
/* The same for a call with answers of its own: `companion` is freed when call and exchange are both over.
 * True while the call is open, false when it has been answered already. */
bool forward_call_with(worker_t *worker, mcp_call_t *call, void *companion, void (*free_companion)(void *));
void forward_catalog_shown(worker_t *worker); /* those that wait for a newer catalog go on */
void forward_give_up_all(worker_t *worker);   /* each open call is answered that nobody can wait longer */
void forward_cancel_all(worker_t *worker);    /* at the end of a worker: whoever still waits gets no answer */

/* For the log: what is known of a call when it has ended. The forward is mcp_call_owner() of its call. */
const catalog_entry_t *forward_entry(const forward_t *forward);         /* NULL: there is none such */
const catalog_connector_t *forward_connector(const forward_t *forward); /* NULL: none was asked */
int64_t forward_upstream_us(const forward_t *forward);                  /* how long the connector took */
void forward_logged(forward_t *forward); /* the call is over; the owner is gone after this */

/* Whether it may be sent twice: only tools change anything, and not all of them. Pure. */
bool forward_may_repeat(const catalog_entry_t *entry);

/* How an exchange ended without an answer. */
typedef struct {
    const err_t *cause; /* its text begins with "It" or "The connector" */
    int status;         /* HTTP, of what came back; 0: nothing */
    bool sent;          /* the connector may have begun */
    bool asked_progress;
    int64_t us; /* how long it took */
} forward_end_t;
/* The sentence for the caller: what happened, and whether trying again is safe. Pure. Always -1. */
int forward_failure(const catalog_entry_t *entry, const connector_config_t *connector,
                    const forward_end_t *end, err_t *ret);
/* The same for a call that was still open when the gateway had to stop. */
int forward_stopped(const catalog_entry_t *entry, const connector_config_t *connector, err_t *ret);
