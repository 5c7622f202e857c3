/* See message.h. Chatwoot writes message_type as a number in most places and as a word in some. An e-mail's
 * text is in `content`; where that is empty, in content_attributes.email. */
#include "message.h"

#include <string.h>

#include "client.h"
#include "html_text.h"
#include "mem.h"
#include "percent.h"
#include "utf8.h"

#define MAX_CONTENT_BYTES 150000 /* Chatwoot's own limit of a message, in characters */

static const char *direction(const json_t *message)
{
    static const char *const names[] = { "incoming", "outgoing", "activity", "template" };
    const json_t *type = json_object_get(message, "message_type");
    json_int_t number = json_integer_value(type);

    if (json_is_string(type)) {
        return json_string_value(type);
    }
    return number >= 0 && number < (json_int_t)COUNT_OF(names) ? names[number] : "other";
}

/* Chatwoot says "user" for those who answer, and leaves the type out for contacts of older messages. */
static const char *sender_type(const json_t *sender, const char *came)
{
    const char *type = answer_words(sender, "type");

    if (strcmp(type, "user") == 0) {
        return "agent";
    }
    if (strcmp(type, "agent_bot") == 0 || strcmp(type, "captain_assistant") == 0) {
        return "bot";
    }
    return strcmp(type, "contact") == 0 || strcmp(came, "incoming") == 0 ? "contact" : "agent";
}

static json_t *sender_json(const json_t *message)
{
    const json_t *sender = json_object_get(message, "sender");

    if (!json_is_object(sender)) {
        return json_null();
    }
    return json_pack("{s:s, s:o, s:o}", "type", sender_type(sender, direction(message)), "id",
                     answer_id(sender, "id"), "name", answer_text(sender, "name"));
}

static const char *content_of(const json_t *message)
{
    static const char *const places[] = { "content_attributes.email.text_content.reply",
                                          "content_attributes.email.text_content.full",
                                          "content_attributes.email.html_content.reply",
                                          "content_attributes.email.html_content.full" };
    const char *content = answer_words(message, "content");

    for (size_t i = 0; i < COUNT_OF(places) && !*content; i++) {
        const char *found = json_string_value(chatwoot_at(message, places[i]));
        content = found ? found : content;
    }
    return content;
}

/* "foto%20da%20caixa.png" as text; null where that is no UTF-8. */
static json_t *decoded(span_t name)
{
    AUTO_BUF text = { 0 };

    for (size_t i = 0; i < name.length; i++) {
        int escaped = percent_at((span_t){ name.at + i, name.length - i });
        buf_add_char(&text, escaped >= 0 ? (char)escaped : name.at[i]);
        i += escaped >= 0 ? 2 : 0;
    }
    json_t *value = text.length > 0 ? json_stringn(text.data, text.length) : NULL;
    return value ? value : json_null();
}

/* The last part of the address it is kept at, without its signature: the address opens the file to anybody.
 */
static json_t *file_name(const json_t *attachment)
{
    const char *url = answer_words(attachment, "data_url");
    size_t length = strcspn(url, "?#");
    const char *slash = memrchr(url, '/', length);

    if (*answer_words(attachment, "fallback_title")) {
        return answer_text(attachment, "fallback_title");
    }
    return slash ? decoded((span_t){ slash + 1, length - (size_t)(slash + 1 - url) }) : json_null();
}

static json_t *attachments_json(const json_t *message)
{
    json_t *list = json_array();
    size_t i;
    const json_t *attachment;

    json_array_foreach(json_object_get(message, "attachments"), i, attachment)
    {
        json_t *size = json_object_get(attachment, "file_size");
        json_array_append_new(list, json_pack("{s:o, s:o, s:O*}", "name", file_name(attachment), "type",
                                              answer_text(attachment, "file_type"), "size_bytes",
                                              json_is_integer(size) ? size : NULL));
    }
    return list;
}

json_t *message_json(const json_t *message, size_t max_bytes)
{
    span_t content = span_of(content_of(message));
    json_t *shown = json_object();

    if (!answer_has_id(message)) {
        json_decref(shown);
        return NULL;
    }
    content.length = utf8_cut(content, MAX_CONTENT_BYTES);
    AUTO(mem_free) char *text = html_text(content);
    size_t length = utf8_cut(span_of(text), max_bytes);
    json_object_set_new(shown, "message_id", answer_id(message, "id"));
    json_object_set_new(shown, "direction", json_string(direction(message)));
    json_object_set_new(shown, "private", json_boolean(json_is_true(json_object_get(message, "private"))));
    json_object_set_new(shown, "sender", sender_json(message));
    json_object_set_new(shown, "text", json_stringn(text, length));
    json_object_set_new(shown, "truncated", json_boolean(text[length] != '\0'));
    json_object_set_new(shown, "attachments", attachments_json(message));
    json_object_set_new(shown, "created_at", answer_time(message, "created_at"));
    json_object_set_new(shown, "status", answer_text(message, "status"));
    return shown;
}

static void add_attachments(buf_t *text, const json_t *list)
{
    size_t i;
    const json_t *attachment;

    json_array_foreach(list, i, attachment)
    {
        const char *name = answer_words(attachment, "name"), *type = answer_words(attachment, "type");
        buf_addf(text, "%s%s%s%s", i == 0 ? "\n[attached: " : ", ", *name ? name : "a file",
                 *type ? ", " : "", type);
    }
    buf_add_text(text, json_array_size(list) > 0 ? "]" : "");
}

void message_add_lines(buf_t *text, const json_t *shown)
{
    const json_t *sender = json_object_get(shown, "sender");
    const char *name = answer_words(sender, "name"), *type = answer_words(sender, "type");

    buf_addf(text, "[%s] %s", answer_words(shown, "created_at"),
             *name ? name : answer_words(shown, "direction"));
    if (*type) {
        buf_addf(text, " (%s)", type);
    }
    buf_addf(text, ", %s, message_id %" JSON_INTEGER_FORMAT,
             json_is_true(json_object_get(shown, "private")) ? "private note" : "public",
             json_integer_value(json_object_get(shown, "message_id")));
    if (strcmp(answer_words(shown, "status"), "failed") == 0) {
        buf_add_text(text, ", NOT delivered");
    }
    buf_addf(text, ":\n%s", answer_words(shown, "text"));
    if (json_is_true(json_object_get(shown, "truncated"))) {
        buf_add_text(text, "... (cut; list_messages with a larger max_text shows more)");
    }
    add_attachments(text, json_object_get(shown, "attachments"));
}
