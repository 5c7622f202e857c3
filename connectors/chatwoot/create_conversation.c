/* create_conversation: a new conversation with a contact in an inbox, with a first message if there is one.
 *
 * A conversation hangs on the link between contact and inbox, which has a source_id. The contact is asked
 * first for the link it has; where it has none Chatwoot makes one, of the e-mail address or phone number for
 * channels that go by those. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "conversation.h"

typedef struct {
    int64_t contact_id, inbox_id;
    const char *message, *status;
} args_t;

static const field_t args[] = {
    FIELD(args_t, contact_id, .required = true, .min = 1,
          .doc = "With whom (contact_id from search_contacts)."),
    FIELD(args_t, inbox_id, .required = true, .min = 1,
          .doc = "In which inbox (inbox_id from list_inboxes)."),
    FIELD(args_t, message, .max_length = 150000,
          .doc = "First message, sent to the contact. Without it the conversation begins empty."),
    FIELD(args_t, status, .choices = "open|resolved|pending", .fallback = "open",
          .doc = "Status to begin with."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void create_conversation(call_t *call, const void *decoded);
static void on_contact(void *self, const json_t *payload, const json_t *reply);
static void on_created(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["conversation_id", "contact_id", "inbox_id", "status", "message_sent"],
    "properties": {
        "conversation_id": {"type": "integer"}, "contact_id": {"type": "integer"},
        "inbox_id": {"type": "integer"},
        "status": {"type": "string"}, "message_sent": {"type": "boolean"}}});

const tool_t create_conversation_tool = {
    .name = "create_conversation",
    .title = "Begin a conversation",
    .description =
        "Begins a new conversation with a contact in an inbox and sends a first message when there is one. "
        "Every call begins another one: look with list_conversations whether there is one already. "
        "Returns its conversation_id.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .open_world = true,
    .run = create_conversation,
};

static void create_conversation(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    const chatwoot_request_t request = {
        .path = call_printf(call, "/contacts/%" PRId64, a->contact_id),
        .subject = call_printf(call, "contact %" PRId64, a->contact_id),
        .payload = "payload",
        .has_id = true,
    };

    *f = (flow_t){ call, a };
    chatwoot_ask(call, &request, on_contact, f);
}

/* The newest link of the contact to the inbox; NULL: none. */
static const char *source_of(const json_t *contact, int64_t inbox_id)
{
    const char *found = NULL;
    size_t i;
    const json_t *link;

    json_array_foreach(json_object_get(contact, "contact_inboxes"), i, link)
    {
        if (json_integer_value(chatwoot_at(link, "inbox.id")) == inbox_id) {
            const char *source_id = json_string_value(json_object_get(link, "source_id"));
            found = source_id ? source_id : found;
        }
    }
    return found;
}

static json_t *body_of(const args_t *a, const char *source_id)
{
    json_t *body =
        json_pack("{s:s*, s:I, s:I, s:s}", "source_id", source_id, "inbox_id", (json_int_t)a->inbox_id,
                  "contact_id", (json_int_t)a->contact_id, "status", a->status);

    if (a->message && *a->message) {
        json_object_set_new(body, "message", json_pack("{s:s}", "content", a->message));
    }
    return body;
}

static void on_contact(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    const chatwoot_request_t request = {
        .method = "POST",
        .path = "/conversations",
        .json = body_of(f->args, source_of(payload, f->args->inbox_id)),
        .subject = call_printf(f->call, "inbox %" PRId64, f->args->inbox_id),
        .has_id = true,
    };

    (void)reply;
    chatwoot_ask(f->call, &request, on_created, f);
}

static void on_created(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    const args_t *a = f->args;
    AUTO_BUF text = { 0 };
    json_int_t id = json_integer_value(json_object_get(payload, "id"));
    const char *status = answer_words(payload, "status");
    bool sent = a->message && *a->message;

    (void)reply;
    buf_addf(&text,
             "conversation_id %" JSON_INTEGER_FORMAT " begun with contact_id %" PRId64 " in inbox_id %" PRId64
             "%s.",
             id, a->contact_id, a->inbox_id, sent ? "; the message was sent" : "");
    call_finish_text(f->call,
                     json_pack("{s:I, s:I, s:I, s:s, s:b}", "conversation_id", id, "contact_id",
                               (json_int_t)a->contact_id, "inbox_id", (json_int_t)a->inbox_id, "status",
                               *status ? status : a->status, "message_sent", (int)sent),
                     &text);
}
