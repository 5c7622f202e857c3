/* The tools that write: what they leave in the database, what they refuse, and that nobody reaches another
 * tenant. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

#include "crm_call.h"
#include "mem.h"

static crm_bench_t *bench;
static char *contact, *agent, *pipeline, *stage_new, *stage_won, *other_pipeline_stage;

static void setup(void)
{
    bench = crm_bench_new(true);
    contact =
        crm_sql_text(bench, "SELECT id FROM contacts WHERE tenant_id = 'demo' AND external_id = 'demo-0004'");
    agent = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Ana Souza'");
    pipeline = crm_sql_text(bench, "SELECT id FROM pipelines WHERE name = 'Sales' AND tenant_id = 'demo'");
    stage_new =
        crm_sql_text(bench, "SELECT s.id FROM pipeline_statuses s JOIN pipelines p ON p.id = s.pipeline_id "
                            "WHERE s.name = 'New' AND p.tenant_id = 'demo'");
    stage_won =
        crm_sql_text(bench, "SELECT s.id FROM pipeline_statuses s JOIN pipelines p ON p.id = s.pipeline_id "
                            "WHERE s.name = 'Won' AND p.tenant_id = 'demo'");
    other_pipeline_stage =
        crm_sql_text(bench, "SELECT s.id FROM pipeline_statuses s JOIN pipelines p ON p.id = s.pipeline_id "
                            "WHERE s.name = 'Live' AND p.tenant_id = 'demo'");
}

static void teardown(void)
{
    char **texts[] = { &contact, &agent, &pipeline, &stage_new, &stage_won, &other_pipeline_stage };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        free(*texts[i]);
    }
    crm_bench_free(bench);
}

TestSuite(write, .init = setup, .fini = teardown);

static const char *string(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    cr_assert_not_null(value, "%s", name);
    return value;
}

__attribute__((format(printf, 1, 2))) static int64_t count_of(const char *format, ...)
{
    AUTO(mem_free) char *sql = NULL;
    va_list args;

    va_start(args, format);
    cr_assert(vasprintf(&sql, format, args) > 0);
    va_end(args);
    return crm_sql_int(bench, sql);
}

Test(write, qualifying_adds_a_row_and_the_latest_counts)
{
    json_t *result = crm_callf(bench, crm_tool("qualify_lead"), "demo",
                               "{\"contact_id\":\"%s\",\"status\":\"qualified\",\"reason\":\"Budget is "
                               "there\",\"bant_scores\":{\"budget\":8,\"need\":7.5,\"timeline\":null}}",
                               contact);

    cr_assert_not_null(result, "%s", bench->call.err.text);
    cr_assert_str_eq(string(result, "previous_status"), "unqualified");
    cr_assert_str_eq(string(result, "qualified_by"), "tester");
    cr_assert_float_eq(json_number_value(json_object_get(result, "bant_total")), 15.5, 1e-9);
    result = crm_callf(bench, crm_tool("qualify_lead"), "demo",
                       "{\"contact_id\":\"%s\",\"status\":\"unqualified\"}", contact);
    cr_assert_str_eq(string(result, "previous_status"), "qualified");
    cr_assert(json_is_null(json_object_get(result, "bant_total")));
    cr_assert_eq(count_of("SELECT COUNT(*) FROM lead_qualifications WHERE contact_id = '%s'", contact), 2);
    cr_assert_eq(
        count_of("SELECT budget FROM lead_qualifications WHERE contact_id = '%s' AND budget IS NOT NULL",
                 contact),
        8);
    cr_assert_eq(
        count_of("SELECT COUNT(*) FROM lead_qualifications WHERE contact_id = '%s' AND authority IS NULL",
                 contact),
        2);
}

Test(write, two_qualifications_in_one_millisecond_keep_their_order)
{
    for (int i = 0; i < 20; i++) {
        const char *status = i % 2 ? "qualified" : "unqualified";
        json_t *result = crm_callf(bench, crm_tool("qualify_lead"), "demo",
                                   "{\"contact_id\":\"%s\",\"status\":\"%s\"}", contact, status);
        cr_assert_not_null(result);
        if (i > 0) {
            cr_assert_str_eq(string(result, "previous_status"), i % 2 ? "unqualified" : "qualified");
        }
    }
}

Test(write, scores_outside_0_to_10_and_unknown_ones_are_refused_by_name)
{
    static const struct {
        const char *scores, *says;
    } cases[] = {
        { "{\"budget\":11}", "bant_scores.budget" },
        { "{\"need\":-1}", "bant_scores.need" },
        { "{\"timeline\":\"5\"}", "bant_scores.timeline" },
        { "{\"mood\":5}", "\"mood\"" },
        { "[1,2]", "bant_scores" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_assert_null(crm_callf(bench, crm_tool("qualify_lead"), "demo",
                                 "{\"contact_id\":\"%s\",\"status\":\"qualified\",\"bant_scores\":%s}",
                                 contact, cases[i].scores));
        cr_assert_eq(bench->call.err.kind, ERR_CALLER);
        cr_assert(strstr(bench->call.err.text, cases[i].says), "%s", bench->call.err.text);
    }
    cr_assert_eq(count_of("SELECT COUNT(*) FROM lead_qualifications WHERE contact_id = '%s'", contact), 0,
                 "nothing was written");
}

Test(write, moving_closes_the_old_stage_and_opens_the_new)
{
    json_t *result =
        crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
                  "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\",\"notes\":\"signed\"}",
                  contact, pipeline, stage_new);

    cr_assert_not_null(result, "%s", bench->call.err.text);
    result = crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
                       "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\"}", contact,
                       pipeline, stage_won);
    cr_assert(json_is_true(json_object_get(result, "changed")));
    cr_assert_str_eq(string(json_object_get(result, "previous_stage"), "name"), "New");
    cr_assert_str_eq(string(json_object_get(result, "stage"), "name"), "Won");
    cr_assert_eq(
        count_of(
            "SELECT COUNT(*) FROM contact_pipeline_statuses WHERE contact_id = '%s' AND exited_at IS NULL",
            contact),
        1);
    cr_assert_eq(count_of("SELECT COUNT(*) FROM contact_pipeline_statuses WHERE contact_id = '%s' "
                          "AND exited_at IS NOT NULL AND duration IS NULL",
                          contact),
                 0, "what is closed has its duration");
}

Test(write, the_time_in_the_old_stage_is_counted)
{
    char sql[256];
    snprintf(
        sql, sizeof(sql),
        "UPDATE contact_pipeline_statuses SET entered_at = '2026-01-01 00:00:00' WHERE contact_id = '%s' "
        "AND exited_at IS NULL",
        contact);
    crm_sql(bench, sql);
    json_t *result = crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
                               "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\"}", contact,
                               pipeline, stage_new);
    json_int_t seconds = json_integer_value(json_object_get(result, "seconds_in_previous_stage"));
    cr_assert_gt(seconds, 86400);
    cr_assert_eq(count_of("SELECT MAX(duration) FROM contact_pipeline_statuses WHERE contact_id = '%s' "
                          "AND entered_at = '2026-01-01 00:00:00'",
                          contact),
                 seconds);
}

Test(write, moving_to_where_it_is_changes_nothing)
{
    for (int i = 0; i < 3; i++) {
        json_t *result = crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
                                   "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\"}",
                                   contact, pipeline, stage_new);
        cr_assert_eq(json_is_true(json_object_get(result, "changed")), i == 0);
    }
    cr_assert_eq(count_of("SELECT COUNT(*) FROM contact_pipeline_statuses WHERE contact_id = '%s'", contact),
                 3);
}

Test(write, a_stage_of_another_pipeline_is_refused_with_both_names)
{
    int64_t rows = crm_sql_int(bench, "SELECT COUNT(*) FROM contact_pipeline_statuses");

    cr_assert_null(crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
                             "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\"}", contact,
                             pipeline, other_pipeline_stage));
    cr_assert_eq(bench->call.err.kind, ERR_CALLER);
    cr_assert(strstr(bench->call.err.text, "Onboarding") && strstr(bench->call.err.text, "Sales"), "%s",
              bench->call.err.text);
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(*) FROM contact_pipeline_statuses"), rows);
    cr_assert_eq(crm_sql_int(bench, "SELECT COUNT(*) FROM contact_pipeline_statuses WHERE notes IS NOT NULL"),
                 0);
}

Test(write, stages_that_are_switched_off_are_refused)
{
    crm_sql(bench, "UPDATE pipeline_statuses SET active = false WHERE name = 'Won'");
    cr_assert_null(crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
                             "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\"}", contact,
                             pipeline, stage_won));
    cr_assert(strstr(bench->call.err.text, "switched off"));
}

Test(write, several_open_stages_are_all_closed_however_many)
{
    char sql[512];

    for (int i = 0; i < 12; i++) {
        snprintf(sql, sizeof(sql),
                 "INSERT INTO contact_pipeline_statuses (id, contact_id, pipeline_id, status_id, tenant_id, "
                 "entered_at) VALUES ('00000000-0000-4000-8000-0000000000%02d', '%s', '%s', '%s', 'demo', "
                 "'2026-01-01 00:00:00')",
                 i, contact, pipeline, stage_new);
        crm_sql(bench, sql);
    }
    cr_assert_not_null(crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
                                 "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\"}",
                                 contact, pipeline, stage_won));
    cr_assert_eq(
        count_of(
            "SELECT COUNT(*) FROM contact_pipeline_statuses WHERE contact_id = '%s' AND exited_at IS NULL",
            contact),
        1);
}

Test(write, assigning_ends_the_assignment_before)
{
    char *bruno = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Bruno Lima'");
    json_t *result = crm_callf(bench, crm_tool("assign_to_agent"), "demo",
                               "{\"contact_id\":\"%s\",\"agent_id\":\"%s\"}", contact, agent);

    cr_assert_not_null(result, "%s", bench->call.err.text);
    cr_assert_str_eq(string(result, "priority"), "medium");
    cr_assert(json_is_null(json_object_get(result, "previous_agent")));
    result = crm_callf(
        bench, crm_tool("assign_to_agent"), "demo",
        "{\"contact_id\":\"%s\",\"agent_id\":\"%s\",\"priority\":\"high\",\"notes\":\"call today\"}", contact,
        bruno);
    cr_assert_str_eq(string(json_object_get(result, "previous_agent"), "name"), "Ana Souza");
    cr_assert_eq(
        count_of("SELECT COUNT(*) FROM contact_assignments WHERE contact_id = '%s' AND ended_at IS NULL",
                 contact),
        1);
    cr_assert_eq(count_of("SELECT COUNT(*) FROM contact_assignments WHERE contact_id = '%s'", contact), 2);
    result = crm_callf(bench, crm_tool("find_contacts"), "demo", "{\"agent_id\":\"%s\"}", bruno);
    cr_assert_eq(json_array_size(json_object_get(result, "contacts")), 1);
    free(bruno);
}

Test(write, the_same_assignment_twice_changes_nothing)
{
    for (int i = 0; i < 3; i++) {
        json_t *result =
            crm_callf(bench, crm_tool("assign_to_agent"), "demo",
                      "{\"contact_id\":\"%s\",\"agent_id\":\"%s\",\"notes\":\"call\"}", contact, agent);
        cr_assert_eq(json_is_true(json_object_get(result, "changed")), i == 0);
    }
    cr_assert_eq(count_of("SELECT COUNT(*) FROM contact_assignments WHERE contact_id = '%s'", contact), 1);
}

Test(write, agents_who_are_not_active_take_no_contacts)
{
    char *wanda = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Wanda Reis'");
    char *zeca = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Zeca Torres'");

    cr_assert_null(crm_callf(bench, crm_tool("assign_to_agent"), "demo",
                             "{\"contact_id\":\"%s\",\"agent_id\":\"%s\"}", contact, wanda));
    cr_assert(strstr(bench->call.err.text, "not active"));
    cr_assert_null(crm_callf(bench, crm_tool("assign_to_agent"), "demo",
                             "{\"contact_id\":\"%s\",\"agent_id\":\"%s\"}", contact, zeca));
    cr_assert(strstr(bench->call.err.text, "No agent"), "a deleted one is not there at all");
    free(wanda);
    free(zeca);
}

Test(write, an_agent_without_the_flag_is_active_in_every_tool)
{
    crm_sql(bench, "UPDATE agents SET active = NULL WHERE name = 'Ana Souza'");
    json_t *result =
        crm_callf(bench, crm_tool("list_agents"), "demo", "{\"active_only\":true,\"query\":\"Ana\"}");
    cr_assert_eq(json_integer_value(json_object_get(result, "count")), 1);
    cr_assert(json_is_true(json_object_get(json_array_get(json_object_get(result, "agents"), 0), "active")));
    cr_assert_not_null(crm_callf(bench, crm_tool("assign_to_agent"), "demo",
                                 "{\"contact_id\":\"%s\",\"agent_id\":\"%s\"}", contact, agent));
}

/* A model may see the text only: what it should name in its next call must stand there. */
Test(write, texts_of_changes_keep_the_ids)
{
    crm_callf(bench, crm_tool("assign_to_agent"), "demo", "{\"contact_id\":\"%s\",\"agent_id\":\"%s\"}",
              contact, agent);
    cr_assert(strstr(bench->call.text, contact) && strstr(bench->call.text, agent), "%s", bench->call.text);
    crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
              "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\"}", contact, pipeline,
              stage_won);
    cr_assert(strstr(bench->call.text, contact), "%s", bench->call.text);
}

