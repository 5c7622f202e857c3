/* What the tools have in common before they begin: finding the one who is meant by an id, in the caller's
 * tenant only, or saying that nobody is; and the date arguments. */
#pragma once

#include "crm.h"

typedef enum { THING_AGENT, THING_CONTACT, THING_PIPELINE, THING_STAGE } thing_t;

/* Fails the call: "No agent "x" here. list_agents shows ...". */
void lookup_fail(call_t *call, thing_t thing, const char *id);
/* Whether a lookup found a row; when not, the call has failed with the reason. */
bool lookup_found(call_t *call, const db_rows_t *rows, const err_t *err, thing_t thing, const char *id);

enum { AGENT_ID, AGENT_NAME, AGENT_ACTIVE };
void lookup_agent(call_t *call, const char *id, db_f cb, void *self); /* AGENT_ID ... of one agent */

/* The first statement of a transaction about a contact: two of them wait for each other, and it misses when
 * the contact was deleted meanwhile. Also marks it as changed, which the CRM shows. */
db_statement_t lookup_lock_contact(call_t *call, const char *contact_id, int64_t now_ms);

/* The rows of two members `start_date` and `end_date`, for period_between(). */
#define FIELDS_DATES(args)                                                                                   \
    FIELD(args, start_date, .format = "date",                                                                \
          .doc = "First day, YYYY-MM-DD. Without it: from the beginning."),                                  \
        FIELD(args, end_date, .format = "date",                                                              \
              .doc = "Last day, YYYY-MM-DD, included. Without it: up to now.")
