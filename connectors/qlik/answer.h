/* Pieces of answers: members of Qlik's JSON under our names, and the text that a model reads of them. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "connector.h"

typedef enum { PICK_TEXT, PICK_INTEGER, PICK_NUMBER, PICK_BOOL, PICK_TEXTS } pick_type_t;

/* One member of ours out of one of Qlik's. `from` may be a path of members: "resourceSize.appFile". */
typedef struct {
    const char *name, *from;
    pick_type_t type; /* what the outputSchema promises */
} pick_t;

/* An object with the members that are there, are of their type and not "": a client that checks answers by
 * the outputSchema would refuse the whole of one for a single odd member. picks: ended by a NULL name. */
json_t *answer_pick(const json_t *from, const pick_t *picks);
const json_t *answer_at(const json_t *from, const char *path); /* NULL: not there */
const char *answer_text(const json_t *from, const char *path); /* NULL: not there, or no text */

/* "Sales (app_id 1f2e): space_id 3, updated_at 2026-11-20": the first member is the id, "name" the name, then
 * all others that are no list and no object; long ones are cut. */
void answer_add_line(buf_t *text, const json_t *row);
/* At most max_bytes of it, whole characters, with "..." in place of the rest; line breaks become blanks. */
void answer_add_cut(buf_t *text, const char *words, size_t max_bytes);
