/* create_contact: a new customer. Chatwoot refuses a second one with the same e-mail address, phone number or
 * identifier, but takes any number with the same name. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "contact.h"

typedef struct {
    const char *name, *email, *phone_number, *identifier;
    json_t *custom_attributes;
    int64_t inbox_id;
} args_t;

static const field_t args[] = {
    FIELD(args_t, name, .required = true, .max_length = 255, .doc = "Name of the customer."),
    FIELD(args_t, email, .format = "email", .max_length = 255, .doc = "E-mail address."),
    FIELD(args_t, phone_number, .max_length = 20, .doc = "Phone number in the form +5511987654321."),
    FIELD(args_t, identifier, .max_length = 255, .doc = "Id of the customer in another system."),
    FIELD(args_t, custom_attributes, .schema = "{\"type\": \"object\"}",
          .doc = "Attributes by their keys, as they are set up in Chatwoot."),
    FIELD(args_t, inbox_id, .min = 1,
          .doc = "Inbox through which the contact is to be reached (inbox_id from list_inboxes)."),
    { 0 },
};

static void create_contact(call_t *call, const void *decoded);
static void on_created(void *self, const json_t *payload, const json_t *reply);

const tool_t create_contact_tool = {
    .name = "create_contact",
    .title = "Create a contact",
    .description =
        "Adds a contact (customer). Look with search_contacts whether there is one already: Chatwoot refuses "
        "a second one only with the same e-mail, phone number or identifier. Returns the contact.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = CONTACT_SCHEMA,
    .open_world = true,
    .run = create_contact,
};

static void create_contact(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    const contact_fields_t fields = { a->name, a->email, a->phone_number, a->identifier,
                                      a->custom_attributes };
    json_t *body = NULL;
    err_t err;

    if (strspn(a->name, " \t\r\n") == strlen(a->name)) {
        call_failf(call, ERR_CALLER, "Argument \"name\" is empty.");
        return;
    }
    if (contact_fields_json(&fields, &body, &err)) {
        call_fail(call, &err);
        return;
    }
    if (a->inbox_id > 0) {
        json_object_set_new(body, "inbox_id", json_integer(a->inbox_id));
    }
    const chatwoot_request_t request = {
        .method = "POST",
        .path = "/contacts",
        .json = body,
        .subject = a->inbox_id > 0 ? call_printf(call, "inbox %" PRId64, a->inbox_id) : NULL,
        .payload = "payload.contact",
        .has_id = true,
    };
    chatwoot_ask(call, &request, on_created, call);
}

static void on_created(void *self, const json_t *payload, const json_t *reply)
{
    AUTO_BUF text = { 0 };
    json_t *shown = contact_json(payload);

    (void)reply;
    buf_add_text(&text, "Created ");
    contact_add_line(&text, shown);
    call_finish_text(self, shown, &text);
}
