/* get_conversation: one conversation, without its messages. */
#include "client.h"
#include "conversation.h"

typedef struct {
    int64_t conversation_id;
} args_t;

static const field_t args[] = {
    CONVERSATION_ID_FIELD(args_t),
    { 0 },
};

static void get_conversation(call_t *call, const void *decoded);
static void on_conversation(void *self, const json_t *payload, const json_t *reply);

const tool_t get_conversation_tool = {
    .name = "get_conversation",
    .title = "Show a conversation",
    .description =
        "One conversation: status, priority, contact, assignee, team, labels, inbox, attributes, times and "
        "the last message. list_messages shows all that was said.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = CONVERSATION_SCHEMA,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = get_conversation,
};

static void get_conversation(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    const chatwoot_request_t request = {
        .path = conversation_path(call, a->conversation_id, ""),
        .subject = conversation_name(call, a->conversation_id),
        .has_id = true,
    };

    chatwoot_ask(call, &request, on_conversation, call);
}

static void on_conversation(void *self, const json_t *payload, const json_t *reply)
{
    AUTO_BUF text = { 0 };
    json_t *shown = conversation_json(payload, MESSAGE_SHOWN_BYTES);

    (void)reply;
    conversation_add_line(&text, shown);
    call_finish_text(self, shown, &text);
}