Test(write, deleted_contacts_are_not_there)
{
    char *gone =
        crm_sql_text(bench, "SELECT id FROM contacts WHERE tenant_id = 'demo' AND deleted_at IS NOT NULL");

    cr_assert_null(crm_callf(bench, crm_tool("qualify_lead"), "demo",
                             "{\"contact_id\":\"%s\",\"status\":\"qualified\"}", gone));
    cr_assert(strstr(bench->call.err.text, "No contact"));
    cr_assert_null(crm_callf(bench, crm_tool("assign_to_agent"), "demo",
                             "{\"contact_id\":\"%s\",\"agent_id\":\"%s\"}", gone, agent));
    cr_assert_null(crm_callf(bench, crm_tool("update_pipeline_stage"), "demo",
                             "{\"contact_id\":\"%s\",\"pipeline_id\":\"%s\",\"stage_id\":\"%s\"}", gone,
                             pipeline, stage_new));
    free(gone);
}

/* Made from the tool table: every argument that takes an id, filled with an id of this tenant, asked by the
 * other. */
typedef struct {
    const char *argument, *table, *end; /* the tenant stands between table and end */
} id_kind_t;

static const id_kind_t kinds[] = {
    { "contact_id", "contacts WHERE deleted_at IS NULL AND tenant_id =", "" },
    { "agent_id", "agents WHERE deleted_at IS NULL AND active = true AND tenant_id =", "" },
    { "agent_ids", "agents WHERE deleted_at IS NULL AND active = true AND tenant_id =", "" },
    { "pipeline_id", "pipelines WHERE name = 'Sales' AND tenant_id =", "" },
    { "stage_id",
      "pipeline_statuses WHERE name = 'Won' AND pipeline_id = (SELECT id FROM pipelines WHERE name = 'Sales' "
      "AND tenant_id =",
      ")" },
};

