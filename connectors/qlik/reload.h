/* A reload as Qlik tells of it (GET /api/v1/reloads/{id}) and as we do. */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "answer.h"
#include "buf.h"

typedef enum { RELOAD_RUNNING, RELOAD_SUCCEEDED, RELOAD_ENDED_BADLY } reload_end_t;

extern const pick_t reload_picks[]; /* reload_id, app_id, status, times, error */

bool reload_is_one(const json_t *reload); /* it has an id */

/* A status we do not know counts as running: it is told as it is, and asked again. */
reload_end_t reload_end(const json_t *reload);

/* Why it did not succeed: Qlik's message, and the line of the log that says most. Empty: nothing is said. */
void reload_add_reason(buf_t *text, const json_t *reload);

/* What agents get of it; `text` gets the sentence for the model. */
json_t *reload_answer(const json_t *reload, buf_t *text);

#define RELOAD_MEMBERS                                                                                       \
    STRINGIZE( \
    "reload_id": {"type": "string"}, "app_id": {"type": "string"}, "status": {"type": "string"}, \
    "partial": {"type": "boolean"}, "created_at": {"type": "string"}, \
    "started_at": {"type": "string"}, "ended_at": {"type": "string"}, \
    "error_code": {"type": "string"}, "error": {"type": "string"})
#define RELOAD_END_MEMBERS                                                                                   \
    STRINGIZE( \
    "finished": {"type": "boolean"}, "reason": {"type": "string"}, "log": {"type": "string"}, \
    "log_cut": {"type": "boolean"})
#define RELOAD_SCHEMA                                                                                        \
    "{\"type\":\"object\",\"required\":[\"reload_id\",\"finished\"],\"properties\":"                         \
    "{" RELOAD_MEMBERS "," RELOAD_END_MEMBERS "}}"
