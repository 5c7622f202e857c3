/* The references of one JSON Schema. They are held by what they point to, so that a schema can be rewritten
 * and they follow. Nothing is ever fetched: what is not in the document is not there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

#include "err.h"

/* Every reference leads to a place in this document, by pointer, by anchor, or by the $id of a part of it.
 * -1 with the reason. A client that fetched one from elsewhere would let the connector choose an address for
 * it to call. */
int schema_refs_check(json_t *schema, err_t *err);

typedef struct {
    json_t *holder; /* the schema with the $ref */
    json_t *target;
} schema_ref_t;

typedef struct {
    json_t *root;
    schema_ref_t *at; /* by holder */
    size_t count, size;
    bool has_ids; /* parts with a base of their own, in which "#" means the part */
} schema_refs_t;

/* Borrows the schema. -1 as above, or when one points at something that is no schema. */
int schema_refs_read(json_t *schema, schema_refs_t *ret, err_t *err);
void schema_refs_release(schema_refs_t *refs);
json_t *schema_refs_target(const schema_refs_t *refs, const json_t *holder); /* NULL: it has no $ref */
/* After a rewrite: each $ref is the pointer to where its target is now, and bases inside the document go. -1:
 * a target is gone. */
int schema_refs_write(schema_refs_t *refs, bool *ret_changed, err_t *err);
