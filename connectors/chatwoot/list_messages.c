/* list_messages: what was said in a conversation, oldest first.
 *
 * Chatwoot gives the latest 20, the 20 before an id, or 100 after an id; it says nothing of whether there are
 * more, so a full page counts as "more". What goes beyond `limit` is left out at the end that is farther away
 * from where one asked to read. */
#include <inttypes.h>

#include "client.h"
#include "conversation.h"

#define PAGE_BEFORE 20
#define PAGE_AFTER 100

typedef struct {
    int64_t conversation_id, before, after, limit, max_text;
} args_t;

static const field_t args[] = {
    CONVERSATION_ID_FIELD(args_t),
    FIELD(args_t, before, .min = 1,
          .doc = "Only messages before this message_id, for the page before. Without before and after: the "
                 "latest."),
    FIELD(args_t, after, .min = 1, .doc = "Only messages after this message_id, for what came since."),
    FIELD(args_t, limit, .fallback = "20", .min = 1, .max = PAGE_AFTER,
          .doc = "Messages at most; more than 20 only with after."),
    FIELD(args_t, max_text, .fallback = "2000", .min = 100, .max = 150000,
          .doc = "Bytes of each message's text; longer ones are cut (truncated is true)."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void list_messages(call_t *call, const void *decoded);
static void on_messages(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] =
    "{\"type\": \"object\", \"required\": [\"conversation_id\", \"messages\", \"count\", \"has_more\"], "
    "\"properties\": {\"conversation_id\": {\"type\": \"integer\"}, \"messages\": {\"type\": \"array\", "
    "\"items\": " MESSAGE_SCHEMA "}, \"count\": {\"type\": \"integer\"}, \"has_more\": {\"type\": "
    "\"boolean\"}, \"next_before\": " SCHEMA_ID_OR_NULL ", \"next_after\": " SCHEMA_ID_OR_NULL "}}";

const tool_t list_messages_tool = {
    .name = "list_messages",
    .title = "Read messages",
    .description =
        "Messages of a conversation as plain text, oldest first, each with sender, time (UTC), whether it "
        "is a private note or public, and the names of attachments. Without before and after: the latest "
        "20. When has_more is true, ask again with before = next_before or after = next_after.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_messages,
};

static void list_messages(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    const char *rest = "/messages";

    *f = (flow_t){ call, a };
    if (a->before > 0 && a->after > 0) {
        call_failf(call, ERR_CALLER, "Give before or after, not both.");
        return;
    }
    if (a->before > 0 || a->after > 0) {
        rest = call_printf(call, "/messages?%s=%" PRId64, a->before > 0 ? "before" : "after",
                           a->before > 0 ? a->before : a->after);
    }
    const chatwoot_request_t request = {
        .path = conversation_path(call, a->conversation_id, rest),
        .subject = conversation_name(call, a->conversation_id),
        .payload = "payload",
        .type = JSON_ARRAY,
    };
    chatwoot_ask(call, &request, on_messages, f);
}

static json_t *shown_messages(const json_t *payload, size_t first, size_t end, int64_t max_text, buf_t *text)
{
    json_t *list = json_array();

    for (size_t i = first; i < end; i++) {
        json_t *shown = message_json(json_array_get(payload, i), (size_t)max_text);
        if (shown) {
            buf_add_char(text, '\n');
            message_add_lines(text, shown);
            json_array_append_new(list, shown);
        }
    }
    return list;
}

static void add_more(json_t *answer, buf_t *text, const json_t *list, bool has_more, bool forward)
{
    const json_t *edge = json_array_get(list, forward ? json_array_size(list) - 1 : 0);
    json_int_t id = json_integer_value(json_object_get(edge, "message_id"));

    json_object_set_new(answer, "count", json_integer((json_int_t)json_array_size(list)));
    json_object_set_new(answer, "has_more", json_boolean(has_more));
    json_object_set_new(answer, "next_before", has_more && !forward ? json_integer(id) : json_null());
    json_object_set_new(answer, "next_after", has_more && forward ? json_integer(id) : json_null());
    if (has_more) {
        buf_addf(text, "\nThere may be %s ones: ask again with %s %" JSON_INTEGER_FORMAT ".",
                 forward ? "later" : "earlier", forward ? "after" : "before", id);
    }
}

static void on_messages(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    const args_t *a = f->args;
    AUTO_BUF text = { 0 };
    bool forward = a->after > 0;
    size_t got = json_array_size(payload), limit = (size_t)a->limit;
    size_t count = got < limit ? got : limit;
    size_t first = forward ? 0 : got - count;

    (void)reply;
    buf_add_count(&text, count, "message");
    buf_addf(&text, count > 0 ? " of conversation_id %" PRId64 ":" : " in conversation_id %" PRId64 ".",
             a->conversation_id);
    json_t *list = shown_messages(payload, first, first + count, a->max_text, &text);
    json_t *answer =
        json_pack("{s:I, s:o}", "conversation_id", (json_int_t)a->conversation_id, "messages", list);
    bool has_more = json_array_size(list) > 0 && (got > count || got >= (forward ? PAGE_AFTER : PAGE_BEFORE));
    add_more(answer, &text, list, has_more, forward);
    call_finish_text(f->call, answer, &text);
}
