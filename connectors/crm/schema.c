/* --migrate. A live database already has the CRM's tables; there only our own two are made. On an empty one
 * all are, so that it can be used at once.
 *
 * Surprising: our tables take over the type of the ids they point at (uuid or text on PostgreSQL), because
 * the statements join without casts; and they have no foreign keys, because a key of ours would keep the CRM
 * from deleting its own rows. Existing tables get no index from us either: that would be altering them. */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

typedef struct {
    const char *name;
    const char *columns;
    const char *indexes[3]; /* NULL-ended */
} table_t;

/* {id}: an id of ours; {contact}, {agent}: the type of that table's ids; {time}, {json}: the database's own
 * type. */
static const table_t tables[] = {
    { "contacts",
      "id {id} PRIMARY KEY, project_id {id}, tenant_id TEXT NOT NULL, name TEXT, email TEXT, phone TEXT, "
      "external_id TEXT, source_channel TEXT, language TEXT, tags {json}, first_interaction_at {time}, "
      "last_interaction_at {time}, created_at {time} NOT NULL, updated_at {time}, deleted_at {time}",
      { "CREATE INDEX contacts_by_tenant ON contacts (tenant_id, created_at)" } },
    { "agents",
      "id {id} PRIMARY KEY, project_id {id}, user_id {id}, tenant_id TEXT NOT NULL, name TEXT, email TEXT, "
      "type TEXT, status TEXT, active BOOLEAN, sessions_handled INTEGER, average_response_ms INTEGER, "
      "last_activity_at {time}, created_at {time}, updated_at {time}, deleted_at {time}",
      { "CREATE INDEX agents_by_tenant ON agents (tenant_id)" } },
    { "sessions",
      "id {id} PRIMARY KEY, contact_id {id}, tenant_id TEXT NOT NULL, pipeline_id {id}, started_at {time}, "
      "ended_at {time}, status TEXT, last_activity_at {time}, message_count INTEGER, messages_from_contact "
      "INTEGER, messages_from_agent INTEGER, duration_seconds INTEGER, agent_response_time_seconds INTEGER, "
      "contact_wait_time_seconds INTEGER, agent_ids {json}, agent_transfers INTEGER, summary TEXT, sentiment "
      "TEXT, sentiment_score NUMERIC, resolved BOOLEAN, escalated BOOLEAN, converted BOOLEAN, outcome_tags "
      "{json}",
      { "CREATE INDEX sessions_by_tenant ON sessions (tenant_id, started_at)" } },
    { "agent_sessions",
      "id {id} PRIMARY KEY, agent_id {id} NOT NULL, session_id {id} NOT NULL, role_in_session TEXT, "
      "joined_at {time}, left_at {time}, is_active BOOLEAN",
      { "CREATE INDEX agent_sessions_by_session ON agent_sessions (session_id, agent_id)",
        "CREATE INDEX agent_sessions_by_agent ON agent_sessions (agent_id)" } },
    { "messages",
      "id {id} PRIMARY KEY, tenant_id TEXT NOT NULL, \"timestamp\" {time}, from_me BOOLEAN, contact_id {id}, "
      "session_id {id}, content_type TEXT, text TEXT, agent_id {id}, status TEXT, language TEXT, "
      "delivered_at {time}, read_at {time}",
      { "CREATE INDEX messages_by_agent ON messages (tenant_id, agent_id, \"timestamp\")" } },
    { "pipelines",
      "id {id} PRIMARY KEY, tenant_id TEXT NOT NULL, name TEXT, position INTEGER, active BOOLEAN",
      { 0 } },
    { "pipeline_statuses",
      "id {id} PRIMARY KEY, pipeline_id {id} NOT NULL, name TEXT, status_type TEXT, position INTEGER, active "
      "BOOLEAN",
      { "CREATE INDEX pipeline_statuses_by_pipeline ON pipeline_statuses (pipeline_id)" } },
    { "contact_pipeline_statuses",
      "id {id} PRIMARY KEY, contact_id {id} NOT NULL, pipeline_id {id} NOT NULL, status_id {id} NOT NULL, "
      "tenant_id TEXT NOT NULL, entered_at {time}, exited_at {time}, duration INTEGER, notes TEXT",
      { "CREATE INDEX contact_pipeline_statuses_by_contact ON contact_pipeline_statuses (contact_id, "
        "pipeline_id)" } },
    { "notes",
      "id {id} PRIMARY KEY, contact_id {id}, tenant_id TEXT NOT NULL, author_id {id}, author_type TEXT, "
      "author_name TEXT, content TEXT, note_type TEXT, priority TEXT",
      { 0 } },
    { "lead_qualifications",
      "id {id} PRIMARY KEY, tenant_id TEXT NOT NULL, contact_id {contact} NOT NULL, status TEXT NOT NULL, "
      "reason TEXT, budget DOUBLE PRECISION, authority DOUBLE PRECISION, need DOUBLE PRECISION, timeline "
      "DOUBLE PRECISION, qualified_by TEXT, created_at {time} NOT NULL",
      { "CREATE INDEX lead_qualifications_by_contact ON lead_qualifications (tenant_id, contact_id, "
        "created_at)" } },
    { "contact_assignments",
      "id {id} PRIMARY KEY, tenant_id TEXT NOT NULL, contact_id {contact} NOT NULL, agent_id {agent} NOT "
      "NULL, priority TEXT NOT NULL, notes TEXT, assigned_by TEXT, created_at {time} NOT NULL, ended_at "
      "{time}",
      { "CREATE INDEX contact_assignments_by_contact ON contact_assignments (tenant_id, contact_id)" } },
};

