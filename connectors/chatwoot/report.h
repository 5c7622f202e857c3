/* The points of a Chatwoot report, as we show them: days, and a total that is a sum or a weighed mean. */
#pragma once

#include <jansson.h>

#include "answer.h"

#define REPORT_MAX_DAYS 366
#define REPORT_METRICS                                                                                       \
    "conversations_count|incoming_messages_count|outgoing_messages_count|resolutions_count|"                 \
    "avg_first_response_time|avg_resolution_time"

/* {metric, unit, total, points: [{time, value, count}]}; total is null for a mean of nothing. */
json_t *report_json(const char *metric, const json_t *rows);
/* since, until and type must be in it by now. Days of zero are left out of the text. */
void report_add_text(buf_t *text, const json_t *report);

#define REPORT_SCHEMA                                                                                        \
    "{\"type\": \"object\", \"required\": [\"metric\", \"unit\", \"total\", \"points\"], \"properties\": {"  \
    "\"metric\": {\"type\": \"string\"}, \"unit\": {\"type\": \"string\"}, "                                 \
    "\"total\": {\"anyOf\": [{\"type\": \"number\"}, {\"type\": \"null\"}]}, "                               \
    "\"type\": {\"type\": \"string\"}, \"id\": " SCHEMA_ID_OR_NULL ", \"since\": {\"type\": \"string\"}, "   \
    "\"until\": {\"type\": \"string\"}, \"points\": {\"type\": \"array\", \"items\": {\"type\": "            \
    "\"object\", "                                                                                           \
    "\"required\": [\"time\", \"value\"], \"properties\": {\"time\": {\"type\": \"string\"}, "               \
    "\"value\": {\"type\": \"number\"}, \"count\": {\"type\": \"integer\"}}}}}}"
