/* When a connector is asked, and what is made of the pages of one list. */
#include "discover_fixture.h"

Test(discover, lists_a_modern_connector_without_initialize)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2);
    cr_assert(span_is(found.lists[MCP_TOOLS]->items[1], TOOL("b")), "byte for byte");
    cr_assert_eq(found.lists[MCP_TOOLS]->ttl_ms, 7000);
    cr_assert(found.lists[MCP_TOOLS]->is_public);
    cr_assert_eq(found.revision, MCP_2026_07_28);
    cr_assert_eq(initializes, 0);
    cr_assert_not(found.legacy_known);
    close_all();
}

static bool knows_legacy(void)
{
    return found.legacy_known;
}

Test(discover, finds_out_whether_a_modern_connector_speaks_to_legacy_clients_once_there_are_some)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    enough = knows_legacy;
    discover_want_legacy(discover, "one");
    run(PATIENCE_MS);
    cr_assert_eq(initializes, 1);
    cr_assert(found.speaks_legacy);
    cr_assert_eq(found.revision, MCP_2026_07_28);
    cr_assert_eq(found.legacy_revision, MCP_2025_06_18);
    cr_assert_str_eq(session_id(found.session), "s1");
    close_all();
}

/* A legacy client that calls a connector which is down must not make us call it all the time. */
Test(discover, does_not_ask_at_once_for_each_legacy_call)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    refuses = true;
    enough = never;
    changes = 0;
    int64_t begin_ms = clock_ms();
    for (int i = 0; i < 20; i++) {
        discover_want_legacy(discover, "one");
        run(50);
    }
    cr_assert_leq(changes, 2 + (clock_ms() - begin_ms) / 400);
    close_all();
}

Test(discover, opens_a_legacy_connector_by_initialize_and_keeps_its_session)
{
    legacy = true;
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2);
    cr_assert_eq(found.revision, MCP_2025_06_18);
    cr_assert_str_eq(session_id(found.session), "s1");
    cr_assert_eq(session_ids, 1, "the list was asked for with the session");
    close_all();
}

static void ask_anew(void)
{
    uint64_t before = found.asked_count;

    discover_anew(discover, "one");
    enough = never;
    for (int i = 0; i < 400 && found.asked_count == before; i++) {
        run(50);
        discover_found(discover, &found);
    }
    cr_assert_eq(found.asked_count, before + 1);
}

Test(discover, goes_on_in_its_session_when_it_asks_from_the_beginning)
{
    legacy = true;
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    for (int i = 0; i < 3; i++) {
        ask_anew();
    }
    cr_assert_eq(discovers, 4, "it may have changed its era");
    cr_assert_eq(initializes, 1);
    cr_assert_eq(session_ids, 4);
    cr_assert_eq(found.revision, MCP_2025_06_18);
    close_all();
}

Test(discover, keeps_the_session_of_a_connector_of_both_eras)
{
    list = two_tools;
    capabilities = "{\"tools\":{},\"completions\":{}}";
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    enough = knows_legacy;
    discover_want_legacy(discover, "one");
    run(PATIENCE_MS);
    ask_anew();
    cr_assert_eq(initializes, 1);
    cr_assert(found.speaks_legacy && found.declared.offers.completions);
    cr_assert_str_eq(session_id(found.session), "s1");
    session_give_up(found.session);
    ask_anew();
    cr_assert_eq(initializes, 2, "a call has lost it");
    cr_assert_str_eq(session_id(found.session), "s2");
    close_all();
}

static bool has_second_session(void)
{
    return found.session && strcmp(session_id(found.session), "s2") == 0;
}

/* Each of these is how some server says that it does not know the session. */
static void open_another(const char *status)
{
    legacy = true;
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    forgets = status;
    enough = has_second_session;
    discover_anew(discover, "one");
    run(PATIENCE_MS);
    cr_assert(has_second_session());
    cr_assert_null(found.last_error);
    cr_assert_eq(found.asked_count, 2, "it is one asking");
    close_all();
}

Test(discover, opens_another_session_when_its_own_is_answered_by_404)
{
    open_another("404 Not Found");
}

Test(discover, opens_another_session_when_its_own_is_answered_by_400)
{
    open_another("400 Bad Request");
}

