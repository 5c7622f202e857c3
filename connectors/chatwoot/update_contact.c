/* update_contact: changes what is given and leaves the rest. Custom attributes are merged by Chatwoot, key by
 * key. Taking an e-mail address or a phone number away is `clear`; Chatwoot takes "" for that. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "contact.h"

typedef struct {
    int64_t contact_id;
    const char *name, *email, *phone_number, *identifier;
    json_t *custom_attributes;
    strings_t clear;
} args_t;

static const field_t args[] = {
    FIELD(args_t, contact_id, .required = true, .min = 1,
          .doc = "The contact (contact_id from search_contacts)."),
    FIELD(args_t, name, .max_length = 255, .doc = "New name."),
    FIELD(args_t, email, .format = "email", .max_length = 255, .doc = "New e-mail address."),
    FIELD(args_t, phone_number, .max_length = 20, .doc = "New phone number in the form +5511987654321."),
    FIELD(args_t, identifier, .max_length = 255, .doc = "New id of the customer in another system."),
    FIELD(args_t, custom_attributes, .schema = "{\"type\": \"object\"}",
          .doc = "Attributes to set, by their keys; others stay."),
    FIELD(args_t, clear, .choices = "email|phone_number", .max_items = 2, .doc = "What to take away."),
    { 0 },
};

static void update_contact(call_t *call, const void *decoded);
static void on_updated(void *self, const json_t *payload, const json_t *reply);

const tool_t update_contact_tool = {
    .name = "update_contact",
    .title = "Change a contact",
    .description =
        "Changes a contact: only what is given, the rest stays. clear takes an e-mail address or phone "
        "number away. Returns the contact as it is now.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = CONTACT_SCHEMA,
    .destructive = true, /* replaces what was there */
    .idempotent = true,
    .open_world = true,
    .run = update_contact,
};

static int add_cleared(const args_t *a, json_t *body, err_t *err)
{
    for (size_t i = 0; i < a->clear.count; i++) {
        if (json_object_get(body, a->clear.at[i])) {
            return err_set(err, ERR_CALLER, "Give a new %s or clear it, not both.", a->clear.at[i]);
        }
        json_object_set_new(body, a->clear.at[i], json_string(""));
    }
    if (json_object_size(body) == 0) {
        return err_set(err, ERR_CALLER, "Nothing to change was given.");
    }
    return 0;
}

static int body_of(const args_t *a, json_t **ret, err_t *err)
{
    const contact_fields_t fields = { a->name, a->email, a->phone_number, a->identifier,
                                      a->custom_attributes };
    json_auto_t *body = NULL;

    if (contact_fields_json(&fields, &body, err) || add_cleared(a, body, err)) {
        return -1;
    }
    *ret = TAKE(body);
    return 0;
}

static void update_contact(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    json_t *body = NULL;
    err_t err;

    if (body_of(a, &body, &err)) {
        call_fail(call, &err);
        return;
    }
    const chatwoot_request_t request = {
        .method = "PUT",
        .path = call_printf(call, "/contacts/%" PRId64, a->contact_id),
        .json = body,
        .subject = call_printf(call, "contact %" PRId64, a->contact_id),
        .payload = "payload",
        .has_id = true,
    };
    chatwoot_ask(call, &request, on_updated, call);
}

static void on_updated(void *self, const json_t *payload, const json_t *reply)
{
    AUTO_BUF text = { 0 };
    json_t *shown = contact_json(payload);

    (void)reply;
    buf_add_text(&text, "Now ");
    contact_add_line(&text, shown);
    call_finish_text(self, shown, &text);
}
