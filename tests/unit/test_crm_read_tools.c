/* The tools that only read, against the demo data; what they count is counted again here in other words. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crm_call.h"
#include "clock.h"

static crm_bench_t *bench;

static void open_demo(void)
{
    bench = crm_bench_new(true);
}

static void open_empty(void)
{
    bench = crm_bench_new(false);
}

static void close_bench(void)
{
    crm_bench_free(bench);
}

TestSuite(demo, .init = open_demo, .fini = close_bench);
TestSuite(empty, .init = open_empty, .fini = close_bench);

static json_int_t integer(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    cr_assert(json_is_integer(value), "%s", name);
    return json_integer_value(value);
}

static const char *string(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    cr_assert_not_null(value, "%s", name);
    return value;
}

static json_t *call(const tool_t *tool, const char *arguments)
{
    json_t *result = crm_call(bench, tool, "demo", arguments);

    cr_assert_not_null(result, "%s: %s", tool->name, bench->call.err.text);
    return result;
}

Test(demo, leads_of_all_time_are_the_contacts_that_are_not_deleted)
{
    json_t *result = call(crm_tool("get_leads_count"), "{\"period\":\"all\"}");

    cr_assert_eq(
        integer(result, "total_leads"),
        crm_sql_int(bench, "SELECT COUNT(*) FROM contacts WHERE tenant_id = 'demo' AND deleted_at IS NULL"));
    json_t *by_status = json_object_get(result, "by_status");
    cr_assert_eq(integer(by_status, "qualified") + integer(by_status, "unqualified"),
                 integer(result, "total_leads"));
    cr_assert(json_is_null(json_object_get(result, "from")));
}

Test(demo, lead_status_is_the_latest_qualification)
{
    json_t *result = call(crm_tool("get_leads_count"), "{\"period\":\"all\",\"status\":\"qualified\"}");

    /* The generator qualifies two of five, half of them only at the second attempt. */
    json_int_t expected =
        crm_sql_int(bench, "SELECT COUNT(DISTINCT c.id) FROM contacts c "
                           "JOIN lead_qualifications q ON q.contact_id = c.id WHERE c.tenant_id = 'demo' "
                           "AND c.deleted_at IS NULL AND q.status = 'qualified'");
    cr_assert_gt(expected, 100);
    cr_assert_eq(integer(result, "total_leads"), expected);
    cr_assert_eq(integer(json_object_get(result, "by_status"), "qualified"), expected);
}

Test(demo, there_are_leads_today_and_periods_contain_each_other)
{
    static const char *const periods[] = { "today", "week", "month", "year", "all" };
    json_int_t before = 1;

    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        json_t *result =
            crm_callf(bench, crm_tool("get_leads_count"), "demo", "{\"period\":\"%s\"}", periods[i]);
        cr_assert_not_null(result, "%s", bench->call.err.text);
        if (strcmp(periods[i], "month") != 0) { /* a week may begin before its month */
            cr_assert_geq(integer(result, "total_leads"), before, "%s", periods[i]);
            before = integer(result, "total_leads");
        }
    }
}

Test(demo, agents_are_listed_by_name_with_pages)
{
    json_t *result = call(crm_tool("list_agents"), "{}");
    json_int_t all = integer(result, "count");

    cr_assert_eq(all, 9, "ten, one of them deleted");
    cr_assert_str_eq(string(json_array_get(json_object_get(result, "agents"), 0), "name"), "Ana Souza");
    cr_assert(strstr(bench->call.text, "agent_id "), "a model reads the text only: ids must be there");
    result = call(crm_tool("list_agents"), "{\"limit\":4,\"offset\":8}");
    cr_assert_eq(integer(result, "count"), 1);
    cr_assert(json_is_false(json_object_get(result, "has_more")));
    result = call(crm_tool("list_agents"), "{\"limit\":4}");
    cr_assert(json_is_true(json_object_get(result, "has_more")));
    cr_assert_eq(integer(result, "next_offset"), 4);
}

