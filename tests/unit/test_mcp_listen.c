/* subscriptions/listen: MCP 2026-07-28 basic/patterns/subscriptions. */
#include <criterion/criterion.h>

#include "listen.h"
#include "mcp_fixture.h"
#include "mem.h"

static void open_all(void)
{
    fixture_open_listening();
    fixture.offers = (mcp_capabilities_t){ .tools = true, .resources = true, .prompts = true };
}

TestSuite(mcp_listen, .init = open_all, .fini = fixture_close);

#define TAG "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":1}"
#define EVENT(json) "event: message\ndata: " json "\n\n"
#define ACK(honoured)                                                                                        \
    EVENT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{" TAG    \
          ",\"notifications\":{" honoured "}}}")
#define NOTICE(method, more)                                                                                 \
    EVENT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/" method "\",\"params\":{" TAG more "}}")
#define END EVENT("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\"," TAG "}}")

static int told;

static void on_told(void *self)
{
    (void)self;
    told++;
}

static http_request_t *post_listen(const char *filter)
{
    AUTO_BUF params = { 0 };

    buf_addf(&params, "\"notifications\":%s", filter);
    return post_modern("subscriptions/listen", "Accept: text/event-stream\n", buf_text(&params));
}

static http_request_t *open_listen(const char *filter, mcp_listen_t **ret)
{
    http_request_t *http = post_listen(filter);

    cr_assert_not_null(fixture.open_listen, "%s", fake_sent(http));
    *ret = TAKE(fixture.open_listen);
    return http;
}

static void end_listen(mcp_listen_t *listen, http_request_t *http)
{
    mcp_listen_end(listen);
    check_answer(http);
    fake_free(http);
}

/* What was sent since it was asked last. */
static void expect_news(http_request_t *http, const char *wanted)
{
    cr_expect_str_eq(fake_sent(http), wanted);
    buf_clear(&http->sent);
}

Test(mcp_listen, is_acknowledged_at_once_with_what_is_honoured)
{
    mcp_listen_t *listen;
    http_request_t *http = open_listen("{\"toolsListChanged\":true,\"promptsListChanged\":false,"
                                       "\"resourceSubscriptions\":[\"a:\\/\\/b\",\"c\"],\"other\":true}",
                                       &listen);

    cr_expect_str_eq(buf_text(&http->type), "text/event-stream");
    cr_expect_str_eq(buf_text(&http->added), "X-Accel-Buffering: no\nCache-Control: no-store\n");
    cr_expect_eq(http->heartbeat_ms, 15000);
    expect_news(http, ACK("\"toolsListChanged\":true,\"resourceSubscriptions\":[\"a://b\",\"c\"]"));
    cr_expect(mcp_listen_wants(listen, MCP_TOOLS));
    cr_expect_not(mcp_listen_wants(listen, MCP_PROMPTS));
    cr_expect_not(mcp_listen_wants(listen, MCP_TEMPLATES));
    cr_assert_eq(mcp_listen_uri_count(listen), 2);
    cr_expect(span_is(mcp_listen_uri(listen, 0), "a://b"));
    cr_expect(span_is(mcp_listen_uri(listen, 1), "c"));
    cr_expect(span_is(mcp_listen_request(listen)->method, "subscriptions/listen"));
    cr_expect_str_eq(mcp_listen_request(listen)->principal->subject, "ana");
    end_listen(listen, http);
}

Test(mcp_listen, is_not_promised_what_is_not_offered)
{
    mcp_listen_t *listen;

    fixture.offers = (mcp_capabilities_t){ .tools = true };
    http_request_t *http = open_listen("{\"toolsListChanged\":true,\"promptsListChanged\":true,"
                                       "\"resourcesListChanged\":true,\"resourceSubscriptions\":[\"a\"]}",
                                       &listen);
    expect_news(http, ACK("\"toolsListChanged\":true"));
    cr_expect_eq(mcp_listen_uri_count(listen), 0);
    mcp_listen_changed(listen, MCP_PROMPTS);
    mcp_listen_updated(listen, SPAN("a"));
    expect_news(http, "");
    end_listen(listen, http);
    http = open_listen("{}", &listen);
    expect_news(http, ACK(""));
    end_listen(listen, http);
}

