/* What the files of schema_legacy.h share. */
#pragma once

#include "schema_legacy.h"
#include "schema_refs.h"

typedef struct {
    json_t *root;
    bool changed;
    bool keeps_dialect; /* its $schema means an old draft by more than words: lists of items stay lists */
    /* Somewhere: then nothing about items is hidden, for it would be lost on that beside it or around it. */
    bool has_unevaluated_items;
} legacy_t;

/* Out of the schema, the caller's; NULL: it was not there. */
json_t *legacy_take(json_t *schema, const char *key);
/* schema_hide.c: a keyword goes where clients do not look. `hidden` is a schema of its own, stolen. */
void legacy_add_hidden(json_t *schema, json_t *hidden);
void legacy_hide(legacy_t *legacy, json_t *schema, const char *key);
void legacy_hide_items(legacy_t *legacy, json_t *schema); /* with what belongs to them */

/* schema_values.c */
void legacy_mend_types(legacy_t *legacy, json_t *schema);  /* lists of types, and what stands beside them */
void legacy_mend_values(legacy_t *legacy, json_t *schema); /* patterns, bounds, constants, formats */

/* schema_loops.c: references without end, other than through a class. -1: nothing can be hidden. */
int legacy_cut_loops(legacy_t *legacy, const schema_refs_t *refs, err_t *err);
