/* What PostgreSQL's SQLSTATE codes mean to a caller. The server's own message goes to the log without its
 * detail and context, which repeat values of rows. */
#include <string.h>

#include "mem.h"
#include "pg_conn.h"

static const struct {
    const char *sqlstate; /* or its first characters; the first row that fits counts */
    err_kind_t kind;
    const char *text;
} meanings[] = {
    { "57014", ERR_TIMEOUT,
      "The CRM database took too long and was stopped; nothing was written. Try again, or ask for less, for "
      "example a shorter period." },
    { "53100", ERR_UPSTREAM,
      "The disk of the CRM database is full. Nothing was written; somebody must make room before this can "
      "work." },
    { "53", ERR_UPSTREAM, "The CRM database is overloaded. Nothing was written; try again in a moment." },
    { "40", ERR_UPSTREAM, "Another writer was in the way. Nothing was written; try again." },
    { "55P03", ERR_UPSTREAM, "Another writer was in the way. Nothing was written; try again." },
    { "42501", ERR_UPSTREAM,
      "The CRM database does not let this connector do that: its operator should grant it the right. Nothing "
      "was written." },
    { "42", ERR_UPSTREAM,
      "The CRM database lacks a table or a column this needs: its operator should run mcp-crm --migrate." },
    { "25006", ERR_UPSTREAM, "The CRM database may only be read here. Nothing was written." },
    { "22001", ERR_CALLER, "A text is too long for the CRM database. Nothing was written; shorten it." },
    { "23", ERR_UPSTREAM,
      "The CRM database refused this: a rule of its own forbids it. Nothing was written; its operator finds "
      "the "
      "rule in the connector's log." },
    { "22", ERR_CALLER, "The CRM database does not take one of these values. Nothing was written." },
    { "57P", ERR_UPSTREAM, "The CRM database is restarting. Nothing was written; try again in a moment." },
};

int pg_error(const PGresult *result, err_t *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    sqlstate = sqlstate ? sqlstate : "";
    if (strcmp(sqlstate, "57014") != 0) { /* we did that ourselves */
        db_log("PostgreSQL refused a statement", sqlstate,
               PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    }
    for (size_t i = 0; i < COUNT_OF(meanings); i++) {
        if (strncmp(sqlstate, meanings[i].sqlstate, strlen(meanings[i].sqlstate)) == 0) {
            return err_set(err, meanings[i].kind, "%s", meanings[i].text);
        }
    }
    return err_set(err, ERR_UPSTREAM, "The CRM database refused this. Nothing was written.");
}
