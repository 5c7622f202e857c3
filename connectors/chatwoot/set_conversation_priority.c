/* set_conversation_priority. "none" is our word for taking it away; Chatwoot 4.10 itself takes null for that,
 * although its OpenAPI file says "none" (Conversation#toggle_priority sets what it is given, and the enum has
 * no such value). */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "conversation.h"

typedef struct {
    int64_t conversation_id;
    const char *priority;
} args_t;

static const field_t args[] = {
    CONVERSATION_ID_FIELD(args_t),
    FIELD(args_t, priority, .required = true, .choices = "urgent|high|medium|low|none",
          .doc = "The new priority; none takes it away."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void set_conversation_priority(call_t *call, const void *decoded);
static void on_set(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] =
    STRINGIZE({
    "type": "object", "required": ["conversation_id", "priority"], "properties": {
        "conversation_id": {"type": "integer"}, "priority": {"type": "string"}}});

const tool_t set_conversation_priority_tool = {
    .name = "set_conversation_priority",
    .title = "Set a conversation's priority",
    .description = "Sets how urgent a conversation is, or takes the priority away (none).",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true, /* replaces what counted until now */
    .idempotent = true,
    .open_world = true,
    .run = set_conversation_priority,
};

static void set_conversation_priority(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    const chatwoot_request_t request = {
        .method = "POST",
        .path = conversation_path(call, a->conversation_id, "/toggle_priority"),
        .json = json_pack("{s:s?}", "priority", strcmp(a->priority, "none") == 0 ? NULL : a->priority),
        .subject = conversation_name(call, a->conversation_id),
        .may_be_nothing = true,
    };

    *f = (flow_t){ call, a };
    chatwoot_ask(call, &request, on_set, f);
}

static void on_set(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    (void)payload;
    (void)reply;
    buf_addf(&text, "conversation_id %" PRId64 " has the priority %s.", f->args->conversation_id,
             f->args->priority);
    call_finish_text(f->call,
                     json_pack("{s:I, s:s}", "conversation_id", (json_int_t)f->args->conversation_id,
                               "priority", f->args->priority),
                     &text);
}
