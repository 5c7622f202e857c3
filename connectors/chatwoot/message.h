/* One message of a conversation, as we show it: plain text, who wrote it, when, public or private, and the
 * names of what was attached. */
#pragma once

#include <jansson.h>

#include "answer.h"

#define MESSAGE_SHOWN_BYTES 2000 /* of a message's text, unless asked for more */

/* Chatwoot's message as {message_id, direction, private, sender, text, truncated, attachments, created_at,
 * status}. NULL (not null) when it is no message. */
json_t *message_json(const json_t *message, size_t max_bytes);
/* The same as lines for a model. */
void message_add_lines(buf_t *text, const json_t *shown);

#define MESSAGE_SCHEMA                                                                                       \
    "{\"type\": \"object\", \"required\": [\"message_id\", \"direction\", \"private\", \"text\"], "          \
    "\"properties\": {\"message_id\": {\"type\": \"integer\"}, \"direction\": {\"type\": \"string\"}, "      \
    "\"private\": {\"type\": \"boolean\"}, \"sender\": " SCHEMA_OBJECT_OR_NULL                               \
    ", \"text\": {\"type\": \"string\"}, \"truncated\": {\"type\": \"boolean\"}, "                           \
    "\"attachments\": {\"type\": \"array\", \"items\": {\"type\": \"object\"}}, "                            \
    "\"created_at\": " SCHEMA_TEXT_OR_NULL ", \"status\": " SCHEMA_TEXT_OR_NULL "}}"
