/* What a message of a connector's is, and what it says. Pure: nothing is sent or kept here. */
#pragma once

#include "relay.h"

extern const json_want_t relay_wants[]; /* what a message is scanned with */

typedef enum { RELAY_ANSWER, RELAY_QUESTION, RELAY_PROGRESS, RELAY_LOG, RELAY_OTHER } relay_message_t;
relay_message_t relay_read_kind(const json_scan_t *scan);

/* What is wrong with a final message, which must answer `id`; NULL: nothing, and *ret is filled but for its
 * status and session. */
const char *relay_read_answer(const json_scan_t *scan, uint64_t id, int status, relay_answer_t *ret);
/* False: it is not about our request, or no number. What else is of a wrong type is left out. */
bool relay_read_progress(const json_scan_t *scan, uint64_t id, mcp_progress_t *ret);
bool relay_read_question(const json_scan_t *scan, relay_question_t *ret);
bool relay_read_log(const json_scan_t *scan, span_t *ret_level, span_t *ret_params);
