/* Finding out what connectors offer, against one that plays every part. Waits are those of the product: a
 * test that needs a second asking asks for it. */
#include "discover.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdatomic.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define TOOL(name) "{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"

static loop_t *loop;
static pool_t *helpers;
static resolver_t *resolver;
static discover_t *discover;
static found_t found;
static int changes;
static bool (*enough)(void);
static raw_server_t server;

/* The part to be played. */
static bool legacy, refuses;
static const char *discover_status = "400 Bad Request";
static const char *version = "2025-06-18";
static const char *(*list)(int nth, const char *request);
static atomic_int lists, initializes, session_ids;

static void answer(int fd, const char *id, const char *status, const char *more, const char *member)
{
    AUTO(mem_free) char *body = mem_printf("{\"jsonrpc\":\"2.0\",\"id\":%s,%s}", id, member);
    AUTO(mem_free)
    char *text =
        mem_printf("HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                   more, strlen(body), body);

    raw_send(fd, text);
}

static void answer_one(int fd, const char *request)
{
    const char *at = strstr(request, "\"id\":");
    char id[24] = "null";

    if (at) {
        snprintf(id, sizeof(id), "%.*s", (int)strspn(at + 5, "0123456789"), at + 5);
    }
    if (refuses) {
        answer(fd, id, "503 Busy", "", "\"error\":{\"code\":1,\"message\":\"\"}");
    } else if (strstr(request, "server/discover")) {
        legacy ? answer(fd, id, discover_status, "", "\"error\":{\"code\":-32601,\"message\":\"no\"}")
               : answer(fd, id, "200 OK", "", "\"result\":{\"supportedVersions\":[\"2026-07-28\"]}");
    } else if (strstr(request, "\"initialize\"")) {
        AUTO(mem_free) char *result = mem_printf("\"result\":{\"protocolVersion\":\"%s\"}", version);
        initializes++;
        answer(fd, id, "200 OK", "Mcp-Session-Id: s1\r\n", result);
    } else if (strstr(request, "notifications/initialized")) {
        raw_send(fd, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    } else {
        session_ids += strstr(request, "Mcp-Session-Id: s1\r\n") != NULL;
        answer(fd, id, "200 OK", "", list(lists++, request));
    }
}

/* One request at a time comes from one connection, so raw_request is ours to read. */
static void play(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL)) {
        answer_one(fd, raw_request);
    }
}

static void on_changed(void *self)
{
    (void)self;
    changes++;
    discover_found(discover, &found);
    if (enough()) {
        loop_stop(loop);
    }
}

static void on_late(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what, (void)self;
    loop_stop(loop);
}

static void run(int ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_late, NULL, &wait);
    loop_run(loop);
}

static connector_config_t connectors[1] = { { .name = "one", .prefix = "one_", .refresh_ms = 60000 } };
static config_t config = {
    .connectors = connectors, .connector_count = 1, .max_reply_bytes = 1048576, .references = 1000000
};

static void open_all(void)
{
    err_t err;

    raw_start(&server, play);
    connectors[0].url = mem_printf("http://127.0.0.1:%u/mcp", server.port);
    cr_assert_eq(hop_url_parse(connectors[0].url, &connectors[0].hop, &err), 0);
    loop = loop_new();
    helpers = pool_new(1, 8);
    resolver = resolver_new(loop, helpers);
    discover = discover_new(loop, resolver, on_changed, NULL);
    discover_configure(discover, &config);
}

static void close_all(void)
{
    discover_free(discover);
    resolver_free(resolver);
    pool_free(helpers);
    loop_free(loop);
    raw_stop(&server);
    hop_url_release(&connectors[0].hop);
    mem_free(connectors[0].url);
}

static bool was_asked(void)
{
    return found.asked;
}

static const char *two_tools(int nth, const char *request)
{
    (void)nth, (void)request;
    return "\"result\":{\"tools\":[" TOOL("a") ", " TOOL("b") "],\"ttlMs\":7000,\"cacheScope\":\"public\"}";
}

