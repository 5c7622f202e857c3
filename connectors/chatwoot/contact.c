/* See contact.h. */
#include "contact.h"

#include <string.h>

static json_t *inboxes_json(const json_t *contact)
{
    json_t *list = json_array();
    size_t i;
    const json_t *link;

    json_array_foreach(json_object_get(contact, "contact_inboxes"), i, link)
    {
        const json_t *inbox = json_object_get(link, "inbox");
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "inbox_id", answer_id(inbox, "id"),
                                              "name", answer_text(inbox, "name"), "channel",
                                              answer_channel(inbox, "channel_type"), "source_id",
                                              answer_text(link, "source_id")));
    }
    return list;
}

json_t *contact_json(const json_t *contact)
{
    json_t *shown = json_object();

    json_object_set_new(shown, "contact_id", answer_id(contact, "id"));
    json_object_set_new(shown, "name", answer_text(contact, "name"));
    json_object_set_new(shown, "email", answer_text(contact, "email"));
    json_object_set_new(shown, "phone_number", answer_text(contact, "phone_number"));
    json_object_set_new(shown, "identifier", answer_text(contact, "identifier"));
    json_object_set_new(shown, "blocked", json_boolean(json_is_true(json_object_get(contact, "blocked"))));
    json_object_set_new(shown, "custom_attributes", answer_copy(contact, "custom_attributes", JSON_OBJECT));
    json_object_set_new(shown, "inboxes", inboxes_json(contact));
    json_object_set_new(shown, "created_at", answer_time(contact, "created_at"));
    json_object_set_new(shown, "last_activity_at", answer_time(contact, "last_activity_at"));
    return shown;
}

void contact_add_line(buf_t *text, const json_t *shown)
{
    answer_add_named(text, shown, "contact_id", "a contact");
    answer_add_member(text, "", shown, "email");
    answer_add_member(text, "", shown, "phone_number");
    answer_add_member(text, "identifier", shown, "identifier");
    answer_add_member(text, "last active", shown, "last_activity_at");
    if (json_is_true(json_object_get(shown, "blocked"))) {
        buf_add_text(text, ", blocked");
    }
}

/* Chatwoot 4.10, app/models/contact.rb: E.164, "+" and up to 15 digits, not beginning with 0. */
static bool is_e164(const char *number)
{
    size_t digits = strspn(number + (*number == '+'), "0123456789");

    return number[0] == '+' && number[1] != '0' && digits >= 1 && digits <= 15 && number[1 + digits] == '\0';
}

/* Models write "" for what they leave out; Chatwoot would take it for a new, empty value. */
static const char *given(const char *text)
{
    return text && text[strspn(text, " \t\r\n")] ? text : NULL;
}

int contact_fields_json(const contact_fields_t *fields, json_t **ret, err_t *err)
{
    const char *phone_number = given(fields->phone_number);

    if (phone_number && !is_e164(phone_number)) {
        return err_set(
            err, ERR_CALLER,
            "Argument \"phone_number\" must be in the international form +5511987654321: a plus and "
            "at most 15 digits.");
    }
    *ret = json_pack("{s:s*, s:s*, s:s*, s:s*, s:O*}", "name", given(fields->name), "email",
                     given(fields->email), "phone_number", phone_number, "identifier",
                     given(fields->identifier), "custom_attributes", fields->custom_attributes);
    return 0;
}
