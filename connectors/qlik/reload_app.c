/* reload_app: starts a reload of an app's data and, when asked to, waits for its end.
 *
 * The reload is asked for once, whatever comes back. Waiting means asking for its state at growing intervals;
 * each answer is a progress event, which gives the call its time again when the caller asked for progress.
 * Before the call's time is up the tool ends by itself, saying that the reload goes on and how to look again.
 */
#include <string.h>
#include <event2/event.h>

#include "cloud.h"
#include "qlik.h"
#include "reload.h"

#define FIRST_WAIT_MS 1000
#define LONGEST_WAIT_MS 10000
#define TIME_TO_ANSWER_MS 2000 /* what one more question may take; below it we end */
#define TIME_TO_END_MS 700     /* of these, what is kept for our own answer when Qlik gives none */

typedef struct {
    const char *app_id;
    bool partial, wait;
} args_t;

static const field_t args[] = {
    FIELD(args_t, app_id, .required = true, .doc = "The app, from get_apps."),
    FIELD(args_t, partial, .doc = "A partial reload: only what the script marks for it."),
    FIELD(args_t, wait,
          .doc = "Wait for the end (about 20 s; up to 2 minutes with progress). Without it the answer comes "
                 "at once and get_reload tells the rest."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    const char *reload_id, *path;
    json_t *latest; /* what Qlik last said of it */
    struct event *timer;
    int64_t wait_ms;
    int asked;
} flow_t;

static void reload_app(call_t *call, const void *decoded);
static void on_started(void *self, const json_t *reload, const err_t *err);
static void wait_or_end(flow_t *f, const json_t *reload);
static void on_cancel(void *self);
static void on_waited(evutil_socket_t fd, short what, void *self);
static void on_state(void *self, const json_t *reload, const err_t *err);

const tool_t reload_app_tool = {
    .name = "reload_app",
    .title = "Reload an app",
    .description =
        "Starts a reload of an app's data: its script runs and the app then shows the new data. With wait it "
        "reports progress and answers when the reload has SUCCEEDED, with the reason when it failed, or, "
        "when the time is up, that it is still running. A reload that is already pending refuses a second "
        "one. Never repeat it because an answer was unclear: list_reloads shows what was started.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = RELOAD_SCHEMA,
    .open_world = true,
    .destructive = true, /* the data the app showed before is replaced */
    .streams = true,
    .run = reload_app,
};

static void reload_app(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    json_t *body = json_pack("{s:s}", "appId", a->app_id);

    f->call = call;
    f->args = a;
    f->wait_ms = FIRST_WAIT_MS;
    if (a->partial) {
        json_object_set_new(body, "partial", json_true());
    }
    call_progress(call, "starting", 0, 0, "Asking Qlik to reload the app.", NULL);
    cloud_reload(call, body, on_started, f);
}

static void on_started(void *self, const json_t *reload, const err_t *err)
{
    flow_t *f = self;

    if (err) {
        bool unknown = strstr(err->text, "unknown") != NULL;
        call_failf(f->call, err->kind, "%.400s%s", err->text,
                   unknown ? " list_reloads shows what was started." : "");
        return;
    }
    if (!reload_is_one(reload)) {
        call_failf(
            f->call, ERR_UPSTREAM,
            "Qlik took the request but did not name the reload: look with list_reloads before repeating it.");
        return;
    }
    f->reload_id = call_printf(f->call, "%s", answer_text(reload, "id"));
    f->path = cloud_path(f->call, CLOUD_RELOADS "/", "reload_id", f->reload_id, "");
    if (!f->path) {
        return;
    }
    wait_or_end(f, reload);
}

static void fail_reload(flow_t *f, const json_t *reload)
{
    AUTO_BUF reason = { 0 };

    reload_add_reason(&reason, reload);
    call_failf(f->call, ERR_UPSTREAM, "The reload (reload_id %s) ended %s: %s", f->reload_id,
               answer_text(reload, "status"),
               reason.length > 0 ? buf_text(&reason) : "Qlik did not say why; get_reload shows its log.");
}

static void finish(flow_t *f, const json_t *reload)
{
    AUTO_BUF text = { 0 };
    json_t *answer = reload_answer(reload, &text);

    if (reload_end(reload) == RELOAD_RUNNING) {
        buf_addf(&text, ". It %s; look again with get_reload (reload_id %s). Do not start it a second time.",
                 f->args->wait ? "is still running" : "was started and goes on by itself", f->reload_id);
    }
    call_finish_text(f->call, answer, &text);
}

static void release_json(void *json)
{
    json_decref(json);
}

static void release_timer(void *timer)
{
    event_free(timer);
}

static void wait_a_while(flow_t *f)
{
    if (!f->timer) {
        struct event_base *base = loop_base(runtime_loop(qlik_of(f->call)->runtime));
        f->timer = call_own(f->call, evtimer_new(base, on_waited, f), release_timer);
    }
    call_hold(f->call);
    call_on_cancel(f->call, on_cancel, f);
    loop_arm(f->timer, f->wait_ms);
    f->wait_ms = f->wait_ms * 3 / 2 < LONGEST_WAIT_MS ? f->wait_ms * 3 / 2 : LONGEST_WAIT_MS;
}

static void wait_or_end(flow_t *f, const json_t *reload)
{
    reload_end_t end = reload_end(reload);

    if (end == RELOAD_ENDED_BADLY) {
        fail_reload(f, reload);
        return;
    }
    if (end == RELOAD_RUNNING && f->args->wait) {
        const char *status = answer_text(reload, "status");
        call_progress(f->call, "processing", ++f->asked, 0, status ? status : "running", NULL);
    }
    if (end == RELOAD_SUCCEEDED || !f->args->wait || call_left_ms(f->call) < f->wait_ms + TIME_TO_ANSWER_MS) {
        finish(f, reload);
        return;
    }
    f->latest = call_own(f->call, json_incref((json_t *)reload), release_json);
    wait_a_while(f);
}

static void on_cancel(void *self)
{
    flow_t *f = self;

    event_del(f->timer);
    call_release(f->call);
}

static void on_waited(evutil_socket_t fd, short what, void *self)
{
    flow_t *f = self;
    call_t *call = f->call;

    (void)fd;
    (void)what;
    call_on_cancel(call, NULL, NULL);
    cloud_look(call, f->path, call_left_ms(call) - TIME_TO_END_MS, on_state, f);
    call_release(call);
}

/* That a question about it failed does not end the reload. */
static void on_state(void *self, const json_t *reload, const err_t *err)
{
    flow_t *f = self;

    if (err && err->kind != ERR_UPSTREAM && err->kind != ERR_TIMEOUT) {
        call_failf(f->call, err->kind,
                   "The reload was started (reload_id %s), but its state could not be read: %s", f->reload_id,
                   err->text);
        return;
    }
    wait_or_end(f, err || !reload_is_one(reload) ? f->latest : reload);
}
