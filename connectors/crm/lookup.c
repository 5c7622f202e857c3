/* See lookup.h. */
#include "lookup.h"

#include "query.h"

static const struct {
    const char *name, *advice;
} things[] = {
    [THING_AGENT] = { "agent", "list_agents shows the agents and their ids." },
    [THING_CONTACT] = { "contact", "find_contacts shows contacts and their ids." },
    [THING_PIPELINE] = { "pipeline", "list_pipelines shows pipelines, their stages and ids." },
    [THING_STAGE] = { "stage", "list_pipelines shows pipelines, their stages and ids." },
};

void lookup_fail(call_t *call, thing_t thing, const char *id)
{
    call_failf(call, ERR_CALLER, "No %s \"%s\" here. %s", things[thing].name, id, things[thing].advice);
}

bool lookup_found(call_t *call, const db_rows_t *rows, const err_t *err, thing_t thing, const char *id)
{
    if (err) {
        call_fail(call, err);
        return false;
    }
    if (db_count(rows) == 0) {
        lookup_fail(call, thing, id);
        return false;
    }
    return true;
}

void lookup_agent(call_t *call, const char *id, db_f cb, void *self)
{
    db_query(call, crm_db(call),
             "SELECT id, name, COALESCE(active, TRUE) FROM agents WHERE id = $1 AND tenant_id = $2 "
             "AND deleted_at IS NULL",
             DB_VALUES(DB_TEXT(id), DB_TEXT(call_tenant(call))), cb, self);
}

db_statement_t lookup_lock_contact(call_t *call, const char *contact_id, int64_t now_ms)
{
    return query_statement(
        call, true,
        "UPDATE contacts SET updated_at = $1 WHERE id = $2 AND tenant_id = $3 AND deleted_at IS NULL",
        DB_VALUES(DB_TIME(now_ms), DB_TEXT(contact_id), DB_TEXT(call_tenant(call))));
}