Test(demo, agents_are_found_by_name_in_any_case_and_inactive_ones_can_be_left_out)
{
    cr_assert_eq(integer(call(crm_tool("list_agents"), "{\"query\":\"aNa SO\"}"), "count"), 1);
    cr_assert_eq(integer(call(crm_tool("list_agents"), "{\"query\":\"%\"}"), "count"), 0, "%% means itself");
    cr_assert_eq(integer(call(crm_tool("list_agents"), "{\"active_only\":true}"), "count"), 8);
    json_t *result = crm_call(bench, crm_tool("list_agents"), "other", "{\"query\":\"JOÃO\"}");
    cr_assert_eq(integer(result, "count"), 1, "accents too");
}

Test(demo, contacts_are_found_with_status_stage_and_no_duplicates)
{
    json_t *result = call(crm_tool("find_contacts"), "{\"limit\":100}");
    json_t *contacts = json_object_get(result, "contacts");
    size_t i, j;
    json_t *contact;

    cr_assert_eq(json_array_size(contacts), 100);
    cr_assert(json_is_true(json_object_get(result, "has_more")));
    json_array_foreach(contacts, i, contact)
    {
        if (json_array_size(json_object_get(contact, "stages")) > 0) {
            cr_assert_eq(json_array_size(json_object_get(contact, "stages")), 1);
            string(json_array_get(json_object_get(contact, "stages"), 0), "stage");
        }
        for (j = 0; j < i; j++) {
            cr_assert_str_neq(string(contact, "contact_id"),
                              string(json_array_get(contacts, j), "contact_id"));
        }
    }
}

Test(demo, pages_of_contacts_cover_everybody_once)
{
    json_int_t total = 0, offset = 0;

    for (;;) {
        json_t *result =
            crm_callf(bench, crm_tool("find_contacts"), "demo",
                      "{\"status\":\"qualified\",\"limit\":50,\"offset\":%lld}", (long long)offset);
        total += integer(result, "count");
        if (json_is_false(json_object_get(result, "has_more"))) {
            break;
        }
        offset = integer(result, "next_offset");
    }
    cr_assert_eq(total,
                 integer(call(crm_tool("get_leads_count"), "{\"period\":\"all\",\"status\":\"qualified\"}"),
                         "total_leads"));
}

Test(demo, contacts_are_found_by_mail_phone_and_external_id)
{
    cr_assert_eq(integer(call(crm_tool("find_contacts"), "{\"query\":\"LEAD7@demo\"}"), "count"), 1);
    cr_assert_eq(integer(call(crm_tool("find_contacts"), "{\"query\":\"+5511910000006\"}"), "count"), 1);
    cr_assert_eq(integer(call(crm_tool("find_contacts"), "{\"query\":\"demo-0007\"}"), "count"), 1);
    cr_assert_eq(integer(call(crm_tool("find_contacts"), "{\"query\":\"demo_0007\"}"), "count"), 0,
                 "_ means itself");
    cr_assert_eq(integer(call(crm_tool("find_contacts"), "{\"query\":\"nobody's name\"}"), "count"), 0);
}

Test(demo, stats_count_a_session_once_however_often_the_agent_joined)
{
    json_t *result = call(crm_tool("get_agent_conversion_stats"), "{}");
    json_t *agents = json_object_get(result, "agents");
    json_t *best = json_array_get(agents, 0);

    cr_assert_eq(json_array_size(agents), 9);
    /* Hugo converts best, with three sessions only; here nobody is ranked, so he is listed first. */
    const char *id = string(json_array_get(agents, 1), "agent_id");
    char sql[256];
    snprintf(sql, sizeof(sql), "SELECT COUNT(DISTINCT session_id) FROM agent_sessions WHERE agent_id = '%s'",
             id);
    cr_assert_eq(integer(json_array_get(agents, 1), "sessions"), crm_sql_int(bench, sql));
    cr_assert_lt(crm_sql_int(bench, sql), 1000);
    double rate = (double)integer(best, "converted_sessions") / (double)integer(best, "sessions");
    cr_assert_float_eq(json_number_value(json_object_get(best, "conversion_rate")), rate, 1e-8);
}

