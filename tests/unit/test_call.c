/* The life of a call: arguments, answers, deadline, holds, clients that hang up. The MCP server is a fake,
 * loop and helper pool are real. */
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <criterion/criterion.h>
#include <event2/event.h>

#include "call_life.h"
#include "mcp_fake.h"

typedef struct {
    const char *text;
    int64_t number;
} args_t;

static const field_t rows[] = {
    FIELD(args_t, text, .required = true, .doc = "Some text."),
    FIELD(args_t, number, .fallback = "7", .min = 1, .max = 9, .doc = "Some number."),
    { 0 },
};

/* The tool under test keeps its call for the test to play with. */
static call_t *seen;
static args_t seen_args;
static int runs;

static void keep(call_t *call, const void *decoded)
{
    runs++;
    seen = call;
    if (decoded) {
        seen_args = *(const args_t *)decoded;
    }
}

static const tool_t with_args = {
    .name = "with_args", .description = "Takes some.", .args = rows, .args_size = sizeof(args_t), .run = keep
};
static const tool_t bare = { .name = "bare", .description = "Takes none.", .run = keep };
static const tool_t reader = {
    .name = "reader", .description = "Reads.", .read_only = true, .streams = true, .run = keep
};
static const tool_t promising = {
    .name = "promising", .description = "Has a schema.", .result_schema = "{\"type\":\"object\"}", .run = keep
};

static process_settings_t process = { .call_timeout_ms = 60000 };
static runtime_t runtime;
static mcp_call_t *mcp;

static void set_up(void)
{
    runtime = (runtime_t){ .process = &process, .loop = loop_new(), .pool = pool_new(1, 4) };
}

static void tear_down(void)
{
    cr_assert_eq(runtime.alive_calls, 0, "a call is still alive");
    cr_assert_null(runtime.open_calls);
    pool_free(runtime.pool);
    loop_free(runtime.loop);
    if (mcp) {
        fake_call_free(mcp);
    }
}

TestSuite(call, .init = set_up, .fini = tear_down);

static void begin(const tool_t *tool)
{
    static entry_t entry;

    entry = entry_of_tool(tool);
    call_start(&runtime, &entry, mcp);
}

static void start_as(mcp_era_t era, const tool_t *tool, const char *arguments, const fake_header_t *headers)
{
    mcp = fake_call_new(era, arguments, headers);
    begin(tool);
}

static void start(const tool_t *tool, const char *arguments)
{
    start_as(MCP_MODERN, tool, arguments, NULL);
}

static void stop_loop(int fd, short what, void *loop)
{
    (void)fd;
    (void)what;
    loop_stop(loop);
}

static void run_loop_ms(int64_t ms)
{
    struct timeval after = { ms / 1000, ms % 1000 * 1000 };

    event_base_once(loop_base(runtime.loop), -1, EV_TIMEOUT, (event_callback_fn)stop_loop, runtime.loop,
                    &after);
    loop_run(runtime.loop);
}

/* Until a helper has done its part. */
static void run_loop_until(const int *count, int value)
{
    for (int i = 0; i < 400 && *count != value; i++) {
        run_loop_ms(50);
    }
    cr_assert_eq(*count, value);
}

static int told;

static void tell(void *self)
{
    (void)self;
    told++;
}

/* Arguments */

Test(call, gives_decoded_arguments_to_the_tool)
{
    start(&with_args, "{\"text\":\"ol\\u00e1\"}");
    cr_assert_str_eq(seen_args.text, "olá");
    cr_assert_eq(seen_args.number, 7);
    call_finish(seen, NULL, "ok");
}

Test(call, names_the_argument_that_is_wrong_and_does_not_run_the_tool)
{
    start(&with_args, "{\"text\":\"a\",\"number\":\"many\"}");
    cr_assert_eq(runs, 0);
    cr_assert_eq(fake_error(mcp)->kind, ERR_CALLER);
    cr_assert(strstr(fake_error(mcp)->text, "number"), "%s", fake_error(mcp)->text);
}

