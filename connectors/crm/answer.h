/* Pieces of answers: JSON values that may be missing, periods, and the schemas that promise them. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "connector.h"
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
/* "1 agent", "2 agents". */
void answer_add_count(buf_t *text, size_t count, const char *what);

double round_to(double number, int digits);
/* "2026-11-01 to 2026-11-20 (America/Sao_Paulo)", "all time". */
void answer_add_period(buf_t *text, const period_t *period, int64_t now_ms);

/* A page of a list, out of rows that were asked for with query_page(). */
typedef struct {
    size_t count; /* rows of this page */
    bool has_more;
    int64_t next_offset;
} page_t;
page_t answer_page(size_t rows, int64_t limit, int64_t offset);
void answer_add_page(json_t *answer, buf_t *text, const page_t *page); /* count, has_more, next_offset */

/* The end of a call: `text` is emptied. */
void answer_finish(call_t *call, json_t *structured, buf_t *text);

/* JSON written as JSON: .result_schema = STRINGIZE({"type": "object"}). (The name is one that clang-format
 * leaves alone.) */
#define STRINGIZE(...) #__VA_ARGS__
