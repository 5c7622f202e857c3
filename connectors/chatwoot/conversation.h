/* One conversation, as we show it. */
#pragma once

#include <jansson.h>

#include "answer.h"
#include "message.h"

/* max_message: bytes of the last message's text. */
json_t *conversation_json(const json_t *conversation, size_t max_message);
void conversation_add_line(buf_t *text, const json_t *shown);

/* "conversation 12", "/conversations/12/labels": memory of the call. */
const char *conversation_name(call_t *call, int64_t conversation_id);
const char *conversation_path(call_t *call, int64_t conversation_id, const char *rest);

#define CONVERSATION_ID_FIELD(struct_type)                                                                   \
    FIELD(struct_type, conversation_id, .required = true, .min = 1,                                          \
          .doc = "The conversation (conversation_id from list_conversations; the number Chatwoot shows).")

#define CONVERSATION_SCHEMA                                                                                  \
    "{\"type\": \"object\", \"required\": [\"conversation_id\", \"status\"], \"properties\": {"              \
    "\"conversation_id\": {\"type\": \"integer\"}, \"status\": {\"type\": \"string\"}, "                     \
    "\"priority\": " SCHEMA_TEXT_OR_NULL ", \"inbox_id\": " SCHEMA_ID_OR_NULL                                \
    ", \"channel\": " SCHEMA_TEXT_OR_NULL ", \"contact\": " SCHEMA_OBJECT_OR_NULL                            \
    ", \"assignee\": " SCHEMA_OBJECT_OR_NULL ", \"team\": " SCHEMA_OBJECT_OR_NULL                            \
    ", \"labels\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}, "                               \
    "\"unread_count\": {\"type\": \"integer\"}, \"can_reply\": {\"type\": \"boolean\"}, "                    \
    "\"custom_attributes\": {\"type\": \"object\"}, \"last_message\": " SCHEMA_OBJECT_OR_NULL                \
    ", \"created_at\": " SCHEMA_TEXT_OR_NULL ", \"last_activity_at\": " SCHEMA_TEXT_OR_NULL                  \
    ", \"waiting_since\": " SCHEMA_TEXT_OR_NULL ", \"snoozed_until\": " SCHEMA_TEXT_OR_NULL "}}"