Test(demo, team_figures_are_sessions_not_sums)
{
    json_t *team = json_object_get(call(crm_tool("get_agent_conversion_stats"), "{}"), "team");

    cr_assert_eq(
        integer(team, "sessions"),
        crm_sql_int(
            bench, "SELECT COUNT(DISTINCT s.id) FROM sessions s JOIN agent_sessions x ON x.session_id = s.id "
                   "JOIN agents a ON a.id = x.agent_id WHERE s.tenant_id = 'demo' AND a.deleted_at IS NULL"));
}

Test(demo, stats_of_one_agent_and_of_an_empty_period)
{
    char *id = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Ana Souza'");
    json_t *result =
        crm_callf(bench, crm_tool("get_agent_conversion_stats"), "demo", "{\"agent_ids\":[\"%s\"]}", id);

    cr_assert_eq(json_array_size(json_object_get(result, "agents")), 1);
    result =
        crm_callf(bench, crm_tool("get_agent_conversion_stats"), "demo",
                  "{\"agent_ids\":[\"%s\"],\"start_date\":\"1999-01-01\",\"end_date\":\"1999-12-31\"}", id);
    json_t *agent = json_array_get(json_object_get(result, "agents"), 0);
    cr_assert_eq(integer(agent, "sessions"), 0);
    cr_assert_eq(json_number_value(json_object_get(agent, "conversion_rate")), 0);
    cr_assert(json_is_null(json_object_get(agent, "response_time_seconds")));
    free(id);
}

Test(demo, stats_refuse_ids_that_are_not_here_and_dates_that_are_none)
{
    cr_assert_null(
        crm_call(bench, crm_tool("get_agent_conversion_stats"), "demo", "{\"agent_ids\":[\"nobody\"]}"));
    cr_assert(strstr(bench->call.err.text, "No agent \"nobody\""));
    cr_assert(strstr(bench->call.err.text, "list_agents"));
    cr_assert_null(
        crm_call(bench, crm_tool("get_agent_conversion_stats"), "demo", "{\"start_date\":\"yesterday\"}"));
    cr_assert_eq(bench->call.err.kind, ERR_CALLER);
    cr_assert_null(crm_call(bench, crm_tool("get_agent_conversion_stats"), "demo",
                            "{\"start_date\":\"2026-02-01\",\"end_date\":\"2026-01-01\"}"));
    cr_assert(strstr(bench->call.err.text, "before start_date"));
}

/* The year 10000 is written as 0000, or refused, when nobody looks after it. */
Test(demo, an_end_date_of_9999_means_for_ever_and_a_start_of_0001_from_the_beginning)
{
    json_int_t all =
        integer(json_object_get(call(crm_tool("get_agent_conversion_stats"), "{}"), "team"), "sessions");
    json_t *result = call(crm_tool("get_agent_conversion_stats"),
                          "{\"start_date\":\"0001-01-01\",\"end_date\":\"9999-12-31\"}");

    cr_assert_gt(all, 0);
    cr_assert_eq(integer(json_object_get(result, "team"), "sessions"), all);
    cr_assert(strstr(bench->call.text, "0001-01-01 to 9999-12-31"), "%s", bench->call.text);
}

static const char *top(const char *metric, const char *period)
{
    json_t *result = crm_callf(bench, crm_tool("get_top_performing_agent"), "demo",
                               "{\"metric\":\"%s\",\"period\":\"%s\"}", metric, period);

    cr_assert_not_null(result, "%s", bench->call.err.text);
    return string(json_object_get(result, "agent"), "name");
}

