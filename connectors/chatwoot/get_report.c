/* get_report: one figure over days, for the account or for one agent, inbox, label or team. Chatwoot groups
 * by days of UTC and lets administrators only. It wants a label's id, which nothing else shows: labels go by
 * their names here, as in every other tool, and are looked up first. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "moment.h"
#include "report.h"

typedef struct {
    const char *metric, *since, *until, *type, *label;
    int64_t id;
} args_t;

static const field_t args[] = {
    FIELD(args_t, metric, .required = true, .choices = REPORT_METRICS,
          .doc = "The figure. Averages are in seconds."),
    FIELD(args_t, since, .required = true, .max_length = 40, .doc = "First day, YYYY-MM-DD, or a time, UTC."),
    FIELD(args_t, until, .required = true, .max_length = 40,
          .doc = "Last day, YYYY-MM-DD, included, or a time, UTC. At most 366 days after since."),
    FIELD(args_t, type, .choices = "account|agent|inbox|label|team", .fallback = "account",
          .doc = "Of whom: the whole account, or the one named by id or label."),
    FIELD(args_t, id, .min = 1,
          .doc = "With agent, inbox or team: its id (from list_agents, list_inboxes, list_teams)."),
    FIELD(args_t, label, .max_length = 200, .doc = "With label: its name, as get_conversation shows it."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    int64_t since_s, until_s, id; /* id 0: the account */
} flow_t;

static void get_report(call_t *call, const void *decoded);
static void on_labels(void *self, const json_t *payload, const json_t *reply);
static void ask_report(flow_t *f);
static void on_report(void *self, const json_t *payload, const json_t *reply);

const tool_t get_report_tool = {
    .name = "get_report",
    .title = "Report figures",
    .description =
        "One figure over a period, day by day and in total: conversations, messages in and out, "
        "resolutions, or the mean time to the first reply or to resolution (seconds). For the account, or "
        "for one agent, inbox or team by id, or one label by name. Needs the token of an administrator.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = REPORT_SCHEMA,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = get_report,
};

static int check(flow_t *f, err_t *err)
{
    const args_t *a = f->args;
    bool is_label = strcmp(a->type, "label") == 0, has_label = a->label && *a->label;
    bool wants_id = !is_label && strcmp(a->type, "account") != 0;

    if (wants_id != (a->id > 0)) {
        return err_set(err, ERR_CALLER,
                       wants_id ? "The type %s needs the id of which one."
                                : "id goes with the types agent, inbox and team, not with %s.",
                       a->type);
    }
    if (is_label != has_label) {
        return err_set(err, ERR_CALLER,
                       is_label ? "The type label needs the label: its name."
                                : "label goes with the type label only.");
    }
    if (moment_parse("since", a->since, false, &f->since_s, err) ||
        moment_parse("until", a->until, true, &f->until_s, err)) {
        return -1;
    }
    if (f->until_s < f->since_s || f->until_s - f->since_s > (int64_t)REPORT_MAX_DAYS * 86400) {
        return err_set(err, ERR_CALLER, "until must come after since, by at most %d days.", REPORT_MAX_DAYS);
    }
    return 0;
}

static void get_report(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    err_t err;

    *f = (flow_t){ .call = call, .args = a, .id = a->id };
    if (check(f, &err)) {
        call_fail(call, &err);
        return;
    }
    if (strcmp(a->type, "label") != 0) {
        ask_report(f);
        return;
    }
    const chatwoot_request_t labels = { .path = "/labels", .payload = "payload", .type = JSON_ARRAY };
    chatwoot_ask(call, &labels, on_labels, f);
}

static void on_labels(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    size_t i;
    const json_t *label;

    (void)reply;
    json_array_foreach(payload, i, label)
    {
        if (strcasecmp(answer_words(label, "title"), f->args->label) == 0) {
            f->id = json_integer_value(json_object_get(label, "id"));
        }
    }
    if (f->id <= 0) {
        call_failf(
            f->call, ERR_CALLER,
            "Chatwoot has no label %s with reports: only those set up under Settings, Labels have them.",
            f->args->label);
        return;
    }
    ask_report(f);
}

static void ask_report(flow_t *f)
{
    const args_t *a = f->args;
    const char *whose = f->id > 0 ? call_printf(f->call, "&id=%" PRId64, f->id) : "";
    const chatwoot_request_t request = {
        .reports = true,
        .path = call_printf(f->call, "/reports?metric=%s&type=%s&since=%" PRId64 "&until=%" PRId64 "%s",
                            a->metric, a->type, f->since_s, f->until_s, whose),
        .subject = f->id > 0 ? call_printf(f->call, "%s %" PRId64, a->type, f->id) : NULL,
        .type = JSON_ARRAY,
    };

    chatwoot_ask(f->call, &request, on_report, f);
}

static void on_report(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    const args_t *a = f->args;
    AUTO_BUF text = { 0 };
    char since[MOMENT_SIZE], until[MOMENT_SIZE];
    json_t *report = report_json(a->metric, payload);

    (void)reply;
    json_object_set_new(report, "type", json_string(a->type));
    json_object_set_new(report, "id", f->id > 0 ? json_integer(f->id) : json_null());
    json_object_set_new(report, "since", json_string(moment_iso(f->since_s, since)));
    json_object_set_new(report, "until", json_string(moment_iso(f->until_s, until)));
    report_add_text(&text, report);
    call_finish_text(f->call, report, &text);
}