Test(call, refuses_arguments_that_say_one_thing_twice)
{
    start(&with_args, "{\"text\":\"a\",\"text\":\"b\"}");
    cr_assert_eq(runs, 0);
    cr_assert_eq(fake_error(mcp)->kind, ERR_CALLER);
    cr_assert(strstr(fake_error(mcp)->text, "text"), "%s", fake_error(mcp)->text);
}

Test(call, refuses_arguments_with_a_nul_in_them)
{
    start(&with_args, "{\"text\":\"a\\u0000b\"}");
    cr_assert_eq(runs, 0);
    cr_assert_eq(fake_error(mcp)->kind, ERR_CALLER);
}

Test(call, refuses_arguments_that_are_no_object)
{
    start(&with_args, "[\"text\"]");
    cr_assert_eq(fake_error(mcp)->kind, ERR_CALLER);
}

Test(call, takes_null_for_no_arguments)
{
    start(&bare, "null");
    cr_assert_eq(runs, 1);
    call_finish(seen, NULL, "ok");
}

Test(call, refuses_arguments_of_a_tool_that_takes_none)
{
    start(&bare, "{\"text\":\"a\"}");
    cr_assert_eq(runs, 0);
    cr_assert_eq(fake_error(mcp)->kind, ERR_CALLER);
}

/* Answers */

Test(call, answers_with_the_value_and_the_same_as_text)
{
    start(&bare, NULL);
    call_finish(seen, json_pack("{s:i, s:f}", "rows", 3, "rate", 0.1), NULL);
    cr_assert_str_eq(fake_member(mcp, "structuredContent"), "{\"rows\":3,\"rate\":0.1}");
    cr_assert_str_eq(fake_member(mcp, "content"),
                     "[{\"type\":\"text\",\"text\":\"{\\\"rows\\\":3,\\\"rate\\\":0.1}\"}]");
}

Test(call, answers_with_text_alone)
{
    start(&bare, NULL);
    call_finish(seen, NULL, "A \"quoted\" line\n");
    cr_assert_str_eq(fake_member(mcp, "content"),
                     "[{\"type\":\"text\",\"text\":\"A \\\"quoted\\\" line\\n\"}]");
    cr_assert_null(fake_member(mcp, "structuredContent"));
}

Test(call, answers_with_utf8_whatever_bytes_a_tool_puts_into_its_text)
{
    start(&bare, NULL);
    call_finish(seen, NULL, "caf\xe9");
    cr_assert_str_eq(fake_member(mcp, "content"), "[{\"type\":\"text\",\"text\":\"caf\xef\xbf\xbd\"}]");
}

Test(call, blames_the_connector_when_a_result_could_not_be_built)
{
    start(&bare, NULL);
    call_finish(seen, json_pack("{s:f}", "rate", (double)NAN), NULL);
    cr_assert_eq(fake_error(mcp)->kind, ERR_INTERNAL);
    cr_assert_eq(fake_answers(mcp), 1);
}

Test(call, blames_the_connector_when_a_promised_structure_is_missing)
{
    start(&promising, NULL);
    call_finish(seen, NULL, "only text");
    cr_assert_eq(fake_error(mcp)->kind, ERR_INTERNAL);
}

Test(call, refuses_to_send_more_than_the_gateway_takes)
{
    start(&bare, NULL);
    char *large = call_alloc(seen, 9 * 1024 * 1024);
    memset(large, 'x', 9 * 1024 * 1024 - 1);
    call_finish(seen, NULL, large);
    cr_assert_eq(fake_error(mcp)->kind, ERR_CALLER);
    cr_assert(strstr(fake_error(mcp)->text, "Narrow"));
}