static bool is_id(const field_t *row)
{
    size_t length = strlen(row->name);

    return strcmp(row->name + length - 3, "_id") == 0 || strcmp(row->name + length - 4, "_ids") == 0;
}

static json_t *id_value(const field_t *row, const char *tenant)
{
    size_t kind = 0;
    char from[256], sql[512];

    while (kind < COUNT_OF(kinds) && strcmp(kinds[kind].argument, row->name) != 0) {
        kind++;
    }
    cr_assert_lt(kind, COUNT_OF(kinds), "%s: say in kinds[] where such ids come from", row->name);
    snprintf(from, sizeof(from), "%s '%s'%s", kinds[kind].table, tenant, kinds[kind].end);
    snprintf(sql, sizeof(sql), "SELECT id FROM %s ORDER BY id LIMIT 1", from);
    AUTO(mem_free) char *id = crm_sql_text(bench, sql);
    if (row->type != FIELD_STRINGS) {
        return json_string(id);
    }
    snprintf(sql, sizeof(sql), "SELECT id FROM %s ORDER BY id LIMIT 1 OFFSET 1", from);
    AUTO(mem_free) char *second = crm_sql_text(bench, sql);
    return json_pack("[s, s]", id, second);
}

static json_t *other_value(const field_t *row)
{
    AUTO(mem_free)
    char *choice =
        mem_strndup(row->choices ? row->choices : "x", row->choices ? strcspn(row->choices, "|") : 1);

    return json_string(choice);
}

