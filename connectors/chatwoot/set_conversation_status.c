/* set_conversation_status: open, resolve, put off. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "clock.h"
#include "conversation.h"
#include "moment.h"

typedef struct {
    int64_t conversation_id;
    const char *status, *snoozed_until;
} args_t;

static const field_t args[] = {
    CONVERSATION_ID_FIELD(args_t),
    FIELD(args_t, status, .required = true, .choices = "open|resolved|pending|snoozed",
          .doc = "The new status."),
    FIELD(args_t, snoozed_until, .max_length = 40,
          .doc =
              "With snoozed: when it opens again, YYYY-MM-DD or 2026-11-20T10:41:00Z. Without it: with the "
              "customer's next message."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void set_conversation_status(call_t *call, const void *decoded);
static void on_set(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] =
    "{\"type\": \"object\", \"required\": [\"conversation_id\", \"status\"], \"properties\": "
    "{\"conversation_id\": "
    "{\"type\": \"integer\"}, \"status\": {\"type\": \"string\"}, \"snoozed_until\": " SCHEMA_TEXT_OR_NULL
    "}}";

const tool_t set_conversation_status_tool = {
    .name = "set_conversation_status",
    .title = "Set a conversation's status",
    .description =
        "Opens, resolves, snoozes or marks a conversation as pending. Resolving may send the customer a "
        "survey, as the inbox is set up. Returns the status it has now.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true, /* replaces what counted until now */
    .idempotent = true,
    .open_world = true,
    .run = set_conversation_status,
};

static int body_of(const args_t *a, json_t **ret, err_t *err)
{
    int64_t until = 0;

    if (a->snoozed_until && strcmp(a->status, "snoozed") != 0) {
        return err_set(err, ERR_CALLER, "snoozed_until goes with status snoozed only.");
    }
    if (a->snoozed_until && moment_parse("snoozed_until", a->snoozed_until, false, &until, err)) {
        return -1;
    }
    if (a->snoozed_until && until <= clock_unix()) {
        return err_set(err, ERR_CALLER, "snoozed_until is in the past.");
    }
    *ret = json_pack("{s:s}", "status", a->status);
    if (until > 0) {
        json_object_set_new(*ret, "snoozed_until", json_integer(until));
    }
    return 0;
}

static void set_conversation_status(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    json_t *body = NULL;
    err_t err;

    *f = (flow_t){ call, a };
    if (body_of(a, &body, &err)) {
        call_fail(call, &err);
        return;
    }
    const chatwoot_request_t request = {
        .method = "POST",
        .path = conversation_path(call, a->conversation_id, "/toggle_status"),
        .json = body,
        .subject = conversation_name(call, a->conversation_id),
        .payload = "payload",
    };
    chatwoot_ask(call, &request, on_set, f);
}

static void on_set(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    const char *now = answer_words(payload, "current_status");
    const char *status = *now ? now : f->args->status;
    json_t *answer = json_pack("{s:I, s:s, s:o}", "conversation_id", (json_int_t)f->args->conversation_id,
                               "status", status, "snoozed_until", answer_time(payload, "snoozed_until"));

    (void)reply;
    buf_addf(&text, "conversation_id %" PRId64 " is %s", f->args->conversation_id, status);
    answer_add_member(&text, "until", answer, "snoozed_until");
    buf_add_char(&text, '.');
    call_finish_text(f->call, answer, &text);
}