Test(call, says_null_for_numbers_json_has_no_word_for)
{
    json_auto_t *nan = call_number(NAN), *infinite = call_number(-INFINITY), *half = call_number(0.5);

    cr_assert(json_is_null(nan));
    cr_assert(json_is_null(infinite));
    cr_assert_eq(json_real_value(half), 0.5);
}

Test(call, fails_with_the_text_the_tool_gave)
{
    start(&bare, NULL);
    call_failf(seen, ERR_UPSTREAM, "Odoo refused the login for %s.", "anna");
    cr_assert_str_eq(fake_error(mcp)->text, "Odoo refused the login for anna.");
    cr_assert_eq(fake_error(mcp)->kind, ERR_UPSTREAM);
}

Test(call, gives_one_answer_however_often_it_is_ended)
{
    start(&bare, NULL);
    call_hold(seen);
    call_finish(seen, json_object(), NULL);
    call_finish(seen, json_object(), NULL);
    call_failf(seen, ERR_INTERNAL, "late");
    cr_assert_eq(fake_answers(mcp), 1);
    call_release(seen);
}

/* Memory */

static char freed[8];

static void note_free(void *p)
{
    strcat(freed, p);
}

Test(call, frees_what_it_owns_newest_first_and_only_when_the_last_hold_is_gone)
{
    start(&bare, NULL);
    call_own(seen, "a", note_free);
    call_own(seen, "b", note_free);
    cr_assert_null(call_own(seen, NULL, note_free));
    call_hold(seen);
    call_finish(seen, NULL, "ok");
    cr_assert_str_eq(freed, "");
    cr_assert(call_ended(seen));
    call_release(seen);
    cr_assert_str_eq(freed, "ba");
}

Test(call, keeps_arguments_as_long_as_it_is_held)
{
    start(&with_args, "{\"text\":\"stays\"}");
    call_hold(seen);
    fake_call_hang_up(mcp);
    cr_assert(call_ended(seen));
    cr_assert_str_eq(seen_args.text, "stays");
    call_release(seen);
}

Test(call, prints_into_memory_of_its_own)
{
    start(&bare, NULL);
    cr_assert_str_eq(call_printf(seen, "%s-%d", "row", 12), "row-12");
    call_finish(seen, NULL, "ok");
}

/* The deadline */

Test(call, answers_at_its_deadline_and_tells_the_operation_once)
{
    const tool_t slow = {
        .name = "slow", .description = "Slow.", .read_only = true, .timeout_ms = 50, .run = keep
    };

    start(&slow, NULL);
    call_hold(seen);
    call_on_cancel(seen, tell, NULL);
    run_loop_ms(150);
    cr_assert_eq(fake_error(mcp)->kind, ERR_TIMEOUT);
    cr_assert(strstr(fake_error(mcp)->text, "within 0.05 s"), "%s", fake_error(mcp)->text);
    cr_assert_eq(told, 1);
    cr_assert(call_ended(seen));
    call_finish(seen, json_object(), NULL);
    cr_assert_eq(fake_answers(mcp), 1);
    call_release(seen);
}

Test(call, has_no_deadline_once_it_has_ended)
{
    const tool_t slow = { .name = "slow", .description = "Slow.", .timeout_ms = 30, .run = keep };

    start(&slow, NULL);
    call_hold(seen);
    call_on_cancel(seen, tell, NULL);
    call_finish(seen, NULL, "ok");
    run_loop_ms(100);
    cr_assert_eq(fake_answers(mcp), 1);
    cr_assert_eq(told, 0);
    call_release(seen);
}

Test(call, says_that_a_write_may_have_happened_when_its_deadline_passes)
{
    const tool_t writer = { .name = "writer", .description = "Writes.", .timeout_ms = 20, .run = keep };

    start(&writer, NULL);
    run_loop_ms(100);
    cr_assert(strstr(fake_error(mcp)->text, "check before repeating"), "%s", fake_error(mcp)->text);
}

