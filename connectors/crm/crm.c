/* mcp-crm: the CRM and its business figures, from the CRM's own database (PostgreSQL or a SQLite file).
 *
 * The database is shared by tenants and its rows say whose they are, so there is no TENANTS here: every
 * statement is bound to the tenant of the principal who asks. */
#include "crm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "demo_data.h"
#include "mem.h"
#include "schema.h"

static const field_t setting_rows[] = {
    FIELD(crm_settings_t, database_url, .env = "DATABASE_URL", .required = true, .secret = true,
          .group = "Database", .doc = "postgresql://USER:PASSWORD@HOST/NAME, or sqlite:PATH for a file."),
    FIELD(crm_settings_t, statement_timeout_ms, .env = "DB_STATEMENT_TIMEOUT", .fallback = "15s",
          .unit = "ms", .min = 100, .max = 600000, .group = "Database",
          .doc = "A statement that takes longer is stopped."),
    FIELD(crm_settings_t, connections, .env = "DB_CONNECTIONS", .fallback = "8", .min = 1, .max = 64,
          .group = "Database", .doc = "PostgreSQL connections at most; calls wait for a free one."),
    FIELD(crm_settings_t, timezone, .env = "CRM_TIMEZONE", .fallback = "UTC", .group = "CRM",
          .doc = "Time zone in which days, weeks and months begin, such as America/Sao_Paulo."),
    FIELD(crm_settings_t, llm_url, .env = "LLM_URL", .group = "Model for analyze_agent_messages",
          .doc = "Base URL of an OpenAI-compatible API (POST LLM_URL/chat/completions). Messages of agents "
                 "are sent there. Without it messages are judged by fixed rules."),
    FIELD(crm_settings_t, llm_api_key, .env = "LLM_API_KEY", .secret = true,
          .group = "Model for analyze_agent_messages", .doc = "Key of that API."),
    FIELD(crm_settings_t, llm_model, .env = "LLM_MODEL", .group = "Model for analyze_agent_messages",
          .doc = "Name of the model there."),
    { 0 },
};

static void *crm_open(runtime_t *runtime, const void *settings, err_t *err);
static void crm_close(void *state);
static void crm_probe(void *state, runtime_t *runtime);
static void on_demo_looked_for(void *self, const db_rows_t *rows, const err_t *err);
static void on_probe(void *self, const db_rows_t *rows, const err_t *err);
static const char *crm_about(void *state);
static int migrate(const void *settings, int argc, char **argv);
static int demo_data(const void *settings, int argc, char **argv);

static const connector_verb_t verbs[] = {
    { "migrate", "create the tables that are missing; alters nothing that exists", migrate },
    { "demo-data", "create missing tables and fill the tenants demo and other with demo data", demo_data },
    { 0 },
};

static const connector_t crm = {
    .name = "crm",
    .title = "CRM and BI",
    .instructions =
        "Leads, agents and pipelines of this company. Ids come from list_agents, find_contacts and "
        "list_pipelines; never make one up. Times are local to the company.",
    .tools = crm_tools,
    .settings = setting_rows,
    .settings_size = sizeof(crm_settings_t),
    .open = crm_open,
    .close = crm_close,
    .probe = crm_probe,
    .verbs = verbs,
    .usual_prefix = "crm_",
    .about = crm_about,
};

int main(int argc, char **argv)
{
    return connector_main(&crm, argc, argv);
}

static db_options_t db_options(const crm_settings_t *s)
{
    return (db_options_t){ s->database_url, s->statement_timeout_ms, s->connections };
}

static int check_model(const crm_settings_t *s, err_t *err)
{
    if ((s->llm_url || s->llm_api_key || s->llm_model) && !(s->llm_url && s->llm_api_key && s->llm_model)) {
        return err_set(err, ERR_CALLER,
                       "LLM_URL, LLM_API_KEY and LLM_MODEL belong together: set all three or none.");
    }
    if (s->llm_url && strncmp(s->llm_url, "http://", 7) != 0 && strncmp(s->llm_url, "https://", 8) != 0) {
        return err_set(err, ERR_CALLER, "LLM_URL must begin with https:// or http://.");
    }
    return 0;
}

/* A row means demo data. Asked once: on a large database it may be no small question. */
static const char demo_sql[] =
    "SELECT id FROM contacts WHERE tenant_id = 'demo' AND external_id = '" DEMO_FIRST_CONTACT "' LIMIT 1";
/* Reads nothing, but fails when the database is away or was not migrated. */
static const char probe_sql[] =
    "SELECT c.id FROM contacts c JOIN lead_qualifications q ON q.contact_id = c.id "
    "JOIN contact_assignments g ON g.contact_id = c.id WHERE 1 = 0";

