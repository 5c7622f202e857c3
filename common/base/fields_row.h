/* One row of a table of fields: how it is named to people, what it takes in words, and its checks. Shared by
 * decoding (fields.c), settings.c and the printed forms; private to base. A row with .env is a setting, else
 * it is an argument.
 */
#pragma once

#include "buf.h"
#include "err.h"
#include "fields.h"
#include "span.h"

#define ROW_DEFAULT_MAX_LENGTH 4096
#define ROW_DEFAULT_MAX_ITEMS 100

bool row_has_min(const field_t *row);
bool row_has_max(const field_t *row);

/* The choices one after the other: for (span_t c = row_choice(row, NULL); c.at; c = row_choice(row, &c)). */
span_t row_choice(const field_t *row, const span_t *before);

void row_add_takes(buf_t *out, const field_t *row); /* "an integer from 1 to 100" */

/* All return -1. `got` is shown as it is, and not at all for a secret. */
int row_refuse(const field_t *row, span_t got, err_t *err);
int row_refuse_missing(const field_t *row, err_t *err);
int row_refuse_because(const field_t *row, const char *why, err_t *err); /* "...: why." */

/* Length, choices and format of a string or of one item. */
int row_check_text(const field_t *row, span_t text, err_t *err);
int row_check_number(const field_t *row, double value, span_t got, err_t *err);
int row_check_count(const field_t *row, size_t count, err_t *err);
/* FIELD_JSON: the `type` its schema asks for. */
int row_check_json(const field_t *row, struct json_t *value, err_t *err);

void *row_member(const field_t *row, void *ret);
void row_clear(const field_t *row, void *ret); /* the value of an absent member without a fallback */
/* Text (a fallback, an environment variable) into the member. A string is stored as the pointer itself. */
int row_from_text(const field_t *row, const char *text, void *ret, err_t *err);
void row_release(const field_t *row, void *ret); /* all but FIELD_STRING, which borrows */