Test(call, advises_to_ask_for_progress_where_that_helps)
{
    tool_t quick = reader;

    quick.timeout_ms = 20;
    start(&quick, NULL);
    run_loop_ms(100);
    cr_assert(strstr(fake_error(mcp)->text, "ask for progress"), "%s", fake_error(mcp)->text);
}

Test(call, has_less_time_when_the_gateway_has_less)
{
    const fake_header_t headers[] = { { "Guiche-Timeout-Ms", "5000" }, { 0 } };

    start_as(MCP_MODERN, &bare, NULL, headers);
    cr_assert_leq(call_left_ms(seen), 5000);
    cr_assert_gt(call_left_ms(seen), 4000);
    call_finish(seen, NULL, "ok");
}

Test(call, has_no_more_time_than_its_own_whatever_the_header_says)
{
    static const char *const values[] = { "900000", "-1", "", "0", "12x", "99999999999999999999" };

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const fake_header_t headers[] = { { "Guiche-Timeout-Ms", values[i] }, { 0 } };
        start_as(MCP_MODERN, &bare, NULL, headers);
        cr_assert_gt(call_left_ms(seen), 59000, "%s", values[i]);
        cr_assert_leq(call_left_ms(seen), 60000, "%s", values[i]);
        call_finish(seen, NULL, "ok");
        fake_call_free(TAKE(mcp));
    }
}

/* Progress */

Test(call, sends_progress_to_who_asked)
{
    mcp = fake_call_new(MCP_MODERN, NULL, NULL);
    fake_call_ask_progress(mcp);
    begin(&reader);
    call_progress(seen, "comparing", 1, 4, "Agent \"one\"", json_pack("{s:i}", "agent", 1));
    call_progress(seen, NULL, 2.5, 0, NULL, NULL);
    cr_assert_str_eq(
        fake_progress(mcp),
        "1/4 \"Agent \\\"one\\\"\" {\"guiche/stage\":\"comparing\",\"guiche/data\":{\"agent\":1}}\n"
        "2.5/  {\"guiche/stage\":\"processing\",\"guiche/data\":{}}\n");
    call_finish(seen, NULL, "ok");
}

Test(call, leaves_progress_out_while_its_reader_does_not_read)
{
    start(&reader, NULL);
    fake_call_ask_progress(mcp);
    fake_call_stop_reading(mcp);
    call_progress(seen, "processing", 1, 4, NULL, NULL);
    call_progress(seen, "processing", 2, 4, NULL, json_object());
    call_progress(seen, "processing", 3, 4, NULL, NULL);
    fake_call_read_on(mcp);
    call_progress(seen, "processing", 4, 4, NULL, NULL);
    cr_assert_str_eq(fake_progress(mcp), "1/4  {\"guiche/stage\":\"processing\",\"guiche/data\":{}}\n"
                                         "4/4  {\"guiche/stage\":\"processing\",\"guiche/data\":{}}\n");
    call_finish(seen, NULL, "done");
}

Test(call, drops_progress_nobody_asked_for_with_its_data)
{
    start(&reader, NULL);
    call_progress(seen, "processing", 1, 2, "one", json_pack("{s:i}", "n", 1));
    cr_assert_str_eq(fake_progress(mcp), "");
    call_finish(seen, NULL, "ok");
}

/* MCP 2026-07-28 basic/patterns/progress: the value must increase. */
Test(call, sends_no_progress_that_does_not_advance)
{
    mcp = fake_call_new(MCP_MODERN, NULL, NULL);
    fake_call_ask_progress(mcp);
    begin(&reader);
    call_progress(seen, "starting", 0, 2, NULL, NULL);
    call_progress(seen, "processing", 0, 2, NULL, NULL);
    call_progress(seen, "processing", -1, 2, NULL, NULL);
    call_progress(seen, "processing", NAN, 2, NULL, json_object());
    cr_assert_str_eq(fake_progress(mcp), "0/2  {\"guiche/stage\":\"starting\",\"guiche/data\":{}}\n");
    call_finish(seen, NULL, "ok");
}

