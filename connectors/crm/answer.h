/* Pieces of answers: JSON values that may be missing, periods. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "connector.h"
#include "page.h"
#include "period.h"

json_t *answer_text(const char *text); /* null for NULL; bytes that are no UTF-8 become '?' */
json_t *answer_number(double number); /* null for NAN; rounded to 9 digits, where databases begin to differ */
json_t *answer_time(int64_t unix_ms); /* local time with offset; null for 0 */
json_t *answer_period(const period_t *period,
                      int64_t now_ms); /* {"from","to","timezone"}; an open start is null */
json_t *answer_named(const char *id_key, const char *id,
                     const char *name); /* {id_key, "name"}; null without an id */

/* The name, or "(no name)". In a CRM fed by chats many names are missing or empty. */
const char *answer_name(const char *name);
/* "Ana Souza (agent_id ...)"; only the second half when there is no name. */
void answer_add_named(buf_t *text, const char *id_key, const char *id, const char *name);

double round_to(double number, int digits);
/* "2026-11-01 to 2026-11-20 (America/Sao_Paulo)", "all time". */
void answer_add_period(buf_t *text, const period_t *period, int64_t now_ms);
