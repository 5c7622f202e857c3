/* The exchanges recorded from running Odoo servers (data/odoo-17, data/odoo-18), and values as INDEX.tsv
 * there writes them: in Python's notation. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "span.h"

typedef struct {
    const char *folder; /* "odoo-17" */
    char *name;         /* "10-search_read-partner" */
    char *result;       /* what INDEX.tsv shows, cut at 160 characters */
} recorded_t;

/* Calls check for each row of INDEX.tsv; returns how many there are. */
size_t recorded_each(const char *folder, void (*check)(const recorded_t *r));
char *recorded_read(const recorded_t *r,
                    const char *kind); /* "request" or "response"; the caller's to free */
bool recorded_shows(const recorded_t *r, const char *text); /* `text` cut likewise is what INDEX.tsv shows */

/* Method and params of a methodCall; NULL when it is none. */
json_t *recorded_call(span_t xml, char **ret_method);

char *python_repr(const json_t *value);               /* the caller's to free, as is the next */
char *python_fault(int code, const char *fault_text); /* "FAULT code=2 last='...'" */
