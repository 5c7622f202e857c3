/* mcp-fixture: a connector for tests. Its tools take every type, take their time, fail, block a helper; its
 * environment makes the upstream down or silent, or the start fail. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <event2/event.h>

#include "connector.h"

typedef struct {
    const char *upstream, *open;
    int64_t limit;
} settings_t;

static const field_t settings[] = {
    FIELD(settings_t, upstream, .env = "FIXTURE_UPSTREAM", .choices = "up|down|silent", .fallback = "up",
          .doc = "What the upstream does.", .group = "Fixture"),
    FIELD(settings_t, open, .env = "FIXTURE_OPEN", .choices = "ok|refused|misconfigured", .fallback = "ok",
          .doc = "What the start does.", .group = "Fixture"),
    FIELD(settings_t, limit, .env = "FIXTURE_LIMIT", .fallback = "10", .min = 1, .max = 100,
          .doc = "A number.", .group = "Fixture"),
    { 0 },
};

typedef struct {
    runtime_t *runtime;
    const settings_t *settings;
} fixture_t;

/* echo: every type of argument, given back. */

typedef struct {
    const char *text;
    int64_t count;
    double ratio;
    bool loud;
    strings_t labels;
    json_t *filter;
} echo_args_t;

static const field_t echo_args[] = {
    FIELD(echo_args_t, text, .required = true, .doc = "Any text."),
    FIELD(echo_args_t, count, .fallback = "1", .min = 1, .max = 10, .doc = "A whole number."),
    FIELD(echo_args_t, ratio, .doc = "A number."),
    FIELD(echo_args_t, loud, .doc = "Yes or no."),
    FIELD(echo_args_t, labels, .max_items = 3, .doc = "Some words."),
    FIELD(echo_args_t, filter, .schema = "{\"type\":\"object\"}", .doc = "Any object."),
    { 0 },
};

static void echo(call_t *call, const void *decoded)
{
    const echo_args_t *a = decoded;
    json_t *labels = json_array();

    for (size_t i = 0; i < a->labels.count; i++) {
        json_array_append_new(labels, json_string(a->labels.at[i]));
    }
    call_finish(call,
                json_pack("{s:s, s:I, s:o, s:b, s:o, s:O*}", "text", a->text, "count", (json_int_t)a->count,
                          "ratio", call_number(a->ratio), "loud", a->loud, "labels", labels, "filter",
                          a->filter),
                NULL);
}

static const tool_t echo_tool = { .name = "echo",
                                  .title = "Echo",
                                  .description = "Give every argument back. For tests.",
                                  .args = echo_args,
                                  .args_size = sizeof(echo_args_t),
                                  .result_schema = "{\"type\":\"object\"}",
                                  .read_only = true,
                                  .idempotent = true,
                                  .run = echo };

/* slow: progress every 50 ms until the time is over. */

#define STEP_MS 50

typedef struct {
    int64_t ms;
} slow_args_t;

static const field_t slow_args[] = {
    FIELD(slow_args_t, ms, .fallback = "100", .min = 50, .max = 60000, .doc = "How long."),
    { 0 },
};

typedef struct {
    call_t *call;
    struct event *timer;
    int64_t ms, waited_ms;
} slow_t;

static void on_slow_over(slow_t *s)
{
    call_t *call = s->call;

    event_free(s->timer);
    call_on_cancel(call, NULL, NULL);
    if (!call_ended(call)) {
        call_finish(call, json_pack("{s:I}", "waited_ms", (json_int_t)s->waited_ms), NULL);
    }
    call_release(call);
}

static void on_slow_step(int fd, short what, void *self)
{
    slow_t *s = self;

    (void)fd;
    (void)what;
    s->waited_ms += STEP_MS;
    if (s->waited_ms >= s->ms) {
        on_slow_over(s);
        return;
    }
    call_progress(s->call, "processing", (double)s->waited_ms, (double)s->ms, "waiting", NULL);
}

static void on_slow_cancelled(void *self)
{
    slow_t *s = self;

    fprintf(stderr, "slow was cancelled\n");
    event_free(s->timer);
    call_release(s->call);
}

static void slow(call_t *call, const void *decoded)
{
    const fixture_t *fixture = call_state(call);
    const struct timeval step = { 0, STEP_MS * 1000 };
    slow_t *s = CALL_NEW(call, slow_t);

    s->call = call;
    s->ms = ((const slow_args_t *)decoded)->ms;
    s->timer = event_new(loop_base(runtime_loop(fixture->runtime)), -1, EV_PERSIST,
                         (event_callback_fn)on_slow_step, s);
    event_add(s->timer, &step);
    call_hold(call);
    call_on_cancel(call, on_slow_cancelled, s);
}

