/* list_inboxes: the channels through which customers write. */
#include "listing.h"

static const field_t args[] = { LISTING_FIELDS("name or channel") };

static void list_inboxes(call_t *call, const void *decoded);
static json_t *show(const json_t *inbox);
static void add_line(buf_t *text, const json_t *shown);

static const char *const searched[] = { "name", "channel", NULL };
static const listing_t listing = {
    .path = "/inboxes",
    .payload = "payload",
    .name = "inboxes",
    .one = "inbox",
    .searched = searched,
    .show = show,
    .add_line = add_line,
};

static const char result_schema[] = LISTING_SCHEMA(
    "inboxes",
    STRINGIZE({
    "type": "object", "required": ["inbox_id", "name"], "properties": {
        "inbox_id": {"type": "integer"}, "name": {"type": "string"},
        "channel": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "greeting_enabled": {"type": "boolean"}, "working_hours_enabled": {"type": "boolean"}}}));

const tool_t list_inboxes_tool = {
    .name = "list_inboxes",
    .title = "List inboxes",
    .description = "The inboxes (channels such as website, e-mail, WhatsApp, API) the user may see, with the "
                   "inbox_id that list_conversations, create_contact and create_conversation take. When "
                   "has_more is true, ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(listing_args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_inboxes,
};

static void list_inboxes(call_t *call, const void *decoded)
{
    listing_run(call, &listing, decoded);
}

static json_t *show(const json_t *inbox)
{
    return json_pack("{s:o, s:s, s:o, s:b, s:b}", "inbox_id", answer_id(inbox, "id"), "name",
                     answer_words(inbox, "name"), "channel", answer_channel(inbox, "channel_type"),
                     "greeting_enabled", json_is_true(json_object_get(inbox, "greeting_enabled")),
                     "working_hours_enabled", json_is_true(json_object_get(inbox, "working_hours_enabled")));
}

static void add_line(buf_t *text, const json_t *shown)
{
    answer_add_named(text, shown, "inbox_id", "an inbox");
    answer_add_member(text, "", shown, "channel");
}
