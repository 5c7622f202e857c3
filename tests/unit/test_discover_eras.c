/* Which era a connector speaks, which lists it has, and that either may change. */
#include "discover_fixture.h"

#define NOT_FOUND "\"error\":{\"code\":-32601,\"message\":\"no\"}"

/* Of every kind, the resources on two pages. */
static const char *all_kinds(int nth, const char *request)
{
    (void)nth;
    if (strstr(request, "resources/templates/list")) {
        return "\"result\":{\"resourceTemplates\":[{\"uriTemplate\":\"a:{b}\"}],\"ttlMs\":9000}";
    }
    if (strstr(request, "resources/list")) {
        return strstr(request, "\"cursor\":\"2\"")
                   ? "\"result\":{\"resources\":[{\"uri\":\"a:2\"}],\"cacheScope\":\"public\",\"ttlMs\":6000}"
                   : "\"result\":{\"resources\":[{\"uri\":\"a:1\"}],\"nextCursor\":\"2\",\"cacheScope\":"
                     "\"public\",\"ttlMs\":8000}";
    }
    return strstr(request, "prompts/list") ? "\"result\":{\"prompts\":[{\"name\":\"p\"}]}" : two_tools(0, "");
}

#define EVERYTHING                                                                                           \
    "{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true},\"prompts\":{},\"completions\":{}" \
    ","                                                                                                      \
    "\"logging\":{}}"

static void expect_everything(void)
{
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2);
    cr_assert_eq(found.lists[MCP_RESOURCES]->count, 2, "both pages");
    cr_assert_eq(found.lists[MCP_TEMPLATES]->count, 1);
    cr_assert_eq(found.lists[MCP_PROMPTS]->count, 1);
    cr_assert(found.declared.offers.resources && found.declared.offers.prompts);
    cr_assert(found.declared.offers.completions && found.declared.offers.logging);
    cr_assert(found.declared.list_changed[MCP_TOOLS]);
    cr_assert_not(found.declared.list_changed[MCP_PROMPTS]);
    cr_assert(found.declared.subscribe);
    cr_assert_null(found.last_error);
}

Test(discover_eras, asks_for_every_list_that_is_declared)
{
    list = all_kinds;
    capabilities = EVERYTHING;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    expect_everything();
    cr_assert_eq(found.lists[MCP_TOOLS]->ttl_ms, 7000);
    cr_assert_eq(found.lists[MCP_RESOURCES]->ttl_ms, 6000, "each list has its own");
    cr_assert(found.lists[MCP_RESOURCES]->is_public);
    cr_assert_not(found.lists[MCP_PROMPTS]->is_public);
    close_all();
}

Test(discover_eras, asks_a_legacy_connector_for_every_list_that_initialize_declares)
{
    list = all_kinds;
    capabilities = EVERYTHING;
    legacy = true;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    expect_everything();
    close_all();
}

Test(discover_eras, asks_for_tools_alone_when_nothing_is_declared)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(lists, 1);
    cr_assert_eq(found.lists[MCP_PROMPTS]->count, 0);
    cr_assert_not(found.declared.offers.prompts);
    close_all();
}

static const char *nothing_at_all(int nth, const char *request)
{
    (void)nth, (void)request;
    return NOT_FOUND;
}

/* A server of prompts alone need not know tools/list. */
Test(discover_eras, takes_a_list_that_is_no_method_for_an_empty_one)
{
    list = nothing_at_all;
    capabilities = "{\"prompts\":{},\"resources\":null}";
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 0);
    cr_assert_eq(found.lists[MCP_PROMPTS]->count, 0);
    cr_assert_null(found.last_error);
    cr_assert_eq(lists, 2);
    close_all();
}

static bool is_asked_again(void)
{
    return lists >= 4;
}

Test(discover_eras, does_not_doubt_each_time_a_connector_that_never_had_tools)
{
    list = nothing_at_all;
    capabilities = "{\"prompts\":{}}";
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    enough = is_asked_again;
    discover_changed(discover, "one", 0);
    for (int i = 0; i < 80 && lists < 4; i++) {
        run(250);
    }
    cr_assert_eq(lists, 4);
    cr_assert_eq(discovers, 1, "its era is known");
    cr_assert_null(found.last_error);
    cr_assert_eq(found.stale_since_ms, 0);
    close_all();
}

static const char *bad_prompts(int nth, const char *request)
{
    return strstr(request, "prompts/list") ? "\"error\":{\"code\":-32603,\"message\":\"oh\"}"
                                           : all_kinds(nth, request);
}