Test(discover, opens_another_session_when_its_own_is_answered_by_an_error)
{
    open_another("200 OK");
}

static bool has_failed(void)
{
    return found.stale_since_ms;
}

/* It may have been started anew, and not look at the id. */
Test(discover, opens_another_session_after_a_failure)
{
    legacy = true;
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    refuses = true;
    enough = has_failed;
    discover_anew(discover, "one");
    run(PATIENCE_MS);
    cr_assert(has_failed());
    cr_assert_str_eq(session_id(found.session), "s1", "calls may still be sent in it");
    refuses = false;
    enough = has_second_session;
    run(PATIENCE_MS);
    cr_assert(has_second_session());
    close_all();
}

/* Some servers answer an unknown method with 404, 405 or 500. */
Test(discover, takes_any_refusal_to_discover_as_a_sign_of_legacy)
{
    legacy = true;
    discover_status = "500 Internal Server Error";
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_not_null(found.lists[MCP_TOOLS]);
    close_all();
}

Test(discover, does_not_take_a_missing_server_for_a_legacy_one)
{
    refuses = true;
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert(found.asked);
    cr_assert_null(found.lists[MCP_TOOLS]);
    cr_assert(strstr(found.last_error, "busy"), "%s", found.last_error);
    cr_assert_eq(initializes, 0);
    close_all();
}

Test(discover, refuses_a_revision_it_does_not_speak)
{
    legacy = true;
    version = "2030-01-01";
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_null(found.lists[MCP_TOOLS]);
    cr_assert(strstr(found.last_error, "revision"));
    close_all();
}

static const char *three_pages(int nth, const char *request)
{
    static const char *const pages[] = {
        "\"result\":{\"tools\":[" TOOL("a") "],\"nextCursor\":\"\",\"ttlMs\":9000,\"cacheScope\":\"public\"}",
        "\"result\":{\"tools\":[" TOOL(
            "b") "],\"nextCursor\":\"x\\ny\",\"ttlMs\":5000,\"cacheScope\":\"public\"}",
        "\"result\":{\"tools\":[" TOOL("c") "],\"ttlMs\":8000,\"cacheScope\":\"private\"}",
    };
    static const char *const cursors[] = { NULL, "\"cursor\":\"\"", "\"cursor\":\"x\\ny\"" };

    cr_assert(nth > 2 || !cursors[nth] || strstr(request, cursors[nth]), "%s", request);
    return pages[nth < 2 ? nth : 2];
}

/* MCP 2026-07-28 server/utilities/pagination: an empty string is a cursor too. */
Test(discover, follows_cursors_to_the_end)
{
    list = three_pages;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 3);
    cr_assert_eq(found.lists[MCP_TOOLS]->ttl_ms, 5000, "the shortest page decides");
    cr_assert_not(found.lists[MCP_TOOLS]->is_public, "one private page is enough");
    cr_assert_null(found.last_error);
    close_all();
}

static const char *endless(int nth, const char *request)
{
    (void)nth, (void)request;
    return "\"result\":{\"tools\":[" TOOL("a") "],\"nextCursor\":\"again\"}";
}

static const char *ever_new(int nth, const char *request)
{
    static char page[128];

    (void)request;
    snprintf(page, sizeof(page), "\"result\":{\"tools\":[" TOOL("a") "],\"nextCursor\":\"%d\"}", nth);
    return page;
}

Test(discover, does_not_follow_cursors_for_ever)
{
    list = endless;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(lists, 2);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2, "what came is kept");
    cr_assert(strstr(found.last_error, "repeats"));
    close_all();
}

Test(discover, reads_no_more_than_fifty_pages)
{
    list = ever_new;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(lists, 50);
    cr_assert(strstr(found.last_error, "too many pages"));
    close_all();
}

static const char *nonsense(int nth, const char *request)
{
    (void)nth, (void)request;
    return "\"result\":{\"tools\":{}}";
}

Test(discover, says_what_is_wrong_with_a_list)
{
    list = nonsense;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_null(found.lists[MCP_TOOLS]);
    cr_assert(strstr(found.last_error, "no tools array"));
    close_all();
}

static const char *then_broken(int nth, const char *request)
{
    return nth == 0 ? two_tools(nth, request) : "\"error\":{\"code\":-32603,\"message\":\"secret\"}";
}

