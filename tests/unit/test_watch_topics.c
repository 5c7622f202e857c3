/* Which resources of a connector are listened to, and when what it says of them is told. */
#include <criterion/criterion.h>

#include "mem.h"
#include "watch_topics.h"

static topics_t *topics;
static int64_t wait_ms;

static void open_all(void)
{
    topics = topics_new();
}

static void close_all(void)
{
    topics_free(topics);
}

TestSuite(watch_topics, .init = open_all, .fini = close_all);

static void expect_asked(const char *wanted)
{
    AUTO_BUF out = { 0 };

    topics_render(topics, &out);
    cr_expect_str_eq(buf_text(&out), wanted);
}

Test(watch_topics, are_asked_for_as_long_as_somebody_holds_them)
{
    cr_expect(topics_hold(topics, SPAN("a:1")), "the first holder changes what is asked for");
    cr_expect_not(topics_hold(topics, SPAN("a:1")));
    cr_expect(topics_hold(topics, SPAN("a:\"2")));
    expect_asked("[\"a:1\",\"a:\\\"2\"]");
    cr_expect_not(topics_release(topics, SPAN("a:1")));
    cr_expect(topics_release(topics, SPAN("a:1")), "and so does the last one");
    expect_asked("[\"a:\\\"2\"]");
    cr_expect(topics_release(topics, SPAN("a:\"2")));
    expect_asked("[]");
    cr_expect(topics_is_empty(topics));
}

Test(watch_topics, bear_a_release_of_what_nobody_holds)
{
    cr_expect_not(topics_release(topics, SPAN("a:1")));
    topics_hold(topics, SPAN("a:1"));
    topics_release(topics, SPAN("a:1"));
    cr_expect_not(topics_release(topics, SPAN("a:1")));
    cr_expect(topics_hold(topics, SPAN("a:1")), "it counts from the beginning");
}

Test(watch_topics, beyond_what_one_filter_may_hold_are_left_out)
{
    AUTO_BUF out = { 0 };

    for (int i = 0; i < TOPICS_MAX_ASKED + 5; i++) {
        AUTO(mem_free) char *uri = mem_printf("a:%d", i);
        topics_hold(topics, span_of(uri));
    }
    topics_render(topics, &out);
    cr_expect_not_null(strstr(buf_text(&out), "\"a:999\"]"));
}

Test(watch_topics, are_told_at_once_and_then_not_before_a_pause_is_over)
{
    topics_hold(topics, SPAN("a:1"));
    cr_expect(topics_touch(topics, SPAN("a:1"), 1000));
    cr_assert_str_eq(topics_next_touched(topics, 1000, &wait_ms), "a:1");
    cr_expect_null(topics_next_touched(topics, 1000, &wait_ms));
    cr_expect_eq(wait_ms, -1, "nothing waits");
    cr_expect_not(topics_touch(topics, SPAN("a:1"), 1040));
    cr_expect_null(topics_next_touched(topics, 1040, &wait_ms));
    cr_expect_eq(wait_ms, TOPICS_PAUSE_MS - 40);
    cr_assert_str_eq(topics_next_touched(topics, 1000 + TOPICS_PAUSE_MS, &wait_ms), "a:1",
                     "the last change is never lost");
}

Test(watch_topics, that_nobody_holds_are_not_told)
{
    cr_expect_not(topics_touch(topics, SPAN("a:1"), 1000));
    topics_hold(topics, SPAN("a:2"));
    topics_hold(topics, SPAN("a:3"));
    topics_touch_all(topics);
    topics_release(topics, SPAN("a:3"));
    cr_assert_str_eq(topics_next_touched(topics, 1000, &wait_ms), "a:2");
    cr_expect_null(topics_next_touched(topics, 1000, &wait_ms));
}

static void expect_request(const char *uri, bool subscribe)
{
    bool found_subscribe = !subscribe;
    const char *found = topics_next_request(topics, &found_subscribe);

    if (!uri) {
        cr_expect_null(found);
        return;
    }
    cr_assert_not_null(found);
    cr_expect_str_eq(found, uri);
    cr_expect_eq(found_subscribe, subscribe);
}

Test(watch_topics, a_legacy_connector_is_told_of_each_once)
{
    topics_hold(topics, SPAN("a:1"));
    topics_hold(topics, SPAN("a:2"));
    expect_request("a:1", true);
    expect_request("a:2", true);
    expect_request(NULL, false);
    topics_release(topics, SPAN("a:1"));
    cr_expect_not(topics_is_empty(topics), "it is still to be told of the end");
    expect_request("a:1", false);
    expect_request(NULL, false);
    topics_release(topics, SPAN("a:2"));
    topics_hold(topics, SPAN("a:2"));
    expect_request(NULL, false);
}

Test(watch_topics, a_new_session_is_told_of_all_that_are_held)
{
    topics_hold(topics, SPAN("a:1"));
    topics_hold(topics, SPAN("a:2"));
    expect_request("a:1", true);
    expect_request("a:2", true);
    topics_release(topics, SPAN("a:1"));
    topics_forget_requests(topics);
    expect_request("a:2", true);
    expect_request(NULL, false);
}