Test(demo, every_metric_has_the_same_clear_winner_in_every_period)
{
    static const char *const periods[] = { "week", "month", "quarter" };

    for (size_t i = 0; i < 3; i++) {
        cr_assert_str_eq(top("conversion_rate", periods[i]), "Ana Souza");
        cr_assert_str_eq(top("response_time", periods[i]), "Bruno Lima");
        cr_assert_str_eq(top("satisfaction", periods[i]), "Carla Mendes");
    }
}

Test(demo, agents_with_few_sessions_are_named_as_not_ranked)
{
    json_t *result =
        call(crm_tool("get_top_performing_agent"), "{\"metric\":\"satisfaction\",\"period\":\"quarter\"}");
    json_t *list = json_object_get(result, "not_ranked");
    bool found = false;
    size_t i;
    json_t *agent;

    json_array_foreach(list, i, agent)
    {
        if (strcmp(string(agent, "name"), "Hugo Farias") == 0) {
            found = strstr(string(agent, "reason"), "ranking takes 5") != NULL;
        }
    }
    cr_assert(found);
    cr_assert_eq(integer(result, "ranked_count") + integer(result, "not_ranked_count"), 9);
}

Test(demo, comparison_names_a_winner_and_why)
{
    char *ana = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Ana Souza'");
    char *felipe = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Felipe Nunes'");
    json_t *result =
        crm_callf(bench, crm_tool("compare_agents"), "demo", "{\"agent_ids\":[\"%s\",\"%s\"]}", felipe, ana);

    cr_assert_not_null(result, "%s", bench->call.err.text);
    cr_assert_str_eq(string(json_object_get(result, "winner"), "name"), "Ana Souza");
    cr_assert_str_eq(string(json_object_get(result, "winner"), "agent_id"), ana);
    cr_assert(strstr(string(result, "why"), "3 of 3"));
    cr_assert_eq(json_array_size(json_object_get(result, "dimensions")), 3);
    cr_assert_str_eq(bench->call.stages, "starting processing processing comparing");
    cr_assert_eq(bench->call.last_done, 3);
    cr_assert_eq(bench->call.last_total, 4);
    free(ana);
    free(felipe);
}

Test(demo, comparison_of_unranked_agents_has_no_winner)
{
    char *hugo = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Hugo Farias'");
    char *ana = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Ana Souza'");
    json_t *result = crm_callf(bench, crm_tool("compare_agents"), "demo",
                               "{\"agent_ids\":[\"%s\",\"%s\"],\"end_date\":\"2001-01-01\"}", hugo, ana);

    cr_assert(json_is_null(json_object_get(result, "winner")));
    cr_assert_eq(json_array_size(json_object_get(result, "not_ranked")), 2);
    free(hugo);
    free(ana);
}

Test(demo, comparison_refuses_one_six_equal_and_unknown_agents)
{
    char *ana = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Ana Souza'");

    cr_assert_null(crm_callf(bench, crm_tool("compare_agents"), "demo", "{\"agent_ids\":[\"%s\"]}", ana));
    cr_assert_eq(bench->call.err.kind, ERR_CALLER);
    cr_assert_null(crm_call(bench, crm_tool("compare_agents"), "demo",
                            "{\"agent_ids\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]}"));
    cr_assert_eq(bench->call.err.kind, ERR_CALLER);
    cr_assert_null(
        crm_callf(bench, crm_tool("compare_agents"), "demo", "{\"agent_ids\":[\"%s\",\"%s\"]}", ana, ana));
    cr_assert(strstr(bench->call.err.text, "twice"));
    if (getenv("DATABASE_URL_FOR_TESTS")) { /* a uuid may be written in several ways */
        cr_assert_null(crm_callf(bench, crm_tool("compare_agents"), "demo",
                                 "{\"agent_ids\":[\"%s\",\"{%s}\"]}", ana, ana));
        cr_assert(strstr(bench->call.err.text, "twice"));
    }
    cr_assert_null(
        crm_callf(bench, crm_tool("compare_agents"), "demo", "{\"agent_ids\":[\"%s\",\"x\"]}", ana));
    cr_assert(strstr(bench->call.err.text, "No agent \"x\""));
    cr_assert_null(crm_call(bench, crm_tool("compare_agents"), "demo", "{}"));
    cr_assert(strstr(bench->call.err.text, "agent_ids"));
    free(ana);
}