/* What the words in braces mean on this database. */
typedef struct {
    const char *id, *time, *json;
    char contact[32], agent[32];
} types_t;

static const char *type_named(const types_t *types, span_t name)
{
    if (span_is(name, "contact")) {
        return types->contact;
    }
    if (span_is(name, "agent")) {
        return types->agent;
    }
    if (span_is(name, "time")) {
        return types->time;
    }
    return span_is(name, "json") ? types->json : types->id;
}

static void add_columns(buf_t *sql, const char *columns, const types_t *types)
{
    const char *brace;

    while ((brace = strchr(columns, '{'))) {
        const char *end = strchr(brace, '}');
        buf_add(sql, columns, (size_t)(brace - columns));
        buf_add_text(sql, type_named(types, (span_t){ brace + 1, (size_t)(end - brace - 1) }));
        columns = end + 1;
    }
    buf_add_text(sql, columns);
}

static int create_table(db_admin_t *admin, const table_t *table, const types_t *types, err_t *err)
{
    AUTO_BUF sql = { 0 };

    buf_addf(&sql, "CREATE TABLE %s (", table->name);
    add_columns(&sql, table->columns, types);
    buf_add_char(&sql, ')');
    if (db_admin_run(admin, buf_text(&sql), NULL, 0, NULL, err)) {
        return -1;
    }
    for (size_t i = 0; i < COUNT_OF(table->indexes) && table->indexes[i]; i++) {
        if (db_admin_run(admin, table->indexes[i], NULL, 0, NULL, err)) {
            return -1;
        }
    }
    return 0;
}

/* An existing table's id type, else that of a table we make. */
static int id_type(db_admin_t *admin, const char *table, const types_t *types, char *ret, size_t size,
                   err_t *err)
{
    if (db_admin_column_type(admin, table, "id", ret, size, err)) {
        return -1;
    }
    if (*ret == '\0') {
        snprintf(ret, size, "%s", types->id);
    }
    return 0;
}

static bool is_postgres(const db_admin_t *admin)
{
    return strcmp(db_admin_about(admin), "PostgreSQL") == 0;
}

static int create_missing(db_admin_t *admin, FILE *out, err_t *err)
{
    bool postgres = is_postgres(admin);
    types_t types = { postgres ? "UUID" : "TEXT", postgres ? "TIMESTAMPTZ" : "TEXT",
                      postgres ? "JSONB" : "TEXT", "", "" };
    size_t created = 0;

    if (id_type(admin, "contacts", &types, types.contact, sizeof(types.contact), err) ||
        id_type(admin, "agents", &types, types.agent, sizeof(types.agent), err)) {
        return -1;
    }
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        char type[32];
        if (db_admin_column_type(admin, tables[i].name, "id", type, sizeof(type), err)) {
            return -1;
        }
        if (type[0] != '\0') {
            continue;
        }
        if (create_table(admin, &tables[i], &types, err)) {
            return -1;
        }
        created++;
        if (out) {
            fprintf(out, "created table %s\n", tables[i].name);
        }
    }
    if (out && created == 0) {
        fputs("all tables are there; nothing to do\n", out);
    }
    return 0;
}

/* Replicas that start together migrate one after the other; the number is this lock's name. */
static int begin_alone(db_admin_t *admin, err_t *err)
{
    if (!is_postgres(admin)) {
        return db_admin_run(admin, "BEGIN IMMEDIATE", NULL, 0, NULL, err);
    }
    if (db_admin_run(admin, "BEGIN", NULL, 0, NULL, err)) {
        return -1;
    }
    return db_admin_run(admin, "SELECT pg_advisory_xact_lock(20260728)", NULL, 0, NULL, err);
}

int schema_migrate(db_admin_t *admin, FILE *out, err_t *err)
{
    if (begin_alone(admin, err)) {
        return -1;
    }
    if (create_missing(admin, out, err) || db_admin_run(admin, "COMMIT", NULL, 0, NULL, err)) {
        db_admin_run(admin, "ROLLBACK", NULL, 0, NULL, NULL);
        return -1;
    }
    return 0;
}