/* A file can be asked at once, so that the line at start says what it holds; a server is not waited for. */
static bool file_has_demo_data(const db_options_t *options)
{
    db_rows_t *rows = NULL;
    err_t err;
    db_admin_t *admin = strncmp(options->url, "sqlite:", 7) == 0 ? db_admin_open(options, &err) : NULL;
    bool found = admin && db_admin_run(admin, demo_sql, NULL, 0, &rows, &err) == 0 && db_count(rows) > 0;

    db_rows_free(rows);
    db_admin_close(admin);
    return found;
}

static void set_about(crm_t *state, bool is_demo)
{
    bool is_file = strcmp(db_about(state->db), "SQLite") == 0;

    state->is_demo = is_demo;
    state->about = db_about(state->db);
    if (is_demo) {
        state->about = is_file ? "SQLite, demo data" : "PostgreSQL, demo data";
    }
}

static int refuse_demo_data(err_t *err)
{
    return err_set(err, ERR_UPSTREAM,
                   "The CRM database holds demo data, which ENVIRONMENT=production refuses.");
}

static void *crm_open(runtime_t *runtime, const void *settings, err_t *err)
{
    const crm_settings_t *s = settings;
    db_options_t options = db_options(s);

    if (check_model(s, err) || period_use_zone(s->timezone, err)) {
        return NULL;
    }
    db_t *db = db_open(&options, runtime_loop(runtime), runtime_pool(runtime), err);
    if (!db) {
        return NULL;
    }
    bool is_demo = file_has_demo_data(&options); /* after db_open(), which refuses a file that is not there */
    if (is_demo && runtime_is_production(runtime)) {
        refuse_demo_data(err);
        db_close(db);
        return NULL;
    }
    crm_t *state = NEW(crm_t);
    state->settings = s;
    state->runtime = runtime;
    state->db = db;
    state->web = s->llm_url ? web_new(runtime_loop(runtime)) : NULL;
    set_about(state, is_demo);
    return state;
}

static void crm_close(void *self)
{
    crm_t *state = self;

    web_free(state->web);
    db_close(state->db);
    free(state);
}

static const char *crm_about(void *self)
{
    const crm_t *state = self;

    return state->about;
}

static void on_demo_looked_for(void *self, const db_rows_t *rows, const err_t *err)
{
    crm_t *state = self;

    if (err) {
        runtime_ready(state->runtime, err);
        return;
    }
    set_about(state, db_count(rows) > 0);
    state->is_known = true;
    db_probe(state->db, probe_sql, on_probe, state);
}

/* People should see that the data is the demo's, and production should not serve it. */
static void on_probe(void *self, const db_rows_t *rows, const err_t *err)
{
    crm_t *state = self;
    err_t refused;

    (void)rows;
    if (!err && state->is_demo && runtime_is_production(state->runtime)) {
        refuse_demo_data(&refused);
        err = &refused;
    }
    runtime_ready(state->runtime, err);
}

static void crm_probe(void *self, runtime_t *runtime)
{
    crm_t *state = self;

    (void)runtime;
    if (state->is_known) {
        db_probe(state->db, probe_sql, on_probe, state);
    } else {
        db_probe(state->db, demo_sql, on_demo_looked_for, state);
    }
}

static int complain(const err_t *err)
{
    fprintf(stderr, "mcp-crm: %s\n", err->text);
    return 1;
}

static db_admin_t *open_migrated(const crm_settings_t *s, FILE *out, err_t *err)
{
    db_options_t options = db_options(s);
    db_admin_t *admin = db_admin_open(&options, err);

    if (admin && schema_migrate(admin, out, err)) {
        db_admin_close(admin);
        return NULL;
    }
    return admin;
}

static int migrate(const void *settings, int argc, char **argv)
{
    err_t err;
    db_admin_t *admin = open_migrated(settings, stdout, &err);

    (void)argc;
    (void)argv;
    if (!admin) {
        return complain(&err);
    }
    db_admin_close(admin);
    return 0;
}

static int demo_data(const void *settings, int argc, char **argv)
{
    const crm_settings_t *s = settings;
    const char *environment = getenv("ENVIRONMENT");
    bool filled = false;
    err_t err;

    (void)argc;
    (void)argv;
    if (environment && strcmp(environment, "production") == 0) {
        fputs("mcp-crm: demo data is not for ENVIRONMENT=production.\n", stderr);
        return 1;
    }
    if (period_use_zone(s->timezone, &err)) {
        return complain(&err);
    }
    db_admin_t *admin = open_migrated(s, NULL, &err);
    if (!admin) {
        return complain(&err);
    }
    int failed = demo_data_fill(admin, clock_unix_ms(), &filled, &err);
    db_admin_close(admin);
    if (failed) {
        return complain(&err);
    }
    puts(filled ? "demo data written for the tenants demo and other"
                : "the tenants demo and other have contacts already; nothing was written");
    return 0;
}