Test(demo, pipelines_are_listed_with_stages_and_contacts)
{
    json_t *result = call(crm_tool("list_pipelines"), "{}");
    json_t *sales = json_array_get(json_object_get(result, "pipelines"), 0);
    json_int_t contacts = 0;
    size_t i;
    json_t *stage;

    cr_assert_eq(integer(result, "count"), 2);
    cr_assert_str_eq(string(sales, "name"), "Sales");
    json_array_foreach(json_object_get(sales, "stages"), i, stage)
    {
        contacts += integer(stage, "contacts");
    }
    cr_assert_eq(contacts,
                 crm_sql_int(bench, "SELECT COUNT(DISTINCT k.contact_id) FROM contact_pipeline_statuses k "
                                    "JOIN contacts c ON c.id = k.contact_id WHERE k.tenant_id = 'demo' "
                                    "AND c.deleted_at IS NULL"));
    cr_assert_eq(integer(call(crm_tool("list_pipelines"), "{\"query\":\"onb\"}"), "count"), 1);
}

Test(empty, everything_answers_zeros_and_empty_lists)
{
    cr_assert_eq(integer(call(crm_tool("get_leads_count"), "{\"period\":\"year\"}"), "total_leads"), 0);
    cr_assert_eq(integer(call(crm_tool("list_agents"), "{}"), "count"), 0);
    cr_assert_eq(integer(call(crm_tool("find_contacts"), "{}"), "count"), 0);
    cr_assert_eq(integer(call(crm_tool("list_pipelines"), "{}"), "count"), 0);
    json_t *result = call(crm_tool("get_agent_conversion_stats"), "{}");
    cr_assert_eq(integer(json_object_get(result, "team"), "sessions"), 0);
    cr_assert_eq(json_number_value(json_object_get(json_object_get(result, "team"), "conversion_rate")), 0);
    result = call(crm_tool("get_top_performing_agent"), "{\"metric\":\"satisfaction\",\"period\":\"week\"}");
    cr_assert(json_is_null(json_object_get(result, "agent")));
}

Test(demo, people_without_a_name_still_have_an_id_in_the_text)
{
    char *ana = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Ana Souza'");

    crm_sql(bench, "UPDATE agents SET name = '' WHERE name = 'Ana Souza'");
    call(crm_tool("list_agents"), "{}");
    cr_assert(strstr(bench->call.text, "(no name): agent_id "), "%s", bench->call.text);
    call(crm_tool("get_agent_conversion_stats"), "{}");
    cr_assert(strstr(bench->call.text, "\nagent_id "), "%s", bench->call.text);
    cr_assert(strstr(bench->call.text, ana));
    free(ana);
}

Test(demo, a_contact_created_in_this_very_millisecond_is_counted_and_one_of_tomorrow_is_not)
{
    json_int_t before = integer(call(crm_tool("get_leads_count"), "{\"period\":\"today\"}"), "total_leads");
    int64_t now_ms = clock_unix_ms();
    err_t err;
    db_admin_t *admin = db_admin_open(&bench->options, &err);

    for (int i = 0; i < 2; i++) {
        db_admin_run(admin,
                     "INSERT INTO contacts (id, tenant_id, name, created_at) VALUES ($1, 'demo', 'New', $2)",
                     DB_VALUES(DB_TEXT(i ? "00000000-0000-4000-8000-000000000001"
                                         : "00000000-0000-4000-8000-000000000002"),
                               DB_TIME(now_ms + i * 86400000)),
                     NULL, &err);
    }
    db_admin_close(admin);
    cr_assert_eq(integer(call(crm_tool("get_leads_count"), "{\"period\":\"today\"}"), "total_leads"),
                 before + 1);
}
