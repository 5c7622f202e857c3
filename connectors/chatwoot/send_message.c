/* send_message: a reply to the customer, or a private note for the team. Chatwoot keeps no idempotency key,
 * so it goes out once and never again. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "conversation.h"

typedef struct {
    int64_t conversation_id;
    const char *content;
    bool private;
} args_t;

static const field_t args[] = {
    CONVERSATION_ID_FIELD(args_t),
    FIELD(args_t, content, .required = true, .max_length = 150000,
          .doc = "The text; Markdown is understood."),
    FIELD(args_t, private,
          .doc = "true: a note that only the team sees. Without it the customer gets the message."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void send_message(call_t *call, const void *decoded);
static void on_sent(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] = "{\"type\": \"object\", \"required\": [\"conversation_id\", "
                                    "\"message\"], \"properties\": {\"conversation_id\": "
                                    "{\"type\": \"integer\"}, \"message\": " MESSAGE_SCHEMA "}}";

const tool_t send_message_tool = {
    .name = "send_message",
    .title = "Send a message",
    .description =
        "Sends a message to the customer of a conversation, or with private adds a note only the team sees. "
        "It is delivered through the conversation's channel. Sending twice means two messages: when the "
        "outcome is unknown, look with list_messages first. Returns the message.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .open_world = true,
    .run = send_message,
};

static void send_message(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);

    *f = (flow_t){ call, a };
    if (strspn(a->content, " \t\r\n") == strlen(a->content)) {
        call_failf(call, ERR_CALLER, "Argument \"content\" is empty: there is nothing to send.");
        return;
    }
    const chatwoot_request_t request = {
        .method = "POST",
        .path = conversation_path(call, a->conversation_id, "/messages"),
        .json = json_pack("{s:s, s:s, s:b}", "content", a->content, "message_type", "outgoing", "private",
                          (int)a->private),
        .subject = conversation_name(call, a->conversation_id),
        .has_id = true,
    };
    chatwoot_ask(call, &request, on_sent, f);
}

static void on_sent(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    json_t *shown = message_json(payload, MESSAGE_SHOWN_BYTES); /* it has an id */

    (void)reply;
    buf_addf(&text, "%s conversation_id %" PRId64 ".\n",
             f->args->private ? "Private note added to" : "Sent to", f->args->conversation_id);
    message_add_lines(&text, shown);
    call_finish_text(
        f->call,
        json_pack("{s:I, s:o}", "conversation_id", (json_int_t)f->args->conversation_id, "message", shown),
        &text);
}