Test(discover_eras, lists_the_rest_of_a_connector_whose_prompts_fail)
{
    list = bad_prompts;
    capabilities = EVERYTHING;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2);
    cr_assert_eq(found.lists[MCP_TEMPLATES]->count, 1);
    cr_assert_null(found.lists[MCP_PROMPTS]);
    cr_assert_str_eq(found.last_error, "It refuses to list its prompts.");
    cr_assert_eq(found.stale_since_ms, 0);
    close_all();
}

static bool has_prompts(void)
{
    return found.lists[MCP_PROMPTS] && found.lists[MCP_PROMPTS]->count == 1;
}

static bool has_error(void)
{
    return found.last_error;
}

static bool has_no_prompts(void)
{
    return found.lists[MCP_PROMPTS]->count == 0;
}

static const char *then_no_prompts(int nth, const char *request)
{
    return nth > 5 && strstr(request, "prompts/list") ? "\"result\":{\"prompts\":[]}"
                                                      : all_kinds(nth, request);
}

Test(discover_eras, believes_that_there_are_no_prompts_only_the_second_time)
{
    list = then_no_prompts;
    capabilities = EVERYTHING;
    enough = has_prompts;
    open_all();
    run(PATIENCE_MS);
    enough = has_error;
    discover_changed(discover, "one", 0);
    run(PATIENCE_MS);
    cr_assert(strstr(found.last_error, "lists no prompts any more"), "%s", found.last_error);
    cr_assert(has_prompts(), "the last good list");
    enough = has_no_prompts;
    discover_changed(discover, "one", 0);
    run(PATIENCE_MS);
    cr_assert(has_no_prompts());
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2);
    close_all();
}

/* MCP 2026-07-28 basic/versioning: a refusal that names our revision is no legacy server's. */
Test(discover_eras, repeats_itself_to_a_server_that_refuses_its_own_revision)
{
    list = two_tools;
    unsupported = "[\"2026-07-28\"]";
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.revision, MCP_2026_07_28);
    cr_assert_eq(discovers, 2);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2);
    close_all();
}

Test(discover_eras, opens_by_initialize_what_names_other_revisions)
{
    list = two_tools;
    legacy = true;
    unsupported = "[\"2025-11-25\"]";
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.revision, MCP_2025_06_18);
    cr_assert_eq(discovers, 1);
    close_all();
}

/* Some old servers answer anything with 200. */
Test(discover_eras, takes_a_result_without_revisions_for_no_modern_one)
{
    list = two_tools;
    legacy = true;
    discover_status = "200 OK";
    discover_body = "\"result\":{}";
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.revision, MCP_2025_06_18);
    close_all();
}

/* Old servers answer 500 to what they do not know, others when they have a bad moment: initialize decides. */
Test(discover_eras, asks_twice_before_it_tries_initialize_after_a_500)
{
    list = two_tools;
    legacy = true;
    discover_status = "500 Oh";
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(discovers, 2);
    cr_assert_eq(found.revision, MCP_2025_06_18);
    close_all();
}

static bool is_legacy(void)
{
    return found.listed && found.revision == MCP_2025_06_18;
}

static const char *by_era(int nth, const char *request)
{
    bool modern = strstr(request, "2026-07-28");

    return modern == legacy ? "\"error\":{\"code\":-32602,\"message\":\"no\"}" : two_tools(nth, request);
}

Test(discover_eras, notices_that_a_connector_has_changed_its_era)
{
    list = by_era;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.revision, MCP_2026_07_28);
    legacy = true;
    enough = is_legacy;
    discover_changed(discover, "one", 0);
    run(PATIENCE_MS);
    cr_assert(is_legacy());
    cr_assert_null(found.last_error);
    legacy = false;
    enough = never;
    discover_changed(discover, "one", 0);
    for (int i = 0; i < 80 && found.revision != MCP_2026_07_28; i++) {
        run(250);
    }
    cr_assert_eq(found.revision, MCP_2026_07_28, "and back");
    close_all();
}

Test(discover_eras, asks_at_once_when_it_is_told_of_a_change)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    for (int i = 0; i < 100; i++) {
        discover_changed(discover, "one", 0);
        discover_changed(discover, "nobody", 0);
    }
    enough = never;
    for (int i = 0; i < 200 && lists < 2; i++) {
        run(100);
    }
    cr_assert_geq(lists, 2);
    cr_assert_leq(lists, 3, "not once for each");
    close_all();
}