Test(discover, lists_a_modern_connector_without_initialize)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(5000);
    cr_assert_eq(found.listing->count, 2);
    cr_assert(span_is(found.listing->tools[1], TOOL("b")), "byte for byte");
    cr_assert_eq(found.listing->ttl_ms, 7000);
    cr_assert(found.listing->is_public);
    cr_assert_eq(found.revision, MCP_2026_07_28);
    cr_assert_eq(initializes, 0);
    close_all();
}

Test(discover, opens_a_legacy_connector_by_initialize_and_keeps_its_session)
{
    legacy = true;
    list = two_tools;
    enough = was_asked;
    open_all();
    run(5000);
    cr_assert_eq(found.listing->count, 2);
    cr_assert_eq(found.revision, MCP_2025_06_18);
    cr_assert_str_eq(found.session_id, "s1");
    cr_assert_eq(session_ids, 1, "the list was asked for with the session");
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
    run(5000);
    cr_assert_not_null(found.listing);
    close_all();
}

Test(discover, does_not_take_a_missing_server_for_a_legacy_one)
{
    refuses = true;
    list = two_tools;
    enough = was_asked;
    open_all();
    run(5000);
    cr_assert(found.asked);
    cr_assert_null(found.listing);
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
    run(5000);
    cr_assert_null(found.listing);
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
    run(5000);
    cr_assert_eq(found.listing->count, 3);
    cr_assert_eq(found.listing->ttl_ms, 5000, "the shortest page decides");
    cr_assert_not(found.listing->is_public, "one private page is enough");
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
    run(5000);
    cr_assert_eq(lists, 2);
    cr_assert_eq(found.listing->count, 2, "what came is kept");
    cr_assert(strstr(found.last_error, "repeats"));
    close_all();
}

Test(discover, reads_no_more_than_fifty_pages)
{
    list = ever_new;
    enough = was_asked;
    open_all();
    run(8000);
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
    run(5000);
    cr_assert_null(found.listing);
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
    run(5000);
    enough = is_stale;
    discover_configure(discover, &config); /* a reload asks at once */
    run(5000);
    cr_assert(found.stale_since_ms);
    cr_assert_eq(found.listing->count, 2);
    cr_assert_null(strstr(found.last_error, "secret"));
    close_all();
}

static const char *then_empty(int nth, const char *request)
{
    return nth == 0 ? two_tools(nth, request) : "\"result\":{\"tools\":[]}";
}

static bool is_empty(void)
{
    return found.listing && found.listing->count == 0;
}

Test(discover, believes_an_empty_list_only_the_second_time)
{
    list = then_empty;
    enough = was_asked;
    open_all();
    run(5000);
    enough = is_stale;
    discover_configure(discover, &config);
    run(5000);
    cr_assert_eq(found.listing->count, 2, "not yet");
    enough = is_empty;
    discover_configure(discover, &config);
    run(5000);
    cr_assert_eq(found.listing->count, 0);
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
    run(5000);
    cr_assert_not_null(found.listing);
    cr_assert_eq(found.listing->count, 0);
    close_all();
}

/* A flood of failing calls must not become a flood of discoveries. */
Test(discover, asks_again_on_suspicion_but_not_at_once_each_time)
{
    list = two_tools;
    enough = was_asked;
    open_all();
    run(5000);
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
    run(5000);
    discover_suspect(discover, "one", false);
    for (int i = 0; i < 8 && lists < 2; i++) {
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
    run(5000);
    refuses = false;
    for (int i = 0; i < 10 && lists == 0; i++) {
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
    run(5000);
    cr_assert_eq(lists, 3);
    cr_assert(strstr(found.last_error, "repeats a cursor"), "%s", found.last_error);
    close_all();
}

static bool never(void)
{
    return false;
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
    run(5000);
    int before = changes;
    enough = never; /* the second listing comes after the first change is told */
    discover_configure(discover, &config);
    run(1000);
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
