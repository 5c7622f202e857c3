/* See conversation.h. */
#include "conversation.h"

#include <inttypes.h>

#include "client.h"

#define PREVIEW_BYTES 200

const char *conversation_name(call_t *call, int64_t conversation_id)
{
    return call_printf(call, "conversation %" PRId64, conversation_id);
}

const char *conversation_path(call_t *call, int64_t conversation_id, const char *rest)
{
    return call_printf(call, "/conversations/%" PRId64 "%s", conversation_id, rest);
}

static json_t *who_json(const json_t *who, const char *id_name)
{
    if (!json_is_object(who)) {
        return json_null();
    }
    return json_pack("{s:o, s:o}", id_name, answer_id(who, "id"), "name", answer_text(who, "name"));
}

static json_t *sender_json(const json_t *sender)
{
    json_t *shown = who_json(sender, "contact_id");

    if (json_is_object(shown)) {
        json_object_set_new(shown, "email", answer_text(sender, "email"));
        json_object_set_new(shown, "phone_number", answer_text(sender, "phone_number"));
    }
    return shown;
}

/* Activities ("Ana was assigned") say nothing of what was talked about. */
static json_t *last_message_json(const json_t *conversation, size_t max_message)
{
    const json_t *message = json_object_get(conversation, "last_non_activity_message");

    if (!json_is_object(message)) {
        message = json_array_get(json_object_get(conversation, "messages"), 0);
    }
    json_t *shown = message ? message_json(message, max_message) : NULL;
    return shown ? shown : json_null();
}

json_t *conversation_json(const json_t *conversation, size_t max_message)
{
    static const char *const times[] = { "created_at", "last_activity_at", "waiting_since", "snoozed_until" };
    json_t *shown = json_object();
    const char *status = answer_words(conversation, "status");

    json_object_set_new(shown, "conversation_id", answer_id(conversation, "id"));
    json_object_set_new(shown, "status", json_string(*status ? status : "unknown"));
    json_object_set_new(shown, "priority", answer_text(conversation, "priority"));
    json_object_set_new(shown, "inbox_id", answer_id(conversation, "inbox_id"));
    json_object_set_new(shown, "channel", answer_channel(chatwoot_at(conversation, "meta"), "channel"));
    json_object_set_new(shown, "contact", sender_json(chatwoot_at(conversation, "meta.sender")));
    json_object_set_new(shown, "assignee", who_json(chatwoot_at(conversation, "meta.assignee"), "agent_id"));
    json_object_set_new(shown, "team", who_json(chatwoot_at(conversation, "meta.team"), "team_id"));
    json_object_set_new(shown, "labels", answer_texts(conversation, "labels"));
    json_object_set_new(shown, "unread_count",
                        json_integer(json_integer_value(json_object_get(conversation, "unread_count"))));
    json_object_set_new(shown, "can_reply",
                        json_boolean(!json_is_false(json_object_get(conversation, "can_reply"))));
    json_object_set_new(shown, "custom_attributes",
                        answer_copy(conversation, "custom_attributes", JSON_OBJECT));
    json_object_set_new(shown, "last_message", last_message_json(conversation, max_message));
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        json_object_set_new(shown, times[i], answer_time(conversation, times[i]));
    }
    return shown;
}

static void add_preview(buf_t *text, const json_t *message)
{
    if (!json_is_object(message)) {
        return;
    }
    buf_addf(text, "\n  last message (%s%s): ", answer_words(message, "direction"),
             json_is_true(json_object_get(message, "private")) ? ", private" : "");
    if (*answer_words(message, "text")) {
        answer_add_short(text, answer_words(message, "text"), PREVIEW_BYTES);
    } else {
        buf_add_count(text, json_array_size(json_object_get(message, "attachments")), "attachment");
    }
}

void conversation_add_line(buf_t *text, const json_t *shown)
{
    const json_t *labels = json_object_get(shown, "labels");
    json_int_t unread = json_integer_value(json_object_get(shown, "unread_count"));

    buf_addf(text, "conversation_id %" JSON_INTEGER_FORMAT ", %s",
             json_integer_value(json_object_get(shown, "conversation_id")), answer_words(shown, "status"));
    answer_add_member(text, "priority", shown, "priority");
    buf_add_text(text, ", with ");
    answer_add_named(text, json_object_get(shown, "contact"), "contact_id", "nobody");
    buf_add_text(text, ", assigned to ");
    answer_add_named(text, json_object_get(shown, "assignee"), "agent_id", "nobody");
    if (json_is_object(json_object_get(shown, "team"))) {
        buf_add_text(text, ", ");
        answer_add_named(text, json_object_get(shown, "team"), "team_id", "a team");
    }
    answer_add_member(text, "inbox_id", shown, "inbox_id");
    if (json_array_size(labels) > 0) {
        buf_add_text(text, ", labels ");
        answer_add_list(text, labels);
    }
    if (unread > 0) {
        buf_addf(text, ", %" JSON_INTEGER_FORMAT " unread", unread);
    }
    answer_add_member(text, "last active", shown, "last_activity_at");
    answer_add_member(text, "snoozed until", shown, "snoozed_until");
    if (json_is_false(json_object_get(shown, "can_reply"))) {
        buf_add_text(text, ", its channel takes no free reply now");
    }
    add_preview(text, json_object_get(shown, "last_message"));
}