static const tool_t slow_tool = { .name = "slow",
                                  .description = "Take some time and say so.",
                                  .args = slow_args,
                                  .args_size = sizeof(slow_args_t),
                                  .read_only = true,
                                  .streams = true,
                                  .run = slow };

/* fail: with any kind of error. */

typedef struct {
    const char *kind;
} fail_args_t;

static const field_t fail_args[] = {
    FIELD(fail_args_t, kind, .required = true, .choices = "caller|denied|upstream|timeout|internal",
          .doc = "Which."),
    { 0 },
};

static void fail(call_t *call, const void *decoded)
{
    const fail_args_t *a = decoded;

    call_failf(call, (err_kind_t)err_from_name(a->kind), "It failed, as a %s error does.", a->kind);
}

static const tool_t fail_tool = { .name = "fail",
                                  .description = "Fail.",
                                  .args = fail_args,
                                  .args_size = sizeof(fail_args_t),
                                  .destructive = true,
                                  .run = fail };

/* block: a helper sleeps. */

static void block_helper(void *job)
{
    (void)job;
    usleep(2000000);
}

static void on_blocked(void *job)
{
    call_finish(job, NULL, "A helper slept.");
}

static void block(call_t *call, const void *decoded)
{
    (void)decoded;
    call_offload(call, block_helper, on_blocked, NULL, call);
}

static const tool_t block_tool = { .name = "block", .description = "Block a helper.", .run = block };

/* whoami: what the call knows of who asks. */

static void whoami(call_t *call, const void *decoded)
{
    (void)decoded;
    call_finish(call,
                json_pack("{s:s, s:s, s:b, s:s, s:s?}", "subject", call_principal(call)->subject, "tenant",
                          call_tenant(call), "may_read", principal_has(call_principal(call), "fixture.read"),
                          "id", call_id(call), "token", call_header(call, "X-Fixture-Token")),
                NULL);
}

static const tool_t whoami_tool = {
    .name = "whoami", .description = "Who asks.", .read_only = true, .run = whoami
};

/* route: an argument that travels in a header as well. */

typedef struct {
    const char *region;
} route_args_t;

static const field_t route_args[] = {
    FIELD(route_args_t, region, .header = "Region", .doc = "Where."),
    { 0 },
};

static void route(call_t *call, const void *decoded)
{
    const route_args_t *a = decoded;

    call_finish(call, NULL, a->region ? a->region : "nowhere");
}

static const tool_t route_tool = { .name = "route",
                                   .description = "Say where.",
                                   .args = route_args,
                                   .args_size = sizeof(route_args_t),
                                   .read_only = true,
                                   .run = route };

static const tool_t *const tools[] = { &echo_tool,   &slow_tool,  &fail_tool, &block_tool,
                                       &whoami_tool, &route_tool, NULL };

static void *fixture_open(runtime_t *runtime, const void *values, err_t *err)
{
    const settings_t *s = values;

    if (strcmp(s->open, "ok") != 0) {
        bool ours = strcmp(s->open, "misconfigured") == 0;
        err_set(err, ours ? ERR_CALLER : ERR_UPSTREAM, "The start was %s.", s->open);
        return NULL;
    }
    fixture_t *fixture = NEW(fixture_t);
    *fixture = (fixture_t){ runtime, s };
    return fixture;
}

static void fixture_close(void *fixture)
{
    mem_free(fixture);
}

static void fixture_probe(void *state, runtime_t *runtime)
{
    const fixture_t *fixture = state;
    err_t err;

    if (strcmp(fixture->settings->upstream, "up") == 0) {
        runtime_ready(runtime, NULL);
    } else if (strcmp(fixture->settings->upstream, "down") == 0) {
        err_set(&err, ERR_UPSTREAM, "The \"fixture\" is down.");
        runtime_ready(runtime, &err);
    }
}

static const char *fixture_about(void *fixture)
{
    (void)fixture;
    return "for tests";
}

static int count(const void *values, int argc, char **argv)
{
    const settings_t *s = values;

    printf("%s %d limit=%d\n", argv[0], argc, (int)s->limit);
    return 7;
}

static const connector_verb_t verbs[] = { { "count", "count the arguments", count }, { 0 } };

static const connector_t fixture = {
    .name = "fixture",
    .title = "Fixture",
    .instructions = "Tools for tests.",
    .tools = tools,
    .settings = settings,
    .settings_size = sizeof(settings_t),
    .open = fixture_open,
    .close = fixture_close,
    .probe = fixture_probe,
    .verbs = verbs,
    .usual_prefix = "fixture_",
    .about = fixture_about,
};

int main(int argc, char **argv)
{
    return connector_main(&fixture, argc, argv);
}