/* Arguments in which only `foreign` names something of `other`. */
static char *arguments_with(const tool_t *tool, const field_t *foreign)
{
    json_auto_t *arguments = json_object();

    for (const field_t *row = tool->args; row && row->name; row++) {
        if (is_id(row) && (row->required || row == foreign)) {
            json_object_set_new(arguments, row->name, id_value(row, row == foreign ? "other" : "demo"));
        } else if (row->required) {
            json_object_set_new(arguments, row->name, other_value(row));
        }
    }
    return json_dumps(arguments, 0);
}

static int64_t rows_written(void)
{
    return crm_sql_int(
        bench,
        "SELECT (SELECT COUNT(*) FROM lead_qualifications) + (SELECT COUNT(*) FROM contact_assignments) + ("
        "SELECT COUNT(*) FROM contact_pipeline_statuses)");
}

Test(write, no_tool_takes_an_id_of_the_other_tenant)
{
    int64_t before = rows_written();
    size_t tried = 0;

    for (size_t i = 0; crm_tools[i]; i++) {
        for (const field_t *row = crm_tools[i]->args; row && row->name; row++) {
            if (!is_id(row)) {
                continue;
            }
            AUTO(mem_free) char *arguments = arguments_with(crm_tools[i], row);
            cr_assert_null(crm_call(bench, crm_tools[i], "demo", arguments), "%s %s", crm_tools[i]->name,
                           row->name);
            cr_assert_eq(bench->call.err.kind, ERR_CALLER, "%s", bench->call.err.text);
            cr_assert(strstr(bench->call.err.text, "here."), "%s %s: %s", crm_tools[i]->name, row->name,
                      bench->call.err.text);
            tried++;
        }
    }
    cr_assert_geq(tried, 10, "a new tool is in it by existing");
    cr_assert_eq(rows_written(), before);
}