Test(call, gets_its_time_again_with_each_progress_event_up_to_two_minutes)
{
    mcp = fake_call_new(MCP_MODERN, NULL, NULL);
    fake_call_ask_progress(mcp);
    begin(&reader);
    seen->started_ms -= 50000;
    seen->deadline_ms -= 50000;
    call_progress(seen, "processing", 1, 3, NULL, NULL);
    cr_assert_gt(call_left_ms(seen), 59000);
    seen->started_ms -= 50000;
    seen->deadline_ms -= 50000;
    call_progress(seen, "processing", 2, 3, NULL, NULL);
    cr_assert_leq(call_left_ms(seen), 20000, "the cap is 120 s from the start");
    cr_assert_gt(call_left_ms(seen), 19000);
    call_finish(seen, NULL, "ok");
}

/* Clients that hang up */

Test(call, ends_when_a_modern_client_hangs_up)
{
    start(&bare, NULL);
    call_hold(seen);
    call_on_cancel(seen, tell, NULL);
    fake_call_hang_up(mcp);
    cr_assert_eq(told, 1);
    cr_assert(call_ended(seen));
    cr_assert_eq(fake_answers(mcp), 0);
    call_release(seen);
}

Test(call, tells_no_operation_that_has_taken_its_hook_back)
{
    start(&bare, NULL);
    call_on_cancel(seen, tell, NULL);
    call_on_cancel(seen, NULL, NULL);
    fake_call_hang_up(mcp);
    cr_assert_eq(told, 0);
}

/* MCP 2025-11-25 basic/transports: a disconnect should not be taken for a cancellation. */
Test(call, goes_on_when_a_legacy_client_hangs_up)
{
    const fake_header_t headers[] = { { "X-Qlik-Access-Token", "its-own" }, { 0 } };

    start_as(MCP_LEGACY, &with_args, "{\"text\":\"still here\"}", headers);
    call_on_cancel(seen, tell, NULL);
    fake_call_hang_up(mcp);
    cr_assert_not(call_ended(seen));
    cr_assert_eq(told, 0);
    cr_assert_str_eq(seen_args.text, "still here");
    cr_assert_str_eq(call_header(seen, "x-qlik-access-token"), "its-own");
    cr_assert_null(call_header(seen, "X-Other"));
    call_progress(seen, "processing", 1, 2, NULL, json_object());
    call_finish(seen, json_object(), NULL);
    cr_assert_eq(fake_answers(mcp), 0);
}

Test(call, of_a_legacy_client_that_has_gone_still_has_a_deadline)
{
    const tool_t slow = { .name = "slow", .description = "Slow.", .timeout_ms = 30, .run = keep };

    start_as(MCP_LEGACY, &slow, NULL, NULL);
    call_on_cancel(seen, tell, NULL);
    fake_call_hang_up(mcp);
    run_loop_ms(120);
    cr_assert_eq(told, 1);
    cr_assert_eq(fake_answers(mcp), 0);
}

Test(call, is_cancelled_when_the_process_stops)
{
    start(&bare, NULL);
    call_on_cancel(seen, tell, NULL);
    calls_cancel_all(&runtime);
    cr_assert_eq(told, 1);
    cr_assert_eq(fake_error(mcp)->kind, ERR_UPSTREAM);
    cr_assert(strstr(fake_error(mcp)->text, "check before repeating"), "%s", fake_error(mcp)->text);
}

/* Who asks */

Test(call, knows_who_asks)
{
    const fake_header_t headers[] = { { "Guiche-Request-Id", "req-1_A.b" }, { "X-Token", "t" }, { 0 } };

    start_as(MCP_MODERN, &bare, NULL, headers);
    cr_assert_str_eq(call_tenant(seen), "demo");
    cr_assert_str_eq(call_principal(seen)->subject, "anna");
    cr_assert_str_eq(call_id(seen), "req-1_A.b");
    cr_assert_str_eq(call_header(seen, "x-token"), "t");
    cr_assert_null(call_header(seen, "X-None"));
    call_finish(seen, NULL, "ok");
}