Test(mcp_listen, hears_what_it_asked_for_and_nothing_else)
{
    mcp_listen_t *listen;
    http_request_t *http =
        open_listen("{\"promptsListChanged\":true,\"resourceSubscriptions\":[\"a://b\"]}", &listen);

    buf_clear(&http->sent);
    mcp_listen_changed(listen, MCP_TOOLS);
    mcp_listen_changed(listen, MCP_RESOURCES);
    mcp_listen_updated(listen, SPAN("a://c"));
    expect_news(http, "");
    mcp_listen_changed(listen, MCP_PROMPTS);
    expect_news(http, NOTICE("prompts/list_changed", ""));
    mcp_listen_updated(listen, SPAN("a://b"));
    expect_news(http, NOTICE("resources/updated", ",\"uri\":\"a://b\""));
    end_listen(listen, http);
    http = open_listen("{\"resourcesListChanged\":true}", &listen);
    buf_clear(&http->sent);
    mcp_listen_changed(listen, MCP_TEMPLATES);
    expect_news(http, NOTICE("resources/list_changed", ""));
    end_listen(listen, http);
}

Test(mcp_listen, ends_with_the_empty_result)
{
    mcp_listen_t *listen;
    http_request_t *http = open_listen("{}", &listen);

    mcp_listen_on_gone(listen, on_told, NULL);
    buf_clear(&http->sent);
    mcp_listen_end(listen);
    cr_expect(http->over);
    cr_expect_eq(told, 0);
    check_answer(http);
    cr_expect_not(fixture.last.failed);
    cr_expect_str_eq(fixture.ended_method, "subscriptions/listen");
    expect_news(http, END);
    fake_free(http);
}

Test(mcp_listen, tags_messages_with_the_id_as_it_was_given)
{
    http_request_t *http = post(MODERN_HEADERS("subscriptions/listen") "Accept: text/event-stream\n",
                                "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"subscriptions/listen\","
                                "\"params\":{\"notifications\":{}," MODERN_META "}}");

    cr_expect_not_null(strstr(fake_sent(http), "subscriptionId\":\"1\"}"));
    end_listen(TAKE(fixture.open_listen), http);
}

static mcp_listen_t *gone_listen;

static void send_when_gone(void *self)
{
    (void)self;
    told++;
    mcp_listen_changed(gone_listen, MCP_TOOLS);
    mcp_listen_end(gone_listen);
}

Test(mcp_listen, is_over_when_the_client_goes)
{
    http_request_t *http = open_listen("{\"toolsListChanged\":true}", &gone_listen);

    mcp_listen_on_gone(gone_listen, send_when_gone, NULL);
    buf_clear(&http->sent);
    fake_hang_up(http);
    cr_expect_eq(told, 1);
    cr_expect_eq(fixture.ended, 1);
    cr_expect_eq(fixture.last.http_status, 0);
    cr_expect_gt(fixture.last.reply_bytes, 0);
    expect_news(http, "");
    fake_free(http);
}

/* A client that stopped reading must not fill our memory, and must miss nothing. */
Test(mcp_listen, says_a_thing_once_while_nobody_reads)
{
    mcp_listen_t *listen;
    http_request_t *http = open_listen("{\"toolsListChanged\":true,\"promptsListChanged\":true,"
                                       "\"resourceSubscriptions\":[\"a\",\"b\"]}",
                                       &listen);

    buf_clear(&http->sent);
    http->stalled = true;
    http->waiting = 500; /* the head and the acknowledgement */
    for (int i = 0; i < 10; i++) {
        mcp_listen_changed(listen, MCP_TOOLS);
        mcp_listen_updated(listen, SPAN("a"));
    }
    expect_news(http, NOTICE("tools/list_changed", "") NOTICE("resources/updated", ",\"uri\":\"a\""));
    mcp_listen_changed(listen, MCP_PROMPTS);
    mcp_listen_updated(listen, SPAN("b"));
    expect_news(http, NOTICE("prompts/list_changed", "") NOTICE("resources/updated", ",\"uri\":\"b\""));

    /* The first two have left, the others not. */
    http->waiting = strlen(NOTICE("prompts/list_changed", "") NOTICE("resources/updated", ",\"uri\":\"b\""));
    mcp_listen_changed(listen, MCP_PROMPTS);
    mcp_listen_updated(listen, SPAN("b"));
    expect_news(http, "");
    mcp_listen_changed(listen, MCP_TOOLS);
    expect_news(http, NOTICE("tools/list_changed", ""));

    http->waiting = 9; /* only a comment that keeps the stream alive */
    mcp_listen_changed(listen, MCP_TOOLS);
    expect_news(http, NOTICE("tools/list_changed", ""));
    end_listen(listen, http);
}

static void expect_refused(const char *filter, const char *answer)
{
    http_request_t *http = post_listen(filter);

    cr_expect_null(fixture.open_listen, "%s", filter);
    expect_sent(http, 200, answer);
}