/* The result has what its outputSchema requires and nothing it does not name: clients validate, and raise. */
static void check_promise(const tool_t *tool, const json_t *result)
{
    json_auto_t *schema = json_loads(tool->result_schema, JSON_REJECT_DUPLICATES, NULL);
    const json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *value;
    size_t i;

    cr_assert_not_null(schema, "%s", tool->name);
    cr_assert_str_eq(string(schema, "type"), "object");
    json_array_foreach(required, i, value)
    {
        cr_assert(json_object_get(result, json_string_value(value)), "%s: %s", tool->name,
                  json_string_value(value));
    }
    json_object_foreach((json_t *)result, key, value)
    {
        cr_assert(json_object_get(json_object_get(schema, "properties"), key), "%s: %s", tool->name, key);
    }
}

Test(write, results_keep_the_promise_of_their_schema_with_ids_of_the_own_tenant)
{
    for (size_t i = 0; crm_tools[i]; i++) {
        AUTO(mem_free) char *arguments = arguments_with(crm_tools[i], NULL);
        json_t *result = crm_call(bench, crm_tools[i], "demo", arguments);
        cr_assert_not_null(result, "%s %s: %s", crm_tools[i]->name, arguments, bench->call.err.text);
        check_promise(crm_tools[i], result);
    }
}

Test(write, tools_that_only_read_leave_the_database_as_it_was)
{
    int64_t before = rows_written();

    for (size_t i = 0; crm_tools[i]; i++) {
        AUTO(mem_free) char *arguments = arguments_with(crm_tools[i], NULL);
        crm_call(bench, crm_tools[i], "demo", arguments);
        cr_assert_eq(rows_written() == before, crm_tools[i]->read_only, "%s", crm_tools[i]->name);
        before = rows_written();
    }
}

Test(write, hostile_ids_are_simply_not_there)
{
    static const char *const ids[] = {
        "' OR '1'='1", "%", "", "00000000", "x\\\"; DROP TABLE contacts; --", "é"
    };

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        cr_assert_null(crm_callf(bench, crm_tool("qualify_lead"), "demo",
                                 "{\"contact_id\":\"%s\",\"status\":\"qualified\"}", ids[i]));
        cr_assert_eq(bench->call.err.kind, ERR_CALLER, "%s", bench->call.err.text);
    }
    cr_assert_gt(crm_sql_int(bench, "SELECT COUNT(*) FROM contacts"), 0);
}
