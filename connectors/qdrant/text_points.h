/* Texts as points: what store_texts is given, and what it writes. */
#pragma once

#include <jansson.h>

#include "err.h"

/* Each text with its id and payload: [{"text", "id", "payload"}], all of them there. Texts without an id get
 * one made of the collection and the text, so that storing the same text again replaces it. -1 with a
 * sentence that names the place. */
int text_points_read(const json_t *given, const char *collection, const char *text_field, json_t **ret,
                     err_t *err);

/* A UUID (version 8, RFC 9562) out of SHA-256. */
#define TEXT_ID_SIZE 37
const char *text_points_id(const char *collection, const char *text, char out[TEXT_ID_SIZE]);

/* Points `from` to `to` with their vectors, as Qdrant takes them. */
json_t *text_points_batch(const json_t *items, size_t from, size_t to, const json_t *vectors,
                          const char *vector_name);