Test(mcp_listen, refuses_a_filter_that_is_none)
{
    expect_refused("7", "~-32602");
    expect_refused("null", "~-32602");
    expect_refused("[]", "~-32602");
    expect_refused("{\"toolsListChanged\":1}", "~-32602");
    expect_refused("{\"promptsListChanged\":\"true\"}", "~-32602");
    expect_refused("{\"resourcesListChanged\":null}", "~-32602");
    expect_refused("{\"resourceSubscriptions\":\"a\"}", "~-32602");
    expect_refused("{\"resourceSubscriptions\":[\"a\",7]}", "~-32602");
    expect_refused("{\"resourceSubscriptions\":[\"a\\u0000\"]}", "~-32602");
}

static char *filter_of(size_t count, size_t bytes)
{
    buf_t filter = { 0 };

    buf_add_text(&filter, "{\"resourceSubscriptions\":[");
    for (size_t i = 0; i < count; i++) {
        buf_addf(&filter, "%s\"%0*zu\"", i > 0 ? "," : "", (int)bytes, i);
    }
    buf_add_text(&filter, "]}");
    return buf_steal(&filter);
}

static void expect_bound(size_t count, size_t bytes, bool fits)
{
    AUTO(mem_free) char *filter = filter_of(count, bytes);
    mcp_listen_t *listen;

    if (fits) {
        http_request_t *http = open_listen(filter, &listen);
        cr_expect_eq(mcp_listen_uri_count(listen), count);
        end_listen(listen, http);
    } else {
        expect_refused(filter, "~-32602");
    }
}

Test(mcp_listen, takes_no_more_uris_than_it_can_keep)
{
    expect_bound(1000, 10, true);
    expect_bound(1001, 10, false);
    expect_bound(1, 8192, true);
    expect_bound(1, 8193, false);
    expect_bound(32, 8192, true);
    expect_bound(33, 8192, false);
}

Test(mcp_listen, needs_a_client_that_reads_streams)
{
    const char *params = "\"notifications\":{}";

    expect_sent(post_modern("subscriptions/listen", "Accept: application/json\n", params), 406,
                "~\"id\":1,\"error\":{\"code\":-32600");
    expect_sent(post_modern("subscriptions/listen", "", params), 406, "~text/event-stream");
}

Test(mcp_listen, is_of_the_modern_era_only)
{
    expect_answer("Accept: text/event-stream\n",
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{}}", 200,
                  "~-32601");
    expect_answer("",
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                  "\"2025-11-25\"}}",
                  200, "~\"capabilities\":{\"tools\":{},\"resources\":{},\"prompts\":{}}");
    expect_sent(post_modern("server/discover", "", ""), 200,
                "~\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,"
                "\"listChanged\":true},\"prompts\":{\"listChanged\":true}}");
}

/* A drain waits for open requests, and a listen never ends by itself. */
Test(mcp_listen, ends_with_the_server)
{
    mcp_listen_t *other;
    http_request_t *first = open_listen("{\"toolsListChanged\":true}", &gone_listen);
    http_request_t *second = open_listen("{}", &other);

    mcp_listen_on_gone(gone_listen, send_when_gone, NULL);
    buf_clear(&first->sent);
    mcp_server_end_listens(fixture.server);
    cr_expect_eq(told, 1);
    cr_expect_eq(fixture.ended, 2);
    fixture.ended = 0;
    cr_expect(first->over && second->over);
    expect_news(first, END);
    fake_free(first);
    fake_free(second);
    expect_sent(post_listen("{}"), 200, ACK("") END);
    cr_expect_null(fixture.open_listen);
}

static int refuse(mcp_listen_t *listen, err_t *err)
{
    (void)listen;
    return err_set(err, ERR_DENIED, "You have too many.");
}

Test(mcp_listen, may_be_refused_before_it_is_acknowledged)
{
    fixture.admit = refuse;
    expect_sent(post_listen("{\"toolsListChanged\":true}"), 200, "~\"message\":\"You have too many.\"");
    cr_expect_null(fixture.open_listen);
}

static int drop_second(mcp_listen_t *listen, err_t *err)
{
    (void)err;
    mcp_listen_drop_uri(listen, 1);
    return 0;
}

Test(mcp_listen, acknowledges_only_the_resources_that_are_left)
{
    mcp_listen_t *listen;

    fixture.admit = drop_second;
    http_request_t *http = open_listen("{\"resourceSubscriptions\":[\"a\",\"b\",\"c\"]}", &listen);
    expect_news(http, ACK("\"resourceSubscriptions\":[\"a\",\"c\"]"));
    mcp_listen_updated(listen, SPAN("b"));
    expect_news(http, "");
    mcp_listen_updated(listen, SPAN("c"));
    expect_news(http, NOTICE("resources/updated", ",\"uri\":\"c\""));
    end_listen(listen, http);
}