static bool is_stale(void)
{
    return found.stale_since_ms;
}

Test(discover, keeps_the_last_good_list_of_a_connector_that_fails)
{
    list = then_broken;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    enough = is_stale;
    discover_configure(discover, &config); /* a reload asks at once */
    run(PATIENCE_MS);
    cr_assert(found.stale_since_ms);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2);
    cr_assert_null(strstr(found.last_error, "secret"));
    close_all();
}

static const char *then_empty(int nth, const char *request)
{
    return nth == 0 ? two_tools(nth, request) : "\"result\":{\"tools\":[]}";
}

static bool is_empty(void)
{
    return found.lists[MCP_TOOLS] && found.lists[MCP_TOOLS]->count == 0;
}

Test(discover, believes_an_empty_list_only_the_second_time)
{
    list = then_empty;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    enough = is_stale;
    discover_configure(discover, &config);
    run(PATIENCE_MS);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 2, "not yet");
    enough = is_empty;
    discover_configure(discover, &config);
    run(PATIENCE_MS);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 0);
    cr_assert_eq(found.stale_since_ms, 0);
    close_all();
}

static const char *empty(int nth, const char *request)
{
    (void)nth, (void)request;
    return "\"result\":{\"tools\":[]}";
}

Test(discover, believes_a_connector_that_never_had_a_tool)
{
    list = empty;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_not_null(found.lists[MCP_TOOLS]);
    cr_assert_eq(found.lists[MCP_TOOLS]->count, 0);
    close_all();
}

/* A flood of failing calls must not become a flood of discoveries. */
Test(discover, asks_again_on_suspicion_but_not_at_once_each_time)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    for (int i = 0; i < 100; i++) {
        discover_suspect(discover, "one", true);
        discover_suspect(discover, "nobody", true);
    }
    run(1000);
    cr_assert_eq(lists, 1);
    close_all();
}

/* A caller who sends bad arguments again and again must not open session after session. */
Test(discover, opens_no_new_session_when_only_the_list_is_suspected)
{
    list = two_tools;
    legacy = true;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    discover_suspect(discover, "one", false);
    for (int i = 0; i < 30 && lists < 2; i++) {
        run(1000);
    }
    cr_assert_eq(lists, 2);
    cr_assert_eq(initializes, 1);
    close_all();
}

/* A suspicion may bring the next asking forward, never put it off. */
Test(discover, does_not_wait_longer_because_of_a_suspicion)
{
    list = two_tools;
    enough = was_asked;
    refuses = true;
    open_all();
    run(PATIENCE_MS);
    refuses = false;
    for (int i = 0; i < 20 && lists == 0; i++) { /* it would be 5 s */
        discover_suspect(discover, "one", true);
        run(200);
    }
    cr_assert_eq(lists, 1, "asked again half a second after the failure");
    close_all();
}

static const char *cursors_in_a_circle(int nth, const char *request)
{
    (void)request;
    return nth % 2 ? "\"result\":{\"tools\":[],\"nextCursor\":\"b\"}"
                   : "\"result\":{\"tools\":[" TOOL("a") "],\"nextCursor\":\"a\"}";
}

Test(discover, sees_that_cursors_go_in_a_circle)
{
    list = cursors_in_a_circle;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    cr_assert_eq(lists, 3);
    cr_assert(strstr(found.last_error, "repeats a cursor"), "%s", found.last_error);
    close_all();
}

static const char *same(int nth, const char *request)
{
    return two_tools(nth, request);
}

Test(discover, tells_nothing_when_nothing_has_changed)
{
    list = same;
    enough = was_asked;
    open_all();
    run(PATIENCE_MS);
    int before = changes;
    enough = never; /* the second listing comes after the first change is told */
    discover_configure(discover, &config);
    for (int i = 0; i < 20 && lists < 2; i++) {
        run(1000);
    }
    cr_assert_eq(lists, 2);
    cr_assert_eq(changes, before + 1, "the new configuration is told, the same list is not");
    close_all();
}

/* Ends in mid-turn, with the news still to be told: under the sanitizers this was a use after free. */
Test(discover, tells_nothing_once_it_is_freed)
{
    list = two_tools;
    enough = never;
    open_all();
    close_all();
    cr_assert_eq(changes, 0);
}
