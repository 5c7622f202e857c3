/* list_conversations: a page of 25 conversations, the one with the latest activity first.
 *
 * A contact's own conversations come from another route, which takes no filter and has one page of 20.
 * The labels go out as one text with commas between them: Chatwoot joins a list to that itself before it
 * reads it (acts-as-taggable-on), and of labels=a&labels=b Rails would see the last one only. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "conversation.h"

#define PAGE_SIZE 25
#define PREVIEW_BYTES 300 /* of each last message: 25 of them fill a page */

typedef struct {
    const char *status, *assignee_type, *query;
    int64_t contact_id, inbox_id, team_id, page;
    strings_t labels;
} args_t;

static const field_t args[] = {
    FIELD(args_t, status, .choices = "open|resolved|pending|snoozed|all", .fallback = "open",
          .doc = "Only conversations with this status. With query Chatwoot looks at every status."),
    FIELD(args_t, assignee_type, .choices = "me|unassigned|assigned|all", .fallback = "all",
          .doc = "Whose: me is the user whose token is used."),
    FIELD(args_t, contact_id, .min = 1,
          .doc =
              "The latest 20 of this contact (contact_id from search_contacts), whatever their status; the "
              "other arguments then choose nothing."),
    FIELD(args_t, inbox_id, .min = 1, .doc = "Only of this inbox (inbox_id from list_inboxes)."),
    FIELD(args_t, team_id, .min = 1, .doc = "Only of this team (team_id from list_teams)."),
    FIELD(args_t, labels, .max_items = 20, .max_length = 200,
          .doc = "Only conversations with at least one of these labels."),
    FIELD(args_t, query, .max_length = 200, .doc = "Only conversations with this in one of their messages."),
    FIELD(args_t, page, .fallback = "1", .min = 1, .max = 100000, .doc = "Page of 25, from 1."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void list_conversations(call_t *call, const void *decoded);
static void on_page(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] =
    "{\"type\": \"object\", \"required\": [\"conversations\", \"count\", \"has_more\"], "
    "\"properties\": {\"conversations\": {\"type\": \"array\", \"items\": " CONVERSATION_SCHEMA
    "}, \"total\": " SCHEMA_ID_OR_NULL ", " SCHEMA_PAGE "}}";

const tool_t list_conversations_tool = {
    .name = "list_conversations",
    .title = "List conversations",
    .description =
        "Conversations with customers, the latest activity first, 25 to a page: status, contact, assignee, "
        "team, labels, unread messages and the last message. Use it to find a conversation_id. Without "
        "arguments: all open ones the user may see; with contact_id: those of one customer. has_more says "
        "that there is a next_page. "
        "list_messages shows what was said in one.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_conversations,
};

static char *path_of(call_t *call, const args_t *a)
{
    AUTO_BUF path = { 0 };

    buf_addf(&path, "/conversations?status=%s&assignee_type=%s&page=%" PRId64, a->status, a->assignee_type,
             a->page);
    if (a->inbox_id > 0) {
        buf_addf(&path, "&inbox_id=%" PRId64, a->inbox_id);
    }
    if (a->team_id > 0) {
        buf_addf(&path, "&team_id=%" PRId64, a->team_id);
    }
    for (size_t i = 0; i < a->labels.count; i++) {
        buf_addf(&path, "%s%s", i == 0 ? "&labels=" : "%2C", upstream_encode(call, a->labels.at[i]));
    }
    if (a->query && *a->query) {
        buf_addf(&path, "&q=%s", upstream_encode(call, a->query));
    }
    return call_printf(call, "%s", buf_text(&path));
}

static void list_conversations(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    *f = (flow_t){ call, decoded };
    chatwoot_request_t request = { .path = path_of(call, f->args),
                                   .payload = "data.payload",
                                   .type = JSON_ARRAY };
    if (f->args->contact_id > 0) {
        request.path = call_printf(call, "/contacts/%" PRId64 "/conversations", f->args->contact_id);
        request.subject = call_printf(call, "contact %" PRId64, f->args->contact_id);
        request.payload = "payload";
    } else if (f->args->team_id > 0) {
        request.subject = call_printf(call, "team %" PRId64, f->args->team_id);
    }
    chatwoot_ask(call, &request, on_page, f);
}

/* How many there are in all, of the kind that was asked for; -1: not said. With q the counts are of the page.
 */
static int64_t total_of(const args_t *a, const json_t *reply)
{
    static const char *const kinds[][2] = { { "me", "mine_count" },
                                            { "unassigned", "unassigned_count" },
                                            { "assigned", "assigned_count" },
                                            { "all", "all_count" } };
    const json_t *meta = chatwoot_at(reply, "data.meta");

    for (size_t i = 0; i < COUNT_OF(kinds) && !(a->query && *a->query); i++) {
        const json_t *count = json_object_get(meta, kinds[i][1]);
        if (strcmp(a->assignee_type, kinds[i][0]) == 0 && json_is_integer(count)) {
            return json_integer_value(count);
        }
    }
    return -1;
}

static void on_page(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    json_t *answer = json_object(), *list = json_array();
    size_t i, count = json_array_size(payload);
    int64_t total = total_of(f->args, reply);
    const json_t *conversation;

    answer_add_found(&text, count, total, "conversation");
    json_array_foreach(payload, i, conversation)
    {
        if (!answer_has_id(conversation)) {
            continue;
        }
        json_t *shown = conversation_json(conversation, PREVIEW_BYTES);
        buf_add_char(&text, '\n');
        conversation_add_line(&text, shown);
        json_array_append_new(list, shown);
    }
    json_object_set_new(answer, "conversations", list);
    json_object_set_new(answer, "total", total >= 0 ? json_integer(total) : json_null());
    bool has_more =
        f->args->contact_id == 0 && count >= PAGE_SIZE && (total < 0 || f->args->page * PAGE_SIZE < total);
    answer_add_page(answer, &text, json_array_size(list), has_more, f->args->page);
    call_finish_text(f->call, answer, &text);
}
