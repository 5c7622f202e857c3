/* Pieces of answers: values of Chatwoot's JSON as ours, and pages. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "connector.h"

/* Members of Chatwoot's objects; null where they are missing, null or of another type. */
json_t *answer_text(const json_t *of, const char *name); /* "" counts as missing */
json_t *answer_id(const json_t *of, const char *name);   /* a positive integer */
bool answer_has_id(const json_t *of);                    /* what has none is no row of a list */
json_t *answer_time(const json_t *of,
                    const char *name); /* ISO 8601; from seconds, 0 is none; text as it is */
json_t *answer_channel(const json_t *of,
                       const char *name); /* "Channel::Email", Chatwoot's class, as "Email" */
const char *answer_words(const json_t *of, const char *name);            /* the text, or "" */
json_t *answer_texts(const json_t *of, const char *name);                /* the texts of a list */
json_t *answer_copy(const json_t *of, const char *name, json_type type); /* the value, or an empty one */

/* For the text of an answer, out of a structured value: ", label value" where there is one. */
void answer_add_member(buf_t *text, const char *label, const json_t *of, const char *name);
/* "Ana Souza (contact_id 3)", "contact_id 3", or `none`. `who` has id_name and "name". */
void answer_add_named(buf_t *text, const json_t *who, const char *id_name, const char *none);
/* "2 agents of 7:", "0 agents found.", or that the page asked for lies behind the last one. total below 0:
 * unknown. */
void answer_add_found(buf_t *text, size_t count, int64_t total, const char *what);
/* The names of a list of texts: "a, b". */
void answer_add_list(buf_t *text, const json_t *list);
/* At most max_bytes of it on one line, cut with "...". */
void answer_add_short(buf_t *text, const char *words, size_t max_bytes);

/* count, has_more and next_page (null: no more), and the sentence about it. */
void answer_add_page(json_t *answer, buf_t *text, size_t count, bool has_more, int64_t page);

#define SCHEMA_TEXT_OR_NULL "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"null\"}]}"
#define SCHEMA_ID_OR_NULL "{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"null\"}]}"
#define SCHEMA_OBJECT_OR_NULL "{\"anyOf\": [{\"type\": \"object\"}, {\"type\": \"null\"}]}"
#define SCHEMA_PAGE                                                                                          \
    "\"count\": {\"type\": \"integer\"}, \"has_more\": {\"type\": \"boolean\"}, "                            \
    "\"next_page\": " SCHEMA_ID_OR_NULL
