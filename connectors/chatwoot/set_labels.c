/* set_labels: the labels of a conversation, all of them at once; taking them all away is `clear`, because an
 * empty list may be one that got lost on the way. */
#include <inttypes.h>

#include "client.h"
#include "conversation.h"

typedef struct {
    int64_t conversation_id;
    strings_t labels;
    bool clear;
} args_t;

static const field_t args[] = {
    CONVERSATION_ID_FIELD(args_t),
    FIELD(args_t, labels, .max_items = 50, .max_length = 200,
          .doc = "All labels it shall have; others are taken away. get_conversation shows those it has."),
    FIELD(args_t, clear, .doc = "true: take all labels away."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void set_labels(call_t *call, const void *decoded);
static void on_set(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["conversation_id", "labels"], "properties": {
        "conversation_id": {"type": "integer"}, "labels": {"type": "array", "items": {"type": "string"}}}});

const tool_t set_labels_tool = {
    .name = "set_labels",
    .title = "Set labels",
    .description =
        "Replaces the labels of a conversation: what is not in labels is taken away, so name those to keep "
        "too. clear takes all of them away. Returns the labels it has now.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .destructive = true,
    .idempotent = true,
    .open_world = true,
    .run = set_labels,
};

static json_t *body_of(const strings_t *labels)
{
    json_t *list = json_array();

    for (size_t i = 0; i < labels->count; i++) {
        json_array_append_new(list, json_string(labels->at[i]));
    }
    return json_pack("{s:o}", "labels", list);
}

static void set_labels(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);

    *f = (flow_t){ call, a };
    if (a->clear == (a->labels.count > 0)) {
        call_failf(call, ERR_CALLER,
                   a->clear ? "Give labels or clear, not both."
                            : "Give the labels to set, or clear: true to take all away.");
        return;
    }
    const chatwoot_request_t request = {
        .method = "POST",
        .path = conversation_path(call, a->conversation_id, "/labels"),
        .json = body_of(&a->labels),
        .subject = conversation_name(call, a->conversation_id),
        .payload = "payload",
        .type = JSON_ARRAY,
    };
    chatwoot_ask(call, &request, on_set, f);
}

static void on_set(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    json_t *labels = answer_texts(reply, "payload");

    buf_addf(&text, "conversation_id %" PRId64 " has %s", f->args->conversation_id,
             json_array_size(payload) > 0 ? "the labels " : "no labels");
    answer_add_list(&text, labels);
    buf_add_char(&text, '.');
    call_finish_text(
        f->call,
        json_pack("{s:I, s:o}", "conversation_id", (json_int_t)f->args->conversation_id, "labels", labels),
        &text);
}
