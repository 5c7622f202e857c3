/* The database layer on SQLite: values, times, transactions, limits, and what migration leaves alone. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>

#include "crm_call.h"
#include "clock.h"
#include "db_driver.h"
#include "demo_data.h"
#include "ids.h"
#include "mem.h"
#include "schema.h"

static crm_bench_t *bench;

static void setup(void)
{
    bench = crm_bench_new(false);
}

static void teardown(void)
{
    crm_bench_free(bench);
}

TestSuite(db, .init = setup, .fini = teardown);

/* A tool made for the test: runs whatever it is given. */
typedef struct {
    call_t *call;
    const char *sql;
    const db_statement_t *statements;
    size_t count;
    int missed;
} script_t;

static script_t script;

static void on_rows(void *self, const db_rows_t *rows, const err_t *err)
{
    call_t *call = self;

    if (err) {
        call_fail(call, err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < db_count(rows); i++) {
        json_array_append_new(list, db_is_null(rows, i, 0) ? json_null() : json_string(db_text(rows, i, 0)));
    }
    call_finish(call, json_pack("{s:o}", "rows", list), "");
}

static void on_run(void *self, int missed, const db_rows_t *rows, const err_t *err)
{
    script.missed = missed;
    on_rows(self, rows, err);
}

static void run_script(call_t *call, const void *args)
{
    (void)args;
    if (script.statements) {
        db_run(call, crm_db(call), script.statements, script.count, on_run, call);
    } else {
        db_query(call, crm_db(call), script.sql, NULL, 0, on_rows, call);
    }
}

static const tool_t script_tool = { .name = "script", .run = run_script };

static json_t *query(const char *sql)
{
    script = (script_t){ .sql = sql };
    return crm_call(bench, &script_tool, "demo", "{}");
}

static json_t *transaction(const db_statement_t *statements, size_t count)
{
    script = (script_t){ .statements = statements, .count = count };
    return crm_call(bench, &script_tool, "demo", "{}");
}

Test(db, values_come_back_as_they_were_bound)
{
    db_rows_t *rows = NULL;
    err_t err;
    db_admin_t *admin = db_admin_open(&bench->options, &err);

    cr_assert_eq(
        db_admin_run(admin,
                     "CREATE TABLE v (a TEXT, b INTEGER, c DOUBLE PRECISION, d BOOLEAN, e TEXT, f TEXT)",
                     NULL, 0, NULL, &err),
        0);
    cr_assert_eq(db_admin_run(admin, "INSERT INTO v VALUES ($1, $2, $3, $4, $5, $6)",
                              DB_VALUES(DB_TEXT("Olá 'x'"), DB_INT(INT64_MIN), DB_REAL(0.1), DB_BOOL(true),
                                        DB_TIME(1795171275123), DB_NO_VALUE),
                              NULL, &err),
                 0, "%s", err.text);
    cr_assert_eq(db_admin_run(admin, "SELECT a, b, c, d, e, f FROM v WHERE b = $2 AND a = $1",
                              DB_VALUES(DB_TEXT("Olá 'x'"), DB_INT(INT64_MIN)), &rows, &err),
                 0);
    cr_assert_eq(db_count(rows), 1);
    cr_assert_str_eq(db_text(rows, 0, 0), "Olá 'x'");
    cr_assert_eq(db_int(rows, 0, 1), INT64_MIN);
    cr_assert_eq(db_real(rows, 0, 2), 0.1);
    cr_assert(db_bool(rows, 0, 3));
    cr_assert_str_eq(db_text(rows, 0, 4), "2026-11-20 10:41:15.123");
    cr_assert_eq(db_time_ms(rows, 0, 4), 1795171275123);
    cr_assert(db_is_null(rows, 0, 5));
    cr_assert_eq(db_int(rows, 0, 5), 0);
    db_rows_free(rows);
    db_admin_close(admin);
}

Test(db, times_are_read_in_every_form_a_database_writes)
{
    cr_assert_eq(db_parse_time("2026-11-20 10:41:15"), 1795171275000);
    cr_assert_eq(db_parse_time("2026-11-20 10:41:15.123456+00"), 1795171275123);
    cr_assert_eq(db_parse_time("2026-11-20T07:41:15.1-03:00"), 1795171275100);
    cr_assert_eq(db_parse_time("2026-11-20T10:41:15Z"), 1795171275000);
    cr_assert_eq(db_parse_time("yesterday"), 0);
    cr_assert_eq(db_parse_time(""), 0);
}

Test(db, a_bound_at_midnight_includes_rows_without_a_fraction)
{
    char scratch[DB_VALUE_SIZE];
    db_value_t midnight = DB_TIME(1795132800000);

    cr_assert_str_eq(db_value_text(&midnight, scratch), "2026-11-20 00:00:00");
}

Test(db, missing_values_are_null)
{
    char scratch[DB_VALUE_SIZE];
    db_value_t values[] = { DB_TEXT(NULL), DB_REAL(NAN), DB_NO_VALUE };

    for (size_t i = 0; i < 3; i++) {
        cr_assert_null(db_value_text(&values[i], scratch));
    }
}

Test(db, a_transaction_is_all_or_nothing)
{
    db_statement_t statements[] = {
        { .sql = "INSERT INTO agents (id, tenant_id) VALUES ('a', 'demo')" },
        { .sql = "UPDATE agents SET name = 'x' WHERE id = 'nobody'", .must_hit = true },
        { .sql = "INSERT INTO agents (id, tenant_id) VALUES ('b', 'demo')" },
    };

    cr_assert_not_null(transaction(statements, 3));
    cr_assert_eq(script.missed, 1);
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(*) FROM agents"), 0);
    statements[1].sql = "UPDATE agents SET name = 'x' WHERE id = 'a'";
    cr_assert_not_null(transaction(statements, 3));
    cr_assert_eq(script.missed, -1);
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(*) FROM agents"), 2);
    statements[2].sql = "INSERT INTO agents (id, tenant_id) VALUES ('a', 'demo')";
    cr_assert_null(transaction(statements, 3));
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(*) FROM agents"), 2);
}

Test(db, errors_are_words_without_sql)
{
    cr_assert_null(query("SELECT secret_column FROM contacts"));
    cr_assert_eq(bench->call.err.kind, ERR_UPSTREAM);
    cr_assert(strstr(bench->call.err.text, "--migrate"));
    cr_assert_null(strstr(bench->call.err.text, "secret_column"));
}

#define ENDLESS                                                                                              \
    "SELECT COUNT(*) FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM "  \
    "n) t"

Test(db, a_statement_that_takes_too_long_is_stopped, .timeout = 60)
{
    int64_t before = clock_ms();

    bench->call.left_ms = 300;
    cr_assert_null(query(ENDLESS));
    cr_assert_eq(bench->call.err.kind, ERR_TIMEOUT);
    cr_assert_lt(clock_ms() - before, 20000);
}

Test(db, a_cancelled_call_stops_its_statement, .timeout = 60)
{
    int64_t before = clock_ms();

    bench->call.cancel_first = true;
    cr_assert_null(query(ENDLESS));
    cr_assert_not(bench->call.failed, "nobody is called back");
    cr_assert_lt(clock_ms() - before, 20000);
    bench->call.cancel_first = false;
    cr_assert_not_null(query("SELECT 1"), "the connection is well again");
}

Test(db, a_writer_in_the_way_is_waited_for_and_then_named, .timeout = 60)
{
    err_t err;
    db_admin_t *admin = db_admin_open(&bench->options, &err);
    db_statement_t statements[] = { { .sql = "INSERT INTO agents (id, tenant_id) VALUES ('a', 'demo')" } };

    cr_assert_eq(db_admin_run(admin, "BEGIN IMMEDIATE", NULL, 0, NULL, &err), 0);
    bench->call.left_ms = 300;
    cr_assert_null(transaction(statements, 1));
    cr_assert(strstr(bench->call.err.text, "another writer"), "%s", bench->call.err.text);
    cr_assert_eq(db_admin_run(admin, "COMMIT", NULL, 0, NULL, &err), 0);
    db_admin_close(admin);
    cr_assert_not_null(transaction(statements, 1));
}

/* The kernel's signal for a file that may not grow must not end the process: db_open() sees to that. */
Test(db, a_full_disk_is_said_and_leaves_nothing_half_written)
{
    struct rlimit limit = { 600000, RLIM_INFINITY };
    db_statement_t statements[2] = {
        { .sql = "INSERT INTO agents (id, tenant_id) VALUES ('a', 'demo')" },
        { .sql = "INSERT INTO notes (id, tenant_id, content) SELECT 'n', 'demo', hex(zeroblob(4000000))" },
    };

    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_null(transaction(statements, 2));
    cr_assert_eq(bench->call.err.kind, ERR_UPSTREAM);
    cr_assert(strstr(bench->call.err.text, "full"), "%s", bench->call.err.text);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(*) FROM agents"), 0);
    cr_assert_not_null(transaction(statements, 1));
}

Test(db, migration_can_be_repeated_and_alters_nothing_that_exists)
{
    err_t err;
    db_admin_t *admin = db_admin_open(&bench->options, &err);

    db_admin_run(admin, "DROP TABLE agents", NULL, 0, NULL, &err);
    db_admin_run(admin, "CREATE TABLE agents (id TEXT, odd TEXT)", NULL, 0, NULL, &err);
    db_admin_run(admin, "DROP TABLE notes", NULL, 0, NULL, &err);
    cr_assert_eq(schema_migrate(admin, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(schema_migrate(admin, NULL, &err), 0, "%s", err.text);
    db_admin_close(admin);
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(*) FROM pragma_table_info('agents')"), 2);
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(*) FROM notes"), 0);
}

Test(db, demo_data_is_written_once_and_is_the_same_for_the_same_moment)
{
    bool filled = false;
    err_t err;
    db_admin_t *admin = db_admin_open(&bench->options, &err);

    cr_assert_eq(demo_data_fill(admin, 1795171275123, &filled, &err), 0, "%s", err.text);
    cr_assert(filled);
    cr_assert_eq(demo_data_fill(admin, 1795171275123, &filled, &err), 0);
    cr_assert_not(filled);
    db_admin_close(admin);
    AUTO(mem_free) char *id = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Ana Souza'");
    AUTO(mem_free) char *last = crm_sql_text(bench, "SELECT MAX(started_at) FROM sessions");
    cr_assert_str_leq(last, "2026-11-20 10:41:15.123", "nothing lies in the future");
    cr_assert_eq(strlen(id), 36);
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(DISTINCT tenant_id) FROM contacts"), 2);
}

#define OF_THIS_WEEK                                                                                         \
    " FROM sessions s JOIN agent_sessions x ON x.session_id = s.id JOIN agents a ON a.id = x.agent_id "      \
    "WHERE a.tenant_id = 'demo' AND a.deleted_at IS NULL AND s.started_at >= '2026-11-23' GROUP BY a.name "  \
    "HAVING COUNT(DISTINCT s.id) >= 5 "

/* One minute into a Monday, which is also the worst hour for a week's ranking. */
Test(db, demo_data_has_clear_winners_in_the_first_minute_of_a_week)
{
    static const struct {
        const char *order, *winner;
    } cases[] = {
        { "1.0 * COUNT(DISTINCT CASE WHEN s.converted THEN s.id END) / COUNT(DISTINCT s.id)", "Ana Souza" },
        { "-AVG(s.agent_response_time_seconds)", "Bruno Lima" },
        { "AVG(s.sentiment_score)", "Carla Mendes" },
    };
    bool filled = false;
    err_t err;
    db_admin_t *admin = db_admin_open(&bench->options, &err);

    cr_assert_eq(demo_data_fill(admin, 1795392060000, &filled, &err), 0, "%s", err.text);
    db_admin_close(admin);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(mem_free)
        char *sql = mem_printf("SELECT a.name" OF_THIS_WEEK "ORDER BY %s DESC", cases[i].order);
        AUTO(mem_free) char *best = crm_sql_text(bench, sql);
        cr_assert_str_eq(best, cases[i].winner);
        AUTO(mem_free)
        char *equals = mem_printf("SELECT COUNT(*) FROM (SELECT %s AS v" OF_THIS_WEEK ") GROUP BY v "
                                  "ORDER BY v DESC",
                                  cases[i].order);
        cr_assert_eq(crm_sql_int(bench, equals), 1, "nobody is equal to %s", cases[i].winner);
    }
}

Test(db, urls_and_missing_files_are_refused_with_a_sentence)
{
    static const struct {
        const char *url, *says;
    } cases[] = {
        { "mysql://host/db", "postgresql://" },
        { "sqlite:", "path" },
        { "sqlite::memory:", "path" },
        { "sqlite:/nowhere/at/all.db", "--migrate" },
        { "postgresql://user:secret@host:notaport/x", "DATABASE_URL" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        err_t err = { 0 };
        db_options_t options = { cases[i].url, 1000, 2 };
        db_t *db = db_open(&options, bench->call.loop, bench->pool, &err);
        if (db) { /* the port is only looked at when connecting */
            db_close(db);
            continue;
        }
        cr_assert(strstr(err.text, cases[i].says), "%s: %s", cases[i].url, err.text);
        cr_assert_null(strstr(err.text, "secret"));
    }
}

Test(ids, are_uuids_that_sort_in_the_order_they_were_made)
{
    char before[ID_SIZE] = "", id[ID_SIZE];

    for (int i = 0; i < 10000; i++) {
        id_new(1795171275123 + i / 5000 - (i == 7000 ? 5000 : 0), id);
        cr_assert_eq(strlen(id), 36);
        cr_assert_eq(id[14], '7');
        cr_assert(strchr("89ab", id[19]));
        cr_assert_str_lt(before, id);
        memcpy(before, id, sizeof(id));
    }
}
