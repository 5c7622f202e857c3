/* get_contact: one contact with its attributes and the inboxes it can be reached through. */
#include <inttypes.h>

#include "client.h"
#include "contact.h"

typedef struct {
    int64_t contact_id;
} args_t;

static const field_t args[] = {
    FIELD(args_t, contact_id, .required = true, .min = 1,
          .doc = "The contact (contact_id from search_contacts)."),
    { 0 },
};

static void get_contact(call_t *call, const void *decoded);
static void on_contact(void *self, const json_t *payload, const json_t *reply);

const tool_t get_contact_tool = {
    .name = "get_contact",
    .title = "Show a contact",
    .description =
        "One contact: name, e-mail, phone number, identifier, custom attributes and the inboxes through "
        "which it can be reached.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = CONTACT_SCHEMA,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = get_contact,
};

static void get_contact(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    const chatwoot_request_t request = {
        .path = call_printf(call, "/contacts/%" PRId64, a->contact_id),
        .subject = call_printf(call, "contact %" PRId64, a->contact_id),
        .payload = "payload",
        .has_id = true,
    };

    chatwoot_ask(call, &request, on_contact, call);
}

static void add_details(buf_t *text, const json_t *shown)
{
    const char *name;
    const json_t *value;
    size_t i;

    json_object_foreach((json_t *)json_object_get(shown, "custom_attributes"), name, value)
    {
        AUTO(mem_free) char *words = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        buf_addf(text, "\n%s: ", name);
        answer_add_short(text, json_is_string(value) ? json_string_value(value) : words ? words : "?", 500);
    }
    json_array_foreach(json_object_get(shown, "inboxes"), i, value)
    {
        buf_add_text(text, "\nreached through ");
        answer_add_named(text, value, "inbox_id", "an inbox");
        answer_add_member(text, "", value, "channel");
    }
}

static void on_contact(void *self, const json_t *payload, const json_t *reply)
{
    AUTO_BUF text = { 0 };
    json_t *shown = contact_json(payload);

    (void)reply;
    contact_add_line(&text, shown);
    add_details(&text, shown);
    call_finish_text(self, shown, &text);
}