Test(call, takes_no_request_id_that_could_forge_a_log_line)
{
    static const char *const ids[] = {
        "a b", "a\nb", "a\"b", "", "0123456789012345678901234567890123456789012345678901234567890123456789"
    };

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const fake_header_t headers[] = { { "Guiche-Request-Id", ids[i] }, { 0 } };
        start_as(MCP_MODERN, &bare, NULL, headers);
        cr_assert_str_eq(call_id(seen), "0123456789abcdef");
        call_finish(seen, NULL, "ok");
        fake_call_free(TAKE(mcp));
    }
}

/* Helpers */

static pthread_t worked_on;
static int worked, done_count, disposed;

static void work(void *job)
{
    (void)job;
    worked_on = pthread_self();
    worked++;
}

static void block(void *job)
{
    pthread_mutex_lock(job);
    pthread_mutex_unlock(job);
}

static void done(void *job)
{
    (void)job;
    done_count++;
    call_finish(seen, NULL, "ok");
}

static void dispose(void *job)
{
    (void)job;
    disposed++;
}

Test(call, works_on_a_helper_and_comes_back_to_the_loop)
{
    start(&bare, NULL);
    call_offload(seen, work, done, dispose, NULL);
    cr_assert_eq(done_count, 0, "never before the starter has returned");
    run_loop_until(&disposed, 1);
    cr_assert_eq(worked, 1);
    cr_assert_not(pthread_equal(worked_on, pthread_self()));
    cr_assert_eq(done_count, 1);
    cr_assert_eq(disposed, 1);
    cr_assert_eq(fake_answers(mcp), 1);
}

Test(call, does_not_come_back_from_a_helper_once_it_has_ended)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&gate);
    start(&bare, NULL);
    call_offload(seen, block, done, dispose, &gate);
    call_offload(seen, work, done, dispose, NULL);
    fake_call_hang_up(mcp);
    pthread_mutex_unlock(&gate);
    run_loop_until(&disposed, 2);
    cr_assert_eq(worked, 0, "work that had not begun is left out");
    cr_assert_eq(done_count, 0);
    cr_assert_eq(disposed, 2);
}

static void never(void *job)
{
    (void)job;
    cr_assert_fail("called back although it was refused");
}

Test(call, fails_when_the_helpers_have_too_much_to_do)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&gate);
    start(&bare, NULL);
    for (int i = 0; i < 5; i++) { /* one runs, four wait */
        call_offload(seen, block, never, dispose, &gate);
        for (int j = 0; i == 0 && j < 1000 && pool_queued(runtime.pool) > 0; j++) {
            run_loop_ms(20);
        }
    }
    call_offload(seen, work, never, dispose, NULL);
    cr_assert_eq(fake_answers(mcp), 0, "never before the starter has returned");
    run_loop_ms(20);
    cr_assert_eq(fake_error(mcp)->kind, ERR_UPSTREAM);
    pthread_mutex_unlock(&gate);
    run_loop_until(&disposed, 6);
}

static void finish_later(void *self)
{
    call_finish(self, NULL, "later");
}

Test(call, defers_a_step_until_the_current_one_is_over)
{
    start(&bare, NULL);
    call_defer(seen, finish_later, seen);
    cr_assert_eq(fake_answers(mcp), 0);
    run_loop_ms(20);
    cr_assert_eq(fake_answers(mcp), 1);
}

Test(call, defers_nothing_beyond_its_end)
{
    start(&bare, NULL);
    call_defer(seen, never, NULL);
    fake_call_hang_up(mcp);
    run_loop_ms(20);
    cr_assert_eq(runtime.alive_calls, 0);
}