static bool is_told_again(void)
{
    return changes > 1;
}

/* A call waits for the next catalog, whatever is in it. */
Test(discover_eras, tells_of_what_was_waited_for_though_it_is_the_same)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    changes = 1;
    enough = is_told_again;
    discover_await(discover, "one");
    discover_await(discover, "nobody");
    run(PATIENCE_MS);
    cr_assert_eq(lists, 2);
    cr_assert_eq(changes, 2);
    close_all();
}

static unsigned said;
static bool was_fresh;

static bool was_told(void)
{
    was_fresh = discover_take_said(discover, &said);
    return said != 0;
}

/* Servers say that a list has changed whose change is over by the time it is asked for. */
Test(discover_eras, tells_on_what_a_connector_says_when_the_list_is_the_same)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    discover_take_said(discover, &said);
    cr_assert_eq(said, 0);
    enough = was_told;
    discover_changed(discover, "one", 1u << MCP_TOOLS);
    discover_changed(discover, "one", 1u << MCP_PROMPTS);
    run(PATIENCE_MS);
    cr_assert_eq(said, 1u << MCP_TOOLS | 1u << MCP_PROMPTS);
    cr_assert_not(was_fresh, "so that no new catalog is made");
    cr_assert_eq(lists, 2, "but not before it was asked again");
    discover_take_said(discover, &said);
    cr_assert_eq(said, 0, "once");
    close_all();
}

static const char *one_more(int nth, const char *request)
{
    (void)request;
    return nth == 0 ? "\"result\":{\"tools\":[" TOOL("a") "]}"
                    : "\"result\":{\"tools\":[" TOOL("a") "," TOOL("b") "]}";
}

static bool has_two(void)
{
    was_told();
    return found.lists[MCP_TOOLS] && found.lists[MCP_TOOLS]->count == 2;
}

/* Who sees none of what changed in a list has nothing to be told. */
Test(discover_eras, leaves_a_list_that_has_changed_to_those_who_see_the_change)
{
    list = one_more;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    enough = has_two;
    discover_changed(discover, "one", 1u << MCP_TOOLS);
    run(PATIENCE_MS);
    cr_assert(has_two());
    cr_assert_eq(said, 0);
    close_all();
}

static const char *then_broken_once(int nth, const char *request)
{
    return nth == 1 ? "\"error\":{\"code\":-32603,\"message\":\"no\"}" : two_tools(nth, request);
}

Test(discover_eras, tells_what_was_said_when_the_list_can_be_had_again)
{
    list = then_broken_once;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    enough = was_told;
    discover_changed(discover, "one", 1u << MCP_TOOLS);
    run(PATIENCE_MS);
    cr_assert_eq(said, 1u << MCP_TOOLS);
    cr_assert_geq(lists, 3, "after the answer, not after the failure");
    close_all();
}

static const char *templates_then_none(int nth, const char *request)
{
    if (strstr(request, "templates/list")) {
        return nth < 3 ? "\"result\":{\"resourceTemplates\":[{\"uriTemplate\":\"x:{a}\",\"name\":\"x\"}]}"
                       : "\"result\":{\"resourceTemplates\":[]}";
    }
    return strstr(request, "resources/list") ? "\"result\":{\"resources\":[]}" : two_tools(nth, request);
}

static bool has_no_templates(void)
{
    return found.lists[MCP_TEMPLATES] && found.lists[MCP_TEMPLATES]->count == 0;
}

/* They have no notification of their own. */
Test(discover_eras, believes_that_templates_are_gone_when_resources_were_announced)
{
    list = templates_then_none;
    capabilities = "{\"tools\":{},\"resources\":{}}";
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.lists[MCP_TEMPLATES]->count, 1);
    enough = has_no_templates;
    discover_changed(discover, "one", 1u << MCP_RESOURCES);
    run(PATIENCE_MS);
    cr_assert(has_no_templates());
    close_all();
}

static const char *tools_then_none(int nth, const char *request)
{
    return nth == 0 ? two_tools(nth, request) : "\"result\":{\"tools\":[]}";
}

static bool is_empty(void)
{
    return found.lists[MCP_TOOLS] && found.lists[MCP_TOOLS]->count == 0;
}

Test(discover_eras, believes_an_empty_list_that_was_announced)
{
    list = tools_then_none;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    enough = is_empty;
    discover_changed(discover, "one", 1u << MCP_TOOLS);
    run(PATIENCE_MS);
    cr_assert(is_empty());
    close_all();
}
